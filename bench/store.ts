import { setTimeout as sleep } from 'node:timers/promises';
import { joinFleet, KEEP_ALL, makeBigStore, sayAll, speakersOf, talk } from './big-store.ts';
import { BenchDaemon } from './daemon.ts';
import { percentile, round } from './host.ts';
import { kernelLines } from './lines.ts';
import type { Joined } from './machines.ts';
import type { Bench } from './main.ts';
import { allPacked, dropFromCache, type GrownStore, packedSize } from './store-files.ts';

const MACHINES = 10_000;
const GIGABYTE = 1e9;
/** Machines whose whole boots are packed to see what a line takes. */
const BOOTING = 1000;
/** Of them, so many replay a boot, each so many lines. */
const REPLAYING = 20;
const REPLAYED_LINES = 50_000;
const CHATTER_LINES = 20;
const CHATTER_ROUNDS = 30;
export const TAILS = 200;
const TAIL_LINES = 100;
const HOUR_MS = 3_600_000;
const FOLLOW_MS = 5000;

/** What a kernel line takes on the disk, and what questions to a large store take. */
export const store: Bench = {
  what: `disk per kernel line; the last ${TAIL_LINES} lines of one of ${MACHINES} machines, queries and following in a store of 10 GB (or GB given, then machines)`,
  async run(arguments_, report) {
    const gigabytes = Number(arguments_[0] ?? 10);
    const machines = Number(arguments_[1] ?? MACHINES);
    const line = await bytesPerLine();
    if (gigabytes === 0) return report(line);
    const daemon = new BenchDaemon();
    try {
      const made = performance.now();
      const big = await makeBigStore(daemon, { machines, bytes: gigabytes * GIGABYTE });
      const madeMs = performance.now() - made;
      dropFromCache(daemon.database);
      await daemon.start(KEEP_ALL);
      const picked = some(big.machines, TAILS);
      const tails = await tailTimes(daemon, picked);
      const again = await tailTimes(daemon, picked);
      report({
        ...line,
        tail_ms: round(percentile(tails, 0.5), 2),
        tail_p99_ms: round(percentile(tails, 0.99), 2),
        tail_warm_ms: round(percentile(again, 0.5), 2),
        tail_warm_p99_ms: round(percentile(again, 0.99), 2),
        ...(await questions(daemon, big)),
        follow_records_per_second: await follow(daemon, big),
        machines,
        store_gb: round(big.bytes / GIGABYTE, 2),
        records: big.records,
        segments: big.segments,
        made_seconds: round(madeMs / 1000, 0),
      });
    } finally {
      await daemon.stop();
    }
  },
};

interface Said {
  readonly lines: number;
  readonly bytes: number;
}

/**
 * What the same daemon packs, one after the other: a boot replayed over and over with numbers of its own by a few
 * machines (the goal's measure, and what `ingest` sends); whole boots of many machines at once; what those say as they run.
 */
async function bytesPerLine(): Promise<Record<string, number>> {
  const daemon = new BenchDaemon();
  try {
    await daemon.start(KEEP_ALL);
    const machines = await joinFleet(daemon, BOOTING);
    await daemon.end();
    const figures: Record<string, number> = {};
    let before = packedSize(daemon.database);
    const measure = async (name: string, talking: () => Promise<Said>): Promise<void> => {
      await daemon.start(KEEP_ALL);
      const said = await talking();
      await allPacked(daemon.database);
      await daemon.end();
      const after = packedSize(daemon.database);
      figures[`${name}bytes_per_line`] = round((after.bytes - before.bytes) / (after.records - before.records), 2);
      figures[`${name}wire_bytes_per_line`] = round(said.bytes / said.lines);
      before = after;
    };
    const replaying = machines.slice(0, REPLAYING);
    const bodies = replaying.map((_, i) => kernelLines(REPLAYED_LINES, i));
    await measure('', () => sayAll(daemon, replaying, bodies, REPLAYED_LINES));
    const booting = speakersOf(machines.slice(REPLAYING));
    const bootLines = Math.min(...booting.map(({ log }) => log.bootLines));
    await measure('boots_', () => talk(daemon, booting, bootLines));
    for (const { log } of booting) log.endBoot();
    await measure('chatter_', async () => {
      const all = { lines: 0, bytes: 0 };
      for (let i = 0; i < CHATTER_ROUNDS; i++) {
        const said = await talk(daemon, booting, CHATTER_LINES);
        all.lines += said.lines;
        all.bytes += said.bytes;
      }
      return all;
    });
    return figures;
  } finally {
    await daemon.stop();
  }
}

/** Evenly over the fleet. */
export function some(machines: readonly Joined[], count: number): Joined[] {
  const step = Math.max(1, Math.floor(machines.length / count));
  return machines.filter((_, i) => i % step === 0).slice(0, count);
}

interface Page {
  readonly records: readonly unknown[];
  readonly next: number | null;
}

/** Milliseconds from request to parsed answer, one after the other, ascending. */
export async function tailTimes(daemon: BenchDaemon, machines: readonly Joined[]): Promise<number[]> {
  const times: number[] = [];
  for (const { uuid } of machines) {
    const asked = performance.now();
    const filter = encodeURIComponent('siderolink.*.*.kmsg.>');
    const page = await daemon.control<Page>('GET', `/v1/records?machine=${uuid}&tail=${TAIL_LINES}&filter=${filter}`);
    times.push(performance.now() - asked);
    if (page.records.length !== TAIL_LINES) throw new Error(`${page.records.length} lines of ${uuid}`);
  }
  return times.sort((a, b) => a - b);
}

/** In the middle of the store: the errors of an hour, a text in six hours, and a level of one machine over all of it. */
async function questions(daemon: BenchDaemon, big: GrownStore & { machines: readonly Joined[] }) {
  const middle = (big.firstTime + big.lastTime) / 2;
  const [machine] = some(big.machines, 1);
  const hour = await ask(daemon, { filter: 'siderolink.*.*.kmsg.error', ...span(middle, HOUR_MS) });
  const grep = await ask(daemon, {
    filter: 'siderolink.*.*.kmsg.>',
    grep: 'no line says this',
    ...span(middle, 6 * HOUR_MS),
  });
  const ofMachine = await ask(
    daemon,
    { filter: 'siderolink.*.*.kmsg.error', machine: machine?.uuid ?? '', limit: '100' },
    1,
  );
  const share = (6 * HOUR_MS) / (big.lastTime - big.firstTime);
  return {
    errors_of_an_hour_ms: round(hour.ms),
    errors_of_an_hour: hour.records,
    grep_ms: round(grep.ms),
    grep_lines_per_second: round((big.records * share * 1000) / grep.ms, 0),
    errors_of_a_machine_ms: round(ofMachine.ms),
    errors_of_a_machine: ofMachine.records,
  };
}

function span(from: number, ms: number): Record<string, string> {
  return { since: new Date(from).toISOString(), until: new Date(from + ms).toISOString(), limit: '1000' };
}

/** All pages of an answer. */
async function ask(daemon: BenchDaemon, query: Record<string, string>, pages = Number.POSITIVE_INFINITY) {
  const asked = performance.now();
  let records = 0;
  let after: number | null = 0;
  for (let page = 0; after !== null && page < pages; page++) {
    const path: string = `/v1/records?${new URLSearchParams({ ...query, after: String(after) })}`;
    const answer: Page = await daemon.control<Page>('GET', path);
    records += answer.records.length;
    after = answer.next;
  }
  return { ms: performance.now() - asked, records };
}

/** Records a second that a follower of everything gets who begins in the middle of the store. */
async function follow(daemon: BenchDaemon, big: GrownStore): Promise<number> {
  const after = Math.floor((big.firstSeq + big.lastSeq) / 2);
  let lines = 0;
  let first = 0;
  const close = daemon.openStream(`/v1/stream?filter=siderolink.%3E&after=${after}`, (part) => {
    if (first === 0) first = performance.now();
    for (let at = part.indexOf(10); at >= 0; at = part.indexOf(10, at + 1)) lines++;
  });
  await sleep(FOLLOW_MS);
  close();
  return round((lines * 1000) / (performance.now() - first), 0);
}
