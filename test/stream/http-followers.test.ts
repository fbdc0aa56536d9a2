import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesFilter, parseFilter } from '../../src/domain/filter.ts';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { eventOf, linesOf, openLog, putTags, sourceOf, tagsOf, temporaryStore, uuidOf } from './harness.ts';

const FOLLOWERS = 200;
const MACHINES = 8;
const ROUNDS = 25;
const TEXTS = Array.from({ length: 5 }, (_, i) => `${i} ${'text '.repeat(15)}`);
const FOR_EVER = { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };

interface Told {
  readonly seq: number;
  readonly subject: string;
  readonly received_at: string;
  readonly body: { readonly from?: number | null; readonly to?: number; readonly reason?: string };
}

const filter = fc
  .tuple(
    fc.constantFrom('*', 'acme', '_'),
    fc.constantFrom('*', '*', uuidOf(3), uuidOf(7), '_'),
    fc.constantFrom('*', '>', 'kmsg', 'event', 'gap'),
    fc.constantFrom('', '>', '*', 'error', 'x'),
  )
  .map(([owner, machine, stream, detail]) =>
    ['siderolink', owner, machine, stream, ...(stream === '>' || detail === '' ? [] : [detail])].join('.'),
  );
const follower = fc.record({
  format: fc.constantFrom('sse' as const, 'ndjson' as const),
  filters: fc.array(filter, { maxLength: 3 }),
  /** Where it begins: part of the way, in hundredths. */
  start: fc.record({ kind: fc.constantFrom('after', 'since', 'tail', 'now'), at: fc.nat(99) }),
  /** It breaks off after so many records, again and again, and resumes by the last id it saw. */
  patience: fc.constantFrom(1_000_000, 1_000_000, 150, 40),
  /** Turns of the event loop that it lets pass for each piece that came, and so sets the pace. */
  pace: fc.constantFrom(0, 0, 1, 9),
});
type Wanted = typeof follower extends fc.Arbitrary<infer T> ? T : never;

/** Everything that was committed, as one who was there from the beginning sees it: a seq after the other, no hole. */
function witness(
  log: StoredRecordLog,
  signal: AbortSignal,
): { readonly records: Told[]; readonly ended: Promise<void> } {
  const records: Told[] = [];
  const ended = (async () => {
    for await (const item of log.follow({ filters: [], after: 0 }, signal)) {
      if (item.type === 'records') for (const { json } of item.records) records.push(JSON.parse(json));
    }
  })();
  return { records, ended };
}

/** The lines of a body; nothing more is read before each was dealt with. */
async function* linesFrom(response: IncomingMessage): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const piece of response.setEncoding('utf8')) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
}

/** What a line says: a record, how far the stream has come, or nothing. */
function parseLine(format: Wanted['format'], line: string): { record?: Told; position?: number } {
  if (format === 'sse') {
    if (line.startsWith('id: ')) return { position: Number(line.slice(4)) };
    return line.startsWith('data: ') ? { record: JSON.parse(line.slice(6)) } : {};
  }
  const value = JSON.parse(line);
  return 'position' in value ? value : { record: value, position: value.seq };
}

/** Follows to the end through as many connections as it takes. */
async function follow(
  control: Harness,
  { format, filters, start, patience, pace }: Wanted,
  known: readonly Told[],
  until: { seq: number },
) {
  const at = Math.floor((known.length * start.at) / 100);
  const since = known[at]?.received_at ?? '';
  const query = new URLSearchParams(filters.map((one): [string, string] => ['filter', one]));
  if (start.kind === 'after') query.set('after', String(at));
  if (start.kind === 'since') query.set('since', since);
  if (start.kind === 'tail') query.set('tail', String(start.at));
  const seen: Told[] = [];
  let position: number | undefined;
  let connections = 0;
  while ((position ?? 0) < until.seq) {
    connections++;
    const response = await control.open(`/v1/stream?${query}`, {
      accept: format === 'sse' ? 'text/event-stream' : 'application/x-ndjson',
      ...(position !== undefined && { 'last-event-id': String(position) }),
    });
    expect(response.statusCode).toBe(200);
    let left = patience;
    // An SSE id stands before its data: who breaks off between the two has not seen it.
    let pendingId: number | undefined;
    try {
      reading: for await (const lines of linesFrom(response)) {
        for (const line of lines) {
          const told = parseLine(format, line);
          if (told.record !== undefined) {
            seen.push(told.record);
            position = told.record.seq;
            left--;
            if (left <= 0) break reading;
          } else if (format === 'ndjson' && told.position !== undefined) position = told.position;
          else if (line === '' && pendingId !== undefined) position = pendingId;
          pendingId = format === 'sse' && told.position !== undefined ? told.position : undefined;
        }
        if ((position ?? 0) >= until.seq) break;
        for (let turn = 0; turn < pace; turn++) await new Promise(setImmediate);
      }
    } finally {
      response.destroy();
    }
  }
  return { start: start.kind, at, since, seen, connections };
}

test('200 readers over HTTP see each matching record once and in order, or are told that it is gone', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  const followers = fc.sample(follower, { seed, numRuns: FOLLOWERS });
  const store = temporaryStore();
  const { log } = await openLog({
    path: store.path,
    retention: { logs: { ...FOR_EVER, maxBytes: 300_000 }, others: FOR_EVER },
    ...{ retentionMs: 20, freeBytes: 0, segmentRecords: 120, sliceRows: 20, recentBytes: 40_000 },
    ...{ itemRecords: 50, positionRecords: 40, positionMs: 50 },
  });
  const ending = new AbortController();
  const { records: all, ended } = witness(log, ending.signal);
  const control = await startControl({}, undefined, { log });
  try {
    const tags = Array.from({ length: MACHINES }, (_, i) => tagsOf(i + 1, i % 3 === 0 ? 'acme' : undefined));
    for (const one of tags) await putTags(log, one);
    const sources = tags.map((one, i) => sourceOf(i + 1, 'kmsg', 1, one));
    const write = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        for (const source of sources) log.appendLog(source, linesOf(TEXTS));
        const events = tags.flatMap((one, i) => ((round + i) % 4 === 0 ? [eventOf(i + 1, 'x', 'e', one)] : []));
        await log.commit({ ops: [], records: events });
        await log.flush();
      }
    };
    const dropped = () => all.filter(({ subject }) => subject.endsWith('.gap.retention')).length;
    await write(ROUNDS);
    const until = { seq: Number.POSITIVE_INFINITY };
    const running = followers.map((one) => follow(control, one, [...all], until));
    // As long as it takes for the oldest to go under those who read them.
    for (let more = 0; more < 2 || (dropped() === 0 && more < 40); more++) await write(ROUNDS / 5);
    until.seq = log.head;
    const results = await Promise.all(running);
    ending.abort();
    await ended;
    expect(dropped()).toBeGreaterThan(0);
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1));
    const wrong = results.flatMap((result, i) => {
      const fault = faultOf(result, followers[i]?.filters ?? [], all, until.seq);
      return fault === undefined ? [] : [{ fault, follower: followers[i] }];
    });
    expect(wrong, `SEED=${seed}`).toEqual([]);
    const resumed = results.filter(({ connections }) => connections > 1).length;
    expect(resumed).toBeGreaterThan(FOLLOWERS / 10);
    await expect.poll(() => log.stats().followers).toBe(0);
  } finally {
    ending.abort();
    await control[Symbol.asyncDispose]();
    await log.close(5_000);
    store.remove();
  }
}, 120_000);

/** What is wrong with what a reader saw; undefined if nothing is. */
function faultOf(
  { start, at, since, seen }: Awaited<ReturnType<typeof follow>>,
  filters: readonly string[],
  all: readonly Told[],
  until: number,
): string | undefined {
  const parsed = filters.map(parseFilter);
  const passes = ({ subject }: Told) =>
    parsed.length === 0 || parsed.some((tokens) => matchesFilter(tokens, subject.split('.')));
  const isStored = ({ seq, subject }: Told) => all[seq - 1]?.subject === subject;
  const real = seen.filter(isStored);
  const gaps = seen.filter((one) => !isStored(one));
  if (!gaps.every(({ body }) => body.reason === 'retention')) return 'a record that nobody wrote';
  if (!real.every(({ seq }, i) => i === 0 || seq > (real[i - 1]?.seq ?? 0))) return 'twice, or out of order';
  if (!real.every(passes)) return 'a record that was not asked for';
  const first = real[0]?.seq ?? Number.POSITIVE_INFINITY;
  const isAsked = {
    after: ({ seq }: Told) => seq > at,
    since: ({ received_at }: Told) => received_at >= since,
    // Where these begin depends on what was written when they came.
    tail: ({ seq }: Told) => seq >= first,
    now: ({ seq }: Told) => seq >= first,
  }[start];
  if (isAsked === undefined) return 'a start of no kind';
  const given = new Set(real.map(({ seq }) => seq));
  const isTold = ({ seq }: Told) => gaps.some(({ body }) => (body.from ?? 0) <= seq && seq <= (body.to ?? 0));
  const missing = all.filter((one) => one.seq <= until && isAsked(one) && passes(one) && !given.has(one.seq));
  const untold = missing.filter((one) => !isTold(one));
  return untold.length === 0 ? undefined : `${untold.length} of ${missing.length} missing are told by nothing`;
}
