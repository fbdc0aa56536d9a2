import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordReader } from '../../src/stream/record-reader.ts';
import { eventOf, linesOf, openLog, sourceOf, temporaryStore } from './harness.ts';

let store: ReturnType<typeof temporaryStore>;
beforeEach(() => {
  store = temporaryStore();
});
afterEach(() => store.remove());

const lines = (count: number) => linesOf(Array.from({ length: count }, (_, index) => `${index}`));

test('counts what is kept, wherever it is: not what was dropped, nor what a restored store has leapt over', async () => {
  const first = await openLog({ path: store.path, segmentRecords: 100 });
  for (let round = 0; round < 5; round++) {
    first.log.appendLog(sourceOf(1), lines(60));
    await first.log.flush();
  }
  await first.log.commit({ ops: [], records: [eventOf(1, 'x', 'y')] });
  await first.log.packed();
  const reader = new RecordReader({ path: store.path, prefix: 'siderolink' });
  try {
    expect(reader.count(0, 301)).toBe(301);
    expect(reader.count(300, 301)).toBe(1);
    expect(reader.count(301, 301)).toBe(0);
    // The first segment has 120 of them: a part of it counts as far as that can be told.
    expect(reader.count(100, 301)).toBe(201);
    await first.log.commit({ ops: [{ op: 'dropSegments', series: 'logs', through: 120 }], records: [] });
    expect(reader.count(0, 301)).toBe(181);
  } finally {
    reader.close();
    await first.log.close(5000);
  }

  new Database(store.path).exec('update log_state set next_seq = next_seq + 1000000000000').close();
  const second = await openLog({ path: store.path });
  second.log.appendLog(sourceOf(1), lines(7));
  await second.log.flush();
  const after = new RecordReader({ path: store.path, prefix: 'siderolink' });
  try {
    expect(after.count(290, second.log.head)).toBe(18);
    expect(after.count(0, second.log.head)).toBe(188);
  } finally {
    after.close();
    await second.log.close(5000);
  }
});
