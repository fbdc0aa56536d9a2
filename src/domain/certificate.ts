import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { SiderolinkError } from './errors.ts';

const DAY_MS = 86_400_000;
/** Expiry is warned about from here on, or in the last third of a life that is short (users.md H11). */
const EXPIRY_WARNING_MS = 14 * DAY_MS;
/** extendedKeyUsage: any, and TLS servers. */
const SERVER_USES = ['2.5.29.37.0', '1.3.6.1.5.5.7.3.1'];

/** A certificate and its key as files hold them, and what they are to be good for. */
export interface ChainInput {
  /** Names for messages, usually paths. */
  readonly certName: string;
  readonly keyName: string;
  /** PEM: the server's certificate, then those that lead from it to a root. */
  readonly cert: string;
  readonly key: string;
  /** What callers dial, each a host name or an address without brackets. */
  readonly hosts: readonly string[];
  /** What says so, for messages. */
  readonly hostsFrom: string;
  /** Roots that callers know without being told, PEM. */
  readonly roots: readonly string[];
}

/** A certificate that can be served. */
export interface Chain {
  /** From the server's certificate upwards, as far as the file goes. */
  readonly path: readonly X509Certificate[];
  readonly certName: string;
  /** What callers may stumble over; sentences. Time is `lifetime`'s. */
  readonly warnings: readonly string[];
}

export interface Finding {
  readonly severity: 'warning' | 'error';
  readonly message: string;
}

/**
 * Whether certificate and key can serve at all, and what keeps callers from trusting them. Go, and so Talos, completes no
 * chain by itself: a missing intermediate is the classic failed join (users.md H11).
 *
 * @throws SiderolinkError `configuration` that names the file and says what to do
 */
export function readChain(input: ChainInput): Chain {
  const { certName, keyName, hosts, hostsFrom } = input;
  const certificates = readCertificates(input.cert, certName);
  const key = readKey(input.key, keyName);
  const [leaf] = certificates;
  if (leaf === undefined) throw wrong(`${certName} holds no certificate in PEM`);
  if (!leaf.checkPrivateKey(key)) {
    const own = certificates.findIndex((certificate) => certificate.checkPrivateKey(key));
    throw own < 0
      ? wrong(`the key ${keyName} does not belong to the certificate ${certName}; give the two that were made together`)
      : wrong(
          `in ${certName} the server's own certificate (the one of ${keyName}) must come first, and is number ${own + 1}`,
        );
  }
  const path = pathFrom(leaf, certificates);
  const warnings = [...chainWarnings(certName, path, certificates, input.roots)];
  const uncovered = hosts.filter((host) => !covers(leaf, host));
  if (uncovered.length > 0) {
    warnings.push(
      `${certName} is for ${namesOf(leaf)}, not for ${uncovered.join(', ')}, which ${hostsFrom}: callers refuse it`,
    );
  }
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.some((use) => SERVER_USES.includes(use))) {
    warnings.push(`${certName} is not for servers (extended key usage lacks serverAuth): callers refuse it`);
  }
  return { path, certName, warnings };
}

/** What time has to say about a chain: not valid yet, expired, or soon. The server's own certificate comes first. */
export function lifetime({ path, certName }: Chain, now: number): Finding | undefined {
  for (const [index, certificate] of path.entries()) {
    const from = certificate.validFromDate.getTime();
    const to = certificate.validToDate.getTime();
    const which = index === 0 ? certName : `${certName}: the issuer ${issuedTo(certificate)}`;
    // Callers may know another way to a root than by an issuer that is past its time, not another server certificate.
    const severity = index === 0 ? 'error' : 'warning';
    if (now < from) {
      return { severity, message: `${which} is not valid before ${day(from)}; is this host's clock right?` };
    }
    if (now >= to) return { severity, message: `${which} expired at ${day(to)}; renew it` };
    if (to - now < Math.min(EXPIRY_WARNING_MS, (to - from) / 3)) {
      return { severity: 'warning', message: `${which} expires at ${day(to)}; renew it` };
    }
  }
  return undefined;
}

function readCertificates(pem: string, name: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END [A-Z0-9 ]*-----/g) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw wrong(`certificate number ${index + 1} in ${name} cannot be read`, cause);
    }
  });
}

function readKey(pem: string, name: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) throw wrong(`the key ${name} is encrypted; write it without a passphrase`);
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause might quote the key.
    throw wrong(`${name} holds no private key in PEM`);
  }
}

/** Follows issuers through the file, whatever its order; each certificate at most once. */
function pathFrom(leaf: X509Certificate, all: readonly X509Certificate[]): readonly X509Certificate[] {
  const path = [leaf];
  const rest = new Set(all.slice(1));
  for (let last = leaf; !issued(last, last); ) {
    const issuer = [...rest].find((candidate) => issued(candidate, last));
    if (issuer === undefined) break;
    rest.delete(issuer);
    path.push(issuer);
    last = issuer;
  }
  return path;
}

function* chainWarnings(
  name: string,
  path: readonly X509Certificate[],
  all: readonly X509Certificate[],
  roots: readonly string[],
): Iterable<string> {
  if (path.some((certificate, index) => certificate !== all[index])) {
    yield `the certificates in ${name} are out of order: write the server's first, then each one's issuer`;
  }
  const last = path.at(-1);
  // With an intermediate there, a root that we do not know is taken for one that machines are given.
  if (last === undefined || path.length > 1 || issued(last, last)) return;
  if (roots.some((root) => issued(new X509Certificate(root), last))) return;
  yield `${name} has a missing intermediate (callers need the full chain): it was issued by ${issuerOf(last)}, which is ` +
    'neither in the file nor a public root. Add the certificates up to the root; if the issuer is a root of your own, ' +
    'add that, and make callers trust it (machines: TrustedRootsConfig)';
}

/** Whether one certificate signed another: names, key ids and the signature itself. */
function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** As Go decides it: alternative names only, never the common name. */
function covers(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  return certificate.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined;
}

function namesOf(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? 'no host at all (it has no subject alternative names)';
}

function issuedTo(certificate: X509Certificate): string {
  return JSON.stringify(certificate.subject.replaceAll('\n', ', '));
}

function issuerOf(certificate: X509Certificate): string {
  return JSON.stringify(certificate.issuer.replaceAll('\n', ', '));
}

function day(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

function wrong(message: string, cause?: unknown): SiderolinkError {
  return new SiderolinkError('configuration', message, {}, cause === undefined ? undefined : { cause });
}
