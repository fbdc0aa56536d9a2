/** Tables of `/proc/net`, read as text: they need no program and no rights. */

/** State `TCP_LISTEN` (include/net/tcp_states.h). */
const LISTEN = '0A';

/** Local ports of `/proc/net/tcp`, `tcp6`, `udp` or `udp6`; of TCP only those that are listened on. */
export function localPorts(table: string, protocol: 'tcp' | 'udp'): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const line of table.split('\n')) {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const port = /^[0-9A-F]+:([0-9A-F]{4})$/.exec(local)?.[1];
    if (port !== undefined && (protocol === 'udp' || state === LISTEN)) ports.add(Number.parseInt(port, 16));
  }
  return ports;
}

/** Interfaces of IPv4 default routes in `/proc/net/route`. */
export function defaultRoutes4(table: string): readonly string[] {
  return interfaces(table, ([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000', 0);
}

/** Interfaces of IPv6 default routes in `/proc/net/ipv6_route`; `lo` has one that rejects. */
export function defaultRoutes6(table: string): readonly string[] {
  const isDefault = ([destination, length]: readonly string[]) => length === '00' && /^0{32}$/.test(destination ?? '');
  return interfaces(table, isDefault, 9).filter((name) => name !== 'lo');
}

function interfaces(table: string, wanted: (fields: readonly string[]) => boolean, column: number): readonly string[] {
  const names = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(wanted)
    .flatMap((fields) => fields[column] ?? []);
  return [...new Set(names)];
}
