import { createHash, randomUUID } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { SiderolinkError } from './errors.ts';

/** An IPv6 address inside the overlay /64, in RFC 5952 text. */
export type OverlayAddress = string & { readonly __brand: 'OverlayAddress' };

/** Byte 7 of an address tells Talos what it is for (facts/talos-client.md section 6.5). */
const PURPOSE_SIDEROLINK = 0x03;
const PURPOSE_TUNNEL = 0x04;
const MAPPED = '::ffff:';

/** The addresses of one installation. `prefix` and `tunnelPrefix` are written `…::/64`. */
export interface Overlay {
  readonly prefix: string;
  readonly server: OverlayAddress;
  readonly tunnelPrefix: string;
}

/** The overlay of an installation: SHA-256 of the id's text, last 16 bytes, byte 0 `fd`, byte 7 the purpose, /64. */
export function overlayOf(installationId: string): Overlay {
  const bytes = networkBytes(installationId, PURPOSE_SIDEROLINK);
  return {
    prefix: `${addressText(bytes)}/64`,
    server: addressText([...bytes.subarray(0, 15), 1]) as OverlayAddress,
    tunnelPrefix: `${addressText(networkBytes(installationId, PURPOSE_TUNNEL))}/64`,
  };
}

function networkBytes(installationId: string, purpose: number): Uint8Array {
  const bytes = new Uint8Array(createHash('sha256').update(installationId).digest().subarray(16));
  bytes[0] = 0xfd;
  bytes[7] = purpose;
  return bytes.fill(0, 8);
}

/** Whether Talos takes the address for a SideroLink one: IPv6, byte 0 `fd`, byte 7 `03`. */
export function isSiderolinkAddress(text: string): boolean {
  if (!isIPv6(text)) return false;
  const bytes = ipaddr.IPv6.parse(text).toByteArray();
  return bytes[0] === 0xfd && bytes[7] === PURPOSE_SIDEROLINK;
}

/** Parses an address and checks that it lies in the overlay. @throws SiderolinkError `invalid_argument` */
export function parseOverlayAddress(overlay: Overlay, text: string): OverlayAddress {
  const address = isIPv6(text) && !text.includes('%') ? ipaddr.IPv6.parse(text) : undefined;
  if (!address?.match(ipaddr.IPv6.parseCIDR(overlay.prefix))) {
    throw new SiderolinkError('invalid_argument', `${text} is not an address of the overlay ${overlay.prefix}`);
  }
  return address.toRFC5952String() as OverlayAddress;
}

/** The address with this 8-byte host part. */
export function addressWithHost(overlay: Pick<Overlay, 'prefix'>, host: Uint8Array): OverlayAddress {
  const network = overlay.prefix.slice(0, overlay.prefix.indexOf('::')).split(':');
  const groups = network.map((group) => Number.parseInt(group, 16));
  for (let at = 0; at < host.length; at += 2) groups.push(((host[at] ?? 0) << 8) | (host[at + 1] ?? 0));
  return groupsText(groups) as OverlayAddress;
}

/** RFC 5952 of eight groups: a storm of joins needs ten thousand, and a general parser takes its time. */
function groupsText(groups: readonly number[]): string {
  let longest = 1;
  let start = -1;
  for (let from = 0; from < groups.length; from++) {
    let end = from;
    while (groups[end] === 0) end++;
    if (end - from > longest) [start, longest] = [from, end - from];
    from = end;
  }
  const text = (from: number, to?: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return start === -1 ? text(0) : `${text(0, start)}::${text(start + longest)}`;
}

/**
 * Eight random bytes: those of a UUID that hold neither version nor variant (RFC 9562 section 5.4). Node draws the bytes of
 * its UUIDs many at a time, where drawing eight costs a call into OpenSSL.
 */
function randomHost(): Uint8Array {
  const uuid = randomUUID();
  return Buffer.from(uuid.slice(0, 8) + uuid.slice(24, 32), 'hex');
}

/** A random address that is neither `::0` nor `::1` nor taken. `random` gives 8 bytes. */
export function newAddress(
  overlay: Overlay,
  isTaken: (address: OverlayAddress) => boolean,
  random: () => Uint8Array = randomHost,
): OverlayAddress {
  for (;;) {
    const host = random();
    const reserved = host.subarray(0, 7).every((byte) => byte === 0) && (host[7] ?? 0) <= 1;
    const address = addressWithHost(overlay, host);
    if (!reserved && !isTaken(address)) return address;
  }
}

/** A socket's remote address as we compare it: IPv4-mapped unmapped, without zone, RFC 5952. */
export function sourceAddress(remote: string | undefined): string {
  if (remote === undefined) return '';
  const bare = remote.split('%', 1)[0] ?? '';
  // What every IPv4 caller of a dual-stack socket looks like.
  const mapped = bare.startsWith(MAPPED) ? bare.slice(MAPPED.length) : bare;
  if (isIPv4(mapped)) return mapped;
  if (!isIPv6(bare)) return bare;
  const address = ipaddr.IPv6.parse(bare);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}

function addressText(bytes: ArrayLike<number>): string {
  return new ipaddr.IPv6(Array.from(bytes)).toRFC5952String();
}
