import type { Overlay } from '../domain/overlay.ts';
import type { InterfaceName } from './interface-name.ts';

export interface IsolationOptions {
  readonly interface: InterfaceName;
  readonly overlay: Overlay;
  readonly kmsgPort: number;
  readonly eventsPort: number;
}

/** One table for each interface, so that two daemons of one host do not take each other's. */
export function tableName(name: InterfaceName): string {
  return `siderolinkd-${name}`;
}

/**
 * The isolation table as one nftables transaction: the table is made if it is missing, deleted, and made whole, so it may
 * be loaded again and again and there is no moment without it. `uids`: who may send into the overlay from this host.
 *
 * Input and output run before the usual `filter` chains (-10): what we drop, no rule of others can let in; what we accept,
 * theirs may still drop.
 */
export function isolationRules(options: IsolationOptions, uids: readonly number[]): string {
  const { interface: name, overlay, kmsgPort, eventsPort } = options;
  const { prefix, server } = overlay;
  const table = `table inet ${tableName(name)}`;
  const tcpPorts = [...new Set([kmsgPort, eventsPort])].join(', ');
  const users = [...new Set(uids)].sort((a, b) => a - b).join(', ');
  return `${table} {}
delete ${table}
${table} {
  set local_users {
    type uid
    elements = { ${users} }
  }
  chain input {
    type filter hook input priority filter - 10; policy accept;
    iifname "${name}" jump from_machines
    iifname != "${name}" ip6 saddr ${prefix} ip6 saddr != ${server} counter drop
    iifname != { "${name}", "lo" } ip6 saddr ${server} counter drop
    iifname != { "${name}", "lo" } ip6 daddr ${prefix} counter drop
  }
  chain from_machines {
    ip6 daddr != ${server} counter drop
    ct state established,related accept
    ct state invalid counter drop
    tcp dport { ${tcpPorts} } accept
    udp dport ${kmsgPort} accept
    icmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
    counter drop
  }
  chain forward {
    type filter hook forward priority filter - 10; policy accept;
    iifname "${name}" counter drop
    oifname "${name}" counter drop
    ip6 saddr ${prefix} counter drop
    ip6 daddr ${prefix} counter drop
  }
  chain output {
    type filter hook output priority filter - 10; policy accept;
    oifname "${name}" jump to_machines
    oifname != { "${name}", "lo" } ip6 daddr ${prefix} counter drop
  }
  chain to_machines {
    ct state established,related accept
    meta l4proto ipv6-icmp accept
    meta skuid @local_users accept
    counter reject with icmpx admin-prohibited
  }
}
`;
}
