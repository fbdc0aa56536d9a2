import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { errorCode } from '../../src/domain/errors.ts';
import { planDrops } from '../../src/domain/retention.ts';
import { SERIES } from '../../src/store/batch.ts';
import { RetentionTable } from '../../src/store/retention-table.ts';
import { UsageReader } from '../../src/store/usage.ts';
import { linesOf, openLog, readAll, sourceOf, temporaryStore } from '../stream/harness.ts';
import { paperStore } from './paper-store.ts';

const FOR_EVER = { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };

test('whatever a damaged row of a segment says, nothing goes but the segments that were planned to', () => {
  const { db, records } = paperStore({ chunks: 400, segmentRecords: 50 });
  const idsOf = (series: number) =>
    db.prepare('select id from segment where series = ? order by id').pluck().all(series) as number[];
  expect(SERIES.map((_, series) => idsOf(series).length)).toEqual([32, 1]);
  const logs = SERIES.indexOf('logs');
  const seq = fc.oneof(
    fc.integer({ min: -5, max: records.length + 50 }),
    fc.constant(2 ** 40),
    fc.constant(-(2 ** 40)),
  );
  const seen = { thrown: 0, dropped: 0 };
  const property = fc.property(
    fc.array(fc.record({ at: fc.nat(40), column: fc.constantFrom('first_seq', 'last_seq'), seq }), { maxLength: 2 }),
    fc.integer({ min: 1, max: 12 }),
    (changes, wanted) => {
      db.exec('savepoint whole');
      try {
        const before = idsOf(logs);
        for (const change of changes) {
          const id = before[change.at % before.length];
          db.prepare(`update segment set ${change.column} = ? where series = ? and id = ?`).run(change.seq, logs, id);
        }
        const { oldest, bytes } = new UsageReader(db).usage().series.logs;
        const wantedBytes = oldest.slice(0, wanted).reduce((sum, segment) => sum + segment.bytes, 0);
        const [drop] = planDrops(oldest, bytes, wantedBytes, FOR_EVER, 0);
        const through = drop?.lastSeq ?? 0;
        const table = new RetentionTable(db);
        try {
          table.drop({ op: 'dropSegments', series: 'logs', through });
          seen.dropped++;
        } catch (error) {
          expect(errorCode(error)).toBe('storage');
          seen.thrown++;
          return;
        }
        const left = new Set(idsOf(logs));
        // One that says that it begins behind all of them stays, to be planned again.
        const stays = before.slice(0, wanted).filter((id) => left.has(id));
        expect(stays.length).toBeLessThan(wanted);
        expect(before.filter((id) => !left.has(id)).every((id) => before.indexOf(id) < wanted)).toBe(true);
        expect(db.prepare('select through from dropped where series = ?').pluck().get(logs)).toBeLessThanOrEqual(
          through,
        );
        if (changes.length === 0) expect(stays).toEqual([]);
      } finally {
        db.exec('rollback to whole; release whole');
      }
    },
  );
  fc.assert(property, { numRuns: 1000 });
  expect(Math.min(seen.thrown, seen.dropped)).toBeGreaterThan(20);
  db.close();
});

const store = temporaryStore();
afterAll(() => store.remove());

test('a segment that claims all records to come takes none of them with it, and it is said what to do', async () => {
  const { log } = await openLog({ path: store.path, segmentRecords: 100 });
  const write = async (to: typeof log, name: string) => {
    for (let n = 0; n < 5; n++) {
      to.appendLog(sourceOf(1), linesOf(Array.from({ length: 100 }, (_, i) => `${name} ${n} ${i}`)));
      await to.flush();
    }
    await to.packed();
  };
  await write(log, 'before');
  await log.close(5000);
  const db = new Database(store.path);
  db.prepare('update segment set last_seq = ? where id = 5').run(2 ** 40);
  db.close();

  const retention = { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER };
  const { log: again, health } = await openLog({ path: store.path, segmentRecords: 1e6, retentionMs: 10, retention });
  const told = () => health.conditions.find(({ name }) => name === 'store_retention');
  await expect.poll(told).toMatchObject({ severity: 'warning' });
  expect(told()?.message).toContain('segment 5 of logs claims seqs of others: check the disk, and restore a backup');
  await write(again, 'behind');
  const read = await readAll(again);
  expect(read.filter(({ json }) => json.includes('"before'))).toHaveLength(500);
  expect(read.filter(({ json }) => json.includes('"behind'))).toHaveLength(500);
  expect(read).toHaveLength(1000);
  await again.close(5000);
});
