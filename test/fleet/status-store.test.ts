import { afterEach, expect, it } from 'vitest';
import { BootTable } from '../../src/fleet/boots.ts';
import { MachineChanges } from '../../src/fleet/changes.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { machineViewJson } from '../../src/fleet/view.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openRecordLog } from '../../src/stream/record-log.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { address, configError, phase, restart, sequence, service, stage, task } from '../domain/status-events.ts';
import { readAll, temporaryStore } from '../stream/harness.ts';
import { overlay, registryOf } from './admin-world.ts';
import { MemoryDevice, MemoryLinks, newKey } from './fakes.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A fleet of one machine over the store at `path`. */
async function start(path: string) {
  const clock = systemClock;
  const logger = createLogger('fatal', { write: () => {} });
  const open = () =>
    openRecordLog(
      { path, prefix: 'siderolink' },
      { clock, logger, health: new Health(Date.now), metrics: createRegistry() },
    );
  let log = await open();
  if (log.image.machines.length === 0) {
    const { machines, tags, boots } = registryOf([{}]);
    await log.commit({
      ops: [
        ...tags.map((row) => ({ op: 'putTags' as const, ...row })),
        ...machines.map((row) => ({ op: 'putMachine' as const, ...row })),
        ...boots.map((row) => ({ op: 'putBoot' as const, ...row })),
      ],
      records: [],
    });
    await log.close(5_000);
    log = await open();
  }
  cleanups.push(() => log.close(5_000));
  const boots = new BootTable({}, { image: log.image, clock });
  const statuses = new StatusTable({}, { image: log.image, clock });
  const deps = { log, boots, statuses, links: new MemoryLinks(), wireguard: new MemoryDevice(), clock };
  const { machines, admin } = new Fleet(
    { overlay, uniqueTokenKey: Buffer.alloc(32, 7) },
    { ...deps, metrics: fleetMetrics(createRegistry()) },
  );
  const changes = new MachineChanges({}, { ...deps, machines, logger });
  changes.start();
  const machine = () => machines.row(1).machine;
  return {
    admin,
    boots,
    changes,
    log,
    machine,
    send: (event: Parameters<MachineChanges['event']>[2]) => {
      const { id, boot, tags } = machine();
      const record = { machine: id, stream: 'event', boot, tags, detail: event.message, body: '{}' } as const;
      return changes.event(machine(), boot, event, record);
    },
    view: () => machineViewJson(machines.view(machine())),
    records: async () => {
      const all = await readAll(log, {}, 1_000);
      return all.map(({ json }) => JSON.parse(json) as { subject: string; body: Record<string, unknown> });
    },
  };
}

it('a status is what it was after a restart, and each event lies beside the change that it made', async () => {
  const store = temporaryStore();
  cleanups.push(store.remove);
  const first = await start(store.path);
  for (const event of [
    address('cp-1', '192.0.2.1', first.machine().address),
    sequence('boot', 'START'),
    phase('start', 'START'),
    task('startAllServices', 'START'),
    service('apid', 'RUNNING', true),
    stage('RUNNING', true),
    configError('no such disk'),
    sequence('upgrade', 'START'),
    stage('UPGRADING'),
    phase('drain', 'START'),
    task('cordonAndDrainNode', 'START'),
  ]) {
    await first.send(event);
  }
  await first.admin.setProvider(
    first.machine().uuid,
    { status: 'True', severity: null, reason: null, message: null },
    'a',
  );
  const before = first.view();
  expect(before).toMatchObject({
    hostname: 'cp-1',
    addresses: ['192.0.2.1'],
    stage: 'UPGRADING',
    ready: false,
    sequence: { name: 'upgrade', action: 'START' },
    phase: 'drain',
    tasks: ['cordonAndDrainNode'],
    config_errors: [{ kind: 'load', message: 'no such disk' }],
    last_reboot: null,
    missing_lines: 0,
  });
  const subjects = (await first.records()).map(({ subject }) => subject.split('.').slice(3).join('.'));
  expect(subjects.slice(0, 2)).toEqual(['event.AddressEvent', 'machine.changed']);
  await first.log.close(5_000);

  // As after kill -9: nobody called `changes.stop()`.
  const second = await start(store.path);
  expect(second.view()).toEqual(before);
  await second.changes.stop();
  const last = (await second.records()).at(-1);
  expect(last?.subject).toMatch(/machine\.changed$/);
  expect(last?.body).toMatchObject({ stage: 'UPGRADING', conditions: before.conditions });

  // Its next boot joins, and we are killed before it says a word.
  await second.send(restart(0x45584543n));
  const { boot, ops } = second.boots.begin(1, newKey());
  await second.log.commit({ ops: [...ops], records: [] });
  await second.log.close(5_000);
  const third = await start(store.path);
  const at = new Date(boot.startedAt).toISOString();
  expect(third.boots.current(1)?.number).toBe(2);
  expect(new StatusTable({}, { image: third.log.image, clock: systemClock }).get(1)).toMatchObject({
    boot: 2,
    stage: null,
    hostname: 'cp-1',
    lastReboot: { at: boot.startedAt, ending: { kind: 'upgrade', command: 'kexec' } },
  });
  expect(third.view().last_reboot).toEqual({ at, kind: 'upgrade', command: 'kexec' });
});
