import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { errorCode, SiderolinkError } from '../../src/domain/errors.ts';
import { encodeRuns } from '../../src/domain/segment-runs.ts';
import { openReader } from '../../src/store/database.ts';
import { PageReader } from '../../src/store/page-reader.ts';
import type { PageRequest } from '../../src/store/protocol.ts';
import { uuidOf } from '../stream/harness.ts';
import { extentsOf, NO_GAPS_YET, type PaperRecord, paperStore, readPages, type Shown } from './paper-store.ts';

const OPTIONS = { prefix: 'siderolink', pageMs: 10_000, cacheBytes: 1 << 20 };
// Long lines, so that a segment has several blocks.
const LONG = { chunks: 120, segmentRecords: 100, text: noise };

/** Some 11 KB that cannot be packed. */
function noise(seq: number): string {
  return Array.from({ length: 250 }, (_, i) => createHash('sha256').update(`${seq} ${i}`).digest('base64')).join('');
}

const WANTED = [
  { filters: [], machine: null, byMachine: false, passes: () => true },
  { filters: [], machine: 2, byMachine: true, passes: ({ machine }: PaperRecord) => machine === 2 },
  {
    ...{ filters: ['*.*.*.kmsg.error'], machine: null, byMachine: false },
    passes: ({ level }: PaperRecord) => level === 'error',
  },
  {
    ...{ filters: [`*.*.${uuidOf(3)}.>`], machine: null, byMachine: true },
    passes: ({ machine }: PaperRecord) => machine === 3,
  },
  {
    ...{ filters: ['*.*.*.event.>'], machine: null, byMachine: false },
    passes: ({ series }: PaperRecord) => series === 'others',
  },
] as const;

const reading = fc.record({
  wanted: fc.constantFrom(...WANTED),
  backward: fc.boolean(),
  maxRecords: fc.constantFrom(5, 40, 1000),
  // Pages end anywhere: by their text, or after every step that comes further.
  maxText: fc.constantFrom(1, 50_000, 1 << 22),
  pageMs: fc.constantFrom(0, 10_000),
});

/**
 * Real records come once and in order as they were written, and all that is missing lies in a gap. `isHidden`: what was
 * given to another machine in the index too, so that whoever asks for the one that had it is not led there. Rot changes
 * the row alone.
 */
function check(
  shown: readonly Shown[],
  records: readonly PaperRecord[],
  { isAffected, isHidden }: { isAffected(seq: number): boolean; isHidden(seq: number): boolean },
  { wanted, backward }: typeof reading extends fc.Arbitrary<infer T> ? T : never,
): void {
  const seqs = shown.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => (backward ? b - a : a - b)));
  const matching = records.filter(wanted.passes);
  const bySeq = new Map(matching.map((record) => [record.seq, record]));
  const gaps = shown.filter(({ subject }) => subject.startsWith('siderolink._._.gap.'));
  const real = shown.filter(({ subject }) => !subject.startsWith('siderolink._._.gap.'));
  const isChanged = ({ seq, body }: Shown) => body.msg !== bySeq.get(seq)?.msg;
  expect(real.filter(isChanged).map(({ seq }) => seq)).toEqual([]);
  const given = new Set(real.map(({ seq }) => seq));
  const missing = matching.filter(({ seq }) => !given.has(seq));
  expect(missing.map(({ seq }) => seq).filter((seq) => !isAffected(seq))).toEqual([]);
  const isTold = ({ seq }: PaperRecord) =>
    gaps.some(({ body }) => (body.from ?? Number.NaN) <= seq && seq <= (body.to ?? Number.NaN));
  const untold = missing.filter((record) => !isTold(record)).map(({ seq }) => seq);
  expect(untold.filter((seq) => !isHidden(seq))).toEqual([]);
}

describe('a hand in the store', () => {
  const { db, records } = paperStore(LONG);
  const extents = extentsOf(db);
  afterAll(() => db.close());

  const pick = <T>(list: readonly T[], at: number): T => {
    const item = list[at % list.length];
    if (item === undefined) throw new Error('nothing there');
    return item;
  };
  /** What the damages of one run gave to another machine. */
  const hidden = new Set<number>();
  /** Each damages something and tells which seqs may be gone. */
  const DAMAGES: Record<string, (at: number, value: number) => Iterable<number>> = {
    'a byte of a block': (at, value) => {
      const { block } = pick(extents, at);
      const data = Buffer.from((db.prepare('select data from block where id = ?').pluck().get(block) as Buffer) ?? '?');
      data[value % data.length] = (data[value % data.length] ?? 0) ^ (1 + (value % 255));
      db.prepare('update block set data = ? where id = ?').run(data, block);
      return extents.filter((extent) => extent.block === block).flatMap(({ seqs }) => seqs);
    },
    'a block that is gone': (at) => {
      const { block } = pick(extents, at);
      db.prepare('delete from block where id = ?').run(block);
      return extents.filter((extent) => extent.block === block).flatMap(({ seqs }) => seqs);
    },
    'a number of an extent': (at, value) => {
      const { series, segment, ordinal, seqs } = pick(extents, at);
      const column = pick(['count', 'bytes', 'stream'], value);
      const sql = `update extent set ${column} = ${column} + 11 where series = ? and segment = ? and ordinal = ?`;
      db.prepare(sql).run(series, segment, ordinal);
      return seqs;
    },
    'the runs of an extent': (at, value) => {
      const { series, segment, ordinal, seqs } = pick(extents, at);
      const runs = Buffer.from([value % 256, 1 + (value % 120), 0]);
      db.prepare('update extent set runs = ? where series = ? and segment = ? and ordinal = ?').run(
        ...[runs, series, segment, ordinal],
      );
      return seqs;
    },
    'the row of a segment': (at) => {
      const { series, segment } = pick(extents, at);
      db.prepare('update segment set last_seq = first_seq - 1 where series = ? and id = ?').run(series, segment);
      return extents.filter((extent) => extent.series === series && extent.segment === segment).flatMap((e) => e.seqs);
    },
    'a chunk': (at, value) => {
      const chunks = db.prepare('select first_seq, count from log_chunk').raw().all() as [number, number][];
      const [firstSeq, count] = pick(chunks, at);
      const sets = [
        ...["payload = x'7b7d'", "details = x''", 'stream = 99', "payload = x''", "payload = x'7b0a0a0a0a0a'"],
        // What stays a chunk as good as any other.
        ...[
          "payload = cast(replace(payload, 'line', 'Line') as blob)",
          'details = zeroblob(count)',
          'machine = 1 + machine % 4',
        ],
        ...['tags = 1 + tags % 4', 'levels = 0', "names = 'x'", 'time = time + 1', 'boot = 2', 'checksum = null'],
      ];
      const set = pick(sets, value);
      db.prepare(`update log_chunk set ${set} where first_seq = ?`).run(firstSeq);
      const seqs = Array.from({ length: count }, (_, i) => firstSeq + i);
      if (set.startsWith('machine')) for (const seq of seqs) hidden.add(seq);
      return seqs;
    },
  };
  const damage = fc.record({
    kind: fc.constantFrom(...Object.keys(DAMAGES)),
    at: fc.nat(10_000),
    value: fc.nat(1_000_000),
  });

  test('takes what it touched, and nothing else: the rest comes in order, and what is missing is told', () => {
    expect(new Set(extents.map(({ block }) => block)).size).toBeGreaterThan(5);
    const property = fc.property(
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      fc.array(reading, { minLength: 2, maxLength: 2 }),
      (damages, readings) => {
        db.exec('savepoint whole');
        try {
          const affected = new Set<number>();
          hidden.clear();
          for (const { kind, at, value } of damages) {
            for (const seq of DAMAGES[kind]?.(at, value) ?? []) affected.add(seq);
          }
          for (const one of readings) {
            const { backward, maxRecords, maxText, pageMs } = one;
            const reader = new PageReader(db, { ...OPTIONS, pageMs });
            const { filters, machine } = one.wanted;
            const wanted = { filters, machine, backward, maxRecords, maxText };
            const { shown } = readPages(reader, { ...wanted, gaps: NO_GAPS_YET });
            const isHidden = (seq: number) => one.wanted.byMachine && hidden.has(seq);
            check(shown, records, { isAffected: (seq) => affected.has(seq), isHidden }, one);
            // Without gap records the same is there.
            const real = shown.filter(({ subject }) => !subject.includes('._._.gap.')).map(({ seq }) => seq);
            const bare = readPages(reader, wanted);
            expect(bare.shown.map(({ seq }) => seq)).toEqual(real);
            if (real.length < records.filter((record) => one.wanted.passes(record) && !isHidden(record.seq)).length) {
              expect(bare.pages.flatMap(({ losses }) => losses).length).toBeGreaterThan(0);
            }
          }
        } finally {
          db.exec('rollback to whole; release whole');
        }
      },
    );
    fc.assert(property, { numRuns: 40, endOnFailure: true });
  }, 600_000);

  test('runs that could as well be right are no records of another seq, and their own are told', () => {
    const { series, segment, ordinal, seqs } = pick(extents, 2);
    const row = 'series = ? and segment = ? and ordinal = ?';
    const place = [series, segment, ordinal];
    const [machine, first] = db
      .prepare(`select machine, first_seq from extent join segment on id = segment and segment.series = extent.series
        where extent.${row}`)
      .raw()
      .get(...place) as [number, number];
    db.exec('savepoint whole');
    const runs = Buffer.from(encodeRuns([{ firstSeq: first + 1, count: seqs.length, time: 0 }], first, 0));
    db.prepare(`update extent set runs = ? where ${row}`).run(runs, ...place);
    const read = (wanted: Partial<PageRequest>) =>
      readPages(new PageReader(db, OPTIONS), { machine, gaps: NO_GAPS_YET, ...wanted }).shown;
    const shown = read({});
    // A row from before there were checksums is taken at its word.
    db.prepare(`update extent set checksum = null where ${row}`).run(...place);
    const believed = read({ fromSeq: first + 1, maxRecords: 1 });
    db.exec('rollback to whole; release whole');
    const own = new Set(seqs);
    expect(shown.filter(({ seq, subject }) => own.has(seq) && subject.includes('.kmsg.'))).toEqual([]);
    const gaps = shown.filter(({ body }) => body.reason === 'damaged').map(({ body }) => body);
    expect(seqs.every((seq) => gaps.some(({ from = 0, to = 0 }) => from <= seq && seq <= to))).toBe(true);
    const given = new Set(shown.map(({ seq }) => seq));
    const whole = records.filter((record) => record.machine === machine && !own.has(record.seq));
    expect(whole.filter(({ seq }) => !given.has(seq))).toEqual([]);
    expect(believed[0]).toMatchObject({ seq: first + 1, subject: expect.stringContaining('.kmsg.') });
  });

  test.each([
    { gone: [1, 3], left: [2, 4] },
    { gone: [1, 2, 4], left: [3] },
  ])('whole segments between damaged rows are read: $gone', ({ gone, left }) => {
    const seqsOf = (ids: readonly number[]) =>
      extents.filter(({ series, segment }) => series === 0 && ids.includes(segment)).flatMap(({ seqs }) => seqs);
    db.exec('savepoint whole');
    for (const id of gone) {
      db.prepare('update segment set last_seq = first_seq - 1 where series = 0 and id = ?').run(id);
    }
    const reader = new PageReader(db, OPTIONS);
    const [up, down] = [false, true].map((backward) =>
      readPages(reader, { filters: ['*.*.*.kmsg.>'], backward }).shown.map(({ seq }) => seq),
    );
    db.exec('rollback to whole; release whole');
    expect(up?.filter((seq) => new Set(seqsOf([...gone, ...left])).has(seq))).toEqual(
      seqsOf(left).sort((a, b) => a - b),
    );
    expect(down).toEqual(up?.toReversed());
  });

  test('a block that cannot be read is one gap, and its machine, range and number are told', () => {
    const { block, seqs } = pick(extents, 3);
    const lost = extents.filter((extent) => extent.block === block).flatMap((extent) => extent.seqs);
    db.exec('savepoint whole');
    db.prepare('delete from block where id = ?').run(block);
    const reader = new PageReader(db, OPTIONS);
    const { shown, pages } = readPages(reader, { machine: 1 + (seqs.length % 4), gaps: NO_GAPS_YET });
    const all = readPages(reader, { gaps: NO_GAPS_YET });
    db.exec('rollback to whole; release whole');
    const counts = all.shown.filter(({ subject }) => subject === 'siderolink._._.gap.damaged');
    expect(counts.reduce((sum, { body }) => sum + (body.count ?? 0), 0)).toBe(lost.length);
    expect(
      counts.every(({ seq, body }) => body.reason === 'damaged' && body.series === 'logs' && seq === body.to),
    ).toBe(true);
    expect(all.pages.flatMap(({ losses }) => losses.map(({ place }) => place))).toEqual([
      expect.stringMatching(/^segment \d+ of logs \(seq \d+ to \d+\)$/),
    ]);
    expect(shown.length + pages.length).toBeGreaterThan(0);
  });
});

describe('bits that rot in the file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-rot-'));
  const whole = join(directory, 'whole.db');
  const { db, records } = paperStore({ ...LONG, path: whole });
  db.pragma('wal_checkpoint(truncate)');
  db.pragma('journal_mode = delete');
  db.exec('vacuum');
  db.close();
  const before = rowsOf(whole);
  const extents = (() => {
    const reader = openReader(whole);
    const found = extentsOf(reader);
    reader.close();
    return found;
  })();
  afterAll(() => rmSync(directory, { recursive: true }));

  test('cost the records that lie there: no reader ends, sees one twice or out of order', () => {
    const size = readFileSync(whole).length;
    let read = 0;
    let gaps = 0;
    const property = fc.property(
      fc.array(fc.record({ at: fc.nat(size - 1), mask: fc.integer({ min: 1, max: 255 }) }), {
        minLength: 1,
        maxLength: 6,
      }),
      reading,
      (flips, one) => {
        const path = join(directory, 'rotten.db');
        copyFileSync(whole, path);
        const bytes = readFileSync(path);
        for (const { at, mask } of flips) bytes[at] = (bytes[at] ?? 0) ^ mask;
        writeFileSync(path, bytes);
        const rotten = refusedOr(() => openReader(path));
        if (rotten === undefined) return;
        try {
          const { backward, maxRecords, maxText, pageMs } = one;
          const reader = refusedOr(() => new PageReader(rotten, { ...OPTIONS, pageMs }));
          const { filters, machine } = one.wanted;
          const wanted = { filters, machine, backward, maxRecords, maxText, gaps: NO_GAPS_YET };
          const pages = reader && refusedOr(() => readPages(reader, wanted));
          if (pages === undefined) return;
          read++;
          if (pages.shown.some(({ subject }) => subject.includes('.gap.'))) gaps++;
          const seqs = pages.shown.map(({ seq }) => seq);
          expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => (one.backward ? b - a : a - b)));
          const known = new Map(records.map(({ seq, msg }) => [seq, msg]));
          const real = pages.shown.filter(({ subject }) => !subject.includes('.gap.'));
          expect(real.filter(({ seq, body }) => body.msg !== known.get(seq))).toEqual([]);
          const affected = affectedSeqs(path);
          if (affected === undefined) return;
          const given = new Set(seqs);
          const missing = records.filter(one.wanted.passes).filter(({ seq }) => !given.has(seq) && !affected.has(seq));
          expect(missing.map(({ seq }) => seq)).toEqual([]);
        } finally {
          rotten.close();
        }
      },
    );
    fc.assert(property, { numRuns: 80, endOnFailure: true });
    expect(read).toBeGreaterThan(40);
    expect(gaps).toBeGreaterThan(10);
  }, 600_000);

  /** Records whose rows are not what they were; undefined if that cannot be known. */
  function affectedSeqs(path: string): Set<number> | undefined {
    const after = refusedOr(() => rowsOf(path));
    if (after === undefined) return undefined;
    const affected = new Set<number>();
    for (const [key, row] of before) {
      if (after.get(key) === row) continue;
      const [table, a = 0, b = 0, c = 0] = key.split(' ').map((part, i) => (i === 0 ? part : Number(part)));
      const of = extents.filter(
        ({ series, segment, ordinal, block }) =>
          (table === 'block' && block === a) ||
          (table === 'extent' && series === a && segment === b && ordinal === c) ||
          (table === 'segment' && series === a && segment === b),
      );
      for (const { seqs } of of) for (const seq of seqs) affected.add(seq);
      if (table === 'log_chunk' || table === 'other_chunk') {
        for (let seq = Number(a); seq < Number(a) + 5; seq++) affected.add(seq);
      }
    }
    // Other rows decide about all records: whom they belong to, and what of them counts.
    const isOther = [...new Set([...before.keys(), ...after.keys()])].some(
      (key) => /^(tags|state|deletion|dropped|machine) /.test(key) && before.get(key) !== after.get(key),
    );
    const isNew = [...after.keys()].some((key) => !before.has(key));
    return isOther || isNew ? undefined : affected;
  }
});

/** Every row by its table and key, as text. @throws SqliteError where one cannot be read, or indexes do not agree */
function rowsOf(path: string): Map<string, string> {
  const db = new Database(path, { readonly: true });
  try {
    const rows = new Map<string, string>();
    const take = (name: string, sql: string) => {
      for (const { key, ...row } of db.prepare(sql).iterate() as Iterable<Record<string, unknown>>) {
        const values = Object.values(row).map((value) => (Buffer.isBuffer(value) ? value.toString('base64') : value));
        rows.set(`${name} ${key}`, JSON.stringify(values));
      }
    };
    take('block', 'select id as key, * from block');
    take('extent', "select series || ' ' || segment || ' ' || ordinal as key, * from extent");
    take('segment', "select series || ' ' || id as key, * from segment");
    for (const table of ['log_chunk', 'other_chunk']) take(table, `select first_seq as key, * from ${table}`);
    take('tags', 'select id as key, * from tags');
    take('machine', 'select id as key, * from machine');
    take('state', 'select id as key, * from log_state');
    take('deletion', 'select version as key, * from deletion');
    take('dropped', 'select series as key, * from dropped');
    if (db.pragma('integrity_check', { simple: true }) !== 'ok') return indexesDisagree();
    return rows;
  } finally {
    db.close();
  }
}

function indexesDisagree(): never {
  throw new SiderolinkError('storage', 'indexes do not agree with their tables');
}

/** Undefined if the store says that it is damaged; whatever else is thrown is a fault of ours. */
function refusedOr<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    const isRefused = error instanceof Database.SqliteError || errorCode(error) === 'storage';
    if (!isRefused) throw error;
    return undefined;
  }
}
