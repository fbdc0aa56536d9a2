import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
} from '../stream/harness.ts';

let store: ReturnType<typeof temporaryStore>;
beforeEach(() => {
  store = temporaryStore();
});
afterEach(() => store.remove());

test('readers see every record once while chunks become segments', async () => {
  const { log } = await openLog({ path: store.path, segmentRecords: 400, sliceRows: 2, sliceBytes: 500, pageMs: 1 });
  await putTags(log, tagsOf(2));
  const sources = [1, 2, 3, 4].map((machine) => sourceOf(machine));
  const total = 12_000;
  const writing = (async () => {
    for (let n = 0; n < total; n += 8) {
      for (const source of sources) log.appendLog(source, linesOf([`line ${n}`, `line ${n + 1}`]));
      if (n % 160 === 0) await log.flush();
    }
    await log.flush();
  })();
  for (let seen = 0; seen < total; ) {
    const head = log.head;
    const seqs = (await readAll(log)).map(({ seq }) => seq);
    seen = seqs.length;
    expect(seen).toBeGreaterThanOrEqual(head);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    const tail = await log.read({ filters: [], machine: 2, tail: true, limit: 50 });
    const messages = tail.records.map((record) => parse(record).msg);
    expect(messages).toEqual(messages.toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5))));
  }
  await writing;
  for (let i = 0; i < 100; i++) await log.commit({ ops: [], records: [eventOf(1, 'x', `event ${i}`)] });
  await log.packed();
  await log.close(5000);

  const db = new Database(store.path);
  const count = (sql: string) => db.prepare(sql).pluck().get() as number;
  const packed = count('select packed_logs from log_state');
  expect(count('select sum(records) from segment where series = 0')).toBeGreaterThan(total - 400);
  expect(count('select min(last_seq - first_seq + 1 = records) from segment where series = 0')).toBe(1);
  expect(count('select max(last_seq) from segment')).toBe(packed);
  expect(count(`select count(*) from block`)).toBe(count('select sum(blocks) from segment'));
  expect(count('select count(*) from other_chunk')).toBe(100);
  db.close();
});

test('a segment that a crash left half inserted is made anew', async () => {
  const { log } = await openLog({ path: store.path, segmentRecords: 1_000_000 });
  for (let n = 0; n < 50; n++) {
    log.appendLog(sourceOf(1 + (n % 5)), linesOf([`line ${n}`]));
    await log.flush();
  }
  await log.close(5000);
  const db = new Database(store.path);
  // What the first slices of a segment write.
  db.exec(`insert into block values (1, x'00');
    insert into extent values (0, 1, 0, 1, 0, 1, 1, 0, 0, 10, 1, 1, '', x'00', 0);
    insert into extent values (0, 1, 1, 2, 0, 1, 1, 0, 0, 10, 1, 1, '', x'00', 0)`);
  db.close();
  const again = await openLog({ path: store.path, segmentRecords: 20 });
  await again.log.packed();
  expect((await readAll(again.log)).map((record) => parse(record).msg)).toEqual(
    Array.from({ length: 50 }, (_, n) => `line ${n}`),
  );
  expect((await readAll(again.log, { machine: 2 })).length).toBe(10);
  await again.log.close(5000);
});
