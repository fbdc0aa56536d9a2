import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { events, machine } from '../src/gen/proto.js';
import { joinFleet } from './big-store.ts';
import { BenchDaemon } from './daemon.ts';
import { cpuOf, percentile, progress, round } from './host.ts';
import { type Joined, openSession, unaryCall } from './machines.ts';
import type { Bench, Figures } from './main.ts';
import { open } from './sending.ts';

const MACHINES = 1000;
const LINES_PER_SECOND = 5000;
const FOLLOWERS = 20;
/** Sent at the same rate before and not measured: compilation, connections, the joins' own records. */
const WARM_UP_SECONDS = 5;
const SECONDS = 10;
const PUBLISH_EVERY_MS = 10;
const TICK_MS = 4;
const KMSG_PORT = 4001;
const OPEN_TOGETHER = 300;
const MARK = Buffer.from('sent=');
const STAMP_DIGITS = 10;

/** From the machine's `write` to each follower's socket, every follower getting every record; events beside it. */
export const deliver: Bench = {
  what: `${MACHINES} machines (or as many as given), ${LINES_PER_SECOND} lines/s of all together, ${FOLLOWERS} followers of everything, for ${SECONDS} s after ${WARM_UP_SECONDS} s; events published beside it`,
  async run(arguments_, report) {
    report(await measureDelivery(Number(arguments_[0] ?? MACHINES), SECONDS));
  },
};

/** The lines of a second are the same however many machines say them. */
export async function measureDelivery(count: number, measured: number): Promise<Figures> {
  const daemon = new BenchDaemon();
  const sockets: Socket[] = [];
  try {
    await daemon.start();
    const machines = await joinFleet(daemon, count);
    const server = (await daemon.status()).overlay.server;
    for (let at = 0; at < machines.length; at += OPEN_TOGETHER) {
      const group = machines.slice(at, at + OPEN_TOGETHER);
      const opened = group.map(({ address }) => open({ host: server, port: KMSG_PORT, localAddress: address }));
      sockets.push(...(await Promise.all(opened)));
    }
    progress(`${count} connected`);
    const counted: Deliveries = { count: 0, latencies: [], from: Number.POSITIVE_INFINITY };
    const closers = Array.from({ length: FOLLOWERS }, () =>
      daemon.openStream('/v1/stream?filter=siderolink.*.*.kmsg.%3E', follower(counted)),
    );
    await sleep(500);
    counted.from = performance.now() + WARM_UP_SECONDS * 1000;
    const seconds = WARM_UP_SECONDS + measured;
    const cpu = cpuOf(daemon.pid);
    const publishing = publish(server, machines, counted.from, seconds);
    const sent = await sendLines(sockets, seconds * LINES_PER_SECOND);
    const published = (await publishing).sort((a, b) => a - b);
    await delivered(counted, sent * FOLLOWERS);
    const used = cpuOf(daemon.pid) - cpu;
    for (const close of closers) close();
    const sorted = Float64Array.from(counted.latencies).sort();
    return {
      p50_ms: round(percentile(sorted, 0.5)),
      p99_ms: round(percentile(sorted, 0.99)),
      publish_p50_ms: round(percentile(published, 0.5)),
      publish_p99_ms: round(percentile(published, 0.99)),
      machines: count,
      lines: sent,
      delivered: counted.count,
      missing: sent * FOLLOWERS - counted.count,
      daemon_cpu_percent: round((100 * used) / seconds),
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    await daemon.stop();
  }
}

interface Deliveries {
  /** All of them. */
  count: number;
  /** Milliseconds, of lines sent after `from`. */
  readonly latencies: number[];
  from: number;
}

/** Milliseconds since the process began, as digits of fixed width. */
function stamp(): string {
  return String(Math.round(performance.now() * 1000)).padStart(STAMP_DIGITS, '0');
}

/** Finds the stamps in what a follower receives without parsing it: the bench must not be what it measures. */
function follower(counted: Deliveries): (part: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (part) => {
    const now = performance.now();
    const data = rest.length === 0 ? part : Buffer.concat([rest, part]);
    let at = data.indexOf(MARK);
    let end = 0;
    while (at >= 0 && at + MARK.length + STAMP_DIGITS <= data.length) {
      end = at + MARK.length + STAMP_DIGITS;
      const sentAt = Number(data.toString('latin1', at + MARK.length, end)) / 1000;
      counted.count += 1;
      if (sentAt >= counted.from) counted.latencies.push(now - sentAt);
      at = data.indexOf(MARK, end);
    }
    rest = Buffer.from(data.subarray(Math.max(end, data.length - MARK.length - STAMP_DIGITS)));
  };
}

async function sendLines(sockets: readonly Socket[], total: number): Promise<number> {
  const started = performance.now();
  const seqs = new Uint32Array(sockets.length);
  let sent = 0;
  for (;;) {
    const elapsed = performance.now() - started;
    const due = Math.min(Math.floor((elapsed / 1000) * LINES_PER_SECOND), total);
    for (; sent < due; sent++) {
      const i = sent % sockets.length;
      const seq = seqs[i] ?? 0;
      seqs[i] = seq + 1;
      sockets[i]?.write(
        `{"clock":${1_000_000 + seq * 1000},"facility":"user","msg":"[talos] controller runtime: reconciled network.LinkSpec eth${seq % 8} sent=${stamp()}\\n","priority":"info","seq":${seq},"talos-level":"info","talos-time":"2026-01-02T03:04:05.${String(seq % 1000).padStart(3, '0')}1Z"}\n`,
      );
    }
    if (due === total) return sent;
    await sleep(TICK_MS);
  }
}

/** One event every 10 ms, each from the next machine over its own connection; the latencies in milliseconds. */
async function publish(server: string, machines: readonly Joined[], from: number, seconds: number): Promise<number[]> {
  const count = (seconds * 1000) / PUBLISH_EVERY_MS;
  const payload = machine.PhaseEvent.encode({ phase: 'bench' }).finish();
  const sessions = machines.slice(0, 100).map(({ address }) => openSession(`http://[${server}]:4002`, address));
  const running: Promise<number | undefined>[] = [];
  for (let i = 0; i < count; i++) {
    const session = sessions[i % sessions.length];
    if (session === undefined) break;
    const message = events.EventRequest.encode({
      data: { type_url: 'type.googleapis.com/machine.PhaseEvent', value: payload },
      id: `bench${String(i).padStart(15, '0')}`,
    }).finish();
    const started = performance.now();
    running.push(
      unaryCall(session, '/events.EventSinkService/Publish', message).then(() =>
        started >= from ? performance.now() - started : undefined,
      ),
    );
    await sleep(PUBLISH_EVERY_MS);
  }
  const latencies = (await Promise.all(running)).filter((latency) => latency !== undefined);
  for (const session of sessions) session.close();
  return latencies;
}

/** Waits until all is delivered, or nothing came for five seconds. */
async function delivered(counted: Deliveries, expected: number): Promise<void> {
  let before = -1;
  while (counted.count < expected && counted.count !== before) {
    before = counted.count;
    for (let i = 0; i < 50 && counted.count < expected; i++) await sleep(100);
  }
}
