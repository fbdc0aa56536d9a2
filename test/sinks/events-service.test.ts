import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { common, events, machine } from '../../src/gen/proto.js';
import { EventsService, type EventsServiceOptions } from '../../src/sinks/events-service.ts';
import type { Page } from '../../src/stream/types.ts';
import { bootRows, metric, newKey, startBoot, type World, world } from './fakes.ts';

const vectors = JSON.parse(readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8')) as {
  protobuf: { message: string; note: string; hex: string }[];
  event_request: { id: string; hex: string }[];
};

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The machine's address is the loopback address the client calls from. */
async function serve(from: World = world(), options: Partial<EventsServiceOptions> = {}, known = true) {
  if (known) from.machines.add(1, '127.0.0.1');
  if (from.boots.current(1) === undefined) startBoot(from.boots, 1);
  const service = new EventsService({ host: '127.0.0.1', port: 0, ...options }, from);
  const { port } = await service.start();
  cleanups.push(() => service.stop(100));
  /** A machine's one connection, as far as it is not closed. */
  const dial = () => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      // Clients with equal options would share one connection.
      'grpc.use_local_subchannel_pool': 1,
    });
    cleanups.push(() => client.close());
    return (bytes: Uint8Array) =>
      new Promise<Buffer>((resolve, reject) => {
        const raw = (value: Buffer) => value;
        client.makeUnaryRequest<Buffer, Buffer>(
          '/events.EventSinkService/Publish',
          raw,
          raw,
          Buffer.from(bytes),
          (error: ServiceError | null, response) => (error ? reject(error) : resolve(response ?? Buffer.alloc(0))),
        );
      });
  };
  return { ...from, world: from, service, port, dial, publish: dial() };
}

let nextId = 0;
function request(type: string, value: Uint8Array, change: { id?: string; actor_id?: string } = {}): Uint8Array {
  nextId += 1;
  const id = change.id ?? `c857jkm1jjcc${String(nextId).padStart(8, '0')}`;
  const data = { type_url: type.includes('/') ? type : `type.googleapis.com/machine.${type}`, value };
  return events.EventRequest.encode({ data, id, actor_id: change.actor_id ?? '' }).finish();
}

function golden(message: string): Uint8Array {
  const vector = vectors.protobuf.find((candidate) => candidate.message === `machine.${message}`);
  return Buffer.from(vector?.hex ?? '', 'hex');
}

const phase = () => request('PhaseEvent', golden('PhaseEvent'));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const code = (error: unknown) => (error as ServiceError).code;

describe('EventsService', () => {
  it('stores the golden request as Sidero Metal would tell it, then answers with nothing', async () => {
    const { publish, log, machines } = await serve();
    const [vector] = vectors.event_request;
    const answer = await publish(Buffer.from(vector?.hex ?? '', 'hex'));
    expect(answer.length).toBe(0);
    const record = log.changes[0]?.records[0];
    expect(record).toMatchObject({ machine: 1, stream: 'event', boot: 1, detail: 'AddressEvent' });
    expect(record?.tags).toBe(machines.byId(1)?.tags);
    expect(JSON.parse(record?.body ?? '')).toEqual({
      level: 'info',
      msg: 'incoming event',
      component: 'sink',
      node: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d+$/),
      id: vector?.id,
      actor_id: '',
      type: 'type.googleapis.com/machine.AddressEvent',
      hostname: 'pxe-2',
      addresses: ['172.25.0.5', 'fdae:2859:5bb1:7a03:3ae3:be30:7ec4:4c09'],
    });
    expect(Object.keys(JSON.parse(record?.body ?? ''))).toEqual([
      'level',
      'msg',
      'component',
      'node',
      'id',
      'actor_id',
      'type',
      'hostname',
      'addresses',
    ]);
  });

  it.each<[string, Uint8Array, Record<string, unknown>]>([
    [
      'SequenceEvent',
      golden('SequenceEvent'),
      {
        level: 'error',
        msg: 'incoming event',
        sequence: 'install',
        action: 'NOOP',
        error: 'sequence failed: unix.Reboot(1234567)',
        error_code: 'FATAL',
        error_details: [],
      },
    ],
    [
      'SequenceEvent',
      machine.SequenceEvent.encode({
        sequence: 'boot',
        action: 1,
        error: { code: common.Code.LOCKED, message: 'x', details: [{ type_url: 'a/b', value: Buffer.from('hi') }] },
      }).finish(),
      { action: 'START', error_code: 'LOCKED', error_details: [{ type_url: 'a/b', value: 'aGk=' }] },
    ],
    ['PhaseEvent', golden('PhaseEvent'), { level: 'info', phase: 'saveConfig', action: 'START' }],
    [
      'TaskEvent',
      machine.TaskEvent.encode({ task: 'runningMaintenance', action: 1 }).finish(),
      { task: 'runningMaintenance', action: 'STOP' },
    ],
    [
      'ServiceStateEvent',
      golden('ServiceStateEvent'),
      {
        msg: 'service Started task kubelet (PID 1815)',
        service: 'kubelet',
        action: 'RUNNING',
        message: 'Started task kubelet (PID 1815)',
        health: { unknown: true, healthy: false, last_message: '', last_change: null },
      },
    ],
    [
      'ServiceStateEvent',
      machine.ServiceStateEvent.encode({
        service: 'apid',
        action: 99 as machine.ServiceStateEvent.Action,
        health: { healthy: true, last_change: { seconds: 1_700_000_000, nanos: 120_000_000 } },
      }).finish(),
      {
        action: '99',
        message: '',
        health: { unknown: false, healthy: true, last_message: '', last_change: '2023-11-14T22:13:20.12Z' },
      },
    ],
    ['RestartEvent', golden('RestartEvent'), { cmd: 1_163_412_803 }],
    [
      'ConfigLoadErrorEvent',
      golden('ConfigLoadErrorEvent'),
      { level: 'info', error: 'unknown keys found during decoding' },
    ],
    [
      'ConfigValidationErrorEvent',
      machine.ConfigValidationErrorEvent.encode({ error: 'bad' }).finish(),
      { level: 'info', error: 'bad' },
    ],
    ['AddressEvent', machine.AddressEvent.encode({}).finish(), { hostname: '', addresses: [] }],
    [
      'MachineStatusEvent',
      golden('MachineStatusEvent'),
      { stage: 'BOOTING', ready: false, unmet_conditions: [{ name: 'services', reason: 'apid not healthy' }] },
    ],
    [
      'MachineStatusEvent',
      machine.MachineStatusEvent.encode({}).finish(),
      { stage: 'UNKNOWN', ready: false, unmet_conditions: [] },
    ],
  ])('decodes %s', async (type, value, expected) => {
    const { publish, log, world: w } = await serve();
    await publish(request(type, value, { actor_id: '2f2a0d1c-4a9f-4a39-8d2c-4a0e7c6f1b11' }));
    expect(log.changes[0]?.records[0]?.detail).toBe(type);
    expect(log.bodies[0]).toMatchObject({ ...expected, actor_id: '2f2a0d1c-4a9f-4a39-8d2c-4a0e7c6f1b11' });
    expect(log.bodies[0]).not.toHaveProperty('raw');
    expect(await metric(w, 'events_total', { message: type })).toBe(1);
  });

  it('writes 64-bit integers exactly', async () => {
    const { publish, log } = await serve();
    // Field 1, varint 2^63 - 1.
    await publish(request('RestartEvent', Buffer.from('08ffffffffffffffff7f', 'hex')));
    expect(log.changes[0]?.records[0]?.body).toContain('"cmd":9223372036854775807}');
  });

  it.each<[string, Uint8Array, { detail: string; reason: string; raw: string; type: string }]>([
    [
      'an unknown type',
      request('type.googleapis.com/machine.Brand.New_Event', Buffer.from([1, 2])),
      { detail: 'New_5FEvent', reason: 'unknown', raw: 'AQI=', type: 'type.googleapis.com/machine.Brand.New_Event' },
    ],
    [
      'a payload that is cut off',
      request('AddressEvent', golden('AddressEvent').subarray(0, 9)),
      {
        detail: 'AddressEvent',
        reason: 'broken',
        raw: Buffer.from(golden('AddressEvent').subarray(0, 9)).toString('base64'),
        type: 'type.googleapis.com/machine.AddressEvent',
      },
    ],
    [
      'a payload with bad UTF-8',
      request('PhaseEvent', Buffer.from('0a02ff41', 'hex')),
      { detail: 'PhaseEvent', reason: 'broken', raw: 'CgL/QQ==', type: 'type.googleapis.com/machine.PhaseEvent' },
    ],
    [
      'no data',
      events.EventRequest.encode({ id: 'x' }).finish(),
      { detail: 'other', reason: 'no_data', raw: '', type: '' },
    ],
    [
      'a type without a name',
      request('type.googleapis.com/', Buffer.from('x')),
      { detail: 'other', reason: 'unknown', raw: 'eA==', type: 'type.googleapis.com/' },
    ],
    ['no protobuf at all', Buffer.from([255, 255]), { detail: 'other', reason: 'broken', raw: '//8=', type: '' }],
    ['nothing', new Uint8Array(), { detail: 'other', reason: 'no_data', raw: '', type: '' }],
  ])('keeps %s as it came and answers OK', async (_, bytes, { detail, reason, raw, type }) => {
    const { publish, log, world: w } = await serve();
    await publish(bytes);
    expect(log.changes[0]?.records[0]?.detail).toBe(detail);
    expect(log.bodies[0]).toMatchObject({ level: 'info', msg: 'incoming event', type, raw });
    expect(await metric(w, 'event_faults_total', { reason })).toBe(1);
    await publish(request('PhaseEvent', golden('PhaseEvent')));
    expect(log.bodies).toHaveLength(2);
  });

  it('cuts a huge event and answers OK', async () => {
    const { publish, log, world: w } = await serve();
    const value = Buffer.alloc(3_900_000, 7);
    await publish(request('PhaseEvent', value));
    expect(log.bodies[0]).toMatchObject({ raw_bytes: value.length, type: 'type.googleapis.com/machine.PhaseEvent' });
    expect(Buffer.from(String(log.bodies[0]?.['raw']), 'base64').length).toBe(262_144);
    expect(await metric(w, 'event_faults_total', { reason: 'oversized' })).toBe(1);
  });

  it('keeps of an event that is larger than a message may be that there was one, and answers OK', async () => {
    const { publish, log, world: w } = await serve(world(), { maxMessageBytes: 1_048_576 });
    for (const size of [1_048_500, 3_000_000, 40_000_000]) {
      await publish(request('PhaseEvent', Buffer.alloc(size, 7)));
      // The machine's queue moves on.
      await publish(request('PhaseEvent', golden('PhaseEvent')));
    }
    const [whole, , large, , huge] = log.bodies;
    expect(whole).toMatchObject({ raw_bytes: 1_048_500, type: 'type.googleapis.com/machine.PhaseEvent' });
    expect(large).toMatchObject({ raw: '', type: '', id: '', raw_bytes: expect.any(Number) });
    expect(large?.['raw_bytes']).toBeGreaterThan(3_000_000);
    expect(huge?.['raw_bytes']).toBeGreaterThan(40_000_000);
    expect(log.changes.map(({ records }) => records[0]?.detail)).toEqual(
      ['PhaseEvent', 'other', 'other'].flatMap((detail) => [detail, 'PhaseEvent']),
    );
    expect(await metric(w, 'event_faults_total', { reason: 'oversized' })).toBe(3);
  });

  it('takes a secret out of megabytes that it cannot read', async () => {
    const { publish, log } = await serve();
    const text = `get https://h?jointoken=${'CANARY'.repeat(2_000_000)}`;
    await publish(request('NewEvent', Buffer.from(text)));
    expect(Buffer.from(String(log.bodies[0]?.['raw']), 'base64').toString()).toMatch(/^get https:..h\?jointoken=\*+$/);
    expect(log.bodies[0]).toMatchObject({ raw_bytes: text.length });
  });

  it('an event that is too large is answered like others when it cannot be stored, or nobody knows the source', async () => {
    const { publish, log, world: w } = await serve(world(), { maxMessageBytes: 100_000 });
    const large = request('PhaseEvent', Buffer.alloc(200_000, 7));
    log.broken = true;
    expect(code(await publish(large).catch((e: unknown) => e))).toBe(status.UNAVAILABLE);
    w.machines.change(1, { state: 'removed' });
    expect(code(await publish(large).catch((e: unknown) => e))).toBe(status.PERMISSION_DENIED);
    expect(log.changes).toEqual([]);
  });

  /** A call whose message never ends. */
  const half = async (port: number, announced: number, sent: number): Promise<ClientHttp2Session> => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.on('error', () => {});
    cleanups.push(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': '/events.EventSinkService/Publish',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => {});
    const head = Buffer.alloc(5);
    head.writeUInt32BE(announced, 1);
    await new Promise((resolve) => stream.write(Buffer.concat([head, Buffer.alloc(sent)]), resolve));
    return session;
  };

  it('cuts the connection that holds most when calls hold too much, and no other', async () => {
    const {
      publish,
      log,
      service,
      port,
      clock,
      world: w,
    } = await serve(world(), { maxReceivingBytes: 3_000_000, deadlineMs: 1e9 });
    await publish(phase());
    const small = await half(port, 1_000_000, 500_000);
    const large = await half(port, 4_000_000, 2_800_000);
    while (!large.destroyed) {
      clock.advance(100);
      await turn();
    }
    await publish(phase());
    clock.advance(100);
    expect(small.destroyed).toBe(false);
    expect(service.connections).toBe(2);
    expect(await metric(w, 'events_refused_total', { reason: 'receiving' })).toBe(1);
    expect(log.changes).toHaveLength(2);
  });

  it('counts what calls hold, not what a connection has read', async () => {
    const { publish, clock, world: w } = await serve(world(), { maxReceivingBytes: 500_000 });
    for (let i = 0; i < 10; i += 1) {
      await publish(request('PhaseEvent', Buffer.alloc(200_000)));
      clock.advance(100);
    }
    expect(await metric(w, 'events_refused_total', { reason: 'receiving' })).toBe(0);
  });

  it('closes the oldest connections of a source that has too many', async () => {
    const { publish, dial, service, world: w } = await serve(world(), { maxConnectionsPerMachine: 2 });
    await publish(phase());
    for (let i = 0; i < 12; i += 1) await dial()(phase());
    while (service.connections > 2) await turn();
    expect(await metric(w, 'events_refused_total', { reason: 'machine_connections' })).toBe(11);
    await dial()(phase());
  });

  it('answers only after the commit', async () => {
    const { publish, log } = await serve();
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    let answered = false;
    const publishing = publish(request('PhaseEvent', golden('PhaseEvent'))).then(() => {
      answered = true;
    });
    await log.until(() => log.commits === 1);
    // Another event makes the whole way to its commit and no answer comes of either.
    const second = publish(request('PhaseEvent', golden('PhaseEvent')));
    await log.until(() => log.commits === 2);
    expect(answered).toBe(false);
    gate.resolve();
    await Promise.all([publishing, second]);
    expect(log.changes).toHaveLength(2);
  });

  it('refuses an unknown source without a record', async () => {
    const { publish, log, world: w } = await serve(world(), {}, false);
    const error = await publish(request('PhaseEvent', golden('PhaseEvent'))).catch((e: unknown) => e);
    expect(code(error)).toBe(status.PERMISSION_DENIED);
    expect(log.changes).toEqual([]);
    expect(await metric(w, 'events_refused_total', { reason: 'unknown_source' })).toBe(1);
  });

  it('acknowledges an event that it has without a second record', async () => {
    const { publish, dial, log, world: w } = await serve();
    const bytes = request('PhaseEvent', golden('PhaseEvent'), { id: 'same' });
    await publish(bytes);
    await publish(bytes);
    expect(log.bodies).toHaveLength(1);
    expect(await metric(w, 'event_duplicates_total')).toBe(1);
    startBoot(w.boots, 1);
    await dial()(bytes);
    expect(log.changes.map(({ records }) => records[0]?.boot)).toEqual([1, 2]);
  });

  it('lets an event that comes again while it is committed wait for that commit', async () => {
    const { publish, log } = await serve();
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    const bytes = request('PhaseEvent', golden('PhaseEvent'), { id: 'same' });
    const both = Promise.all([publish(bytes), publish(bytes)]);
    gate.resolve();
    await both;
    expect(log.bodies).toHaveLength(1);
  });

  it('stores an event again whose commit failed', async () => {
    const { publish, log } = await serve();
    const bytes = request('PhaseEvent', golden('PhaseEvent'), { id: 'same' });
    log.broken = true;
    expect(code(await publish(bytes).catch((e: unknown) => e))).toBe(status.UNAVAILABLE);
    log.broken = false;
    await publish(bytes);
    expect(log.bodies).toHaveLength(1);
  });

  it('remembers the last 1,024 ids of a boot, and reads them back after a restart', async () => {
    const restarted = world({ boots: bootRows(...startBoot(world().boots, 1).ops) });
    const tags = restarted.machines.add(1, '127.0.0.1').tags;
    const record = (boot: number, id: string) =>
      ({ machine: 1, stream: 'event', boot, tags, detail: 'PhaseEvent', body: JSON.stringify({ id }) }) as const;
    const records = Array.from({ length: 1_200 }, (_, i) => record(1, `id-${i}`));
    restarted.log.changes.push({ ops: [], records: [record(0, 'of-another-boot'), ...records] });
    const bytesOf = (id: string) => request('PhaseEvent', golden('PhaseEvent'), { id });
    const { publish, log } = await serve(restarted);
    for (const id of ['id-1199', 'id-600', 'id-176']) await publish(bytesOf(id));
    expect(log.changes).toHaveLength(1);
    await publish(bytesOf('id-175'));
    await publish(bytesOf('of-another-boot'));
    expect(log.changes).toHaveLength(3);
    expect(log.queries[0]).toMatchObject({ filters: ['siderolink.*.*.event.>'], machine: 1, tail: true });
    expect(log.queries.length).toBeLessThanOrEqual(3);
  });

  it('stores the status with the event', async () => {
    const { publish, log, statuses } = await serve();
    await publish(request('AddressEvent', golden('AddressEvent')));
    expect(log.changes[0]?.ops).toMatchObject([{ op: 'putStatus', machine: 1 }]);
    expect(statuses.get(1)).toMatchObject({
      hostname: 'pxe-2',
      addresses: ['172.25.0.5', 'fdae:2859:5bb1:7a03:3ae3:be30:7ec4:4c09'],
    });
  });

  it('never stores a secret', async () => {
    const { publish, log } = await serve();
    const text = 'get grpc://x?jointoken=CANARY&a=b failed: talos.config.inline=CANARY';
    await publish(request('ConfigLoadErrorEvent', machine.ConfigLoadErrorEvent.encode({ error: text }).finish()));
    await publish(
      request('ServiceStateEvent', machine.ServiceStateEvent.encode({ service: 's', message: text }).finish()),
    );
    await publish(request('NewEvent', Buffer.from(text)));
    await publish(Buffer.concat([Buffer.from([255]), Buffer.from(text)]));
    const everything = JSON.stringify(log.changes);
    expect(everything).not.toContain('CANARY');
    for (const body of log.bodies.slice(2)) {
      expect(Buffer.from(String(body['raw']), 'base64').toString('latin1')).not.toContain('CANARY');
    }
    expect(log.bodies[0]?.['error']).toBe(
      'get grpc://x?jointoken=[redacted]&a=b failed: talos.config.inline=[redacted]',
    );
  });

  const reboot = (w: World) => {
    const { boot } = startBoot(w.boots, 1);
    const machine = w.machines.change(1, { boot: boot.number });
    w.machines.emit({ kind: 'boot', machine, previousBoot: undefined });
  };
  const arrived = async (log: World['log'], commits: number) => {
    await log.until(() => log.commits === commits);
  };

  it('what a former boot said is of that boot, whenever it is read; then its connection is closed', async () => {
    const { publish, dial, log, service, world: w } = await serve();
    await publish(phase());
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    const running = publish(phase());
    await arrived(log, 2);
    reboot(w);
    // The connection is open as long as a call of it runs, and what comes on it is its own boot's.
    const late = publish(phase());
    const fresh = dial()(phase());
    await arrived(log, 4);
    expect(service.connections).toBe(2);
    gate.resolve();
    await Promise.all([running, late, fresh]);
    const boots = log.changes.map(({ records }) => records[0]?.boot ?? 0);
    expect(boots.toSorted((a, b) => a - b)).toEqual([1, 1, 1, 2]);
    while (service.connections > 1) await turn();
    // The client dials again by itself once it has noticed: that connection is the new boot's.
    const again = phase();
    while (
      await publish(again).then(
        () => false,
        () => true,
      )
    );
    expect(log.changes.at(-1)?.records[0]?.boot).toBe(2);
  });

  it('an old connection that is idle is closed at once, one whose call hangs when its time is over', async () => {
    const { publish, dial, log, service, clock, world: w } = await serve(world(), { finishTimeoutMs: 1_000 });
    await Promise.all([publish(phase()), dial()(phase())]);
    log.gate = new Promise(() => {});
    const hanging = publish(phase()).catch((error: unknown) => error);
    await arrived(log, 3);
    reboot(w);
    while (service.connections > 1) await turn();
    expect(service.connections).toBe(1);
    clock.advance(1_000);
    expect(code(await hanging)).toBe(status.UNAVAILABLE);
    expect(service.connections).toBe(0);
  });

  it('closes the connections of a removed machine at once, and takes nothing of it any more', async () => {
    const { publish, log, service, world: w } = await serve();
    log.gate = new Promise(() => {});
    const running = publish(phase()).catch((error: unknown) => error);
    await arrived(log, 1);
    const machine = w.machines.change(1, { state: 'removed' });
    w.machines.emit({ kind: 'removed', machine });
    expect(code(await running)).toBe(status.UNAVAILABLE);
    while (service.connections > 0) await turn();
    expect(code(await publish(phase()).catch((error: unknown) => error))).toBe(status.PERMISSION_DENIED);
    // The machine is let in again: the connection that was a stranger's is its own now.
    w.machines.change(1, { state: 'accepted' });
    log.gate = Promise.resolve();
    await publish(phase());
    expect(log.changes).toHaveLength(1);
  });

  it('stores no event of a machine that was removed while its boot was read back', async () => {
    const image = { boots: [{ machine: 1, boot: 1, publicKey: newKey(), doc: '{"started_at":0,"seen":[]}' }] };
    const w = world(image);
    const { publish, log } = await serve(w);
    const reading = Promise.withResolvers<Page>();
    const asked = Promise.withResolvers<void>();
    log.read = () => {
      asked.resolve();
      return reading.promise;
    };
    const waiting = publish(phase()).catch((error: unknown) => error);
    await asked.promise;
    w.machines.change(1, { state: 'removed' });
    reading.resolve({ records: [], next: 0, end: true, complete: true });
    expect(code(await waiting)).toBe(status.PERMISSION_DENIED);
    expect(log.commits).toBe(0);
  });

  it('tags events with the ownership of the moment, on one connection', async () => {
    const { publish, log, service, world: w } = await serve();
    await publish(phase());
    const before = w.machines.byId(1);
    if (before === undefined) throw new Error('no machine');
    const tags = { ...before.tags, id: 99, ownership: { owner: 'acme' } };
    w.machines.emit({ kind: 'changed', machine: w.machines.change(1, { tags }) });
    await publish(phase());
    expect(log.changes.map(({ records }) => records[0]?.tags.ownership)).toEqual([{}, { owner: 'acme' }]);
    expect(service.connections).toBe(1);
  });

  it('answers UNAVAILABLE while it stops, and lets the running call finish', async () => {
    const { publish, log, service } = await serve();
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    const running = publish(request('PhaseEvent', golden('PhaseEvent'))).catch((error: unknown) => error);
    await log.until(() => log.commits === 1);
    const stopped = service.stop(5_000);
    const refused = await publish(request('PhaseEvent', golden('PhaseEvent'))).catch((error: unknown) => error);
    expect(code(refused)).toBe(status.UNAVAILABLE);
    gate.resolve();
    expect(await running).toBeInstanceOf(Buffer);
    await stopped;
    expect(log.changes).toHaveLength(1);
  });
});
