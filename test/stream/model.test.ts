import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { matchesFilter, parseFilter } from '../../src/domain/filter.ts';
import { LEVELS, type Tags } from '../../src/domain/record.ts';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import type { LogSource, Query } from '../../src/stream/types.ts';
import {
  eventOf,
  linesOf,
  type OpenLog,
  openLog,
  parse,
  putTags,
  readAll,
  sourceOf,
  type Told,
  tagsOf,
  take,
  temporaryStore,
  toldOf,
  uuidOf,
} from './harness.ts';

/** A record as a plain list keeps it. */
interface Expected extends Told {
  readonly machine: number;
  readonly boot: number;
  /** Machine and stream: what keeps its order. */
  readonly lane: string;
}

type Step =
  | {
      readonly kind: 'lines';
      readonly machine: number;
      readonly boot: number;
      readonly stream: 'kmsg' | 'log';
      readonly n: number;
    }
  | { readonly kind: 'event'; readonly machine: number; readonly n: number }
  | { readonly kind: 'commit' | 'restart' };

const SERVICE_NAMES = ['apid.info', 'kubelet.error', 'etcd.other'];
const machine = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 120,
    arbitrary: fc.record({
      kind: fc.constant('lines' as const),
      machine,
      boot: fc.integer({ min: 1, max: 2 }),
      stream: fc.constantFrom('kmsg' as const, 'log' as const),
      n: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('event' as const), machine, n: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 60, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  // Rare: opening takes long.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

const FILTERS = [
  'siderolink.>',
  'siderolink.*.*.kmsg.*',
  'siderolink.*.*.kmsg.error',
  'siderolink.*.*.log.*.error',
  'siderolink.*.*.log.apid.>',
  'siderolink.*.*.event.>',
  `siderolink.*.${uuidOf(2)}.>`,
  'siderolink.acme.>',
  'nothing.>',
];
const query = fc.record({
  filters: fc.array(fc.constantFrom(...FILTERS), { maxLength: 2 }),
  machine: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  from: fc.nat(100),
  to: fc.nat(120),
  grep: fc.constantFrom('', '', '3', 'LINE 1', 'zzz'),
  tail: fc.boolean(),
  limit: fc.integer({ min: 1, max: 12 }),
});

/** Small segments and commits, so that a few records live in all places. */
const TINY = { segmentRecords: 16, segmentBytes: 1 << 20, sliceRows: 3, sliceBytes: 100, commitBytes: 60 };

const store = temporaryStore();
let opened: OpenLog | undefined;
const tagsByMachine = new Map<number, Tags>([1, 2, 3].map((m) => [m, m === 3 ? tagsOf(m, 'acme') : tagsOf(m)]));
const tagsOfMachine = (number: number): Tags => tagsByMachine.get(number) ?? tagsOf(number);
afterAll(async () => {
  await opened?.log.close(5000);
  store.remove();
});

async function reopen(): Promise<StoredRecordLog> {
  await opened?.log.close(5000);
  opened = await openLog({ path: store.path, ...TINY, itemRecords: 5, recentBytes: 1500 });
  for (const tags of tagsByMachine.values()) await putTags(opened.log, tags);
  return opened.log;
}

/** Takes the steps; returns what they must have stored, in the order in which it was handed over. */
async function takeSteps(
  steps: readonly Step[],
  start: StoredRecordLog,
): Promise<{ log: StoredRecordLog; model: Expected[] }> {
  let log = start;
  const model: Expected[] = [];
  const sources = new Map<string, LogSource>();
  for (const s of steps) {
    if (s.kind === 'commit') await log.flush();
    if (s.kind === 'restart') log = await reopen();
    if (s.kind !== 'lines' && s.kind !== 'event') continue;
    const tags = tagsOfMachine(s.machine);
    const texts = Array.from({ length: s.n }, (_, i) => `line ${model.length + i + 1}`);
    const stream = s.kind === 'event' ? 'event' : s.stream;
    const names = { event: ['PhaseEvent'], kmsg: LEVELS, log: SERVICE_NAMES }[stream];
    const boot = s.kind === 'event' ? 1 : s.boot;
    for (const [i, msg] of texts.entries()) {
      const told = toldOf(tags, stream, names[i % names.length] ?? '', msg);
      model.push({ ...told, machine: s.machine, boot, lane: `${s.machine} ${stream}` });
    }
    if (s.kind === 'event') {
      await log.commit({ ops: [], records: texts.map((msg) => eventOf(s.machine, 'PhaseEvent', msg, tags)) });
      continue;
    }
    const key = `${s.machine} ${stream} ${boot}`;
    const source = sources.get(key) ?? sourceOf(s.machine, s.stream, boot, tags);
    sources.set(key, source);
    // Service lines carry the level of their name, not of their position.
    const lines = linesOf(texts, names);
    log.appendLog(source, stream === 'kmsg' ? lines : { ...lines, levels: 0b11010 });
  }
  await log.flush();
  return { log, model };
}

test('reads and follows tell what a plain list tells, wherever the records are', async () => {
  let log = await reopen();
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 4, maxLength: 30 }),
    fc.array(query, { minLength: 6, maxLength: 6 }),
    async (steps, queries) => {
      const base = log.head;
      const total = steps.reduce((sum, s) => sum + ('n' in s ? s.n : 0), 0);
      // A follower lives no longer than its log.
      const isFollowed = !steps.some(({ kind }) => kind === 'restart');
      const followed = isFollowed
        ? take(log.follow({ filters: [], after: base }, AbortSignal.timeout(60_000)), total)
        : undefined;
      const taken = await takeSteps(steps, log);
      log = taken.log;
      const all = (await readAll(log, { after: base }, 7)).map(parse);
      expect(all.map(({ seq }) => seq)).toEqual(taken.model.map((_, i) => base + i + 1));
      for (const lane of new Set(taken.model.map((record) => record.lane))) {
        const wanted = taken.model.filter((record) => record.lane === lane).map(({ msg }) => msg);
        expect(all.filter(({ msg }) => wanted.includes(msg)).map(({ msg }) => msg)).toEqual(wanted);
      }
      // The order between lanes is the log's to choose; from here on its list is the plain one.
      const byMessage = new Map(taken.model.map((record) => [record.msg, record]));
      const list = all.map(({ seq, subject, boot, msg }) => {
        const expected = byMessage.get(msg);
        expect({ subject, boot }).toEqual({ subject: expected?.subject, boot: expected?.boot });
        return { seq, subject, msg, machine: expected?.machine };
      });
      for (const one of queries) await checkQuery(log, list, { ...one, from: base + one.from, to: base + one.to });
      if (followed !== undefined) expect((await followed).map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq));
    },
  );
  await fc.assert(property, { numRuns: 60 });
}, 120_000);

async function checkQuery(
  log: StoredRecordLog,
  list: readonly { seq: number; subject: string; msg: string; machine: number | undefined }[],
  { filters, machine: wanted, from, to, grep, tail, limit }: typeof query extends fc.Arbitrary<infer T> ? T : never,
): Promise<void> {
  const parsed = filters.map(parseFilter);
  const matching = list
    .filter(({ seq }) => seq > from && seq < to)
    .filter((record) => wanted === undefined || record.machine === wanted)
    .filter(({ subject }) => parsed.length === 0 || parsed.some((filter) => matchesFilter(filter, subject.split('.'))))
    .filter(({ msg }) => msg.toLowerCase().includes(grep.toLowerCase()))
    .map(({ seq }) => seq);
  const asked: Partial<Query> = { filters, before: to, grep, ...(wanted === undefined ? {} : { machine: wanted }) };
  if (tail) {
    const page = await log.read({ filters, ...asked, after: from, tail, limit });
    expect(page.records.map(({ seq }) => seq)).toEqual(matching.slice(-limit));
    expect(page.next).toBeGreaterThanOrEqual(matching.at(-1) ?? 0);
  } else {
    const records = await readAll(log, { ...asked, after: from }, limit);
    expect(records.map(({ seq }) => seq)).toEqual(matching);
  }
}
