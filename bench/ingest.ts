import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchDaemon } from './daemon.ts';
import { cpuOf, memoryOf, round } from './host.ts';
import { CONNECTIONS, LINES, type Load, load, WARM_UP_LINES } from './ingest-load.ts';
import { comparePacking } from './ingest-packing.ts';
import { newKeys, provisionAll } from './machines.ts';
import type { Bench } from './main.ts';
import { Rsyslog } from './rsyslog.ts';
import { open, send, write } from './sending.ts';
import { allPacked } from './store-files.ts';
import { threadsBetween, threadsOf } from './threads.ts';

interface Seen {
  readonly linesPerSecond: number;
  readonly peakMb: number;
  /** Until the last line was committed. */
  readonly cpuSeconds: number;
  /** Of it, and afterwards until all are packed, when most memory is taken. */
  readonly cpuSecondsInAll: number;
  readonly threads: string;
}

/**
 * Kernel lines from socket to fsync, beside rsyslog doing less: it parses and writes, but neither keeps apart nor fsyncs.
 * Twice: both just started, and both warm, as they are after months. The first is told as `cold_…`.
 */
export const ingest: Bench = {
  what: `${LINES.toLocaleString('en')} kernel lines over ${CONNECTIONS} TCP connections, until committed with fsync; rsyslog in the same run. packing: with and without the packer at work`,
  async run([variant, ...rest], report) {
    if (variant === 'packing') return report(await comparePacking(rest));
    const loads = Array.from({ length: CONNECTIONS }, (_, i) => load(i));
    const bytes = loads.reduce((sum, { timed }) => sum + timed.length, 0);
    const cold = await both(loads, false);
    const warm = await both(loads, true);
    report({
      lines_per_second: Math.round(warm.daemon.linesPerSecond),
      ratio_to_rsyslog: round(warm.daemon.linesPerSecond / warm.rsyslog, 2),
      rss_mb: Math.max(warm.daemon.peakMb, cold.daemon.peakMb),
      cpu_seconds: round(warm.daemon.cpuSeconds, 2),
      cpu_seconds_with_packing: round(warm.daemon.cpuSecondsInAll, 2),
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
      cpuSeconds: cpuOf(daemon.pid) - cpu,
      threads: threadsBetween(threads, threadsOf(daemon.pid)),
    };
    await sent;
    await allPacked(daemon.database);
    return { ...seen, cpuSecondsInAll: cpuOf(daemon.pid) - cpu, peakMb: memoryOf(daemon.pid).peak };
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
