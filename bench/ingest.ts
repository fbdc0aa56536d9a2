import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchDaemon } from './daemon.ts';
import { cpuOf, memoryOf, round } from './host.ts';
import { kernelLines } from './lines.ts';
import { newKeys, provisionAll } from './machines.ts';
import type { Bench } from './main.ts';
import { Rsyslog } from './rsyslog.ts';
import { threadsBetween, threadsOf } from './threads.ts';

const CONNECTIONS = 20;
const LINES = 1_000_000;
/** What either peer gets before the clock starts, where it starts warm. */
const WARM_UP_LINES = 100_000;
const WRITE_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;

/** What one connection sends. */
interface Load {
  readonly warmUp: Buffer;
  readonly timed: Buffer;
}

interface Seen {
  readonly linesPerSecond: number;
  readonly peakMb: number;
  readonly cpuSeconds: number;
  readonly threads: string;
}

/**
 * Kernel lines from socket to fsync, beside rsyslog doing less: it parses and writes, but neither keeps apart nor fsyncs.
 * Twice: both just started, and both warm, as they are after months. The first is told as `cold_…`.
 */
export const ingest: Bench = {
  what: `${LINES.toLocaleString('en')} kernel lines over ${CONNECTIONS} TCP connections, until committed with fsync; rsyslog in the same run`,
  async run(_arguments, report) {
    const loads = Array.from({ length: CONNECTIONS }, (_, i) => load(i));
    const bytes = loads.reduce((sum, { timed }) => sum + timed.length, 0);
    const cold = await both(loads, false);
    const warm = await both(loads, true);
    report({
      lines_per_second: Math.round(warm.daemon.linesPerSecond),
      ratio_to_rsyslog: round(warm.daemon.linesPerSecond / warm.rsyslog, 2),
      rss_mb: Math.max(warm.daemon.peakMb, cold.daemon.peakMb),
      cpu_seconds: round(warm.daemon.cpuSeconds, 2),
      threads: warm.daemon.threads,
      rsyslog_lines_per_second: Math.round(warm.rsyslog),
      cold_lines_per_second: Math.round(cold.daemon.linesPerSecond),
      cold_ratio_to_rsyslog: round(cold.daemon.linesPerSecond / cold.rsyslog, 2),
      cold_cpu_seconds: round(cold.daemon.cpuSeconds, 2),
      cold_rsyslog_lines_per_second: Math.round(cold.rsyslog),
      bytes_per_line: round(bytes / LINES),
    });
  },
};

/** Lines of one machine, numbered through. */
function load(seed: number): Load {
  const warmUp = WARM_UP_LINES / CONNECTIONS;
  const lines = kernelLines(warmUp + LINES / CONNECTIONS, seed);
  let end = 0;
  for (let line = 0; line < warmUp; line++) end = lines.indexOf(LINE_FEED, end) + 1;
  return { warmUp: lines.subarray(0, end), timed: lines.subarray(end) };
}

async function both(loads: readonly Load[], warm: boolean): Promise<{ rsyslog: number; daemon: Seen }> {
  return { rsyslog: await runRsyslog(loads, warm, 3), daemon: await runDaemon(loads, warm) };
}

async function runDaemon(loads: readonly Load[], warm: boolean): Promise<Seen> {
  const daemon = new BenchDaemon();
  try {
    await daemon.start();
    const machines = await provisionAll(newKeys(CONNECTIONS), `http://${daemon.api}`, await daemon.newToken());
    const { overlay, records } = await daemon.status();
    const sockets = await Promise.all(
      machines.map(({ address }) => open({ host: overlay.server, port: 4001, localAddress: address })),
    );
    let { head } = records;
    if (warm) {
      await Promise.all(sockets.map((socket, i) => write(socket, loads[i]?.warmUp)));
      head += WARM_UP_LINES;
      await daemon.committed(head, 60_000);
      await sleep(1_000);
    }
    const cpu = cpuOf(daemon.pid);
    const threads = threadsOf(daemon.pid);
    const started = performance.now();
    const sent = Promise.all(sockets.map((socket, i) => send(socket, loads[i]?.timed)));
    await daemon.committed(head + LINES, 120_000);
    const seconds = (performance.now() - started) / 1000;
    const seen = {
      linesPerSecond: LINES / seconds,
      peakMb: memoryOf(daemon.pid).peak,
      cpuSeconds: cpuOf(daemon.pid) - cpu,
      threads: threadsBetween(threads, threadsOf(daemon.pid)),
    };
    await sent;
    return seen;
  } finally {
    await daemon.stop();
  }
}

/** rsyslog's listener now and then forgets a connection under such a load: then it is tried again. */
async function runRsyslog(loads: readonly Load[], warm: boolean, tries: number): Promise<number> {
  for (let left = tries; ; left--) {
    try {
      return await rsyslogLinesPerSecond(loads, warm);
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}

async function rsyslogLinesPerSecond(loads: readonly Load[], warm: boolean): Promise<number> {
  const rsyslog = new Rsyslog();
  const sockets: Socket[] = [];
  try {
    await rsyslog.start();
    for (const _ of loads) sockets.push(await open({ host: '127.0.0.1', port: rsyslog.port }));
    let before = 0;
    if (warm) {
      await Promise.all(sockets.map((socket, i) => write(socket, loads[i]?.warmUp)));
      before = WARM_UP_LINES;
      await rsyslog.written(before, 45_000);
      await sleep(1_000);
    }
    const started = performance.now();
    for (const [i, socket] of sockets.entries()) void send(socket, loads[i]?.timed);
    await rsyslog.written(before + LINES, 45_000);
    return LINES / ((performance.now() - started) / 1000);
  } finally {
    for (const socket of sockets) socket.destroy();
    await rsyslog.stop();
  }
}

function open(to: { readonly host: string; readonly port: number; readonly localAddress?: string }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Writes everything as fast as the receiver takes it. */
async function write(socket: Socket, body: Buffer = Buffer.alloc(0)): Promise<void> {
  for (let at = 0; at < body.length; at += WRITE_BYTES) {
    if (!socket.write(body.subarray(at, at + WRITE_BYTES))) {
      await new Promise((resolve) => socket.once('drain', resolve));
    }
  }
}

/** The same, then closes. */
async function send(socket: Socket, body: Buffer | undefined): Promise<void> {
  await write(socket, body);
  await new Promise<void>((resolve) => {
    socket.end(resolve);
  });
}
