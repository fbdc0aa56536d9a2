import { setTimeout as sleep } from 'node:timers/promises';
import { KEEP_ALL } from './big-store.ts';
import { BenchDaemon, moduleOfDaemon } from './daemon.ts';
import { cpuOf, memoryOf, percentile, progress, round } from './host.ts';
import { CONNECTIONS, LINES, type Load, load, WARM_UP_LINES } from './ingest-load.ts';
import { type Joined, newKeys, provisionAll } from './machines.ts';
import { open, send } from './sending.ts';
import { allPacked, unpackedLines } from './store-files.ts';
import { threadsBetween, threadsOf } from './threads.ts';

const MILLIONS = 5;
const PAIRS = 3;

const DEADLINE_MS = 300_000;

interface Seen {
  readonly linesPerSecond: number;
  /** Until the last line was committed. */
  readonly cpuSeconds: number;
  /** Of it, and afterwards until all are packed. */
  readonly cpuSecondsInAll: number;
  /** Lines that were packed when the last one was committed. */
  readonly packed: number;
  /** From then until all were. */
  readonly behindSeconds: number;
  readonly peakMb: number;
  readonly threads: string;
}

/**
 * What packing costs ingest: the same lines without a pause into daemons whose packer works and into ones whose packer
 * does nothing, in turn. The million lines of `ingest` are sent over and over, each time by other machines.
 *
 * @param arguments_ millions of lines, and of how many pairs of runs the middle is taken
 */
export async function comparePacking(arguments_: readonly string[]): Promise<Record<string, number | string>> {
  const millions = Number(arguments_[0] ?? MILLIONS);
  const pairs = Number(arguments_[1] ?? PAIRS);
  const loads = Array.from({ length: CONNECTIONS }, (_, i) => load(i));
  const packing: Seen[] = [];
  const idle: Seen[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    // Whoever comes second finds the host otherwise: each does half of the time.
    const order = pair % 2 === 0 ? [packing, idle] : [idle, packing];
    for (const seen of order) seen.push(await measure(loads, millions, seen === packing));
  }
  const middle = (seen: readonly Seen[], of: (one: Seen) => number) =>
    percentile(
      seen.map(of).sort((a, b) => a - b),
      0.5,
    );
  const all = (seen: readonly Seen[]) => seen.map(({ linesPerSecond }) => Math.round(linesPerSecond)).join(' ');
  const rate = middle(packing, (one) => one.linesPerSecond);
  const rateWithout = middle(idle, (one) => one.linesPerSecond);
  const cpu = middle(packing, (one) => one.cpuSecondsInAll) / millions;
  const cpuWithout = middle(idle, (one) => one.cpuSecondsInAll) / millions;
  return {
    variant: 'packing',
    lines: millions * LINES,
    lines_per_second: Math.round(rate),
    without_packing_lines_per_second: Math.round(rateWithout),
    ratio_to_without_packing: round(rate / rateWithout, 3),
    cpu_seconds_per_million: round(cpu, 3),
    without_packing_cpu_seconds_per_million: round(cpuWithout, 3),
    cpu_ratio_to_without_packing: round(cpu / cpuWithout, 3),
    packed_at_end_percent: round((100 * middle(packing, (one) => one.packed)) / (millions * LINES), 0),
    packed_after_seconds: round(middle(packing, (one) => one.behindSeconds)),
    rss_mb: Math.max(...packing.map(({ peakMb }) => peakMb)),
    without_packing_rss_mb: Math.max(...idle.map(({ peakMb }) => peakMb)),
    runs: all(packing),
    without_packing_runs: all(idle),
    threads: packing[0]?.threads ?? '',
    without_packing_threads: idle[0]?.threads ?? '',
  };
}

async function measure(loads: readonly Load[], millions: number, isPacking: boolean): Promise<Seen> {
  const daemon = new BenchDaemon();
  try {
    await daemon.start({ ...KEEP_ALL, ...(isPacking ? {} : WITHOUT_PACKING) });
    const token = await daemon.newToken();
    const machines = await provisionAll(newKeys(CONNECTIONS * (millions + 1)), `http://${daemon.api}`, token);
    const { server } = (await daemon.status()).overlay;
    const rounds = Array.from({ length: millions + 1 }, (_, i) =>
      machines.slice(i * CONNECTIONS, (i + 1) * CONNECTIONS),
    );
    const [warming = [], ...speaking] = rounds;
    await say(
      daemon,
      server,
      [warming],
      loads.map(({ warmUp }) => warmUp),
      WARM_UP_LINES,
    );
    await sleep(1000);

    const pid = daemon.pid;
    const cpu = cpuOf(pid);
    const threads = threadsOf(pid);
    const started = performance.now();
    await say(
      daemon,
      server,
      speaking,
      loads.map(({ timed }) => timed),
      millions * LINES,
    );
    const ended = performance.now();
    const cpuSeconds = cpuOf(pid) - cpu;
    const threadsUsed = threadsBetween(threads, threadsOf(pid));
    const packed = millions * LINES + WARM_UP_LINES - unpackedLines(daemon.database);
    if (isPacking) await allPacked(daemon.database);
    const seen = {
      linesPerSecond: (millions * LINES * 1000) / (ended - started),
      cpuSeconds,
      cpuSecondsInAll: cpuOf(pid) - cpu,
      packed,
      behindSeconds: (performance.now() - ended) / 1000,
      peakMb: memoryOf(pid).peak,
      threads: threadsUsed,
    };
    if (!isPacking && packed > 0) throw new Error(`${packed} lines were packed although nothing should be`);
    progress(`${isPacking ? 'packing' : 'not packing'}: ${JSON.stringify(seen)}`);
    return seen;
  } finally {
    await daemon.stop();
  }
}

/** What makes a daemon pack nothing. */
const WITHOUT_PACKING = {
  NODE_OPTIONS: `--import=${new URL('./without-packing.ts', import.meta.url).href}`,
  BENCH_PACK_LOOP: moduleOfDaemon('store/pack-loop.js'),
};

/** As many connections as there are bodies; each is followed by one of the next round's machine, until all is committed. */
async function say(
  daemon: BenchDaemon,
  server: string,
  rounds: readonly (readonly Joined[])[],
  bodies: readonly Buffer[],
  lines: number,
): Promise<void> {
  const { head } = (await daemon.status()).records;
  const sent = bodies.map(async (body, i) => {
    for (const round of rounds) {
      const address = round[i]?.address ?? '';
      await send(await open({ host: server, port: 4001, localAddress: address }), body);
    }
  });
  await daemon.committed(head + lines, DEADLINE_MS);
  await Promise.all(sent);
}
