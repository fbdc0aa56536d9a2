import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Config } from '../../config/config.ts';
import { splitHostPort } from '../../domain/host-port.ts';
import type { Clock } from '../../lib/clock.ts';
import { advertisedEndpoints, isPublic } from '../endpoints.ts';
import type { EndpointsFact, Ipv6Fact, NetworkFact, PortFact } from './facts.ts';
import { defaultRoutes4, defaultRoutes6, localPorts } from './proc-net.ts';

/** A name server that takes longer is of no use to machines either. */
const LOOKUP_TIMEOUT_MS = 5_000;

export function ipv6Fact(device: string): Ipv6Fact {
  const isDisabled = (scope: string) => read(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`) === '1';
  return {
    present: read('/proc/sys/net/ipv6/conf/all/disable_ipv6') !== null,
    disabled: ['all', 'default', device].filter(isDisabled),
  };
}

/** @param told what a daemon that answers tells machines to dial; without one, what it would */
export async function endpointsFact(config: Config, clock: Clock, told?: readonly string[]): Promise<EndpointsFact> {
  const { endpoints: configured, listen_port } = config.wireguard;
  const own = config.overlay.interface;
  const endpoints = told ?? advertisedEndpoints(configured, listen_port, networkInterfaces(), own).endpoints;
  return {
    configured: configured.length > 0,
    endpoints: await Promise.all(
      endpoints.map(async (endpoint) => {
        const addresses = await addressesOf(splitHostPort(endpoint)?.host ?? endpoint, clock);
        return {
          endpoint,
          addresses: addresses?.map((address) => ({ address, isPublic: isPublic(address) })) ?? null,
        };
      }),
    ),
  };
}

async function addressesOf(host: string, clock: Clock): Promise<readonly string[] | null> {
  const found = lookup(host, { all: true }).then(
    (entries) => entries.map(({ address }) => address),
    () => null,
  );
  return Promise.race([found, clock.sleep(LOOKUP_TIMEOUT_MS).then(() => null)]);
}

/** The ports that a daemon of this configuration would take, and whether somebody has them. */
export function portFacts(config: Config): readonly PortFact[] | null {
  const tcp = taken('tcp');
  const udp = taken('udp');
  if (tcp === null || udp === null) return null;
  const facts: PortFact[] = [];
  const { listen_port: port } = config.wireguard;
  facts.push({ setting: 'wireguard.listen_port', protocol: 'udp', port, taken: udp.has(port) });
  const listeners = {
    'api.listen': config.api.listen,
    'control.listen': config.control.listen,
    'metrics.listen': config.metrics.listen,
  };
  for (const [setting, address] of Object.entries(listeners)) {
    if (address === null) continue;
    facts.push({ setting, protocol: 'tcp', port: address.port, taken: tcp.has(address.port) });
  }
  return facts;
}

function taken(protocol: 'tcp' | 'udp'): ReadonlySet<number> | null {
  const tables = [read(`/proc/net/${protocol}`), read(`/proc/net/${protocol}6`)];
  if (tables.every((table) => table === null)) return null;
  return new Set(tables.flatMap((table) => [...localPorts(table ?? '', protocol)]));
}

export function networkFact(device: string): NetworkFact {
  const names = [
    ...new Set([
      ...defaultRoutes4(read('/proc/net/route') ?? ''),
      ...defaultRoutes6(read('/proc/net/ipv6_route') ?? ''),
    ]),
  ];
  const setting = (scope: string) => Number(read(`/proc/sys/net/ipv4/conf/${scope}/rp_filter`) ?? 0);
  const mtu = mtuOf(device);
  return {
    interface: read(`/sys/class/net/${device}/ifindex`) === null ? null : { mtu },
    forwarding: read('/proc/sys/net/ipv6/conf/all/forwarding') === '1',
    // The kernel takes the larger of the two; 2 is loose.
    strictReversePath: names.filter((name) => Math.max(setting('all'), setting(name)) === 1),
    uplinks: names.map((name) => ({ name, mtu: mtuOf(name) })),
  };
}

function mtuOf(name: string): number | null {
  const text = read(`/sys/class/net/${name}/mtu`);
  return text === null ? null : Number(text);
}

/** A file of `/proc` or `/sys`; null if it is not there. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trimEnd();
  } catch {
    return null;
  }
}
