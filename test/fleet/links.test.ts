import { describe, expect, it } from 'vitest';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import { NO_TAGS } from '../../src/domain/record.ts';
import { LinkRecorder, type LinkRecorderOptions } from '../../src/fleet/links.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { TunnelSources } from '../../src/fleet/tunnel-sources.ts';
import type { Machine } from '../../src/fleet/types.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { ManualClock, MemoryLinks, MemoryLog, newKey } from './fakes.ts';

function setup(options: LinkRecorderOptions = {}) {
  const key = newKey();
  const former = newKey();
  const clock = new ManualClock();
  const log = new MemoryLog();
  const links = new MemoryLinks();
  const statuses = new StatusTable({}, { image: log.image, clock });
  const sources = new TunnelSources();
  const registry = createRegistry();
  const logged: string[] = [];
  let machine = { id: 7, key, boot: 2, address: 'fd00::7', tags: { ...NO_TAGS, id: 3 } } as unknown as Machine;
  const recorder = new LinkRecorder(options, {
    links,
    machines: { byId: (id) => (id === 7 ? machine : undefined) },
    boots: { ofKey: (asked) => (asked === key || asked === former ? { machine: 7, number: 2 } : undefined) },
    statuses,
    tunnelSources: sources,
    log,
    clock,
    logger: createLogger('info', { write: (line: string) => void logged.push(line) }),
    metrics: fleetMetrics(registry),
  });
  recorder.start();
  const settle = async () => {
    clock.advance(20);
    await recorder.stop();
  };
  const dropped = async () => {
    const metric = await registry.getSingleMetric('siderolinkd_fleet_link_dropped_total')?.get();
    return metric?.values.map(({ labels, value }) => [labels['reason'], value]);
  };
  const remove = () => {
    machine = { ...machine, state: 'removed' };
  };
  return { recorder, remove, key, former, clock, links, sources, statuses, log, settle, dropped, logged };
}

describe('link records', () => {
  it('leave word for our successor: what was said last, of which boot', async () => {
    const { key, links, log, settle } = setup();
    links.emit('down', key);
    links.emit('up', key);
    links.emit('moved', key);
    await settle();
    const statuses = new StatusTable({}, { image: log.reopen().image, clock: new ManualClock() });
    expect(statuses.toldLink({ machine: 7, number: 2 })).toBe('up');
    expect(statuses.toldLink({ machine: 7, number: 3 })).toBeUndefined();
    expect(statuses.toldLink({ machine: 8, number: 2 })).toBeUndefined();
  });

  it('leave word of where the machine was, unless that is a relay of ours or another boot', async () => {
    const { key, links, log, settle } = setup();
    const stored = async () => {
      await settle();
      const statuses = new StatusTable({}, { image: log.reopen().image, clock: new ManualClock() });
      return [statuses.lastEndpoint({ id: 7, boot: 2 }), statuses.lastEndpoint({ id: 7, boot: 3 })];
    };
    links.emit('up', key, { endpoint: '203.0.113.9:4000' });
    expect(await stored()).toEqual(['203.0.113.9:4000', undefined]);
    links.emit('moved', key, { endpoint: '[2001:db8::9]:4001' });
    expect(await stored()).toEqual(['[2001:db8::9]:4001', undefined]);
    links.emit('moved', key, { endpoint: '127.64.0.7:51823' });
    expect(await stored()).toEqual([undefined, undefined]);
  });

  it('store the status as it is then, not as it was when the link changed', async () => {
    const { key, links, log, statuses, settle } = setup();
    links.emit('up', key);
    const event = { message: 'MachineStatusEvent', stage: 'RUNNING', ready: true, unmetConditions: [] } as const;
    statuses.fold({ id: 7, address: 'fd00::7' as OverlayAddress }, 2, event);
    await settle();
    const after = new StatusTable({}, { image: log.reopen().image, clock: new ManualClock() });
    expect(after.get(7)).toMatchObject({ stage: 'RUNNING' });
    expect(after.toldLink({ machine: 7, number: 2 })).toBe('up');
  });

  it('tell what the monitor saw, in its order, in one commit', async () => {
    const { key, links, log, settle } = setup();
    links.emit('up', key, { state: 'up', endpoint: '203.0.113.9:4000', latestHandshake: 1_767_225_600, rxBytes: 148 });
    links.emit('moved', key, { state: 'up', endpoint: '203.0.113.9:5000' });
    links.emit('down', key, { state: 'down' });
    await settle();
    expect(log.changes).toHaveLength(1);
    expect(
      log.records.map(({ machine, stream, boot, tags, detail }) => [machine, stream, boot, tags.id, detail]),
    ).toEqual([
      [7, 'link', 2, 3, 'up'],
      [7, 'link', 2, 3, 'moved'],
      [7, 'link', 2, 3, 'down'],
    ]);
    expect(JSON.parse(log.records[0]?.body ?? '')).toEqual({
      public_key: key,
      address: 'fd00::7',
      state: 'up',
      endpoint: '203.0.113.9:4000',
      last_handshake: '2026-01-01T00:00:00.000Z',
      last_rx: null,
      rx_bytes: 148,
      tx_bytes: 0,
      mode: 'udp',
    });
    links.emit('up', key);
    await settle();
    expect(log.changes).toHaveLength(2);
  });

  it('a storm is cut into commits of a bounded size; what the queue cannot hold is counted', async () => {
    const { key, links, log, settle, dropped } = setup({ maxBatch: 2, maxPending: 5 });
    for (let event = 0; event < 6; event += 1) links.emit('up', key);
    await settle();
    expect(log.changes.map(({ records }) => records.length)).toEqual([2, 2, 1]);
    expect(await dropped()).toEqual([['full', 1]]);
  });

  it('a replaced key and a stranger make none', async () => {
    const { former, links, log, settle, dropped } = setup();
    links.emit('down', former);
    links.emit('up', newKey());
    await settle();
    expect(log.changes).toEqual([]);
    expect(await dropped()).toEqual([['unknown_key', 2]]);
  });

  it('none comes behind the removal of its machine', async () => {
    const { key, links, log, settle, dropped, remove } = setup();
    links.emit('up', key);
    remove();
    links.emit('down', key);
    await settle();
    expect(log.changes).toEqual([]);
    expect(await dropped()).toEqual([['removed', 2]]);
  });

  it('what cannot be stored is counted and logged, and the next is stored', async () => {
    const { key, links, log, settle, dropped, logged } = setup();
    log.failures = 1;
    links.emit('up', key);
    await settle();
    expect(await dropped()).toEqual([['storage', 1]]);
    expect(logged.join('')).toContain('disk full');
    links.emit('down', key);
    await settle();
    expect(log.records.map(({ detail }) => detail)).toEqual(['down']);
  });
});

describe('a machine in the tunnel that comes from elsewhere', () => {
  const relay = { state: 'up', endpoint: '127.64.0.7:21821' } as const;
  const from = (host: string, port = 40_000) => ({ host, port });

  function tunnelled() {
    const world = setup();
    const stream = (host: string, port?: number, boot = 2) => world.sources.set({ id: 7, boot }, from(host, port));
    const moved = async () => {
      world.clock.advance(5_000);
      await world.settle();
      return world.log.records
        .filter(({ detail }) => detail === 'moved')
        .map(({ body }) => JSON.parse(body ?? '') as { endpoint: string; mode: string })
        .map(({ endpoint, mode }) => `${mode} ${endpoint}`);
    };
    stream('198.51.100.7');
    world.links.set(world.key, relay);
    return { ...world, stream, moved };
  }

  it('makes a record, though the device sees the same relay', async () => {
    const { stream, moved, sources } = tunnelled();
    expect(await moved()).toEqual([]);
    stream('203.0.113.9', 40_001);
    expect(sources.get(7)).toBe('203.0.113.9:40001');
    expect(await moved()).toEqual(['tunnel 203.0.113.9:40001']);
    expect(await moved()).toHaveLength(1);
    stream('2001:db8::7', 40_002);
    expect((await moved()).at(-1)).toBe('tunnel [2001:db8::7]:40002');
  });

  it('makes one when its stream was lost in between, and none while it has no stream', async () => {
    const { stream, moved, sources } = tunnelled();
    sources.close(7);
    expect(sources.get(7)).toBeNull();
    stream('203.0.113.9');
    sources.close(7);
    expect(await moved()).toEqual([]);
    stream('203.0.113.9', 40_009);
    expect(await moved()).toEqual(['tunnel 203.0.113.9:40009']);
  });

  it.each([
    ['from another port of the same host', ['198.51.100.7'], []],
    ['from elsewhere and back again', ['203.0.113.9', '198.51.100.7'], []],
    [
      'to and fro without end',
      [...Array(999).keys()].map((n) => `203.0.113.${n % 200}`),
      ['tunnel 203.0.113.198:40001'],
    ],
  ])('comes %s: no more records than an endpoint that is read would make', async (_, hosts, expected) => {
    const { stream, moved } = tunnelled();
    for (const host of hosts) stream(host, 40_001);
    expect(await moved()).toEqual(expected);
  });

  it('makes none in another boot, nor after its removal, nor one that the device makes as well', async () => {
    const { stream, moved, sources, links, key } = tunnelled();
    stream('203.0.113.1', 40_000, 3);
    expect(await moved()).toEqual([]);
    stream('203.0.113.2', 40_000, 3);
    links.emit('moved', key, relay);
    expect(await moved()).toEqual(['tunnel 203.0.113.2:40000']);
    stream('203.0.113.3', 40_000, 3);
    links.set(key, { state: 'up', endpoint: '203.0.113.3:51820' });
    expect(await moved()).toHaveLength(1);
    links.set(key, relay);
    sources.forget(7);
    stream('203.0.113.4', 40_000, 3);
    expect(await moved()).toHaveLength(1);
  });

  it('makes its record before a stop', async () => {
    const { stream, recorder, log, clock } = tunnelled();
    stream('203.0.113.9');
    const stopped = recorder.stop();
    clock.advance(20);
    await stopped;
    expect(log.records).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });
});
