import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { matchesFilter, parseFilter } from '../../src/domain/filter.ts';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import {
  eventOf,
  linesOf,
  openLog,
  parse,
  putTags,
  readAll,
  sourceOf,
  tagsOf,
  temporaryStore,
  uuidOf,
} from './harness.ts';

let store: ReturnType<typeof temporaryStore>;
beforeEach(() => {
  store = temporaryStore();
});
afterEach(() => store.remove());

const FOLLOWERS = 200;
const MACHINES = 12;
const ROUNDS = 60;
const PER_ROUND = 3 * MACHINES;

const token = fc.constantFrom('*', 'acme', '_', uuidOf(3), uuidOf(7), 'kmsg', 'event', 'error', 'x');
const filter = fc
  .tuple(
    fc.constantFrom('*', 'acme', '_'),
    fc.constantFrom('*', '*', uuidOf(3), uuidOf(7), uuidOf(12)),
    fc.constantFrom('*', '>', 'kmsg', 'event'),
    fc.constantFrom('', '>', '*', 'error', 'x'),
  )
  .map(([owner, machine, stream, detail]) =>
    ['siderolink', owner, machine, stream, ...(stream === '>' || detail === '' ? [] : [detail])].join('.'),
  );
const follower = fc.record({
  filters: fc.oneof(fc.array(filter, { maxLength: 3 }), fc.array(token, { minLength: 1, maxLength: 1 })),
  /** Part of the way at which it begins, in hundredths; above: from now on. */
  start: fc.nat(120),
  /** It is cut off after so many records, again and again, and resumes behind the last it saw. */
  patience: fc.constantFrom(1_000_000, 1_000_000, 400, 70),
  /** Turns of the event loop for each item. */
  pace: fc.constantFrom(0, 0, 1, 9),
});
type Wanted = typeof follower extends fc.Arbitrary<infer T> ? T : never;

/** Follows to the end through as many connections as it takes; gives what it saw, and where it began. */
async function follow(
  log: StoredRecordLog,
  { filters, start, patience, pace }: Wanted,
  until: { seq: number },
): Promise<{ after: number; seen: { seq: number; subject: string }[] }> {
  const after = start > 100 ? log.head : Math.floor((log.head * start) / 100);
  const seen: { seq: number; subject: string }[] = [];
  for (let position = after; position < until.seq; ) {
    const end = new AbortController();
    let left = patience;
    for await (const item of log.follow({ filters, after: position, gaps: true }, end.signal)) {
      if (item.type === 'position') position = item.seq;
      else {
        for (const record of item.records.slice(0, left)) {
          seen.push(parse(record));
          position = record.seq;
        }
        left -= item.records.length;
      }
      for (let turn = 0; turn < pace; turn++) await new Promise(setImmediate);
      if (left <= 0 || position >= until.seq) end.abort();
    }
  }
  return { after, seen };
}

test('200 followers with any filter and start see each matching record once and in order, while all is written and packed', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const followers = fc.sample(follower, { seed, numRuns: FOLLOWERS });
  const { log } = await openLog({
    path: store.path,
    ...{
      segmentRecords: 300,
      sliceRows: 20,
      recentBytes: 40_000,
      itemRecords: 50,
      positionRecords: 40,
      positionMs: 50,
    },
  });
  const tags = Array.from({ length: MACHINES }, (_, i) => tagsOf(i + 1, i % 3 === 0 ? 'acme' : undefined));
  for (const one of tags) await putTags(log, one);
  const sources = tags.map((one, i) => sourceOf(i + 1, 'kmsg', 1, one));
  const write = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      for (const source of sources) log.appendLog(source, linesOf(['a', 'b']));
      for (const [i, one] of tags.entries()) {
        if ((round + i) % 4 === 0) await log.commit({ ops: [], records: [eventOf(i + 1, 'x', 'e', one)] });
      }
      await log.flush();
    }
  };
  await write(ROUNDS);
  const until = { seq: Number.POSITIVE_INFINITY };
  const running = followers.map((one) => follow(log, one, until));
  await write(ROUNDS / 2);
  // Everyone ends at a record that everyone is told of, by itself or as a position.
  until.seq = log.head;
  await log.flush();
  const results = await Promise.all(running);
  const all = (await readAll(log)).map(parse);
  expect(all.length).toBeGreaterThan((ROUNDS * PER_ROUND) / 2);
  const wrong = results.flatMap(({ after, seen }, i) => {
    const filters: readonly string[] = followers[i]?.filters ?? [];
    const parsed = filters.map(parseFilter);
    const matches = (subject: string) =>
      parsed.length === 0 || parsed.some((tokens) => matchesFilter(tokens, subject.split('.')));
    const expected = all.filter(({ seq, subject }) => seq > after && seq <= until.seq && matches(subject));
    const isRight =
      JSON.stringify(seen.filter(({ seq }) => seq <= until.seq).map(({ seq }) => seq)) ===
      JSON.stringify(expected.map(({ seq }) => seq));
    return isRight ? [] : [{ follower: followers[i], after, seen: seen.length, expected: expected.length }];
  });
  expect(wrong, `SEED=${seed}`).toEqual([]);
  expect(log.stats().followers).toBe(0);
  await log.close(5000);
}, 120_000);
