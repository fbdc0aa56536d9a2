import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { events, machine } from '../src/gen/proto.js';
import { BenchDaemon } from './daemon.ts';
import { percentile, round } from './host.ts';
import { type Joined, newKeys, openSession, provisionAll, unaryCall } from './machines.ts';
import type { Bench } from './main.ts';

const MACHINES = 1000;
const LINES_PER_SECOND = 5000;
const FOLLOWERS = 20;
const SECONDS = 10;
const PUBLISH_EVERY_MS = 10;
const TICK_MS = 4;
const MARK = Buffer.from('sent=');
const STAMP_DIGITS = 10;

/** From the machine's `write` to each follower's socket, every follower getting every record; events beside it. */
export const deliver: Bench = {
  what: `${MACHINES} machines, ${LINES_PER_SECOND} lines/s, ${FOLLOWERS} followers of everything, for ${SECONDS} s; events published beside it`,
  async run(_arguments, report) {
    const daemon = new BenchDaemon();
    try {
      await daemon.start();
      const machines = await provisionAll(newKeys(MACHINES), `http://${daemon.api}`, await daemon.newToken());
      const server = (await daemon.status()).overlay.server;
      const sockets = await Promise.all(machines.map(({ address }) => open(server, address)));
      const latencies: number[] = [];
      const closers = Array.from({ length: FOLLOWERS }, () =>
        daemon.openStream('/v1/stream?filter=siderolink.*.*.kmsg.%3E', follower(latencies)),
      );
      await sleep(500);
      const publishing = publish(server, machines);
      const sent = await sendLines(sockets);
      const published = (await publishing).sort((a, b) => a - b);
      await delivered(latencies, sent * FOLLOWERS);
      for (const close of closers) close();
      for (const socket of sockets) socket.destroy();
      const sorted = Float64Array.from(latencies).sort();
      report({
        p50_ms: round(percentile(sorted, 0.5)),
        p99_ms: round(percentile(sorted, 0.99)),
        publish_p50_ms: round(percentile(published, 0.5)),
        publish_p99_ms: round(percentile(published, 0.99)),
        lines: sent,
        delivered: latencies.length,
        missing: sent * FOLLOWERS - latencies.length,
      });
    } finally {
      await daemon.stop();
    }
  },
};

/** Milliseconds since the process began, as digits of fixed width. */
function stamp(): string {
  return String(Math.round(performance.now() * 1000)).padStart(STAMP_DIGITS, '0');
}

/** Finds the stamps in what a follower receives without parsing it: the bench must not be what it measures. */
function follower(latencies: number[]): (part: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (part) => {
    const now = performance.now();
    const data = rest.length === 0 ? part : Buffer.concat([rest, part]);
    let at = data.indexOf(MARK);
    let end = 0;
    while (at >= 0 && at + MARK.length + STAMP_DIGITS <= data.length) {
      end = at + MARK.length + STAMP_DIGITS;
      latencies.push(now - Number(data.toString('latin1', at + MARK.length, end)) / 1000);
      at = data.indexOf(MARK, end);
    }
    rest = Buffer.from(data.subarray(Math.max(end, data.length - MARK.length - STAMP_DIGITS)));
  };
}

async function sendLines(sockets: readonly Socket[]): Promise<number> {
  const started = performance.now();
  const seqs = new Uint32Array(sockets.length);
  let sent = 0;
  for (;;) {
    const elapsed = performance.now() - started;
    const due = Math.min(Math.floor((elapsed / 1000) * LINES_PER_SECOND), SECONDS * LINES_PER_SECOND);
    for (; sent < due; sent++) {
      const i = sent % sockets.length;
      const seq = seqs[i] ?? 0;
      seqs[i] = seq + 1;
      sockets[i]?.write(
        `{"clock":${1_000_000 + seq * 1000},"facility":"user","msg":"[talos] controller runtime: reconciled network.LinkSpec eth${seq % 8} sent=${stamp()}\\n","priority":"info","seq":${seq},"talos-level":"info","talos-time":"2026-01-02T03:04:05.${String(seq % 1000).padStart(3, '0')}1Z"}\n`,
      );
    }
    if (due === SECONDS * LINES_PER_SECOND) return sent;
    await sleep(TICK_MS);
  }
}

/** One event every 10 ms, each from the next machine over its own connection; the latencies in milliseconds. */
async function publish(server: string, machines: readonly Joined[]): Promise<number[]> {
  const count = (SECONDS * 1000) / PUBLISH_EVERY_MS;
  const payload = machine.PhaseEvent.encode({ phase: 'bench' }).finish();
  const sessions = machines.slice(0, 100).map(({ address }) => openSession(`http://[${server}]:4002`, address));
  const running: Promise<number>[] = [];
  for (let i = 0; i < count; i++) {
    const session = sessions[i % sessions.length];
    if (session === undefined) break;
    const message = events.EventRequest.encode({
      data: { type_url: 'type.googleapis.com/machine.PhaseEvent', value: payload },
      id: `bench${String(i).padStart(15, '0')}`,
    }).finish();
    const started = performance.now();
    running.push(
      unaryCall(session, '/events.EventSinkService/Publish', message).then(() => performance.now() - started),
    );
    await sleep(PUBLISH_EVERY_MS);
  }
  const latencies = await Promise.all(running);
  for (const session of sessions) session.close();
  return latencies;
}

/** Waits until all is delivered, or nothing came for five seconds. */
async function delivered(latencies: readonly number[], expected: number): Promise<void> {
  let before = -1;
  while (latencies.length < expected && latencies.length !== before) {
    before = latencies.length;
    for (let i = 0; i < 50 && latencies.length < expected; i++) await sleep(100);
  }
}

function open(host: string, localAddress: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: 4001, localAddress, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}
