import { closeSync, openSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import {
  BODY_COLUMNS,
  type ChunkBodyRow,
  type ChunkHeadRow,
  checkHead,
  HEAD_COLUMNS,
} from '../../src/store/chunk-row.ts';
import { ChunkRows, type ChunkStep } from '../../src/store/chunk-rows.ts';
import { openReader, openWriter } from '../../src/store/database.ts';
import { temporaryStore } from '../stream/harness.ts';
import { paperStore } from './paper-store.ts';

type Row = ChunkHeadRow & ChunkBodyRow;

const store = temporaryStore();
afterEach(() => store.remove());

test('chunks are read in many transactions as in one, damaged ones too, and between them nothing is held', () => {
  const path = store.path;
  const paper = paperStore({ path, chunks: 300, segmentRecords: 1e6, text: (seq) => 'x'.repeat(seq % 900) });
  for (const [change, seqs] of [
    ['machine = machine + 1', '% 97 = 1'],
    ['count = 7', 'between 200 and 230'],
    ["names = 'x'", '> 1235'],
  ]) {
    paper.db.exec(`update log_chunk set ${change} where first_seq ${seqs}`);
  }
  paper.db.pragma('wal_checkpoint(truncate)');
  const leaves = paper.db
    .prepare("select pageno from dbstat where name = 'log_chunk' and pagetype = 'leaf' order by path")
    .pluck()
    .all() as number[];
  paper.db.close();
  const file = openSync(path, 'r+');
  for (const leaf of [leaves[9] ?? 0, leaves[20] ?? 0])
    writeSync(file, Buffer.alloc(64, 0xff), 0, 64, (leaf - 1) * 16384);
  closeSync(file);

  const writer = openWriter(path, 0);
  writer.pragma('synchronous = off');
  const set = writer.prepare('update log_state set last_time = last_time + 1');
  const rows = new ChunkRows<Row>(openReader(path), 'logs', `${HEAD_COLUMNS}, ${BODY_COLUMNS}`, checkHead);
  const told = ({ row, lost }: ChunkStep<Row>) => row?.first_seq ?? `${lost?.from} to ${lost?.to}: ${lost?.error}`;
  const whole = [...rows.between(0, 1500)].map(told);
  expect(whole.filter((step) => typeof step === 'string').length).toBeGreaterThan(4);
  expect(whole.length).toBeGreaterThan(100);

  const property = fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 3 })), (dice) => {
    const seen: unknown[] = [];
    let pauses = 0;
    for (const step of rows.between(0, 1500, () => dice.next().value === 0)) {
      if (step.row !== undefined || step.lost !== undefined) {
        seen.push(told(step));
        continue;
      }
      pauses++;
      set.run();
      expect(writer.pragma('wal_checkpoint(truncate)')).toMatchObject([{ busy: 0 }]);
    }
    expect(seen).toEqual(whole);
    expect(pauses).toBeGreaterThan(10);
  });
  fc.assert(property, { numRuns: 10 });
  writer.close();
});
