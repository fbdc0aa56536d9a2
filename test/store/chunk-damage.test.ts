import { closeSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { SERIES } from '../../src/store/batch.ts';
import { CHUNK_TABLES } from '../../src/store/chunk-row.ts';
import { ChunkTable } from '../../src/store/chunk-table.ts';
import { Packer } from '../../src/store/packer.ts';
import { PageReader } from '../../src/store/page-reader.ts';
import { SegmentTable } from '../../src/store/segment-table.ts';
import { Writer } from '../../src/store/writer.ts';
import { eventOf, linesOf, openLog, readAll, sourceOf, temporaryStore } from '../stream/harness.ts';
import { NO_GAPS_YET, paperStore, readPages, type Shown } from './paper-store.ts';

const OPTIONS = { prefix: 'siderolink', pageMs: 10_000, cacheBytes: 1 << 20 };
const CHUNKS = 30;

/** What a disk or a hand may do to a chunk; most leave one that looks as good as any other. */
const CHANGES = [
  "payload = cast(replace(payload, 'line', 'Line') as blob)",
  "payload = x'7b7d'",
  "details = substr(x'0707070707', 1, count)",
  "details = x''",
  'machine = 1 + machine % 4',
  'tags = 1 + tags % 4',
  'count = count + 1',
  'count = 1000000',
  'stream = 99',
  'stream = 1',
  'levels = levels + 1',
  "names = 'x'",
  'time = time - 5',
  'checksum = checksum + 1',
  'head_checksum = head_checksum + 1',
  'checksum = null',
];

const damage = fc.record({
  series: fc.constantFrom(...SERIES),
  at: fc.nat(1000),
  change: fc.constantFrom(...CHANGES),
});
const wanted = fc.constantFrom({}, { machine: 2 }, { filters: ['*.*.*.kmsg.error'] }, { maxRecords: 3 });

test('what damaged chunks held is told, the same before and after their neighbours are packed, and nothing else goes', () => {
  const { db, records } = paperStore({ chunks: CHUNKS, segmentRecords: 1e6 });
  const chunks = new Map(
    SERIES.map((series) => [
      series,
      db.prepare(`select first_seq, count from ${CHUNK_TABLES[series]}`).raw().all() as [number, number][],
    ]),
  );
  const property = fc.property(
    fc.array(damage, { minLength: 1, maxLength: 8 }),
    fc.integer({ min: 1, max: 60 }),
    wanted,
    (damages, maxRecords, query) => {
      db.exec('savepoint whole');
      try {
        const affected = new Set<number>();
        for (const { series, at, change } of damages) {
          const list = chunks.get(series) ?? [];
          const [firstSeq = 0, count = 0] = list[at % list.length] ?? [];
          db.prepare(`update ${CHUNK_TABLES[series]} set ${change} where first_seq = ?`).run(firstSeq);
          for (let i = 0; i < count; i++) affected.add(firstSeq + i);
        }
        const whole = records.filter(({ seq }) => !affected.has(seq));
        const read = () => {
          const reader = new PageReader(db, OPTIONS);
          const asked = { ...query, gaps: NO_GAPS_YET };
          const up = readPages(reader, asked).shown;
          const down = readPages(reader, { ...asked, backward: true }).shown;
          const seqs = realOf(up).map(({ seq }) => seq);
          expect(realOf(down).map(({ seq }) => seq)).toEqual(seqs.toReversed());
          for (const shown of [up, down]) expect(untold(shown, affected, query)).toEqual([]);
          expect(realOf(up).map(({ body }) => body.msg)).toEqual(seqs.map((seq) => records[seq - 1]?.msg));
          return seqs;
        };
        const before = read();
        if (!('machine' in query || 'filters' in query)) expect(before).toEqual(whole.map(({ seq }) => seq));
        const packer = new Packer(db);
        const segments = new SegmentTable(db);
        const table = new ChunkTable(db);
        const marks = db.prepare('select packed_logs, packed_others from log_state').raw();
        for (const [index, series] of SERIES.entries()) {
          for (;;) {
            const packed = packer.pack({ series, maxRecords, maxBytes: 1e9, partial: true });
            if (packed === null) break;
            segments.begin(packed);
            while (segments.insertSlice(100, 1e6));
            const through = (marks.get() as [number, number])[index] ?? 0;
            while (table.sweep(series, through, 7, 1e6));
          }
          // Only what is damaged at the very end waits, for neighbours behind it.
          const left = db.prepare(`select first_seq from ${CHUNK_TABLES[series]}`).pluck().all() as number[];
          expect(left.filter((seq) => !affected.has(seq))).toEqual([]);
        }
        expect(read()).toEqual(before);
        expect(() => new Writer(db).state()).not.toThrow();
      } finally {
        db.exec('rollback to whole; release whole');
      }
    },
  );
  fc.assert(property, { numRuns: 60, endOnFailure: true });
  db.close();
}, 120_000);

function realOf(shown: readonly Shown[]): Shown[] {
  return shown.filter(({ subject }) => !subject.includes('._._.gap.'));
}

/** Damaged records that no gap tells of, as far as the reader asks for all there are. */
function untold(shown: readonly Shown[], affected: ReadonlySet<number>, query: object): number[] {
  if ('machine' in query || 'filters' in query) return [];
  const gaps = shown.filter(({ subject }) => subject.endsWith('.gap.damaged')).map(({ body }) => body);
  return [...affected].filter((seq) => !gaps.some(({ from, to }) => (from ?? 0) <= seq && seq <= (to ?? 0)));
}

let store: ReturnType<typeof temporaryStore>;
const opened: Awaited<ReturnType<typeof openLog>>[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ log }) => log.close(5000)));
  store?.remove();
});

async function open(options: Partial<Parameters<typeof openLog>[0]> = {}) {
  const found = await openLog({ path: store.path, segmentRecords: 300, retentionMs: 5, freeBytes: 0, ...options });
  opened.push(found);
  return found;
}

test.each([
  ['the first page', 0],
  ['a page', 3],
])(
  '%s of the chunks that is broken costs what it holds: all else is read, packed, deleted and dropped',
  async (_, page) => {
    store = temporaryStore();
    const { log: first } = await open({ segmentRecords: 1e6 });
    const write = async (log: typeof first, rounds: number) => {
      for (let n = 0; n < rounds; n++) {
        for (const machine of [1, 2]) log.appendLog(sourceOf(machine), linesOf([`${machine} ${n} ${'x'.repeat(900)}`]));
        await log.flush();
      }
      await log.commit({ ops: [], records: [eventOf(1, 'x', 'told')] });
    };
    await write(first, 100);
    await first.close(5000);
    const broken = breakLeaf(page);

    const { log, health, metrics } = await open();
    const seqsOf = (shown: readonly { json: string }[]) =>
      shown.map(({ json }) => JSON.parse(json)).filter(({ subject }) => subject.includes('.kmsg.'));
    const before = seqsOf(await readAll(log, { gaps: true, after: 0 })).map(({ seq }) => seq);
    expect(before).toEqual(Array.from({ length: 200 }, (_, i) => i + 1).filter((seq) => !broken.includes(seq)));
    await write(log, 300);
    await log.packed();
    const counts = inspect('select count(*) from segment where series = 0');
    expect(counts).toBeGreaterThan(1);
    expect(inspect('select packed_logs from log_state')).toBeGreaterThan(201);
    const all = await readAll(log, { gaps: true, after: 0 });
    const kernel = seqsOf(all).map(({ seq }) => seq);
    expect(kernel.filter((seq) => seq <= 200)).toEqual(before);
    expect(kernel).toHaveLength(before.length + 600);
    const gaps = all.map(({ json }) => JSON.parse(json)).filter(({ subject }) => subject.endsWith('.gap.damaged'));
    expect(broken.filter((seq) => !gaps.some(({ body }) => body.from <= seq && seq <= body.to))).toEqual([]);
    expect(health.conditions.find(({ name }) => name === 'store_damaged')).toMatchObject({ severity: 'warning' });
    expect(await metrics()).toMatch(/^siderolinkd_store_damaged_places_total\{series="logs"\} 1$/m);

    // Deleting a machine's records does not stop at what cannot be removed.
    await log.commit({ ops: [{ op: 'deleteRecords', machine: 1, what: 'all' }], records: [] });
    await log.packed();
    expect(inspect('select min(cleared) from deletion')).toBe(1);
    const left = await readAll(log, { machine: 1 });
    expect(left).toEqual([]);
    await log.close(5000);

    // A restart tells of the same, and retention takes it with its neighbours.
    const again = await open({
      retention: { logs: { maxAgeMs: 1e12, maxBytes: 1 }, others: { maxAgeMs: 1e12, maxBytes: 1e12 } },
    });
    await expect.poll(() => inspect('select count(*) from segment where series = 0')).toBe(0);
    await expect.poll(() => inspect('select count(*) from lost')).toBe(0);
    await write(again.log, 10);
    const { records } = await again.log.read({ filters: ['*.*.*.kmsg.>'], tail: true, limit: 20 });
    expect(records).toHaveLength(20);
  },
  120_000,
);

/** Makes a page of log_chunk no page at all; the seqs that it holds. */
function breakLeaf(page: number): number[] {
  const db = new Database(store.path);
  db.pragma('wal_checkpoint(truncate)');
  const leaves = db
    .prepare("select pageno from dbstat where name = 'log_chunk' and pagetype = 'leaf' order by path")
    .pluck()
    .all() as number[];
  expect(leaves.length).toBeGreaterThan(5);
  const pageBytes = Number(db.pragma('page_size', { simple: true }));
  const wanted = leaves[page] ?? 0;
  const seqs = db.prepare('select first_seq, count from log_chunk order by first_seq').raw().all() as [
    number,
    number,
  ][];
  db.close();
  const file = openSync(store.path, 'r+');
  writeSync(file, Buffer.alloc(64, 0xff), 0, 64, (wanted - 1) * pageBytes);
  closeSync(file);
  const damagedDb = new Database(store.path, { readonly: true });
  const isBroken = ([seq]: [number, number]) => {
    try {
      damagedDb.prepare('select payload from log_chunk where first_seq = ?').get(seq);
      return false;
    } catch {
      return true;
    }
  };
  const broken = seqs.filter(isBroken).flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
  damagedDb.close();
  expect(broken.length).toBeGreaterThan(0);
  return broken;
}

function inspect(sql: string): number {
  const db = new Database(store.path, { readonly: true });
  try {
    return db.prepare(sql).pluck().get() as number;
  } finally {
    db.close();
  }
}
