import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorCode } from '../../src/domain/errors.ts';
import { planDrops } from '../../src/domain/retention.ts';
import { SERIES } from '../../src/store/batch.ts';
import { RetentionTable } from '../../src/store/retention-table.ts';
import { UsageReader } from '../../src/store/usage.ts';
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
  fc.assert(property, { numRuns: 300 });
  expect(Math.min(seen.thrown, seen.dropped)).toBeGreaterThan(20);
  db.close();
});
