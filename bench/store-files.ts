import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';

/** Series 0 of the store: kernel and service logs. */
const LOGS = 0;
/** Tables and indexes that hold packed lines. */
const PACKED = ['block', 'extent', 'extent_machine', 'segment', 'segment_seq'];
const LARGE_CACHE_KIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const PACKED_DEADLINE_MS = 300_000;

/** The daemon packs when so many lines wait. */
export const SEGMENT_LINES = 65_536;

export interface PackedSize {
  readonly segments: number;
  readonly records: number;
  /** All pages of blocks, extents, segments and their indexes. */
  readonly bytes: number;
}

/** What the packed lines take, page by page. To be called while no daemon writes. */
export function packedSize(path: string): PackedSize {
  const db = new Database(path, { readonly: true });
  const [segments, records] = db
    .prepare('select count(*), coalesce(sum(records), 0) from segment where series = ?')
    .raw()
    .get(LOGS) as [number, number];
  const sized = db.prepare('select coalesce(sum(pgsize), 0) from dbstat where name = ? and aggregate = true').pluck();
  const bytes = PACKED.reduce((sum, name) => sum + (sized.get(name) as number), 0);
  db.close();
  return { segments, records, bytes };
}

/** Lines that wait to be packed. */
export function unpackedLines(path: string): number {
  const db = new Database(path, { readonly: true });
  const lines = db
    .prepare('select coalesce(sum(count), 0) from log_chunk where first_seq > (select packed_logs from log_state)')
    .pluck()
    .get() as number;
  db.close();
  return lines;
}

/** Resolves when what is not packed is less than a segment. Asks the file and not the daemon, whose CPU is counted. */
export async function allPacked(path: string): Promise<void> {
  const end = performance.now() + PACKED_DEADLINE_MS;
  while (unpackedLines(path) >= SEGMENT_LINES) {
    if (performance.now() > end) throw new Error(`not packed within ${PACKED_DEADLINE_MS} ms`);
    await sleep(200);
  }
}

type Row = Record<string, number>;

export interface GrownStore {
  readonly segments: number;
  readonly records: number;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly firstTime: number;
  readonly lastTime: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/**
 * Makes a store large: its packed segments of logs are copied over and over, each with seqs, times and blocks of its own
 * behind the last, until the file has about so many bytes. All is moved into the past, so that the newest record is
 * not younger than now. Lines that are not packed yet are dropped. To be called while no daemon has the file.
 */
export function growStore(path: string, bytes: number, days: number): GrownStore {
  const db = new Database(path);
  // Pages that are new need no journal, and a WAL would write each of them twice.
  db.pragma('journal_mode = delete');
  db.pragma('synchronous = off');
  db.pragma('locking_mode = exclusive');
  db.pragma(`cache_size = -${LARGE_CACHE_KIB}`);
  const indexSql = db.prepare("select sql from sqlite_master where name = 'extent_machine'").pluck().get() as string;
  const templates = db.prepare('select * from segment where series = ? order by id').all(LOGS) as Row[];
  const newest = templates.at(-1);
  if (newest === undefined) throw new Error('nothing is packed');
  const pageSize = Number(db.pragma('page_size', { simple: true }));
  const pages = db.prepare('select page_count from pragma_page_count').pluck();
  const fileBytes = () => (pages.get() as number) * pageSize;
  const perRound = templates.reduce((sum, row) => sum + (row['bytes'] ?? 0), 0);
  const spacing = Math.floor((days * DAY_MS) / Math.max(1, (bytes / perRound) * templates.length));
  const before = -days * DAY_MS;
  db.exec(`begin;
    delete from log_chunk;
    update extent set checksum = null;
    update segment set first_time = first_time + ${before}, last_time = last_time + ${before};
    update other_chunk set time = time + ${before};
    drop index extent_machine`);
  const columns = Object.keys(newest);
  const insertSegment = db.prepare(`insert into segment values (${columns.map((name) => `@${name}`).join(', ')})`);
  const copyBlocks = db.prepare('insert into block select id - ? + ?, data from block where id >= ? and id < ?');
  const others = (db.pragma('table_info(extent)') as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => name !== 'segment');
  const copyExtents = db.prepare(
    `insert into extent (segment, ${others.join(', ')}) select ?, ${others.join(', ')} from extent where series = ${LOGS} and segment = ?`,
  );
  let id = number(newest, 'id');
  let seq = db.prepare('select next_seq from log_state').pluck().get() as number;
  let block = db.prepare('select next_block from log_state').pluck().get() as number;
  let time = number(newest, 'last_time') + before;
  let segments = templates.length;
  let records = templates.reduce((sum, row) => sum + number(row, 'records'), 0);
  while (fileBytes() < bytes) {
    for (const template of templates) {
      const blocks = number(template, 'blocks');
      const first = number(template, 'first_block');
      const seqs = number(template, 'last_seq') - number(template, 'first_seq');
      const times = number(template, 'last_time') - number(template, 'first_time');
      id += 1;
      copyBlocks.run(first, block, first, first + blocks);
      copyExtents.run(id, number(template, 'id'));
      const firstTime = time + Math.max(0, spacing - times);
      time = firstTime + times;
      insertSegment.run({
        ...template,
        id,
        first_seq: seq,
        last_seq: seq + seqs,
        first_time: firstTime,
        last_time: time,
        first_block: block,
      });
      seq += seqs + 1;
      block += blocks;
      segments += 1;
      records += number(template, 'records');
    }
  }
  db.prepare('update log_state set next_seq = ?, packed_logs = ?, next_block = ?').run(seq, seq - 1, block);
  db.exec(indexSql);
  db.exec('commit');
  const size = fileBytes();
  db.pragma('journal_mode = wal');
  db.close();
  const [oldest] = templates;
  return {
    segments,
    records,
    bytes: size,
    firstTime: number(oldest ?? newest, 'first_time') + before,
    lastTime: time,
    firstSeq: number(oldest ?? newest, 'first_seq'),
    lastSeq: seq - 1,
  };
}

function number(row: Row, name: string): number {
  const value = row[name];
  if (value === undefined) throw new Error(`segments have no ${name}`);
  return value;
}

/** Takes a file out of the page cache: what is read next comes from the disk. */
export function dropFromCache(path: string): void {
  spawnSync('sync', [path]);
  spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}
