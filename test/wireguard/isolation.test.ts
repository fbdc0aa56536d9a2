import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireGuardDevice } from '../../src/wireguard/device.ts';
import { type Namespace, TestNetwork } from '../helpers/netns.ts';
import { Machine } from './machine.ts';
import { type Attempt, arrivingUdp, echoUdp, listen, PATIENT, sendUdp, tryTcp, tryUdp, untilOpen } from './traffic.ts';
import { World } from './world.ts';

/** The gateway's address on the network of its neighbour; a machine must not reach it either. */
const GATEWAY_LAN = 'fd99::1';
/** Behind the gateway, in a network that machines have no business in. */
const LAN_HOST = 'fd99::2';
/** ssh, the join API, the control API and metrics. */
const FORBIDDEN_PORTS = [22, 8081, 8443, 9596];
const NOBODY = 65_534;
const DAEMON = 1;

describe('isolation, on a gateway that forwards', () => {
  const net = new TestNetwork('wgiso');
  let gateway: Namespace;
  let lan: Namespace;
  let world: World;
  let device: WireGuardDevice;
  let hostile: Machine;
  let victim: Machine;
  let peers: readonly Machine['spec'][];

  beforeAll(async () => {
    gateway = await net.namespace('gw');
    lan = await net.namespace('lan');
    const [m1, m2] = [await net.namespace('m1'), await net.namespace('m2')];
    await Promise.all([
      net.connect(gateway, '10.77.1.1/24', m1, '10.77.1.2/24'),
      net.connect(gateway, '10.77.2.1/24', m2, '10.77.2.2/24'),
      net.connect(gateway, `${GATEWAY_LAN}/64`, lan, `${LAN_HOST}/64`),
    ]);
    for (const key of ['net.ipv6.conf.all.forwarding', 'net.ipv4.ip_forward']) {
      await gateway.run(['sysctl', '-q', '-w', `${key}=1`]);
    }
    world = new World(gateway.runner, net.interfaceName(), 51_002);
    device = world.device({ allowGroup: 'daemon' });
    await device.start();
    // Both machines let everything through: what holds must be the gateway.
    const boot = (namespace: Namespace, gatewayAddress: string) =>
      Machine.boot(namespace, world, {
        interface: net.interfaceName(),
        endpoint: `${gatewayAddress}:51002`,
        keepalive: 1,
        allowedIps: '::/0',
        join: (spec) => device.apply({ set: spec }),
      });
    hostile = await boot(m1, '10.77.1.1');
    victim = await boot(m2, '10.77.2.1');
    await m1.run(['ip', '-6', 'route', 'add', 'fd99::/64', 'dev', hostile.interface]);
    peers = [hostile.spec, victim.spec];
    await listen(gateway, [...FORBIDDEN_PORTS, 4001, 4002]);
    await echoUdp(gateway, [4001, 4002, 53]);
    await Promise.all([listen(m1, [50_000]), listen(m2, [50_000]), listen(lan, [443])]);
    await lan.run(['ip', '-6', 'route', 'add', world.overlay.prefix, 'via', GATEWAY_LAN]);
    await lan.run(['sysctl', '-q', '-w', 'net.ipv6.ip_nonlocal_bind=1']);
    await gateway.run(['sysctl', '-q', '-w', 'net.ipv6.ip_nonlocal_bind=1']);
    // The first packets wait for the handshakes.
    await untilOpen(m1, { address: world.overlay.server, port: 4001 });
    await untilOpen(m2, { address: world.overlay.server, port: 4001 });
  });
  afterAll(async () => {
    await net.dispose();
    world.close();
    hostile.close();
    victim.close();
  });

  const fromMachine = (address: string, port: number, more: Partial<Attempt> = {}) =>
    tryTcp(hostile.namespace, { address, port, ...more });
  const fromGateway = (port: number, more: Partial<Attempt> = {}) =>
    tryTcp(gateway, { address: hostile.spec.address, port, ...more });

  it('a machine reaches both sinks', async () => {
    expect(await fromMachine(world.overlay.server, 4001, PATIENT)).toBe('open');
    expect(await fromMachine(world.overlay.server, 4002, PATIENT)).toBe('open');
  });

  it('a machine’s datagrams reach the sink of kernel logs, and nobody else', async () => {
    const { server } = world.overlay;
    const from = (address: string, port: number, patience = {}) =>
      tryUdp(hostile.namespace, { address, port, ...patience });
    expect(await from(server, 4001, PATIENT)).toBe('open');
    expect(await Promise.all([from(server, 4002), from(server, 53), from(GATEWAY_LAN, 4001)])).toEqual([
      'timeout',
      'timeout',
      'timeout',
    ]);
  });

  it('a machine reaches no other port, no other address of the gateway and no other machine', async () => {
    const tries = (patience = {}) =>
      Promise.all([
        fromMachine(world.overlay.server, 22, patience),
        fromMachine(GATEWAY_LAN, 4001, patience),
        fromMachine(victim.spec.address, 50_000, patience),
      ]);
    expect(await tries()).toEqual(['timeout', 'timeout', 'timeout']);
    // It is the table that holds them back, and a repair brings it back.
    await gateway.run(['nft', 'delete', 'table', 'inet', `siderolinkd-${world.interface}`]);
    expect(await tries(PATIENT)).toEqual(['open', 'open', 'open']);
    await device.reconcile(peers);
    expect(await tries()).toEqual(['timeout', 'timeout', 'timeout']);
  });

  it('a machine reaches none of our other services, at no address of the gateway, and no network behind it', async () => {
    const tries = (patience = {}) =>
      Promise.all([
        ...FORBIDDEN_PORTS.map((port) => fromMachine(world.overlay.server, port, patience)),
        ...FORBIDDEN_PORTS.map((port) => fromMachine(GATEWAY_LAN, port, patience)),
        fromMachine(LAN_HOST, 443, patience),
      ]);
    expect(new Set(await tries())).toEqual(new Set(['timeout']));
    await gateway.run(['nft', 'delete', 'table', 'inet', `siderolinkd-${world.interface}`]);
    expect(await tries(PATIENT)).toContain('open');
    expect(await fromMachine(LAN_HOST, 443, PATIENT)).toBe('open');
    await device.reconcile(peers);
  });

  it('root and the group reach a machine, other local users do not', async () => {
    expect(await fromGateway(50_000, PATIENT)).toBe('open');
    expect(await fromGateway(50_000, { ...PATIENT, uid: DAEMON })).toBe('open');
    // Linux takes the refusal of a first SYN as a hint only, because connect() still holds the socket, and that of the
    // second, a second later, as the answer.
    expect(await fromGateway(50_000, { ...PATIENT, uid: NOBODY })).toBe('EACCES');
  });

  it('a neighbour reaches neither a machine nor the sinks, not even with a machine as its source', async () => {
    const neighbour = (address: string, port: number, more: Partial<Attempt> = {}) =>
      tryTcp(lan, { address, port, ...more });
    const { server } = world.overlay;
    expect(await Promise.all([neighbour(victim.spec.address, 50_000), neighbour(server, 4001)])).toEqual([
      'timeout',
      'timeout',
    ]);
    expect(await neighbour(server, 4001, { from: hostile.spec.address })).toBe('timeout');
    await gateway.run(['nft', 'delete', 'table', 'inet', `siderolinkd-${world.interface}`]);
    expect(await neighbour(server, 4001, PATIENT)).toBe('open');
    await device.reconcile(peers);
  });

  it('a neighbour is not taken for the server, whose address is trusted on this host', async () => {
    const seen = await counted(gateway, `udp dport 53 ip6 saddr ${world.overlay.server}`);
    const spoofed = () => sendUdp(lan, { address: GATEWAY_LAN, port: 53 }, world.overlay.server);
    await spoofed();
    expect(await seen()).toBe(0);
    await gateway.run(['nft', 'delete', 'table', 'inet', `siderolinkd-${world.interface}`]);
    await spoofed();
    await expect.poll(seen).toBe(1);
    await device.reconcile(peers);
  });

  it('a local user cannot send a datagram as a machine', async () => {
    const { server } = world.overlay;
    expect(await arrivingUdp(gateway, { address: server, port: 4001 }, [hostile.spec.address, server])).toEqual([
      server,
    ]);
  });

  it('all that holds without forwarding too', async () => {
    const forwarding = (value: 0 | 1) =>
      gateway.run(['sysctl', '-q', '-w', `net.ipv6.conf.all.forwarding=${value}`]).then(() => undefined);
    await forwarding(0);
    const { server } = world.overlay;
    expect(
      await Promise.all([
        fromMachine(server, 22),
        fromMachine(victim.spec.address, 50_000),
        tryTcp(lan, { address: victim.spec.address, port: 50_000 }),
        tryTcp(lan, { address: server, port: 4001 }),
        tryTcp(lan, { address: server, port: 4001, from: hostile.spec.address }),
      ]),
    ).toEqual(Array.from({ length: 5 }, () => 'timeout'));
    expect([await fromMachine(server, 4001, PATIENT), await fromGateway(50_000, PATIENT)]).toEqual(['open', 'open']);
    await forwarding(1);
  });

  it('a neighbour does not take the place of machines while the device is down', async () => {
    await gateway.run(['ip', 'link', 'set', 'dev', world.interface, 'down']);
    const { server } = world.overlay;
    const tries = await Promise.all([
      tryTcp(lan, { address: victim.spec.address, port: 50_000 }),
      tryTcp(lan, { address: server, port: 4001 }),
      tryTcp(lan, { address: server, port: 4001, from: hostile.spec.address }),
    ]);
    expect(tries).not.toContain('open');
    expect(await fromGateway(50_000, PATIENT)).toMatch(/^E(HOST|NET)UNREACH$/);
    await device.reconcile(peers);
    await untilOpen(hostile.namespace, { address: server, port: 4001 });
  });

  it('heals what others flush, and counts it', async () => {
    const before = await world.repairs('firewall');
    await gateway.run(['nft', 'flush', 'ruleset']);
    expect(await fromMachine(world.overlay.server, 22, PATIENT)).toBe('open');
    await device.reconcile(peers);
    await device.reconcile(peers);
    expect(await world.repairs('firewall')).toBe(before + 1);
    expect(await fromMachine(world.overlay.server, 22)).toBe('timeout');
  });

  it('nothing for the overlay leaves by another interface, with and without the device', async () => {
    await gateway.run(['ip', '-6', 'route', 'add', 'default', 'via', LAN_HOST]);
    await gateway.run(['ip', 'link', 'del', 'dev', world.interface]);
    expect(await fromGateway(50_000, PATIENT)).toMatch(/^E(HOST|NET)UNREACH$/);
    await gateway.run(['ip', '-6', 'route', 'del', 'unreachable', world.overlay.prefix, 'metric', '4294967295']);
    await lan.run(['ip', '-6', 'route', 'del', world.overlay.prefix]);
    await lan.run(['ip', '-6', 'addr', 'add', `${hostile.spec.address}/128`, 'dev', 'lo', 'nodad']);
    await listen(lan, [50_000]);
    const seen = await counted(lan, `tcp dport 50000 ip6 daddr ${hostile.spec.address}`);
    // Even with no route of ours: the neighbour would have answered in the machine's place, and does not even hear of it.
    expect(await fromGateway(50_000)).not.toBe('open');
    expect(await seen()).toBe(0);
    await gateway.run(['nft', 'delete', 'table', 'inet', `siderolinkd-${world.interface}`]);
    expect(await fromGateway(50_000, PATIENT)).toBe('open');
    await device.reconcile(peers);
    await hostile.relink();
    await untilOpen(hostile.namespace, { address: world.overlay.server, port: 4001 });
  });
});

/** Counts, behind all that is ours, the packets which come in and are as the rule says. */
async function counted(namespace: Namespace, rule: string): Promise<() => Promise<number>> {
  const chain = 'type filter hook input priority 100; policy accept;';
  await namespace.run([
    'nft',
    `table inet seen {\ncounter it {\n}\nchain in {\n${chain}\n${rule} counter name it\n}\n}`,
  ]);
  return async () => {
    const text = await namespace.run(['nft', 'list', 'counter', 'inet', 'seen', 'it']);
    return Number(/packets (\d+)/.exec(text)?.[1]);
  };
}
