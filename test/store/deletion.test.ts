import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { namesText } from '../../src/domain/chunk.ts';
import type { RegistryOp } from '../../src/domain/registry.ts';
import { type ChunkHead, encodeBatch, type Series } from '../../src/store/batch.ts';
import { openReader, openWriter } from '../../src/store/database.ts';
import { Packer } from '../../src/store/packer.ts';
import { PageReader } from '../../src/store/page-reader.ts';
import type { PackedSegment } from '../../src/store/protocol.ts';
import { Writer } from '../../src/store/writer.ts';
import { eventOf, linesOf, openLog, parse, readAll, sourceOf, take, temporaryStore } from '../stream/harness.ts';

let store: ReturnType<typeof temporaryStore>;
beforeEach(() => {
  store = temporaryStore();
});
afterEach(() => store.remove());

const deletion = (machine: number, what: 'all' | 'logs' = 'all'): RegistryOp => ({
  op: 'deleteRecords',
  machine,
  what,
});

/** One transaction: changes with an event each or none, then log lines. */
interface Commit {
  readonly changes: readonly {
    readonly deletes: 'all' | 'logs' | null;
    readonly machine: number;
    readonly events: number;
  }[];
  readonly logs: readonly { readonly machine: number; readonly n: number }[];
}

type Step =
  | { readonly kind: 'commit'; readonly commit: Commit }
  | { readonly kind: 'pack' | 'sweep'; readonly series: Series }
  | { readonly kind: 'insert' | 'clear' | 'crash' };

const machine = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      commit: fc.record({
        changes: fc.array(
          fc.record({
            deletes: fc.constantFrom(null, null, null, 'all' as const, 'logs' as const),
            machine,
            events: fc.nat(1),
          }),
          { maxLength: 2 },
        ),
        logs: fc.array(fc.record({ machine, n: fc.integer({ min: 1, max: 4 }) }), { maxLength: 3 }),
      }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('pack' as const, 'sweep' as const),
      series: fc.constantFrom('logs' as const, 'logs' as const, 'others' as const),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({ kind: fc.constantFrom('insert' as const, 'insert' as const, 'clear' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
);

/** `seq:text`, so that a wrong line under a right number shows. */
type Shown = string;

interface Line {
  readonly seq: number;
  readonly text: number;
  readonly machine: number;
  readonly series: Series;
}

/** The threads' own parts, one step at a time: a crash may come between any two. */
class Bench {
  readonly #path: string;
  #writer: Writer;
  #packed: PackedSegment | null = null;
  #inserting = false;
  /** The text of the next line: four digits. */
  #text = 1000;
  /** What a plain list holds. */
  lines: Line[] = [];

  constructor(path: string) {
    this.#path = path;
    this.#writer = this.#open();
  }

  take(step: Step): void {
    switch (step.kind) {
      case 'commit':
        this.#commit(step.commit);
        return;
      case 'pack':
        // Held while other steps come: the packer has read, and nothing of it is stored.
        if (!this.#inserting) this.#packed = this.#pack(step.series);
        return;
      case 'insert':
        if (this.#packed === null) return;
        if (!this.#inserting) this.#writer.beginSegment(this.#packed);
        this.#inserting = this.#writer.insertSlice(2, 1000).more;
        if (!this.#inserting) this.#packed = null;
        return;
      case 'sweep':
        this.#writer.sweep(step.series, 2, 1000);
        return;
      case 'clear':
        this.#writer.clear(2, 60);
        return;
      case 'crash':
        this.close();
        this.#writer = this.#open();
        return;
    }
  }

  close(): void {
    this.#writer.close();
    this.#packed = null;
    this.#inserting = false;
  }

  #open(): Writer {
    const db = openWriter(this.#path, 1000);
    // The crash is one of the process: what is written stays written.
    db.pragma('synchronous = off');
    return new Writer(db);
  }

  #pack(series: Series): PackedSegment | null {
    const db = openReader(this.#path);
    const packed = new Packer(db).pack({ series, maxRecords: 6, maxBytes: 1 << 20 });
    db.close();
    return packed;
  }

  #commit({ changes, logs }: Commit): void {
    let text = this.#text;
    const batch = (items: readonly { machine: number; n: number }[], stream: 'kmsg' | 'event') => {
      const heads = items.map(
        (item): ChunkHead => ({
          count: item.n,
          machine: item.machine,
          stream,
          boot: 1,
          tags: item.machine,
          // All at one time, so that runs reach across deletions.
          time: 1_000,
          firstKseq: null,
          lastKseq: null,
          levels: 0,
          names: namesText(['x']),
          bytes: 11 * item.n,
        }),
      );
      const body = new ArrayBuffer(heads.reduce((sum, { bytes, count }) => sum + bytes + count, 0));
      return encodeBatch(heads, body, (index, target, offset) => {
        const lines = Array.from({ length: heads[index]?.count ?? 0 }, () => `{"n":${this.#text++}}\n`);
        target.set(Buffer.from(lines.join('')), offset);
      });
    };
    const reply = this.#writer.commit({
      epoch: 0,
      changes: changes.map(({ deletes, machine, events }) => ({
        ops: deletes === null ? [] : [deletion(machine, deletes)],
        records: events,
      })),
      changeChunks: batch(
        changes.filter(({ events }) => events > 0).map(({ machine }) => ({ machine, n: 1 })),
        'event',
      ),
      logOps: [],
      logChunks: batch(logs, 'kmsg'),
    });
    expect(reply.failure).toBeNull();
    const count = [...changes.map(({ events }) => events), ...logs.map(({ n }) => n)].reduce((a, b) => a + b, 0);
    let seq = reply.nextSeq - 1 - count;
    for (const { deletes, machine, events } of changes) {
      const stays = (line: Line) => line.machine !== machine || (deletes === 'logs' && line.series === 'others');
      if (deletes !== null) this.lines = this.lines.filter(stays);
      if (events > 0) this.lines.push({ seq: ++seq, text: text++, machine, series: 'others' });
    }
    for (const { machine, n } of logs) {
      for (let i = 0; i < n; i++) this.lines.push({ seq: ++seq, text: text++, machine, series: 'logs' });
    }
  }
}

/** All records in pages of five, forward or backward. */
function recordsOf(reader: PageReader, machine: number | null, backward: boolean): Shown[] {
  const shown: Shown[] = [];
  let fromSeq = 1;
  let toSeq = Number.POSITIVE_INFINITY;
  for (;;) {
    const page = reader.page({
      ...{ filters: [], machine, fromSeq, toSeq, backward, grep: '', maxRecords: 5, maxText: 1 << 20 },
      since: Number.NEGATIVE_INFINITY,
      until: Number.POSITIVE_INFINITY,
    });
    for (const json of page.jsons) {
      const { seq, body } = JSON.parse(json) as { seq: number; body: { n: number } };
      shown.push(`${seq}:${body.n}`);
    }
    if (page.done) return backward ? shown.reverse() : shown;
    if (backward) toSeq = page.through - 1;
    else fromSeq = page.through + 1;
  }
}

const lines = (machine: number, n: number, deletes?: 'logs'): Step => {
  const changes = deletes === undefined ? [] : [{ deletes, machine, events: 0 }];
  return { kind: 'commit', commit: { changes, logs: [{ machine, n }] } };
};

/** Packed with records from before and after the deletion in one run. */
const ACROSS: Step[] = [
  lines(1, 4),
  lines(1, 4, 'logs'),
  { kind: 'pack', series: 'logs' },
  { kind: 'insert' },
  { kind: 'insert' },
  // Chunks first, then extents.
  { kind: 'clear' },
  { kind: 'clear' },
  { kind: 'sweep', series: 'logs' },
  { kind: 'crash' },
];

test('deleted records never come back, and no other goes: against a list, with crashes between any two steps', () => {
  let run = 0;
  const property = fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
    const path = `${store.path}.${run++}`;
    const bench = new Bench(path);
    const db = openReader(path);
    const reader = new PageReader(db, { prefix: 'p', pageMs: 10_000, cacheBytes: 1 << 20 });
    for (const one of steps) {
      bench.take(one);
      for (const machine of [null, 1, 2, 3]) {
        const wanted = bench.lines
          .filter((line) => machine === null || line.machine === machine)
          .map(({ seq, text }): Shown => `${seq}:${text}`);
        expect(recordsOf(reader, machine, false)).toEqual(wanted);
        expect(recordsOf(reader, machine, true)).toEqual(wanted);
      }
    }
    db.close();
    bench.close();
  });
  fc.assert(property, { numRuns: 80, examples: [[ACROSS]] });
}, 240_000);

test('rows of deleted records go, packed or not; those of others and of later records stay', async () => {
  const { log } = await openLog({ path: store.path, segmentRecords: 100, sliceRows: 3, sliceBytes: 300 });
  const sources = [1, 2].map((machine) => sourceOf(machine));
  const write = async (rounds: number) => {
    for (let n = 0; n < rounds; n++) {
      for (const source of sources) log.appendLog(source, linesOf([`line ${n}`, `more ${n}`]));
      await log.commit({ ops: [], records: [eventOf(1, 'x', `event ${n}`), eventOf(2, 'x', `event ${n}`)] });
      await log.flush();
    }
  };
  await write(60);
  const removed = eventOf(1, 'removed', 'removed');
  await log.commit({ ops: [deletion(1)], records: [removed] });
  expect((await readAll(log, { machine: 1 })).map((record) => parse(record).msg)).toEqual(['removed']);
  await write(60);
  await log.packed();
  const left = await readAll(log, { machine: 1 });
  expect(left).toHaveLength(1 + 60 * 3);
  expect(await readAll(log, { machine: 2 })).toHaveLength(120 * 3);
  await log.close(5000);

  const first = left[0]?.seq ?? 0;
  const db = new Database(store.path);
  const rows = (table: string, where: string) =>
    db.prepare(`select count(*) from ${table} where machine = 1 and ${where}`).pluck().get();
  expect(rows('log_chunk', `first_seq < ${first}`)).toBe(0);
  expect(rows('other_chunk', `first_seq < ${first}`)).toBe(0);
  const dead = db.prepare(
    `select count(*) from extent join segment on segment.series = extent.series and segment.id = extent.segment
     where machine = 1 and last_seq < ?`,
  );
  expect(dead.pluck().get(first)).toBe(0);
  expect(db.prepare('select min(cleared) from deletion').pluck().get()).toBe(1);
  db.close();
});

test('rows go as well when it is asked for a second time', async () => {
  const { log } = await openLog({ path: store.path });
  for (const text of ['before', 'since']) {
    log.appendLog(sourceOf(1), linesOf([text]));
    await log.flush();
    await log.commit({ ops: [deletion(1, 'logs')], records: [] });
    // The first one is cleared before the second comes.
    await log.packed();
  }
  await log.close(5000);
  const db = new Database(store.path);
  expect(db.prepare('select count(*) from log_chunk').pluck().get()).toBe(0);
  expect(db.prepare('select count(*) from extent').pluck().get()).toBe(0);
  db.close();
});

test('rows that a crash left are cleared away by the next run', async () => {
  const { log } = await openLog({ path: store.path });
  log.appendLog(sourceOf(1), linesOf(['a', 'b']));
  log.appendLog(sourceOf(2), linesOf(['c']));
  await log.flush();
  await log.close(5000);
  // As if the daemon had died right after the commit of the deletion.
  const db = new Database(store.path);
  db.exec('insert into deletion values (1, 0, 3, 1, 0)');
  db.close();
  const again = await openLog({ path: store.path });
  expect((await readAll(again.log)).map((record) => parse(record).msg)).toEqual(['c']);
  await again.log.packed();
  await again.log.close(5000);
  const after = new Database(store.path);
  expect(after.prepare('select machine from log_chunk').pluck().all()).toEqual([2]);
  after.close();
});

test('a follower that is served from the store does not see them; who asks again deletes what came since', async () => {
  const { log } = await openLog({ path: store.path });
  for (const machine of [1, 2, 1]) log.appendLog(sourceOf(machine), linesOf([`of ${machine}`]));
  await log.flush();
  const [seq = 0] = await log.commit({ ops: [deletion(1, 'logs')], records: [eventOf(1, 'removed', 'removed')] });
  const followed = await take(log.follow({ filters: [], after: 0 }, AbortSignal.timeout(60_000)), 2);
  expect(followed.map((record) => parse(record).msg)).toEqual(['of 2', 'removed']);
  log.appendLog(sourceOf(1), linesOf(['late']));
  await log.flush();
  await log.commit({ ops: [deletion(1, 'logs')], records: [] });
  expect((await readAll(log, { machine: 1 })).map((record) => record.seq)).toEqual([seq]);
  await log.close(5000);
});

test('a change that fails deletes nothing', async () => {
  const { log } = await openLog({ path: store.path });
  log.appendLog(sourceOf(1), linesOf(['a']));
  await log.flush();
  const contradiction: RegistryOp = { op: 'putTags', id: 1, server_uuid: null as never, ownership: {} };
  const failed = log.commit({ ops: [deletion(1), contradiction], records: [] });
  await expect(failed).rejects.toMatchObject({ code: 'conflict' });
  expect(await readAll(log, { machine: 1 })).toHaveLength(1);
  await log.close(5000);
});
