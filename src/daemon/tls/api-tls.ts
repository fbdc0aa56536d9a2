import type { Config } from '../../config/config.ts';
import type { CertificateSource } from '../../lib/certificate.ts';
import type { HandshakeFailure } from '../../lib/grpc-tls.ts';
import { OnceAMinute } from '../../lib/once-a-minute.ts';
import { type Installation, stateFiles } from '../state-dir.ts';
import { CertificateFiles, type CertificateFilesDeps } from './certificate-files.ts';
import { loadAuthority } from './own-authority.ts';
import { OwnCertificate } from './own-certificate.ts';

/** What the API proves itself with. */
export interface ApiTls {
  readonly certificate: CertificateSource & { stop(): Promise<void> | void };
  /** The authority that machines must be told to trust, PEM; undefined if somebody else's they know. */
  readonly authority: string | undefined;
}

export function apiUsesTls({ api: { tls } }: Config): boolean {
  return tls.self_signed || tls.cert_file !== null;
}

/**
 * Reads or makes the API's certificate and keeps it fresh until it is stopped.
 *
 * @param apiUrl what `siderolink.api=` advertises
 * @returns undefined for plaintext
 * @throws SiderolinkError `configuration`, `storage`
 */
export async function startApiTls(
  config: Config,
  installation: Installation,
  apiUrl: string,
  deps: CertificateFilesDeps,
): Promise<ApiTls | undefined> {
  const { cert_file: certFile, key_file: keyFile, self_signed } = config.api.tls;
  const common = { setting: 'api.tls', condition: 'api_certificate' as const };
  const host = urlHost(apiUrl);
  if (self_signed) {
    const file = stateFiles(config.state_dir).authority;
    const authority = loadAuthority(file, installation.shortId, deps.clock.now());
    // An operator may let some machines call this gateway by another of its names.
    const hosts = [...new Set([host, ...config.wireguard.endpoints.map((endpoint) => endpoint.host)])];
    const certificate = new OwnCertificate({ ...common, hosts }, authority, deps);
    certificate.start();
    return { certificate, authority: authority.cert };
  }
  if (certFile === null || keyFile === null) return undefined;
  const hostsFrom = 'siderolink.api= advertises';
  const certificate = new CertificateFiles({ ...common, certFile, keyFile, hosts: [host], hostsFrom }, deps);
  await certificate.start();
  return { certificate, authority: undefined };
}

/** The host of a URL, IPv6 without brackets. */
function urlHost(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

const WHY: Readonly<Partial<Record<HandshakeFailure, string>>> = {
  plaintext: 'it speaks no TLS: its siderolink.api= must begin with https://',
  untrusted:
    'it does not trust our certificate: wrong host name, missing intermediate, a CA it is not told of, or its clock',
  alpn: 'it offers no HTTP/2 (ALPN h2)',
  version: 'it offers no version or cipher suite that is taken (TLS 1.2 or newer)',
};

/** Counts connections that TLS did not let through, and says once a minute why. */
export function handshakeFailures({ clock, logger, metrics }: CertificateFilesDeps) {
  const said = new OnceAMinute({}, { clock });
  return (reason: HandshakeFailure, source: string): void => {
    metrics.handshakesFailed.inc({ reason });
    const why = WHY[reason];
    if (why === undefined) return;
    const heldBack = said.pass(reason);
    if (heldBack !== undefined) logger.warn({ source, reason, heldBack }, `a TLS handshake of the API failed: ${why}`);
  };
}
