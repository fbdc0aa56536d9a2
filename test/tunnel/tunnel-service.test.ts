import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { relayAddress, relayPort } from '../../src/domain/tunnel.ts';
import { CertificateHolder } from '../../src/lib/certificate.ts';
import { ManualClock } from '../fleet/fakes.ts';
import { TestAuthority } from '../lib/certificates.ts';
import { cutCable, packet, startsWorlds } from './world.ts';

const start = startsWorlds();

const numbers = (packets: readonly Buffer[]) => packets.map((bytes) => bytes.readUInt32BE());

describe('a machine in the tunnel', () => {
  it('reaches the device from its own address and port, and is reached there', async () => {
    const world = await start();
    const [one, two] = [await world.stream(1), await world.stream(2)];
    one.send(packet(1));
    two.send(packet(2));
    await world.device.until(({ packets }) => packets.length === 2);
    const from = new Map(world.device.packets.map(({ bytes, from: place }) => [bytes.readUInt32BE(), place]));
    expect([from.get(1)?.address, from.get(2)?.address]).toEqual([relayAddress(1), relayAddress(2)]);
    expect(from.get(1)?.port).toBe(from.get(2)?.port);
    const [first, second] = [from.get(1), from.get(2)];
    if (first === undefined || second === undefined) throw new Error('unreachable');
    await world.device.send(packet(10), first);
    await world.device.send(packet(20), second);
    await Promise.all([
      one.until(({ packets }) => packets.length === 1),
      two.until(({ packets }) => packets.length === 1),
    ]);
    expect([numbers(one.packets), numbers(two.packets)]).toEqual([[10], [20]]);
    expect(one.packets[0]).toEqual(packet(10));
    expect(world.sources.get(1)).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await world.metric('packets_total')).toEqual({ received: 2, sent: 2 });
    expect(await world.metric('bytes_total')).toEqual({ received: 296, sent: 296 });
  });

  it('keeps the order of what it sends, and has its place again after its stream was lost', async () => {
    const world = await start();
    const before = await world.stream(1);
    for (let i = 0; i < 200; i++) before.send(packet(i));
    await world.device.until(({ packets }) => packets.length === 200);
    expect(numbers(world.device.packets.map(({ bytes }) => bytes))).toEqual(Array.from({ length: 200 }, (_, i) => i));
    before.cancel();
    await before.ended;
    const after = await world.stream(1);
    after.send(packet(1_000));
    await world.device.until(({ packets }) => packets.length === 201);
    const places = new Set(world.device.packets.map(({ from }) => `${from.address}:${from.port}`));
    expect(places.size).toBe(1);
  });

  it('comes from another address: where it is now is known, also if its first stream has not ended', async () => {
    const world = await start();
    const first = await world.stream(1);
    const cable = await cutCable(world.port, '127.0.0.2');
    await world.stream(1, world.client(cable.port));
    await first.ended;
    expect(world.sources.get(1)).toMatch(/^127\.0\.0\.2:\d+$/);
    expect(world.sources.takeMoved()).toEqual([1]);
    cable.close();
    await world.until(() => world.sources.get(1) === null);
    await world.stream(1);
    expect(world.sources.get(1)).toMatch(/^127\.0\.0\.1:\d+$/);
    // It was never told that it had been elsewhere.
    expect(world.sources.takeMoved()).toEqual([]);
  });

  it('is removed and comes back from elsewhere: that is no move of a machine, it begins anew', async () => {
    const world = await start();
    const first = await world.stream(1);
    world.allowed.delete('fd00::1');
    world.tell(1, 'removed');
    await first.ended;
    const cable = await cutCable(world.port, '127.0.0.2');
    await world.stream(1, world.client(cable.port));
    expect(world.sources.get(1)).toMatch(/^127\.0\.0\.2:\d+$/);
    expect(world.sources.takeMoved()).toEqual([]);
    cable.close();
  });

  it('comes a second time: the first stream is told, byte for byte, and its packets go on in the second', async () => {
    const world = await start();
    const first = await world.stream(1);
    first.send(packet(1));
    await world.device.until(({ packets }) => packets.length === 1);
    const second = await world.stream(1);
    expect(await first.ended).toEqual({ code: 10, details: 'peer replaced' });
    second.send(packet(2));
    await world.device.until(({ packets }) => packets.length === 2);
    const [place] = world.device.packets.map(({ from }) => from);
    if (place === undefined) throw new Error('unreachable');
    await world.device.send(packet(3), place);
    await second.until(({ packets }) => packets.length === 1);
    expect(first.packets).toEqual([]);
    expect(world.service.size).toBe(1);
    expect(await world.metric('ended_total')).toEqual({ replaced: 1 });
  });

  it('may not come any more: its stream is told, byte for byte, and so is each that it opens then', async () => {
    // Nobody looks after it for long: it is told of the machine.
    const world = await start({ sweepMs: 3_600_000 });
    const [gone, stays] = [await world.stream(1), await world.stream(2)];
    world.allowed.delete('fd00::1');
    world.tell(2);
    world.tell(1);
    expect(await gone.ended).toEqual({ code: 7, details: 'peer not allowed' });
    expect(await world.call('[fd00::1]:50888').ended).toEqual({ code: 7, details: 'peer not allowed' });
    expect(world.sources.get(1)).toBeNull();
    stays.send(packet(1));
    await world.device.until(({ packets }) => packets.length === 1);
    expect(await world.metric('ended_total')).toEqual({ not_allowed: 1 });
    expect(await world.metric('refused_total')).toEqual({ not_allowed: 1 });
  });

  it('stays under a former address until that is over: nobody tells of it, so it is looked after', async () => {
    const clock = new ManualClock();
    const world = await start({}, { clock });
    const caller = await world.stream(1);
    clock.advance(60_000);
    world.allowed.delete('fd00::1');
    clock.advance(30_000);
    expect(await caller.ended).toEqual({ code: 7, details: 'peer not allowed' });
  });

  it('ends its stream itself', async () => {
    const world = await start();
    const caller = await world.stream(1);
    caller.end();
    expect(await caller.ended).toEqual({ code: 0, details: '' });
    expect(world.service.size).toBe(0);
    expect(await world.metric('ended_total')).toEqual({ lost: 1 });
  });

  it('hears that it may try again when the daemon stops', async () => {
    const world = await start();
    const callers = await Promise.all([world.stream(1), world.stream(2)]);
    const stopped = world.edge.stop(5_000);
    for (const caller of callers) expect((await caller.ended).code).toBe(14);
    await stopped;
    expect(world.service.size).toBe(0);
  });

  it('somebody has its port: it takes another one, and that is said', async () => {
    const world = await start();
    const thief = createSocket('udp4');
    thief.bind(relayPort(world.listenPort), relayAddress(1));
    await once(thief, 'listening');
    try {
      const caller = await world.stream(1);
      caller.send(packet(1));
      await world.device.until(({ packets }) => packets.length === 1);
      expect(world.device.packets[0]?.from.address).toBe(relayAddress(1));
      expect(await world.metric('other_ports_total')).toEqual({ '': 1 });
      expect(world.logged.join()).toContain('takes another one');
    } finally {
      thief.close();
    }
  });

  it('comes over TLS as the API has it, and is seen where it is', async () => {
    const authority = new TestAuthority();
    const { chain, key } = authority.leaf();
    const world = await start({}, { edge: { certificate: new CertificateHolder({ cert: chain, key }) } });
    const caller = await world.stream(1, world.client(world.port, authority.root.cert));
    caller.send(packet(1));
    await world.device.until(({ packets }) => packets.length === 1);
    const [place] = world.device.packets.map(({ from }) => from);
    if (place === undefined) throw new Error('unreachable');
    await world.device.send(packet(2), place);
    await caller.until(({ packets }) => packets.length === 1);
    expect(world.sources.get(1)).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    await world.stream(1, world.client(world.port, authority.root.cert));
    expect(await caller.ended).toEqual({ code: 10, details: 'peer replaced' });
  });

  it('is there before its device: what it sent meanwhile is lost, as with UDP, and nothing else', async () => {
    const world = await start();
    const caller = await world.stream(1);
    world.device.close();
    caller.send(packet(1));
    caller.send(packet(2));
    const again = await world.deviceAgain();
    await world.until(async () => (await world.metric('packets_total'))['received'] === 2);
    caller.send(packet(3));
    await again.until(({ packets }) => packets.length > 0);
    expect(world.service.size).toBe(1);
  });
});

describe('strangers and enemies', () => {
  it.each([
    ['no header', null],
    ['an empty one', ''],
    ['two', ['[fd00::1]:1', '[fd00::2]:1']],
    ['an address without a port', 'fd00::1'],
    ['IPv4', '127.0.0.1:50888'],
    ['garbage', ']:[]:1'],
  ])('%s: refused as a broken call, which Talos does not take for a verdict', async (_, header) => {
    const world = await start();
    const { code, details } = await world.call(header).ended;
    expect(code).toBe(3);
    expect(details).toBe('x-siderolink-ipv6-addr is not one [address]:port');
    expect(await world.metric('refused_total')).toEqual({ header: 1 });
  });

  it('an address that nobody has: the exact status, one line in the log, and the address is not in it', async () => {
    const world = await start();
    for (let i = 0; i < 20; i++) {
      expect(await world.call('[fdae:41e4:649b:9304:dead::1]:50888').ended).toEqual({
        code: 7,
        details: 'peer not allowed',
      });
    }
    const lines = world.logged.filter((line) => line.includes('no machine has'));
    expect(lines).toHaveLength(1);
    expect(world.logged.join()).not.toContain('dead');
  });

  it('the address of a machine in another spelling is its address', async () => {
    const world = await start();
    world.allowed.set('fd00::1', 1);
    const caller = world.call('[FD00:0:0:0:0:0:0:1]:9');
    await caller.opened();
    expect(world.service.size).toBe(1);
  });

  it('1,000 streams of strangers on one connection, and 1,000 of one machine: one is left, and works', async () => {
    const world = await start();
    const client = world.client();
    const strangers = Array.from({ length: 1_000 }, () => world.call('[fd00::bad]:1', client).ended);
    for (const { code } of await Promise.all(strangers)) expect(code).toBe(7);
    world.allowed.set('fd00::1', 1);
    const own = Array.from({ length: 1_000 }, () => world.call('[fd00::1]:1', client));
    await own.at(-1)?.opened();
    await Promise.all(own.slice(0, -1).map(async (caller) => expect((await caller.ended).code).toBe(10)));
    own.at(-1)?.send(packet(1));
    await world.device.until(({ packets }) => packets.length === 1);
    expect(world.service.size).toBe(1);
  });

  it('no more streams than there may be; joins are not in their way', async () => {
    const world = await start({ maxStreams: 2 });
    await world.stream(1);
    const second = await world.stream(2);
    world.allowed.set('fd00::3', 3);
    expect((await world.call('[fd00::3]:1').ended).code).toBe(8);
    expect(world.edge.running).toBe(0);
    second.cancel();
    await second.ended;
    await world.until(() => world.service.size === 1);
    await world.stream(3);
  });

  it('packets that are none are dropped and counted, and the stream goes on', async () => {
    const world = await start();
    const caller = await world.stream(1);
    caller.sendRaw(Buffer.from([0x12, 0xff, 0xff]));
    caller.sendRaw(Buffer.alloc(0));
    caller.send(packet(0, 31));
    caller.send(packet(0, 2_049));
    caller.send(packet(0, 60_000));
    caller.send(packet(1, 32));
    caller.send(packet(2, 2_048));
    await world.device.until(({ packets }) => packets.length === 2);
    expect(numbers(world.device.packets.map(({ bytes }) => bytes))).toEqual([1, 2]);
    expect(await world.metric('dropped_total')).toEqual({ broken: 1, size: 4 });
  });

  it('a message that is larger than any may be ends the stream, not the daemon', async () => {
    const world = await start();
    const caller = await world.stream(1);
    caller.sendRaw(Buffer.alloc(70_000));
    expect((await caller.ended).code).toBe(8);
    await world.until(() => world.service.size === 0);
    await world.stream(1);
  });

  it('a flood is read slower, not dropped, and nobody waits for it', async () => {
    const world = await start({ packetsPerSecond: 1_000, packetsPerSecondInAll: 1_000 });
    const [flood, quiet] = [await world.stream(1), await world.stream(2)];
    const began = performance.now();
    for (let i = 0; i < 300; i++) flood.send(packet(i));
    quiet.send(packet(7_000));
    await world.device.until(({ packets }) => packets.length === 301);
    // Ten in each hundredth of a second.
    expect(performance.now() - began).toBeGreaterThan(250);
    const order = numbers(world.device.packets.map(({ bytes }) => bytes));
    expect(order.indexOf(7_000)).toBeLessThan(250);
    expect(order.filter((number) => number < 300)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect(await world.metric('dropped_total')).toEqual({});
    expect((await world.metric('held_total'))['']).toBeGreaterThan(20);
  });

  it('a machine that takes nothing: packets for it are dropped, memory is not', async () => {
    const world = await start({ maxUnsentBytes: 64 * 1024 });
    const caller = await world.stream(1);
    caller.send(packet(1));
    await world.device.until(({ packets }) => packets.length === 1);
    const [place] = world.device.packets.map(({ from }) => from);
    if (place === undefined) throw new Error('unreachable');
    caller.pause();
    for (let i = 0; i < 1_000; i++) await world.device.send(packet(i, 1_312), place);
    await world.until(async () => ((await world.metric('dropped_total'))['slow'] ?? 0) > 500);
    caller.resume();
    // What waited comes, in its order, and the stream works.
    await caller.until(({ packets }) => packets.length > 10);
    const got = numbers(caller.packets);
    expect(got).toEqual(got.toSorted((a, b) => a - b));
    caller.send(packet(2));
    await world.device.until(({ packets }) => packets.length === 2);
  });

  it('a connection whose other end is gone without a word is found out, and its place is free', async () => {
    const world = await start({}, { edge: { keepalive: { timeMs: 100, timeoutMs: 2_000 } } });
    const cable = await cutCable(world.port);
    const caller = await world.stream(1, world.client(cable.port));
    caller.send(packet(1));
    await world.device.until(({ packets }) => packets.length === 1);
    cable.cut();
    await world.until(() => world.service.size === 0);
    expect(await world.metric('ended_total')).toEqual({ lost: 1 });
    cable.close();
  });
});
