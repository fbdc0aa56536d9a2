import type { HostPort } from './host-port.ts';

/** What a socket of this host is bound to. */
export interface BoundSocket {
  readonly protocol: 'tcp' | 'udp';
  readonly address: HostPort;
  /** Of TCP: takes connections. Of UDP: takes datagrams of everybody, so is not connected. */
  readonly listening: boolean;
}

/** The tables of the kernel, as files of /proc/net. */
export const SOCKET_TABLES = ['tcp', 'tcp6', 'udp', 'udp6'] as const;
export type SocketTable = (typeof SOCKET_TABLES)[number];

const TCP_LISTEN = '0A';
/** The state that a UDP socket has until it is connected. */
const UDP_UNCONNECTED = '07';

/**
 * Finds a socket by its inode in the text of one of these tables; undefined if it is in another one. Node tells the
 * address of a socket only once it takes connections from it, which is too late to find it wrong.
 */
export function findSocket(table: SocketTable, text: string, inode: number): BoundSocket | undefined {
  // Inode numbers are numbers of other columns too; most lines can be told by this alone.
  const needle = ` ${inode} `;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    const end = text.indexOf('\n', at);
    const line = text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? text.length : end);
    const columns = line.trim().split(/\s+/);
    const [, local = '', , state] = columns;
    if (columns[9] !== String(inode)) continue;
    const [hexHost = '', hexPort = ''] = local.split(':');
    const tcp = table.startsWith('tcp');
    return {
      protocol: tcp ? 'tcp' : 'udp',
      address: { host: hostOf(hexHost), port: Number.parseInt(hexPort, 16) },
      listening: state === (tcp ? TCP_LISTEN : UDP_UNCONNECTED),
    };
  }
  return undefined;
}

/** The kernel prints addresses as 32-bit words of a little-endian machine, which all that this runs on are. */
function hostOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}
