import { once } from 'node:events';
import net from 'node:net';
import { setImmediate } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BootScripts } from '../../src/simulate/boot-scripts.ts';
import { newCounters } from '../../src/simulate/counters.ts';
import { EventQueue } from '../../src/simulate/event-queue.ts';
import { EventSender } from '../../src/simulate/event-sender.ts';
import { KernelLog } from '../../src/simulate/kernel-log.ts';
import { ZERO_LINE } from '../../src/simulate/kmsg-line.ts';
import { KmsgSender } from '../../src/simulate/kmsg-sender.ts';
import { encodeEventRequest, phaseEvent } from '../../src/simulate/machine-events.ts';
import { talosProfile } from '../../src/simulate/profile.ts';
import { FakeGateway } from './fake-gateway.ts';
import { ManualClock } from './manual-clock.ts';

const HOST = '127.0.0.1';
let gateway: FakeGateway;
let clock: ManualClock;
let ending: AbortController;
let running: Promise<void>;
let socket: net.Socket;
let reachable: 'yes' | 'refused' | 'black hole';
const counters = newCounters();

const network = {
  connectOverlay: ({ port }: { port: number }, { writeOnly = false }: { writeOnly?: boolean } = {}) => {
    if (reachable === 'black hole') return new net.Socket();
    socket = net.connect({ host: HOST, port: reachable === 'yes' ? port : 1, allowHalfOpen: writeOnly });
    return socket;
  },
  sendOverlay: async () => {},
};

beforeEach(async () => {
  gateway = new FakeGateway(() => ({}));
  await gateway.start();
  clock = new ManualClock();
  ending = new AbortController();
  running = Promise.resolve();
  reachable = 'yes';
  Object.assign(counters, newCounters());
});

afterEach(async () => {
  ending.abort();
  await running;
  await gateway.stop();
});

function kernelLog(capacity?: number): KernelLog {
  const script = new BootScripts().script(talosProfile('1.13'), 1, 'running');
  const facts = { seed: 1, boot: 1, uuid: 'u', hostname: 'h', commandLine: '', kernel: '6', tag: 'v', addresses: [] };
  return new KernelLog({ script, facts, ...(capacity === undefined ? {} : { capacity }) });
}

function sendKmsg(version: string, log: KernelLog): KmsgSender {
  const target = { protocol: 'tcp', host: HOST, port: gateway.kmsgPort } as const;
  const sender = new KmsgSender(
    { profile: talosProfile(version), targets: [target], bootedAt: clock.now() },
    { clock, random: () => 0.5, network, log, counters },
  );
  running = sender.run(ending.signal);
  return sender;
}

const seqs = () => gateway.lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
const upTo = (end: number, start = 0) => Array.from({ length: end - start }, (_, index) => start + index);

function write(log: KernelLog, count: number): void {
  for (let i = 0; i < count; i++) log.append({ clock: i, facility: 'user', priority: 'info', msg: `line ${i}\n` });
}

test('a line that nobody takes is retried each second, and none is missing or repeated', async () => {
  reachable = 'refused';
  const log = kernelLog();
  write(log, 20);
  sendKmsg('1.13', log);
  await clock.asked(1_000);
  await clock.advance(1_000);
  await clock.asked(1_000);
  reachable = 'yes';
  await clock.advance(1_000);
  await gateway.until(() => gateway.lines.length === 20);
  expect(seqs()).toEqual(upTo(20));
  expect(counters).toMatchObject({ kmsgRetries: 2, kmsgReplays: 0, kmsgLost: 0 });
});

test('a destination that does not answer costs 5 s, then the line is retried', async () => {
  reachable = 'black hole';
  const log = kernelLog();
  write(log, 3);
  sendKmsg('1.13', log);
  await clock.asked(5_000);
  reachable = 'yes';
  await clock.advance(5_000);
  await clock.asked(1_000);
  await clock.advance(1_000);
  await gateway.until(() => gateway.lines.length === 3);
  expect(seqs()).toEqual(upTo(3));
});

test('the end of a boot does not wait for a connection that is being made', async () => {
  reachable = 'black hole';
  const log = kernelLog();
  write(log, 1);
  sendKmsg('1.13', log);
  await clock.asked(5_000);
  // Nobody lets the five seconds pass.
  ending.abort();
  await running;
});

test('since 1.5 a reset connection loses lines at most and repeats none; before, the ring is read anew', async () => {
  for (const [version, replays] of [
    ['1.13', 0],
    ['1.4', 1],
  ] as const) {
    gateway.lines.length = 0;
    Object.assign(counters, newCounters());
    const log = kernelLog();
    write(log, 10);
    sendKmsg(version, log);
    await gateway.until(() => gateway.lines.length === 10);
    const accepted = gateway.kmsgSockets.at(-1);
    const closed = new Promise((resolve) => accepted?.once('close', resolve));
    accepted?.resetAndDestroy();
    await closed;
    // Until a write has failed the sender does not know.
    const connections = gateway.kmsgSockets.length;
    while (counters.kmsgRetries + counters.kmsgReplays === 0 && gateway.kmsgSockets.length === connections) {
      write(log, 1);
      await clock.advance(2_000);
    }
    write(log, 1);
    const last = log.next - 1;
    await clock.advance(2_000);
    await gateway.until(() => seqs().includes(last));
    const again = seqs().slice(10);
    expect(counters.kmsgReplays).toBe(replays);
    if (replays > 0) expect(again).toEqual(upTo(log.next));
    else expect(again[0]).toBeGreaterThanOrEqual(10);
    expect(again).toEqual([...again].sort((a, b) => a - b));
    ending.abort();
    await running;
    ending = new AbortController();
  }
});

test('what the ring lost before it could be sent is a hole in the numbers', async () => {
  const log = kernelLog(16);
  write(log, 100);
  sendKmsg('1.13', log);
  await gateway.until(() => gateway.lines.length === 16);
  expect(seqs()).toEqual(upTo(100, 84));
  expect(counters.kmsgLost).toBe(84);
});

test('a controller that starts again reads the ring from its start', async () => {
  const log = kernelLog();
  write(log, 5);
  const sender = sendKmsg('1.13', log);
  await gateway.until(() => gateway.lines.length === 5);
  sender.replay();
  write(log, 1);
  await gateway.until(() => gateway.lines.length === 11);
  expect(seqs()).toEqual([...upTo(5), ...upTo(6)]);
});

test.each([
  ['1.4', true],
  ['1.5', false],
] as const)('at a shutdown Talos %s ends with a record of zeros: %s', async (version, zero) => {
  const log = kernelLog();
  write(log, 5);
  const sender = sendKmsg(version, log);
  await gateway.until(() => gateway.lines.length === 5);
  const drained = sender.drain(10_000, ending.signal);
  await clock.advance(500);
  await drained;
  if (zero) await gateway.until(() => gateway.lines.length === 6);
  expect(gateway.lines.at(-1) === ZERO_LINE).toBe(zero);
});

function sendEvents(version: string, queue: EventQueue): void {
  const sender = new EventSender(
    { profile: talosProfile(version), target: { host: HOST, port: gateway.apiPort } },
    { clock, random: () => 0.5, network, queue, counters },
  );
  running = sender.run(ending.signal);
}

function push(queue: EventQueue, ...ids: string[]): void {
  for (const id of ids) queue.push({ id, body: encodeEventRequest(phaseEvent(id, 'START'), id, undefined) });
}

test('an event that was refused goes again under its id, on a new connection, and nothing overtakes it', async () => {
  const queue = new EventQueue();
  push(queue, 'a', 'b', 'c');
  gateway.refusals.push(0, grpc.status.UNAVAILABLE, grpc.status.PERMISSION_DENIED);
  sendEvents('1.13', queue);
  await clock.asked(500);
  await clock.advance(500);
  await clock.asked(750);
  await clock.advance(750);
  await gateway.until(() => gateway.events.length === 5);
  expect(gateway.events.map(({ id }) => id)).toEqual(['a', 'b', 'b', 'b', 'c']);
  const connections = gateway.events.map(({ connection }) => connection);
  expect(new Set(connections.slice(1, 4)).size).toBe(3);
  expect(connections[0]).toBe(connections[1]);
});

test('the ring keeps 990 events; what it loses is lost without a mark, and ends Talos 1.4', async () => {
  const ids = upTo(1_000).map(String);
  for (const [version, expected] of [
    ['1.13', ids.slice(10)],
    ['1.4', []],
  ] as const) {
    const queue = new EventQueue();
    gateway.events.length = 0;
    Object.assign(counters, newCounters());
    push(queue, ...ids);
    sendEvents(version, queue);
    if (expected.length === 0) await running;
    else await gateway.until(() => gateway.events.length === expected.length);
    expect(gateway.events.map(({ id }) => id)).toEqual(expected);
    expect(counters.eventsLost).toBe(10);
    ending.abort();
    await running;
    ending = new AbortController();
  }
});

test('an idle connection that the other side closed costs no error: the next event opens a new one', async () => {
  const queue = new EventQueue();
  push(queue, 'a');
  sendEvents('1.13', queue);
  await gateway.until(() => gateway.events.length === 1);
  while (queue.pending > 0) await setImmediate();
  const { apiPort } = gateway;
  const closed = once(socket, 'close');
  await gateway.stop();
  await closed;
  gateway = new FakeGateway(() => ({}));
  await gateway.start(HOST, { api: apiPort, kmsg: 0 });
  push(queue, 'b');
  await gateway.until(() => gateway.events.length === 1);
  expect(gateway.events[0]?.id).toBe('b');
  expect(counters.eventErrors).toBe(0);
});
