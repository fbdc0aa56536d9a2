import Database, { SqliteError } from 'better-sqlite3';
import { namesText } from '../domain/chunk.ts';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { IDENTITY_TABLE } from './backup.ts';
import { encodeBatch } from './batch.ts';
import { openWriter } from './database.ts';
import { Writer } from './writer.ts';

/** What the lost host may have given to records after the backup was made: none of these numbers is given again. */
const SEQ_LEAP = 10 ** 12;
/** How often this store was restored: a key of `meta`. */
const RESTORES_KEY = 'restores';

/** How often a store was restored, by its registry's meta. */
export function restoresOf(meta: ReadonlyMap<string, string>): number {
  return Number(meta.get(RESTORES_KEY) ?? 0);
}

/**
 * What of an installation a backup holds beside the database, by name. Only reads the file.
 *
 * @throws SiderolinkError `invalid_argument` if it is no backup, or a damaged one
 */
export function readBackup(path: string): ReadonlyMap<string, string> {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    const table = db.prepare("select 1 from sqlite_master where type = 'table' and name = ?").get(IDENTITY_TABLE);
    if (table === undefined) throw new SiderolinkError('invalid_argument', `${path} is no backup of siderolinkd`);
    const check = String(db.pragma('quick_check(1)', { simple: true }));
    if (check !== 'ok') throw new SiderolinkError('invalid_argument', `${path} is damaged: ${check}`);
    return new Map(db.prepare(`select name, content from ${IDENTITY_TABLE}`).raw().all() as [string, string][]);
  } catch (error) {
    if (!(error instanceof SqliteError) && !(error instanceof TypeError)) throw error;
    const what = `${path} is no backup of siderolinkd, or a damaged one: ${errorMessage(error)}`;
    throw new SiderolinkError('invalid_argument', what, {}, { cause: error });
  } finally {
    db?.close();
  }
}

export interface Restored {
  /** How often the store was restored, this time included. */
  readonly restores: number;
  /** `seq` of the newest record in the backup. */
  readonly head: number;
}

/**
 * Makes of a copy of a backup the database of the host that takes over: the identity leaves it, sequence numbers leap,
 * and a record tells of the leap. Not to be repeated on the same file: begin from the backup again.
 *
 * @param now milliseconds since the epoch
 * @throws SiderolinkError `storage`, `configuration` (of a newer schema)
 */
export function prepareRestored(path: string, now: number): Restored {
  const db = openWriter(path, 0);
  try {
    const { restores, nextSeq, lastTime } = leap(db);
    const writer = new Writer(db);
    const body = { from: nextSeq, to: nextSeq + SEQ_LEAP - 1, count: null, reason: 'restore' };
    const reply = writer.commit({
      epoch: 0,
      changes: [{ ops: [], records: 1 }],
      changeChunks: gapChunk(Buffer.from(`${JSON.stringify(body)}\n`), Math.max(now, lastTime)),
      logOps: [],
      logChunks: encodeBatch([], new ArrayBuffer(0), () => {}),
    });
    if (reply.failure !== null) throw new SiderolinkError('storage', `cannot restore: ${reply.failure.message}`);
    writer.close();
    return { restores, head: nextSeq - 1 };
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    throw new SiderolinkError('storage', `cannot restore: ${errorMessage(error)}`, {}, { cause: error });
  } finally {
    db.close();
  }
}

function leap(db: Database.Database) {
  return db.transaction(() => {
    // Its pages are overwritten: later copies of the database are not to hold the key in what is free.
    db.pragma('secure_delete = on');
    db.exec(`drop table ${IDENTITY_TABLE}`);
    const state = db.prepare('select next_seq, last_time from log_state').raw().get() as [number, number];
    const before = db.prepare('select value from meta where key = ?').pluck().get(RESTORES_KEY);
    const restores = Number(before ?? 0) + 1;
    db.prepare('insert or replace into meta values (?, ?)').run(RESTORES_KEY, String(restores));
    db.prepare('update log_state set next_seq = next_seq + ?').run(SEQ_LEAP);
    return { restores, nextSeq: state[0], lastTime: state[1] };
  })();
}

/** A record of no machine: `_._.gap.restore`. */
function gapChunk(payload: Buffer, time: number) {
  const none = { machine: 0, boot: 0, tags: 0, firstKseq: null, lastKseq: null, levels: 0 };
  const head = {
    ...none,
    count: 1,
    stream: 'gap',
    time,
    names: namesText(['restore']),
    bytes: payload.length,
  } as const;
  return encodeBatch([head], new ArrayBuffer(payload.length + 1), (_, target, offset) => target.set(payload, offset));
}
