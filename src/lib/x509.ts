import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { bits, boolean, explicit, implicit, integer, octets, oid, sequence, set, text, time } from './der.ts';

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** keyUsage: its bits from the left, and how many at the end of the byte do not count. */
const USAGE = {
  digitalSignature: bits(Buffer.from([0x80]), 7),
  certAndCrlSign: bits(Buffer.from([0x06]), 1),
} as const;

export interface CertificateFields {
  /** Common name of the owner. */
  readonly subject: string;
  /** The owner's public key, or private key. Any that Node knows. */
  readonly key: KeyObject;
  /** Who signs: common name and P-256 private key; the owner itself for a self-signed certificate. */
  readonly issuer: { readonly name: string; readonly key: KeyObject };
  /** Milliseconds since the epoch; certificates know whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** A server's host names and addresses, IPv6 without brackets; or an authority, with how many more may follow it. */
  readonly purpose: { readonly hosts: readonly string[] } | { readonly pathLength: number };
}

/**
 * Makes an X.509 v3 certificate (RFC 5280) and returns it in PEM. It is made here, of one fixed form, because the packages
 * that can make any form bring dozens of others into the host that owns the machines.
 *
 * @throws TypeError if the issuer's key is not an EC private key on P-256
 */
export function issueCertificate(fields: CertificateFields): string {
  const { subject, issuer, notBefore, notAfter } = fields;
  if (issuer.key.type !== 'private' || issuer.key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new TypeError('certificates are signed with a P-256 private key only');
  }
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const spki = publicInfo(fields.key);
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    name(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    name(subject),
    spki,
    explicit(3, sequence(...extensions(fields, spki))),
  );
  const der = sequence(body, algorithm, bits(sign('sha256', body, issuer.key)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extensions({ issuer, purpose }: CertificateFields, spki: Buffer): Buffer[] {
  const ids = [extension(OID.subjectKeyIdentifier, octets(keyId(spki)))];
  const issuerInfo = publicInfo(issuer.key);
  // Who signs itself need not say with which key, and a kernel command line is short.
  if (!issuerInfo.equals(spki)) {
    ids.push(extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyId(issuerInfo)))));
  }
  if ('pathLength' in purpose) {
    const constraints = sequence(boolean(true), integer(Buffer.from([purpose.pathLength])));
    return [critical(OID.basicConstraints, constraints), critical(OID.keyUsage, USAGE.certAndCrlSign), ...ids];
  }
  return [
    critical(OID.basicConstraints, sequence()),
    critical(OID.keyUsage, USAGE.digitalSignature),
    extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuth))),
    extension(OID.subjectAltName, sequence(...purpose.hosts.map(alternativeName))),
    ...ids,
  ];
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), octets(value));
}

function critical(id: string, value: Buffer): Buffer {
  return sequence(oid(id), boolean(true), octets(value));
}

function alternativeName(host: string): Buffer {
  if (isIP(host) === 0) return implicit(2, Buffer.from(host, 'ascii'));
  return implicit(7, Buffer.from(ipaddr.parse(host).toByteArray()));
}

function name(common: string): Buffer {
  return sequence(set(sequence(oid(OID.commonName), text(common))));
}

function publicInfo(key: KeyObject): Buffer {
  return (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });
}

/** Any value will do as long as it is the same on both sides (RFC 5280 section 4.2.1.2). */
function keyId(spki: Buffer): Buffer {
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

/** 16 bytes, positive, and never zero. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes;
}
