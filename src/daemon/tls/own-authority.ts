import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { type Chain, lifetime, readChain } from '../../domain/certificate.ts';
import { errorMessage, SiderolinkError } from '../../domain/errors.ts';
import { issueCertificate } from '../../lib/x509.ts';
import { readOrMake } from '../state-dir.ts';

const DAY_MS = 86_400_000;
/** Machines carry the authority in their configuration, so it has to outlive them. */
const LIFE_MS = 20 * 365 * DAY_MS;
/** Machines call before NTP has put their clocks right, and many run late after years in a box. */
const BACKDATED_MS = 365 * DAY_MS;

/** A certificate authority of this installation's own. */
export interface Authority {
  readonly name: string;
  /** Its certificate in PEM: what machines must trust. No secret. */
  readonly cert: string;
  readonly key: KeyObject;
  readonly chain: Chain;
}

/**
 * Reads the authority, or makes it: P-256, 20 years, for server certificates directly below it. Key and certificate are in
 * one file, 0600 and durable, so that there never is one without the other.
 *
 * @param id tells this installation's authority from others' where somebody lists them
 * @throws SiderolinkError `configuration`, `storage`
 */
export function loadAuthority(file: string, id: string, now: number): Authority {
  const name = `siderolinkd ${id} CA`;
  const pem = readOrMake(file, () => makeAuthority(name, now));
  const reading = { certName: file, keyName: file, cert: pem, key: pem, hosts: [], hostsFrom: '', roots: [] };
  const chain = read(file, () => readChain(reading));
  const [certificate] = chain.path;
  if (certificate?.ca !== true) throw unusable(file, 'it holds no certificate of an authority');
  const age = lifetime(chain, now);
  if (age?.severity === 'error') throw unusable(file, age.message);
  const subject = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? name;
  const authority = {
    name: subject,
    cert: certificate.toString(),
    key: read(file, () => createPrivateKey(pem)),
    chain,
  };
  // One that somebody else made has other names, key ids or algorithms than we write: machines would refuse what it signs.
  const probe = read(file, () => issueServerCertificate(authority, ['localhost'], now, now + DAY_MS));
  if (!new X509Certificate(probe.cert).checkIssued(certificate)) throw unusable(file, 'siderolinkd did not make it');
  return authority;
}

function makeAuthority(name: string, now: number): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const cert = issueCertificate({
    subject: name,
    key: privateKey,
    issuer: { name, key: privateKey },
    notBefore: now - BACKDATED_MS,
    notAfter: now + LIFE_MS,
    purpose: { pathLength: 0 },
  });
  return `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${cert.trimEnd()}`;
}

/** A new key and a certificate of the authority for it, both in PEM, for these hosts until `notAfter`. */
export function issueServerCertificate(
  authority: Authority,
  hosts: readonly string[],
  now: number,
  notAfter: number,
): { readonly cert: string; readonly key: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const cert = issueCertificate({
    subject: 'siderolinkd',
    key: privateKey,
    issuer: authority,
    notBefore: now - BACKDATED_MS,
    notAfter,
    purpose: { hosts },
  });
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function read<T>(file: string, how: () => T): T {
  try {
    return how();
  } catch (error) {
    throw unusable(file, errorMessage(error), error);
  }
}

function unusable(file: string, why: string, cause?: unknown): SiderolinkError {
  return new SiderolinkError(
    'configuration',
    `api.tls.self_signed: ${why}. Put back ${file} from a backup; if there is none, remove it: a new authority is made then, which machines must be given`,
    {},
    cause === undefined ? {} : { cause },
  );
}
