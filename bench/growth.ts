import { loadavg } from 'node:os';
import { KEEP_ALL, makeBigStore } from './big-store.ts';
import { BenchDaemon } from './daemon.ts';
import { measureDelivery } from './deliver.ts';
import { percentile, progress, round } from './host.ts';
import { measureIdle } from './idle.ts';
import { measureJoin } from './join.ts';
import type { Bench, Figures } from './main.ts';
import { measurePublishing } from './publish.ts';
import { measureStart, reportStatuses } from './restart.ts';
import { some, TAILS, tailTimes } from './store.ts';
import { dropFromCache } from './store-files.ts';

const SIZES = [10, 100, 1000, 10_000];
/** So many fit with two connections each where a process may open 20,000 files. */
const MOST_CONNECTED = 9_900;
const IDLE_SECONDS = 20;
const DELIVER_SECONDS = 5;
/** Of all machines together. */
const BACKLOG_LINES = 100_000;
const STORE_BYTES = 1e9;
const GIGABYTE = 1e9;

/** What is measured at one size, by name; how many machines it takes part with; and which figures of it make the table. */
interface Part {
  readonly measure: (machines: number) => Promise<Figures>;
  readonly most?: number;
  readonly rows: Readonly<Record<string, string>>;
}

const PARTS: Readonly<Record<string, Part>> = {
  join: {
    measure: async (machines) => {
      const figures = await measureJoin(machines, false);
      const cpu = Number(figures['daemon_cpu_seconds']);
      return { ...figures, daemon_cpu_ms_per_machine: round((1000 * cpu) / machines, 2) };
    },
    rows: {
      ms_per_machine: 'join, all at once, plaintext: milliseconds per machine',
      p99_ms: 'join: p99, ms',
      daemon_cpu_ms_per_machine: 'join: CPU of the daemon per machine, ms',
    },
  },
  idle: {
    measure: (machines) => measureIdle(machines, IDLE_SECONDS),
    most: MOST_CONNECTED,
    rows: {
      rss_mb: 'idle, two connections each: resident memory, MB',
      cpu_percent: 'idle: % of a core, commands included',
    },
  },
  deliver: {
    measure: (machines) => measureDelivery(machines, DELIVER_SECONDS),
    most: MOST_CONNECTED,
    rows: {
      p50_ms: 'deliver, 5,000 lines/s of all together, 20 followers: p50, ms',
      p99_ms: 'deliver: p99, ms',
      publish_p99_ms: 'event published → acknowledged, beside it: p99, ms',
      daemon_cpu_percent: 'deliver: % of a core',
    },
  },
  publish: {
    measure: (machines) => measurePublishing(machines, Math.max(1, Math.round(BACKLOG_LINES / machines)), 0),
    rows: {
      records_per_second: `publish, a backlog of ${BACKLOG_LINES.toLocaleString('en')} lines of all together: records/s`,
    },
  },
  store: {
    measure: measureStore,
    rows: {
      tail_ms: 'the last 100 lines of one machine, a store of 1 GB, from a cold disk: p50, ms',
      tail_p99_ms: 'the same: p99, ms',
      ready_ms: 'restart with that store, a status of each machine: to `/readyz`, ms',
      first_join_ms: 'restart: to the first machine that joins, ms',
      start_cpu_ms: 'restart: CPU until then, ms',
    },
  },
};

/** How cost grows with machines. The load is the same at each size, that of all machines together; only they grow in number. */
export const growth: Bench = {
  what: `join, idle, deliver, publish, store and restart with ${SIZES.join(', ')} machines (or as given), shortly; a table at the end. The load in all is the same at each size`,
  async run(arguments_, report, say) {
    const sizes = arguments_.map(Number).filter((size) => Number.isInteger(size) && size > 0);
    const columns = sizes.length > 0 ? sizes : SIZES;
    const names = arguments_.filter((name) => name in PARTS);
    const parts = Object.entries(PARTS).filter(([name]) => names.length === 0 || names.includes(name));
    const cells = new Map<string, string[]>();
    for (const machines of columns) {
      for (const [name, part] of parts) {
        const figures = await tried(name, part, machines);
        report({ part: name, ...figures });
        for (const row of Object.keys(part.rows)) {
          const key = `${name} ${row}`;
          cells.set(key, [...(cells.get(key) ?? []), String(figures[row] ?? 'failed')]);
        }
      }
    }
    say(table(columns, parts, cells));
  },
};

/** One that fails leaves the others be: its figures say what went wrong. */
async function tried(name: string, { measure, most = Number.POSITIVE_INFINITY }: Part, size: number): Promise<Figures> {
  const machines = Math.min(size, most);
  const began = performance.now();
  try {
    return {
      ...(await measure(machines)),
      machines,
      host_load: round(loadavg()[0] ?? 0),
      took_seconds: round((performance.now() - began) / 1000, 0),
    };
  } catch (error) {
    progress(`${name} with ${machines}: ${error}`);
    return { machines, error: error instanceof Error ? error.message : String(error) };
  }
}

/** In Markdown, as `docs/performance.md` has it. */
function table(
  sizes: readonly number[],
  parts: readonly (readonly [string, Part])[],
  cells: ReadonlyMap<string, readonly string[]>,
): string {
  const line = (first: string, rest: readonly string[]) => `| ${[first, ...rest].join(' | ')} |`;
  return [
    line(
      'machines',
      sizes.map((size) => size.toLocaleString('en')),
    ),
    `|${'---|'.repeat(sizes.length + 1)}`,
    ...parts.flatMap(([name, { rows }]) =>
      Object.entries(rows).map(([key, text]) => line(text, cells.get(`${name} ${key}`) ?? [])),
    ),
  ].join('\n');
}

/** One store of the same size however many machines filled it: its last lines, and a start with it. */
async function measureStore(machines: number): Promise<Figures> {
  const daemon = new BenchDaemon();
  try {
    const big = await makeBigStore(daemon, { machines, bytes: STORE_BYTES });
    dropFromCache(daemon.database);
    await daemon.start(KEEP_ALL);
    const tails = await tailTimes(daemon, some(big.machines, TAILS));
    const token = await daemon.newToken();
    await reportStatuses(daemon, big.machines);
    await daemon.end();
    const { ready_ms, first_join_ms, cpu_seconds } = await measureStart(daemon, token, '');
    return {
      tail_ms: round(percentile(tails, 0.5), 2),
      tail_p99_ms: round(percentile(tails, 0.99), 2),
      ready_ms: ready_ms ?? 0,
      first_join_ms: first_join_ms ?? 0,
      start_cpu_ms: round(1000 * (cpu_seconds ?? 0), 0),
      store_gb: round(big.bytes / GIGABYTE, 2),
    };
  } finally {
    await daemon.stop();
  }
}
