import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { GAP_AGE } from '../../src/domain/gap.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { MachineChanges } from '../../src/fleet/changes.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { events, machine } from '../../src/gen/proto.js';
import { systemClock } from '../../src/lib/clock.ts';
import { EventsService } from '../../src/sinks/events-service.ts';
import { GapReporter } from '../../src/sinks/gap-reporter.ts';
import { KmsgServer } from '../../src/sinks/kmsg-server.ts';
import { openRecordLog } from '../../src/stream/record-log.ts';
import { Health } from '../../src/telemetry/health.ts';
import { kernelLine, startBoot, world } from './fakes.ts';

const SOURCE = '127.0.0.5';

let cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.reverse()) await undo();
  cleanup = [];
});

/** The sinks over a real store at `path`, as the daemon wires them; the clock of holes is moved by hand. */
async function start(path: string) {
  const w = world();
  const deps = { clock: systemClock, logger: w.logger, health: new Health(Date.now), metrics: w.registry };
  const log = await openRecordLog({ path, prefix: 'siderolink' }, deps);
  const boots = new BootTable({}, { image: log.image, clock: w.clock });
  const statuses = new StatusTable({}, { image: log.image, clock: w.clock });
  const { tags } = w.machines.add(1, SOURCE);
  if (boots.current(1) === undefined) {
    const { ops } = startBoot(boots, 1);
    const putTags = { op: 'putTags', id: tags.id, server_uuid: tags.server_uuid as never, ownership: {} } as const;
    await log.commit({ ops: [putTags, ...ops], records: [] });
  }
  const changes = new MachineChanges({}, { ...w, log, boots, statuses });
  const sinks = { ...w, log, boots, statuses, changes, metrics: w.metrics };
  const kmsg = new KmsgServer({ host: '127.0.0.1', port: 0 }, { ...sinks, clock: systemClock });
  const gaps = new GapReporter({}, sinks);
  const service = new EventsService({ host: '127.0.0.1', port: 0 }, { ...sinks, clock: systemClock });
  const ports = { kmsg: (await kmsg.start()).port, events: (await service.start()).port };
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await service.stop(1_000);
    await kmsg.stop(1_000);
    await gaps.stop();
    await log.close(1_000);
  };
  cleanup.push(stop);

  const send = async (...seqs: number[]) => {
    const socket = connect({ host: '127.0.0.1', port: ports.kmsg, localAddress: SOURCE });
    socket.resume();
    socket.end(seqs.map((seq) => `${kernelLine(seq)}\n`).join(''));
    await once(socket, 'close');
    await log.flush();
  };
  const publish = async (id: string) => {
    const client = new Client(`127.0.0.1:${ports.events}`, credentials.createInsecure());
    const value = machine.PhaseEvent.encode({ phase: id }).finish();
    const bytes = events.EventRequest.encode({ id, data: { type_url: 'a/machine.PhaseEvent', value } }).finish();
    await new Promise<void>((resolve, reject) => {
      const raw = (buffer: Buffer) => buffer;
      const method = '/events.EventSinkService/Publish';
      client.makeUnaryRequest(method, raw, raw, Buffer.from(bytes), (error) => (error ? reject(error) : resolve()));
    }).finally(() => client.close());
  };
  const bodies = async (stream: string) => {
    const page = await log.read({ filters: [`siderolink.*.*.${stream}.>`], limit: 1_000 });
    return page.records.map(({ json }) => JSON.parse(json) as { boot: number; body: Record<string, unknown> });
  };
  const tellGaps = async () => {
    w.clock.advance(GAP_AGE);
    await gaps.report();
  };
  // Events come from the loopback address itself.
  const useEvents = () => w.machines.change(1, { address: '127.0.0.1' as never });
  return { ...w, log, boots, statuses, send, publish, bodies, tellGaps, useEvents, stop };
}

function store(): string {
  const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-sinks-'));
  cleanup.push(async () => rmSync(directory, { recursive: true }));
  return join(directory, 'store.db');
}

describe('the sinks over a real store', () => {
  it('forget no line over a restart: replays stay out, holes are told once and closed', async () => {
    const path = store();
    const first = await start(path);
    await first.send(0, 1, 2, 6, 7);
    await first.tellGaps();
    await first.stop();

    const second = await start(path);
    await second.send(0, 1, 2, 6, 7, 8);
    await second.tellGaps();
    expect((await second.bodies('kmsg')).map(({ body }) => body['seq'])).toEqual([0, 1, 2, 6, 7, 8]);
    expect((await second.bodies('gap')).map(({ body }) => body)).toMatchObject([
      { from: 3, to: 5, count: 3, reason: 'missing' },
    ]);
    await second.send(4);
    await second.tellGaps();
    await second.stop();

    const third = await start(path);
    await third.tellGaps();
    expect((await third.bodies('gap')).map(({ body }) => body)).toMatchObject([
      { from: 3, to: 5, count: 3, reason: 'missing' },
      { from: 4, to: 4, count: 1, reason: 'filled' },
    ]);
    expect((await third.bodies('gap'))[0]?.boot).toBe(1);
  });

  it('knows the events of a boot again after a restart', async () => {
    const path = store();
    const first = await start(path);
    first.useEvents();
    // The record keeps only the first part of an id that no Talos would make.
    const long = 'x'.repeat(300);
    for (const id of [long, 'a', 'b', 'c']) await first.publish(id);
    await first.stop();

    const second = await start(path);
    await second.send(0);
    second.useEvents();
    for (const id of [long, 'b', 'c', 'd']) await second.publish(id);
    expect((await second.bodies('event')).map(({ body }) => body['phase'])).toEqual([long, 'a', 'b', 'c', 'd']);
  });
});
