import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { formatHostPort, splitHostPort } from './host-port.ts';
import { addressWithHost, type Overlay } from './overlay.ts';
import { isOlderThan, parseTalosVersion } from './talos-version.ts';

/**
 * WireGuard over gRPC: a machine sends its packets through a stream of the API, and names itself there by a *virtual
 * address* that only it was told (facts/talos-client.md section 3).
 */

/** `auto`: a machine that asks for it; `force`: every machine that can; `off`: none. */
export const TUNNEL_SETTINGS = ['auto', 'force', 'off'] as const;
export type TunnelSetting = (typeof TUNNEL_SETTINGS)[number];

/** An IPv6 address of the tunnel /64, in RFC 5952 text. Whoever knows it is its machine, so it goes into no log. */
export type VirtualAddress = string & { readonly __brand: 'VirtualAddress' };

/** What a machine was told of the tunnel last. */
export interface Tunnel {
  /** Null: it was told to use UDP. */
  readonly current: VirtualAddress | null;
  /** What it had before, still let in until then, milliseconds since the epoch: the answer may have been lost. */
  readonly former: { readonly address: VirtualAddress; readonly until: number } | null;
}

const FIRST_WITH_TUNNEL = { major: 1, minor: 7 };
/** How long a former virtual address is let in while nobody came with the new one. */
const FORMER_MS = 600_000;
/** 180 + 5 + 90 s after which Talos takes its peer for down (facts/talos-client.md section 2.3). */
const PEER_DOWN_SECONDS = 275;
/** The reference's. It tells nothing: an address is one machine's. */
const VIRTUAL_PORT = 50_888;

/** Whether a join is to be answered with a tunnel. Talos before 1.7 would take the virtual address for an endpoint. */
export function wantsTunnel(
  ask: { readonly tunnel: boolean; readonly talosVersion: string | null },
  setting: TunnelSetting,
): boolean {
  if (setting !== 'force') return setting === 'auto' && ask.tunnel;
  // Only who knows the field can ask, whatever version it says.
  if (ask.tunnel) return true;
  const version = ask.talosVersion === null ? undefined : parseTalosVersion(ask.talosVersion);
  return version !== undefined && !isOlderThan(version, FIRST_WITH_TUNNEL.major, FIRST_WITH_TUNNEL.minor);
}

export interface TunnelAsk {
  readonly wanted: boolean;
  /** Another boot: whatever a former one was told is not this one's. */
  readonly newKey: boolean;
  /**
   * The machine's link was up and is not: it may be stuck with a stream that leads nowhere, which Talos opens anew for
   * another address only. One that never was up may just be about to be.
   */
  readonly down: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What a machine is told now. `before` itself if that is nothing new. */
export function nextTunnel(before: Tunnel | null, ask: TunnelAsk, newAddress: () => VirtualAddress): Tunnel | null {
  const { wanted, newKey, down, now } = ask;
  if (newKey) return wanted ? { current: newAddress(), former: null } : null;
  const current = before?.current ?? null;
  if (wanted ? current !== null && !down : current === null) return before;
  const former = current === null ? (before?.former ?? null) : { address: current, until: now + FORMER_MS };
  return { current: wanted ? newAddress() : null, former };
}

/** Whether a stream may come under this virtual address of the machine now. */
export function admitsVirtual({ current, former }: Tunnel, address: VirtualAddress, now: number): boolean {
  return address === current || (address === former?.address && now < former.until);
}

/** A peer that had a handshake, and none for so long that Talos takes it for down. `latest`: Unix seconds; 0 for never. */
export function isPeerDown(latest: number, now: number): boolean {
  return latest > 0 && now / 1_000 - latest >= PEER_DOWN_SECONDS;
}

/** A random virtual address that nobody has. `random` gives 8 bytes. */
export function newVirtualAddress(
  overlay: Pick<Overlay, 'tunnelPrefix'>,
  isTaken: (address: VirtualAddress) => boolean,
  random: () => Uint8Array = () => randomBytes(8),
): VirtualAddress {
  for (;;) {
    const network = { prefix: overlay.tunnelPrefix };
    const address = addressWithHost(network, random()) as string as VirtualAddress;
    if (!isTaken(address)) return address;
  }
}

/**
 * What it was told, in a text: Talos logs it. It alone says in the tunnel who somebody is, so it is a secret as a token is
 * (facts/talos-client.md section 3).
 */
export const VIRTUAL_ENDPOINTS = /\[fd[0-9a-f:]{2,37}\]:50888/g;
/** What each of them ends with. */
export const VIRTUAL_ENDPOINT_END = `]:${VIRTUAL_PORT}`;

/** The virtual address as a machine is told it, `[address]:port`. */
export function virtualEndpoint(address: VirtualAddress): string {
  return formatHostPort({ host: address, port: VIRTUAL_PORT });
}

/**
 * The virtual address that a stream names; undefined for what is none. The port is not looked at: the reference endpoint
 * looks at the address alone.
 */
export function parseVirtualEndpoint(text: string): VirtualAddress | undefined {
  const split = text.length > 64 ? undefined : splitHostPort(text);
  if (split === undefined || !isIPv6(split.host) || split.host.includes('%')) return undefined;
  return ipaddr.IPv6.parse(split.host).toRFC5952String() as VirtualAddress;
}

/** 127.64.0.0/10: room for four million machines. Nothing else on a host is known to use it. */
const LOOPBACK_FIRST = 0x7f40_0000;
const LOOPBACK_COUNT = 0x40_0000;
/** Below the ports that the system gives to whoever asks for any. */
const RELAY_PORT_FIRST = 20_000;
const RELAY_PORT_COUNT = 10_000;

/**
 * The local address from which the device gets a machine's packets: WireGuard counts handshakes by source address, so one
 * machine must not use up those of the others.
 */
export function relayAddress(machine: number): string {
  const value = LOOPBACK_FIRST + (machine % LOOPBACK_COUNT);
  return [24, 16, 8, 0].map((bits) => (value >>> bits) & 255).join('.');
}

/**
 * The port beside it, of all machines of one gateway: following from the device's, it is the same after a restart, which
 * the device then does not notice, and another gateway's on the same host is another one.
 */
export function relayPort(listenPort: number): number {
  const port = RELAY_PORT_FIRST + (listenPort % RELAY_PORT_COUNT);
  return port === listenPort ? port + RELAY_PORT_COUNT : port;
}

/** Where the device finds a machine whose stream is open, as `address:port`. */
export function relayEndpoint(machine: number, listenPort: number): string {
  return `${relayAddress(machine)}:${relayPort(listenPort)}`;
}

/** Whether the device has this endpoint of one of our relays. It says nothing of where the machine is, nor does it last. */
export function isRelayEndpoint(endpoint: string): boolean {
  return /^127\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(endpoint);
}
