/**
 * Starts on a disk without a free byte, with a store of an earlier schema in which a segment was half inserted, and tells
 * what could be read then and in the end. Argument: a directory on a small file system.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import { eventOf, linesOf, openLog, readAll, sourceOf } from '../stream/harness.ts';

const MIB = 1024 * 1024;
const directory = process.argv[2] ?? '';
const path = join(directory, 'store.db');
const options = { path, reserveBytes: 4 * MIB, spaceMs: 20, retentionMs: 50, segmentRecords: 500, freeBytes: 0 };
let waitsFor = 'the beginning';
// Who started it may be gone: it is not to wait for ever for what does not come.
setTimeout(() => {
  writeSync(2, `still waiting for ${waitsFor}\n`);
  process.exit(1);
}, 200_000).unref();
const until = async (what: string, isTrue: () => boolean): Promise<void> => {
  waitsFor = what;
  while (!isTrue()) await sleep(5);
};
const write = async (log: StoredRecordLog, name: string, count: number): Promise<void> => {
  for (let n = 0; n < count; n += 100) {
    log.appendLog(sourceOf(1), linesOf(Array.from({ length: 100 }, (_, i) => `${name} ${n + i}`)));
    await log.flush();
  }
};
/** All there is, gap records that are stored among it. */
const read = async (log: StoredRecordLog) => {
  const records = await readAll(log);
  return records.map(({ seq, json }) => {
    const { subject, body } = JSON.parse(json);
    return subject.startsWith('siderolink._._.gap.') ? { seq, subject, gap: body } : { seq, said: body.msg };
  });
};
const inspect = (sql: string): number => {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare(sql).pluck().get() as number;
  } finally {
    db.close();
  }
};

const { log: first } = await openLog(options);
// Of these, the last are too few for a segment.
await write(first, 'packed', 1500);
await write(first, 'unpacked', 300);
await first.packed();
await until('the reserve', () => (statSync(`${path}-reserve`, { throwIfNoEntry: false })?.size ?? 0) >= MIB);
await first.close(5000);

const db = new Database(path);
for (const table of ['log_chunk', 'other_chunk']) {
  db.exec(`alter table ${table} drop column checksum; alter table ${table} drop column head_checksum`);
}
db.exec('drop table lost; pragma user_version = 7');
db.prepare('insert into block select next_block, ? from log_state').run(randomBytes(100_000));
db.close();
const filler = join(directory, 'of-others');
const file = openSync(filler, 'w');
for (let piece = Buffer.alloc(64 * 1024, 1); piece.length > 0; ) {
  try {
    while (writeSync(file, piece) > 0);
  } catch {
    piece = piece.subarray(0, Math.floor(piece.length / 2));
  }
}
closeSync(file);

const { log, health } = await openLog(options);
const space = () => health.conditions.find(({ name }) => name === 'store_space')?.severity;
await until('the disk to be full', () => space() === 'error');
await log.commit({ ops: [], records: [eventOf(1, 'x', 'stored')] });
const full = await read(log);
// As on any disk that is nearly full, what is packed goes to make room. How soon that begins is not said.
await until('the oldest to go', () => inspect('select count(*) from segment') === 0);
rmSync(filler);
await until('room', () => space() === 'ok');
await write(log, 'more', 1500);
await log.flush();
await log.packed();
await log.close(5000);

// By what stands on the disk, when nothing is on its way any more.
const { log: last } = await openLog(options);
await last.packed();
await until('what was dropped to be cleared away', () => inspect('select count(*) from dropped_segment') === 0);
const end = await read(last);
const { head } = last;
await last.close(5000);
const blocks = inspect('select count(*) - (select sum(blocks) from segment) from block');
const extents = inspect('select count(*) from extent where (series, segment) not in (select series, id from segment)');
writeSync(1, `${JSON.stringify({ full, end, head, blocks, extents })}\n`);
