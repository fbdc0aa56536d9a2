import type { NetworkInterfaceInfo } from 'node:os';
import ipaddr from 'ipaddr.js';
import { formatHostPort, type HostPort } from '../domain/host-port.ts';

/** Whether the address can be reached from the public internet. */
export function isPublic(address: string): boolean {
  return ipaddr.process(address).range() === 'unicast';
}

/** What machines are told to dial, and what an operator should hear about it. */
export interface Advertised {
  /** `host:port`, best first. */
  readonly endpoints: readonly string[];
  /** Host of the first, without brackets. */
  readonly host: string;
  readonly warning?: string;
}

/**
 * The WireGuard endpoints to advertise: the configured ones, else this host's first public address, else its first
 * private one, with a warning, because only machines on that network can reach it.
 */
export function advertisedEndpoints(
  configured: readonly HostPort[],
  port: number,
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
  own: string,
): Advertised {
  const [first] = configured;
  if (first !== undefined) {
    return { endpoints: configured.map(formatHostPort), host: first.host };
  }
  const addresses = Object.entries(interfaces)
    .filter(([name]) => name !== own)
    .flatMap(([, infos]) => infos ?? [])
    .filter((info) => !info.internal && !info.address.toLowerCase().startsWith('fe80:'))
    .sort((a, b) => rank(a) - rank(b));
  const best = addresses[0]?.address;
  if (best === undefined) {
    return {
      endpoints: [formatHostPort({ host: '127.0.0.1', port })],
      host: '127.0.0.1',
      warning: `this host has no network address: machines are told to dial 127.0.0.1. Set wireguard.endpoints.`,
    };
  }
  const advertised = { endpoints: [formatHostPort({ host: best, port })], host: best };
  if (isPublic(best)) return advertised;
  return {
    ...advertised,
    warning: `machines are told to dial the private address ${best}: only machines of that network reach it. Set wireguard.endpoints.`,
  };
}

/** Public before private; IPv4 before IPv6, which more machines lack. */
function rank(info: NetworkInterfaceInfo): number {
  return (isPublic(info.address) ? 0 : 2) + (info.family === 'IPv4' ? 0 : 1);
}

/** The URL that `siderolink.api=` advertises: the configured one, else the best endpoint's host. */
export function advertisedApiUrl(options: {
  readonly url: string | null;
  /** The first of the advertised endpoints' hosts. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}): string {
  return options.url ?? `${options.tls ? 'https' : 'grpc'}://${formatHostPort(options)}`;
}
