/**
 * Starts on a disk without a free byte, with a store of an earlier schema in which a segment was half inserted, and tells
 * what it saw. Argument: a directory on a small file system.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { eventOf, linesOf, openLog, readAll, sourceOf } from '../stream/harness.ts';

const MIB = 1024 * 1024;
const directory = process.argv[2] ?? '';
const path = join(directory, 'store.db');
const options = { path, reserveBytes: 4 * MIB, spaceMs: 20, retentionMs: 50, segmentRecords: 1000, freeBytes: 0 };
// Who started it may be gone: it is not to wait for ever for what does not come.
setTimeout(() => process.exit(1), 95_000).unref();
const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await sleep(5);
};

const first = await openLog(options);
first.log.appendLog(sourceOf(1), linesOf(Array.from({ length: 1500 }, (_, i) => `line ${i}`)));
await first.log.flush();
await first.log.packed();
await until(() => (statSync(`${path}-reserve`, { throwIfNoEntry: false })?.size ?? 0) >= MIB);
await first.log.close(5000);

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
await until(() => space() === 'error');
await log.commit({ ops: [], records: [eventOf(1, 'x', 'stored')] });
/** Bodies with such a text in them. */
const count = (records: readonly { json: string }[], text: string) =>
  records.filter(({ json }) => json.includes(text)).length;
const read = await readAll(log);
const events = count(read, 'stored');
// The oldest may go to make room, as on any disk that is nearly full; then a record says so.
const isExplained = count(read, '"line ') === 1500 || count(read, '.gap.retention"') === 1;
rmSync(filler);
await until(() => space() === 'ok');
log.appendLog(sourceOf(1), linesOf(Array.from({ length: 1500 }, (_, i) => `more ${i}`)));
await log.flush();
await log.packed();
const more = count(await readAll(log), '"more ');
await log.close(5000);
const after = new Database(path, { readonly: true });
const blocks = after.prepare('select count(*) - (select sum(blocks) from segment) from block').pluck().get();
after.close();
writeSync(1, `${JSON.stringify({ events, isExplained, more, blocks })}\n`);
