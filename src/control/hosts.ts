import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { sourceAddress } from '../domain/overlay.ts';

/** Names of this host on this host. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'] as const;

/**
 * Which `Host` headers are meant for us. A page whose name was made to resolve to our address (DNS rebinding) sends its
 * own. Names are compared, ports are not: a forwarded port is another one.
 */
export class HostNames {
  readonly #configured: ReadonlySet<string>;
  #certificate: readonly string[] = [];

  /** `listen`: the host part of the address that is listened on; `hosts`: what else is right. */
  constructor(listen: string, hosts: readonly string[]) {
    const own = canonical(listen);
    this.#configured = new Set([own, ...(isLoopbackName(own) ? LOOPBACK_NAMES : []), ...hosts.map(canonical)]);
  }

  /** The names of the certificate that is served now, in PEM, are right too. */
  useCertificate(pem: string): void {
    this.#certificate = certificateNames(pem);
  }

  /**
   * Whether a request with this `Host` header is for us. `localAddress` is where the connection arrived: an address in the
   * header needs no name server, so nobody can have made it ours.
   */
  has(header: string | undefined, localAddress: string | undefined): boolean {
    const host = hostOf(header);
    if (host === undefined) return false;
    if (this.#configured.has(host) || (isIP(host) !== 0 && host === sourceAddress(localAddress))) return true;
    return this.#certificate.some((name) => covers(name, host));
  }
}

/** The host of a `Host` header, canonical and without brackets; undefined if it is none. */
function hostOf(header: string | undefined): string | undefined {
  const [, inBrackets, bare] =
    /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_.-]{1,253}))(?::\d{1,5})?$/.exec(header ?? '') ?? [];
  const host = inBrackets ?? bare;
  return host === undefined ? undefined : canonical(host);
}

function canonical(host: string): string {
  if (isIP(host) !== 0) return sourceAddress(host);
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && ipaddr.process(host).range() === 'loopback');
}

/** `*` stands for one label, as in certificates. */
function covers(name: string, host: string): boolean {
  if (!name.startsWith('*.')) return name === host;
  return isIP(host) === 0 && host.slice(host.indexOf('.') + 1) === name.slice(2) && host.includes('.');
}

/** The names and addresses that a certificate is for; the first of the file is the server's own. */
function certificateNames(pem: string): readonly string[] {
  const { subjectAltName } = new X509Certificate(pem);
  // A name that holds a comma is quoted, and is no host.
  return (subjectAltName ?? '').split(', ').flatMap((entry) => {
    const [, name] = /^(?:DNS|IP Address):([^"]+)$/.exec(entry) ?? [];
    return name === undefined ? [] : [canonical(name)];
  });
}
