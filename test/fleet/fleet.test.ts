import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet } from '../../src/fleet/fleet.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { closeGateways, Gateway } from '../join/gateway.ts';
import { MemoryLog, newKey } from './fakes.ts';

afterEach(closeGateways);

describe('the fleet', () => {
  it('is the same after a restart, as values', async () => {
    const before = await Gateway.start();
    const uuid = randomUUID();
    await before.provision({ uuid, uniqueToken: 'meta' });
    await before.provision({ uuid, uniqueToken: 'meta' });
    await before.provision({});
    const after = await before.restart();
    expect([...after.fleet.machines.all()]).toEqual([...before.fleet.machines.all()]);
    expect(after.fleet.machines.peers()).toEqual(before.fleet.machines.peers());
    expect(after.fleet.machines.size).toBe(2);
  });

  it('gives machines in the order of their numbers, whatever happens to them', async () => {
    const gateway = await Gateway.start();
    const uuids = Array.from({ length: 5 }, () => randomUUID());
    for (const uuid of uuids) await gateway.provision({ uuid });
    // A failed join takes a number with it.
    gateway.log.failures = 1;
    await gateway.refusal({});
    await gateway.provision({});
    for (const uuid of uuids.toReversed()) await gateway.provision({ uuid });
    const numbers = (machines: Iterable<{ readonly id: number }>) => [...machines].map(({ id }) => id);
    expect(numbers(gateway.fleet.machines.all())).toEqual([1, 2, 3, 4, 5, 7]);
    expect(numbers((await gateway.restart()).fleet.machines.all())).toEqual([1, 2, 3, 4, 5, 7]);
  });

  it('finds machines by what names them; snapshots do not change', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    const { address } = await gateway.provision({ uuid });
    const first = gateway.fleet.machines.bySource(address);
    if (first === undefined) throw new Error('no machine');
    const copy = structuredClone(first);
    expect(gateway.fleet.machines.get(first.uuid)).toBe(first);
    expect(gateway.fleet.machines.byId(first.id)).toBe(first);
    expect(first.tags).toEqual({ id: 1, server_uuid: uuid, ownership: {} });
    expect(Object.isFrozen(first.tags)).toBe(true);
    await gateway.provision({ uuid });
    expect(first).toEqual(copy);
    expect(gateway.fleet.machines.get(first.uuid)?.tags).toBe(first.tags);
    expect(gateway.fleet.machines.bySource('fd00::1')).toBeUndefined();
    expect(gateway.fleet.machines.bySource(gateway.overlay.server)).toBeUndefined();
  });

  it('removed and rejected machines may not send and have no peer', async () => {
    for (const state of ['removed', 'rejected']) {
      const gateway = await Gateway.start();
      const { address } = await gateway.provision({});
      const { image } = gateway.log.reopen();
      const machines = image.machines.map((row) => ({ ...row, doc: row.doc.replace('"accepted"', `"${state}"`) }));
      const { fleet } = await gateway.restart({ ...image, machines });
      expect(fleet.machines.peers()).toEqual([]);
      expect(fleet.machines.bySource(address)).toBeUndefined();
      expect(fleet.machines.size).toBe(1);
    }
  });

  it('counts machines by state', async () => {
    const gateway = await Gateway.start({ policy: { policy: 'hold' } });
    await gateway.provision({});
    gateway.log.failures = 1;
    await gateway.refusal({});
    expect(await gateway.metric('siderolinkd_fleet_machines')).toEqual({ pending: 1 });
  });

  it('a view of a machine joins its status and its link', async () => {
    const gateway = await Gateway.start();
    const key = newKey();
    const { address } = await gateway.provision({ key });
    gateway.links.set(key, { state: 'up', rxBytes: 5 });
    const machine = gateway.fleet.machines.bySource(address);
    if (machine === undefined) throw new Error('no machine');
    expect(gateway.fleet.machines.view(machine)).toMatchObject({
      machine,
      link: { state: 'up', rxBytes: 5 },
      status: { stage: null },
    });
  });

  it('a listener that fails keeps the news from no other, and its error is not lost', async () => {
    const gateway = await Gateway.start();
    const heard: string[] = [];
    gateway.fleet.machines.onEvent(() => {
      throw new Error('deaf');
    });
    gateway.fleet.machines.onEvent((event) => heard.push(event.kind));
    const call = { uuid: randomUUID(), key: newKey() };
    expect(await gateway.refusal(call)).toMatchObject({ message: 'not possible now, try again' });
    expect(heard).toEqual(['boot']);
    expect(gateway.logged.join('')).toContain('deaf');
    await gateway.provision(call);
    expect(heard).toEqual(['boot']);
  });

  it('a row that cannot be read stops the start with an error that says so', () => {
    const row = { id: 1, uuid: randomUUID() as never, address: 'fd00::2' as never, doc: '{' };
    const log = new MemoryLog({ ...new MemoryLog().image, machines: [row] });
    expect(() => new Fleet({} as never, { log, metrics: fleetMetrics(createRegistry()) } as never)).toThrow(
      expect.objectContaining({ code: 'storage' }),
    );
  });

  it('a change of what is known of its unique token is told and stored', async () => {
    const before = await Gateway.start();
    const call = { uuid: randomUUID(), key: newKey() };
    const { address } = await before.provision(call);
    const uniqueToken = await before.fleet.joins.offerUniqueToken(before.at(address).id);
    expect(before.recorded.at(-1)).toBe('machine.changed');
    expect(before.events.at(-1)).toMatchObject({ kind: 'changed', machine: { uniqueToken: 'offered', version: 2 } });
    const after = await before.restart();
    expect([...after.fleet.machines.all()]).toMatchObject([{ uniqueToken: 'offered', version: 2, boot: 1 }]);
    await after.provision({ ...call, uniqueToken });
    expect([...after.fleet.machines.all()]).toMatchObject([{ uniqueToken: 'bound', version: 3 }]);
  });
});
