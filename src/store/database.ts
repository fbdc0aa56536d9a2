import Database from 'better-sqlite3';
import { SiderolinkError } from '../domain/errors.ts';
import { describe } from './damaged.ts';
import { migrate } from './schema.ts';

/**
 * Larger than SQLite's usual 4 KiB: chunks and blocks are tens of KiB, freeing one walks its pages, and each page of a
 * commit is a write and a checksum. 8 KiB cost a burst a quarter more of the writer's time.
 */
const PAGE_SIZE = 16_384;
/** Pages that a handle keeps in memory. */
const CACHE_KIB = 8192;
/** SQLite's number of `synchronous = full`. */
const FULL = 2;
/** Pages in the WAL after which a commit also writes them back. */
const WAL_CHECKPOINT_PAGES = 512;
/** The WAL file is cut to so many bytes when it is started anew. */
const WAL_SIZE_LIMIT = 64 * 1024 * 1024;

/**
 * Opens the one handle that writes; makes or migrates the file.
 * @param busyTimeoutMs how long a foreign lock is waited for: nobody else should write
 * @throws SiderolinkError `storage`, `configuration`
 */
export function openWriter(path: string, busyTimeoutMs: number): Database.Database {
  return open(path, { timeout: busyTimeoutMs }, (db) => {
    const isNew = db.pragma('page_count', { simple: true }) === 0;
    db.pragma(`page_size = ${PAGE_SIZE}`);
    // Only possible before the first table is made; lets dropped segments give their space back.
    db.pragma('auto_vacuum = incremental');
    db.pragma('journal_mode = wal');
    // better-sqlite3's default for WAL is NORMAL, which loses acknowledged commits when the power fails.
    db.pragma('synchronous = full');
    db.pragma(`wal_autocheckpoint = ${WAL_CHECKPOINT_PAGES}`);
    db.pragma(`journal_size_limit = ${WAL_SIZE_LIMIT}`);
    db.pragma(`cache_size = -${CACHE_KIB}`);
    // What savepoints keep is little, and where the system is read-only nobody may make temporary files. A migration may
    // sort a whole table, and keeps to files.
    if (isNew) db.pragma('temp_store = memory');
    migrate(db);
    db.pragma('temp_store = memory');
  });
}

/**
 * Runs a transaction of which nothing was promised, without an fsync of its own: it is durable with the next one that is. The
 * WAL is one sequence, so after a crash neither is there without what came before it, and it is synced before it is written back.
 */
export function unsynced<T>(db: Database.Database, transaction: () => T): T {
  if (db.pragma('synchronous', { simple: true }) !== FULL) return transaction();
  db.pragma('synchronous = normal');
  try {
    return transaction();
  } finally {
    db.pragma('synchronous = full');
  }
}

/**
 * Opens a handle that only reads.
 * @param cacheKib what it keeps of the file
 * @throws SiderolinkError `storage`
 */
export function openReader(path: string, cacheKib = CACHE_KIB): Database.Database {
  return open(path, { readonly: true, fileMustExist: true }, (db) => {
    db.pragma('query_only = on');
    db.pragma(`cache_size = -${cacheKib}`);
  });
}

function open(path: string, options: Database.Options, prepare: (db: Database.Database) => void): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, options);
    prepare(db);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof SiderolinkError) throw error;
    throw new SiderolinkError('storage', `cannot open the store: ${describe(error)}`, { path }, { cause: error });
  }
}
