import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, isIP, isIPv6, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { formatHostPort, type HostPort } from '../domain/host-port.ts';
import type { PrivateKey, PublicKey } from '../domain/keys.ts';
import type { ApiTarget } from './boot-args.ts';

/** The WireGuard link as Provision told it. */
export interface LinkConfig {
  readonly privateKey: PrivateKey;
  /** The node's address with its prefix length, normally /64. */
  readonly address: string;
  readonly serverPublicKey: PublicKey;
  /** The one AllowedIPs entry, as /128. */
  readonly serverAddress: string;
  /** `ip:port`, IPv6 in brackets. */
  readonly endpoint: string;
  /** The endpoint is the machine's own end of WireGuard over gRPC: Talos has another interface for that. */
  readonly tunnelled?: boolean;
  /** null leaves the kernel's. */
  readonly mtu: number | null;
}

/** What a machine's network can lose, for tests of outages. */
export type Outage = 'none' | 'all' | 'udp';

/** A listening socket of the machine. */
export interface OverlayListener {
  /** Takes no more connections, at once; those that stand stay. Idempotent. */
  close(): void;
}

/**
 * The machine's network: its way to the world, and its overlay link. One per machine, for all its boots.
 * Sockets of `connectOverlay` have the overlay address as their source.
 */
export interface Network {
  /** Whether a WireGuard device is there whose packets could go another way. */
  readonly carriesTunnel: boolean;
  /** Opens a TCP connection over the world's network, outside of the link. */
  connectWorld(target: HostPort): Socket;
  /**
   * Opens a TCP connection over the link. `writeOnly` is for those who never read: that the other side has closed is
   * noticed by a failing write only.
   */
  connectOverlay(target: HostPort, options?: { readonly writeOnly?: boolean }): Socket;
  /** Sends one datagram over the link. */
  sendOverlay(target: HostPort, datagram: Buffer): Promise<void>;
  /**
   * Listens on the machine's overlay address, and on no other.
   * @throws SiderolinkError `unavailable` without a link; what `listen` throws
   */
  listenOverlay(port: number, onConnection: (socket: Socket) => void): Promise<OverlayListener>;
  /** Makes the link, or changes it in place; idempotent. @throws SiderolinkError `command_failed` */
  configureLink(config: LinkConfig): Promise<void>;
  /** Milliseconds since the epoch of the latest handshake; 0 for never, undefined without a link. */
  latestHandshake(): Promise<number | undefined>;
  /** Takes the link away, as a reboot does. */
  removeLink(): Promise<void>;
  /** Takes the network away or gives it back. */
  setOutage(outage: Outage): Promise<void>;
  /** Own addresses besides the overlay's, as Talos reports them. */
  addresses(): readonly string[];
  close(): Promise<void>;
}

/** A connection to the API, with TLS where the target asks for it. `ca` is PEM; undefined trusts the system's roots. */
export function connectApi(network: Network, target: ApiTarget, ca: string | undefined): Socket {
  const socket = network.connectWorld(target);
  if (!target.tls) return socket;
  return tlsConnect({
    socket,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.2',
    ...(isIP(target.host) === 0 ? { servername: target.host } : { host: target.host }),
    ...(ca === undefined ? {} : { ca }),
  });
}

/** Listens on one address. @throws what `listen` throws */
export async function listenOn(
  host: string,
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<OverlayListener> {
  const server = createServer({ noDelay: true }, onConnection);
  server.listen({ host, port, ipv6Only: isIPv6(host) });
  await once(server, 'listening');
  // A failed accept (no more descriptors) must not end the process.
  server.on('error', () => {});
  return { close: () => void server.close() };
}

/** The address of the link without its prefix length. */
export function linkAddress(config: LinkConfig | undefined): string | undefined {
  return config?.address.split('/', 1)[0];
}

/** An endpoint with its name resolved, IPv4 preferred as Go's resolver does. */
export async function resolveEndpoint({ host, port }: HostPort): Promise<string> {
  if (isIP(host) !== 0) return formatHostPort({ host, port });
  const { address } = await lookup(host, { order: 'ipv4first' });
  return formatHostPort({ host: address, port });
}
