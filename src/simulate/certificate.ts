import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A certificate with its key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly commonName: string;
  /** Names and IP addresses that it is for. */
  readonly subjects: readonly string[];
  /** When it is made, in milliseconds since the epoch; it holds for a year, and an hour before. */
  readonly now: number;
}

const HOUR_MS = 3_600_000;
const VALID_HOURS = 365 * 24;

/** The universal and context tags of DER that this kind of certificate needs (X.690, RFC 5280). */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
  ipAddress: 0x87,
} as const;

/** Object identifiers by what they stand for, as DER content. */
const OID = {
  commonName: Buffer.from('550403', 'hex'),
  ecdsaWithSha256: Buffer.from('2a8648ce3d040302', 'hex'),
  basicConstraints: Buffer.from('551d13', 'hex'),
  extendedKeyUsage: Buffer.from('551d25', 'hex'),
  subjectAltName: Buffer.from('551d11', 'hex'),
  serverAuth: Buffer.from('2b06010505070301', 'hex'),
} as const;

/**
 * Makes a key and its self-signed certificate: EC P-256, ECDSA with SHA-256, for servers. The one kind of certificate
 * that the simulator needs; Node can read certificates but not make them.
 */
export function selfSigned({ commonName, subjects, now }: CertificateOptions): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(der(TAG.oid, OID.ecdsaWithSha256));
  const name = sequence(
    der(TAG.set, sequence(der(TAG.oid, OID.commonName), der(TAG.utf8, Buffer.from(commonName, 'utf8')))),
  );
  const body = sequence(
    der(TAG.version, der(TAG.integer, Buffer.of(2))),
    der(TAG.integer, serialNumber()),
    algorithm,
    name,
    sequence(utcTime(now - HOUR_MS), utcTime(now + VALID_HOURS * HOUR_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      TAG.extensions,
      sequence(
        extension(OID.basicConstraints, sequence(der(TAG.boolean, Buffer.of(0xff))), { critical: true }),
        extension(OID.extendedKeyUsage, sequence(der(TAG.oid, OID.serverAuth))),
        extension(OID.subjectAltName, sequence(...subjects.map(generalName))),
      ),
    ),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, algorithm, der(TAG.bitString, Buffer.concat([Buffer.of(0), signature])));
  return { cert: pem(certificate), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function extension(oid: Buffer, value: Buffer, { critical = false }: { critical?: boolean } = {}): Buffer {
  const flag = critical ? [der(TAG.boolean, Buffer.of(0xff))] : [];
  return sequence(der(TAG.oid, oid), ...flag, der(TAG.octetString, value));
}

function generalName(subject: string): Buffer {
  if (isIP(subject) === 0) return der(TAG.dnsName, Buffer.from(subject, 'ascii'));
  return der(TAG.ipAddress, Buffer.from(ipaddr.parse(subject).toByteArray()));
}

/** Positive, and without a leading zero byte, as DER wants integers. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/** `YYMMDDHHMMSSZ`; right until 2049. */
function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(TAG.utcTime, Buffer.from(`${digits}Z`, 'ascii'));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(TAG.sequence, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff];
  if (length > 0xffff) throw new RangeError('a certificate is shorter than 64 KiB');
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
