import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { BootTable } from '../../src/fleet/boots.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { KmsgServer } from '../../src/sinks/kmsg-server.ts';
import { sinkMetrics } from '../../src/sinks/metrics.ts';
import { openRecordLog } from '../../src/stream/record-log.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { kernelLine } from '../sinks/fakes.ts';
import { readAll, temporaryStore } from '../stream/harness.ts';
import { overlay, registryOf } from './admin-world.ts';
import { MemoryDevice, MemoryLinks } from './fakes.ts';

const SOURCES = ['127.0.0.21', '127.0.0.22'];

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The fleet and its sinks over a real store, with two machines that are loopback addresses. */
async function start(path: string) {
  const registry = createRegistry();
  const base = { clock: systemClock, logger: createLogger('fatal', { write: () => {} }), health: new Health(Date.now) };
  const open = () =>
    openRecordLog({ path, prefix: 'siderolink', segmentRecords: 500 }, { ...base, metrics: createRegistry() });
  let log = await open();
  if (log.image.machines.length === 0) {
    const { machines, tags, boots } = registryOf([{}, {}]);
    await log.commit({
      ops: [
        ...tags.map((row) => ({ op: 'putTags' as const, ...row })),
        ...machines.map((row, i) => ({ ...row, op: 'putMachine' as const, address: SOURCES[i] as never })),
        ...boots.map((row) => ({ op: 'putBoot' as const, ...row })),
      ],
      records: [],
    });
    await log.close(5_000);
    log = await open();
  }
  const boots = new BootTable({}, { image: log.image, clock: systemClock });
  const statuses = new StatusTable({}, { image: log.image, clock: systemClock });
  const fleet = new Fleet(
    { overlay, uniqueTokenKey: Buffer.alloc(32, 7) },
    {
      ...{ log, boots, statuses, links: new MemoryLinks(), wireguard: new MemoryDevice(), clock: systemClock },
      metrics: fleetMetrics(registry),
    },
  );
  const sinks = { ...base, machines: fleet.machines, boots, statuses, log, metrics: sinkMetrics(registry) };
  const kmsg = new KmsgServer({ host: '127.0.0.1', port: 0 }, sinks);
  const { port } = await kmsg.start();
  const stop = async () => {
    await kmsg.stop(1_000);
    await log.close(5_000);
  };
  cleanups.push(stop);
  const uuid = (id: number) => {
    const found = fleet.machines.byId(id);
    if (found === undefined) throw new Error(`no machine ${id}`);
    return found.uuid;
  };
  const dial = async (source: string): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: source });
    socket.on('error', () => {});
    cleanups.push(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { log, fleet, admin: fleet.admin, kmsg, stop, uuid, dial };
}

/** Writes lines without an end, as fast as they are taken, until the socket closes. */
function pour(socket: Socket, first = 0): { readonly sent: () => number } {
  let seq = first;
  const more = () => {
    while (!socket.destroyed && socket.write(`${kernelLine(seq)}\n`)) {
      seq += 1;
      if (seq % 50 === 0) {
        setImmediate(more);
        return;
      }
    }
    seq += 1;
    socket.once('drain', more);
  };
  more();
  return { sent: () => seq };
}

/** Lets sockets and threads go on until it is so. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

type Told = { readonly seq: number; readonly subject: string; readonly body: Record<string, unknown> };

async function records(log: Parameters<typeof readAll>[0], machine: number): Promise<Told[]> {
  return (await readAll(log, { machine }, 5_000)).map(({ json }) => JSON.parse(json) as Told);
}

it('a claim in the middle of a stream: lines before it have no owner, lines after it have, none is lost', async () => {
  const store = temporaryStore();
  cleanups.push(store.remove);
  const world = await start(store.path);
  const socket = await world.dial(SOURCES[0] ?? '');
  const stream = pour(socket);
  await until(() => world.log.head >= 300);
  const claims = await Promise.allSettled(
    ['acme', 'other'].map((owner) => world.admin.claim(world.uuid(1), { owner, cluster: owner }, owner)),
  );
  expect(claims.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  const mark = stream.sent();
  await until(() => world.log.head >= mark + 300);
  socket.destroy();
  await until(() => world.kmsg.connections === 0);
  await world.log.flush();
  const before = await records(world.log, 1);
  await world.stop();

  const again = await start(store.path);
  const told = await records(again.log, 1);
  expect(told).toEqual(before);
  const lines = told.filter(({ subject }) => subject.includes('.kmsg.'));
  const owners = lines.map(({ body }) => body['owner'] ?? null);
  const turned = owners.indexOf('acme');
  expect(turned).toBeGreaterThan(0);
  expect(new Set(owners.slice(0, turned))).toEqual(new Set([null]));
  expect(new Set(owners.slice(turned))).toEqual(new Set(['acme']));
  expect(lines.map(({ body }) => body['seq'])).toEqual(lines.map((_, i) => i));
  // What was sent after the answer has the new owner.
  expect(lines.findIndex(({ body }) => body['seq'] === mark)).toBeGreaterThanOrEqual(turned);
  const claimed = told.findIndex(({ subject }) => subject.endsWith('.machine.claimed'));
  expect(told[claimed]).toMatchObject({ body: { owner: 'acme', cluster: 'acme', by: 'acme' } });
  expect(told.indexOf(lines[turned] as Told)).toBeGreaterThan(claimed);
});

it('a removal with its records in the middle of a stream leaves the record of it, and nothing else', async () => {
  const store = temporaryStore();
  cleanups.push(store.remove);
  const world = await start(store.path);
  const doomed = await world.dial(SOURCES[0] ?? '');
  const other = await world.dial(SOURCES[1] ?? '');
  pour(doomed);
  const kept = pour(other);
  await until(() => world.log.head >= 1_500);
  const closed = new Promise((resolve) => doomed.once('close', resolve));
  await world.admin.remove(world.uuid(1), { records: true }, 'ann');
  await closed;
  expect((await records(world.log, 1)).map(({ subject }) => subject.split('.').slice(3).join('.'))).toEqual([
    'machine.removed',
  ]);
  other.destroy();
  await until(() => world.kmsg.connections === 0);
  await world.log.flush();
  await world.log.packed();
  expect(await records(world.log, 1)).toHaveLength(1);
  const others = await records(world.log, 2);
  expect(others.length).toBeGreaterThan(500);
  expect(others.map(({ body }) => body['seq'])).toEqual(others.map((_, i) => i));
  expect(others.length).toBeLessThanOrEqual(kept.sent());
  await world.stop();

  const again = await start(store.path);
  expect(await records(again.log, 1)).toHaveLength(1);
  // Back with its address, it goes on; what was deleted stays so.
  await again.admin.readmit(again.uuid(1), 'ann');
  const socket = await again.dial(SOURCES[0] ?? '');
  socket.write(`${kernelLine(1_000_000)}\n`);
  const readmitted = again.log.head;
  await until(() => again.log.head > readmitted);
  const told = await records(again.log, 1);
  expect(told.map(({ subject }) => subject.split('.').slice(3).join('.'))).toEqual([
    'machine.removed',
    'machine.readmitted',
    'kmsg.info',
  ]);
  const [boot] = await again.log.boots(1);
  expect(boot).toMatchObject({ number: 1, lastSeq: 1_000_000 });
});
