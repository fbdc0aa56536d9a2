import Database from 'better-sqlite3';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { RegistryOp } from '../../src/domain/registry.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { linesOf, openLog, readAll, sourceOf, temporaryStore } from '../stream/harness.ts';
import { overlay, registryOf } from './admin-world.ts';
import { MemoryDevice, MemoryLinks } from './fakes.ts';

const store = temporaryStore();
const opened: Awaited<ReturnType<typeof openLog>>[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ log }) => log.close(5_000)));
});
afterAll(() => store.remove());

/** The fleet over what is stored there. @param watched wraps what the fleet asks of the log */
async function start(path: string, watched: (log: Log) => Partial<Log> = () => ({})) {
  const found = await openLog({ path });
  opened.push(found);
  const { log } = found;
  const seen = watched(log);
  const boots = new BootTable({}, { image: log.image, clock: systemClock });
  const statuses = new StatusTable({}, { image: log.image, clock: systemClock });
  const fleet = new Fleet(
    { overlay, uniqueTokenKey: Buffer.alloc(32, 7) },
    {
      log: {
        image: log.image,
        commit: (change) => (seen.commit ?? log.commit.bind(log))(change),
        flush: () => (seen.flush ?? log.flush.bind(log))(),
      },
      ...{ boots, statuses, links: new MemoryLinks(), wireguard: new MemoryDevice(), clock: systemClock },
      metrics: fleetMetrics(createRegistry()),
    },
  );
  const machine = () => {
    const found = fleet.machines.byId(1);
    if (found === undefined) throw new Error('no machine 1');
    return found;
  };
  const told = async (id: number) =>
    (await readAll(log, { machine: id })).map(({ json }) => JSON.parse(json).subject.split('.').slice(3).join('.'));
  const append = async (count: number) => {
    const { tags, boot } = machine();
    log.appendLog(sourceOf(1, 'kmsg', boot, tags), linesOf(Array.from({ length: count }, (_, i) => `line ${i}`)));
    await log.flush();
  };
  return { log, admin: fleet.admin, machine, told, append, statuses };
}

type Log = Awaited<ReturnType<typeof openLog>>['log'];

it('a daemon that is killed at any step of a removal with records ends it at its next start', async () => {
  const { machines, tags, boots } = registryOf([{}, {}]);
  const first = await openLog({ path: store.path });
  const ops: RegistryOp[] = [
    ...tags.map((row) => ({ op: 'putTags' as const, ...row })),
    ...machines.map((row) => ({ op: 'putMachine' as const, ...row })),
    ...boots.map((row) => ({ op: 'putBoot' as const, ...row })),
    ...[1, 2].map((machine) => ({
      op: 'putStatus' as const,
      machine,
      doc: '{"status":{"hostname":"n"},"last_seen":1}',
    })),
  ];
  await first.log.commit({ ops, records: [] });
  await first.log.close(5_000);

  // What the disk has at each step, as a kill leaves it: all that was committed, and nothing else.
  const copies: string[] = [];
  const snapshot = () => {
    const path = `${store.path}.${copies.length}`;
    const db = new Database(store.path, { readonly: true });
    db.exec(`vacuum into '${path}'`);
    db.close();
    copies.push(path);
  };
  const world = await start(store.path, (log) => ({
    commit: async (change) => {
      snapshot();
      const seqs = await log.commit(change);
      snapshot();
      // The last lines: accepted before the connection was closed, stored after the removal.
      await log.flush();
      if (copies.length === 2) {
        await world.append(3);
        snapshot();
      }
      return seqs;
    },
    flush: async () => {
      await log.flush();
      snapshot();
    },
  }));
  await world.append(5);
  const other = sourceOf(2, 'kmsg', 1);
  world.log.appendLog(other, linesOf(['kept']));
  await world.log.flush();
  await world.admin.remove(world.machine().uuid, { records: true }, 'ann');
  snapshot();
  expect(await world.told(1)).toEqual(['machine.removed']);
  expect(copies.length).toBeGreaterThanOrEqual(6);

  const left: (readonly string[])[] = [];
  for (const path of copies) {
    const before = rows(path, 'select count(*) from status where machine = 1');
    const again = await start(path);
    left.push(await again.told(1));
    const isRemoved = again.machine().state === 'removed';
    const resumed = await again.admin.resume();
    expect(resumed.length).toBe(isRemoved && before === 1 ? 1 : 0);
    expect(await again.admin.resume()).toEqual([]);
    const now = await again.told(1);
    if (isRemoved) expect(now).toEqual(['machine.removed']);
    else expect(now.filter((subject) => subject.startsWith('kmsg.'))).toHaveLength(5);
    expect(await again.told(2)).toHaveLength(1);
    await again.log.close(5_000);
    expect(rows(path, 'select count(*) from status where machine = 1')).toBe(isRemoved ? 0 : 1);
    expect(rows(path, 'select count(*) from status where machine = 2')).toBe(1);
  }
  // Some kill left lines, or this would test nothing.
  expect(left.some((told) => told.length === 4 && told[0] === 'machine.removed')).toBe(true);
});

it('one that was readmitted before its removal ended keeps what it says since, also after a restart', async () => {
  const path = `${store.path}.back`;
  const { machines, tags, boots } = registryOf([{}]);
  const first = await openLog({ path });
  await first.log.commit({
    ops: [
      ...tags.map((row) => ({ op: 'putTags' as const, ...row })),
      ...machines.map((row) => ({ op: 'putMachine' as const, ...row })),
      ...boots.map((row) => ({ op: 'putBoot' as const, ...row })),
    ],
    records: [],
  });
  await first.log.close(5_000);
  const world = await start(path, () => ({ flush: () => Promise.reject(new Error('killed')) }));
  const { uuid } = world.machine();
  await expect(world.admin.remove(uuid, { records: true }, 'ann')).rejects.toThrow('killed');
  await world.append(4);
  await world.admin.readmit(uuid, 'ann');
  await world.append(2);
  await world.log.close(5_000);
  const again = await start(path);
  expect(await again.admin.resume()).toEqual([]);
  expect(await again.told(1)).toEqual(['machine.removed', 'machine.readmitted', 'kmsg.debug', 'kmsg.info']);
});

function rows(path: string, sql: string): number {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare(sql).pluck().get() as number;
  } finally {
    db.close();
  }
}
