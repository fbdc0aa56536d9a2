import type { NetworkInterfaceInfo } from 'node:os';
import ipaddr from 'ipaddr.js';

/** Whether the address can be reached from the public internet. */
function isPublic(address: string): boolean {
  return ipaddr.process(address).range() === 'unicast';
}

/** What machines are told to dial, and what an operator should hear about it. */
export interface Advertised {
  /** `host:port`, best first. */
  readonly endpoints: readonly string[];
  readonly warning?: string;
}

/**
 * The WireGuard endpoints to advertise: the configured ones, else this host's first public address, else its first
 * private one, with a warning, because only machines on that network can reach it.
 */
export function advertisedEndpoints(
  configured: readonly string[],
  port: number,
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
  own: string,
): Advertised {
  if (configured.length > 0) return { endpoints: configured };
  const addresses = Object.entries(interfaces)
    .filter(([name]) => name !== own)
    .flatMap(([, infos]) => infos ?? [])
    .filter((info) => !info.internal && !info.address.toLowerCase().startsWith('fe80:'))
    .sort((a, b) => rank(a) - rank(b));
  const best = addresses[0]?.address;
  if (best === undefined) {
    return {
      endpoints: [hostPort('127.0.0.1', port)],
      warning: `this host has no network address: machines are told to dial 127.0.0.1. Set wireguard.endpoints.`,
    };
  }
  const endpoints = [hostPort(best, port)];
  if (isPublic(best)) return { endpoints };
  return {
    endpoints,
    warning: `machines are told to dial the private address ${best}: only machines of that network reach it. Set wireguard.endpoints.`,
  };
}

/** Public before private; IPv4 before IPv6, which more machines lack. */
function rank(info: NetworkInterfaceInfo): number {
  return (isPublic(info.address) ? 0 : 2) + (info.family === 'IPv4' ? 0 : 1);
}

export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Splits `host:port`, `[v6]:port`; the host comes without brackets. */
export function splitHostPort(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(text.slice(colon + 1)) };
}

/** The URL that `siderolink.api=` advertises. */
export function advertisedApiUrl(options: {
  readonly url: string;
  readonly endpoints: readonly string[];
  readonly listen: string;
  readonly tls: boolean;
}): string {
  if (options.url !== '') return options.url;
  const { host } = splitHostPort(options.endpoints[0] ?? '127.0.0.1:0');
  return `${options.tls ? 'https' : 'grpc'}://${hostPort(host, splitHostPort(options.listen).port)}`;
}
