import { randomUUID } from 'node:crypto';
import { BenchDaemon } from './daemon.ts';
import { memoryOf, percentile, round } from './host.ts';
import { newKeys, provisionAll } from './machines.ts';
import type { Bench } from './main.ts';

const MACHINES = 10_000;
/** Of them, so many have joined and have a peer: the others were registered and never booted. */
const JOINED = 1_000;
const AT_ONCE = 100;
const ASKS = 200;

/** What is asked of the machines, by what its figure is called. */
const QUESTIONS = {
  narrow: `selector=${encodeURIComponent('rack=r17,slot in (3,4)')}`,
  wide: `selector=${encodeURIComponent('zone!=a,slot>1,!spare')}`,
  none: `selector=${encodeURIComponent('rack=r17,slot=99')}`,
  owner: 'owner=tenant-3',
  link: 'link=never',
} as const;

/** A registry of many machines, asked again and again over the control socket. */
export const registry: Bench = {
  what: `${MACHINES} machines with labels and owners: selectors, pages, start and memory`,
  async run(arguments_, report) {
    const machines = arguments_.length > 0 ? Number(arguments_[0]) : MACHINES;
    const daemon = new BenchDaemon();
    try {
      await daemon.start();
      const registering = performance.now();
      await register(daemon, machines);
      const registered = performance.now() - registering;
      const token = await daemon.newToken();
      await provisionAll(newKeys(Math.min(JOINED, machines)), `http://${daemon.api}`, token);
      const readyMs = await daemon.restart();
      report({
        machines,
        registered_per_second: round((machines / registered) * 1000, 0),
        ready_ms: round(readyMs, 0),
        ...(await questions(daemon)),
        ...(await pages(daemon)),
        status_ms: percentile(await times(20, () => daemon.status()), 0.5),
        rss_mb: memoryOf(daemon.pid).rss,
      });
    } finally {
      await daemon.stop();
    }
  },
};

async function register(daemon: BenchDaemon, machines: number): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < machines) {
      const n = next++;
      await daemon.control('PUT', `/v1/machines/${randomUUID()}`, {
        owner: `tenant-${n % 20}`,
        namespace: `site-${n % 7}`,
        labels: {
          rack: `r${Math.floor(n / 40)}`,
          slot: String(n % 40),
          zone: 'abc'.charAt(n % 3),
          'example.com/serial': randomUUID(),
          ...(n % 11 === 0 && { spare: '' }),
        },
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** `selector_…`: of the selectors together; the others each on its own. Pages of 100, the default. */
async function questions(daemon: BenchDaemon): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const all: number[] = [];
  for (const [name, query] of Object.entries(QUESTIONS)) {
    const sorted = await times(ASKS, () => daemon.control('GET', `/v1/machines?${query}`));
    figures[`${name}_ms`] = percentile(sorted, 0.5);
    if (query.startsWith('selector')) all.push(...sorted);
  }
  all.sort((a, b) => a - b);
  return { selector_p50_ms: percentile(all, 0.5), selector_p99_ms: percentile(all, 0.99), ...figures };
}

interface Page {
  readonly machines: readonly unknown[];
  readonly next: string | null;
}

/** All machines in pages of the largest size, and how long one of them kept another caller waiting. */
async function pages(daemon: BenchDaemon): Promise<Record<string, number>> {
  const page: number[] = [];
  const waited: number[] = [];
  let cursor: string | null = '';
  const begun = performance.now();
  while (cursor !== null) {
    const path: string = `/v1/machines?limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const asked = performance.now();
    const answer = daemon.control<Page>('GET', path);
    const other = daemon.control('GET', '/v1/join-tokens').then(() => waited.push(performance.now() - asked));
    cursor = (await answer).next;
    page.push(performance.now() - asked);
    await other;
  }
  const allMs = performance.now() - begun;
  page.sort((a, b) => a - b);
  return {
    page_of_1000_ms: round(percentile(page, 0.5)),
    all_pages_ms: round(allMs, 0),
    longest_wait_ms: round(Math.max(...waited)),
  };
}

/** Milliseconds from request to answer, one after the other, ascending. */
async function times(count: number, ask: () => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const asked = performance.now();
    await ask();
    found.push(round(performance.now() - asked, 2));
  }
  return found.sort((a, b) => a - b);
}
