import type { Database } from 'better-sqlite3';
import type { CheckpointReply } from './protocol.ts';

/** Pages of the file, free ones included. */
export function pagesOf(db: Database): number {
  return Number(db.pragma('page_count', { simple: true }));
}

/** Pages of the file that hold nothing. */
export function freePagesOf(db: Database): number {
  return Number(db.pragma('freelist_count', { simple: true }));
}

/** Pages in the WAL after which a commit also writes them back while the disk has little room. */
const THRIFTY_CHECKPOINT_PAGES = 64;

/** Gives space back, and keeps the WAL small. Used by the writer, between its transactions. */
export class Space {
  readonly #db: Database;
  readonly #checkpointPages: number;

  constructor(db: Database) {
    this.#db = db;
    this.#checkpointPages = Number(db.pragma('wal_autocheckpoint', { simple: true }));
  }

  /** With little room the WAL stays small: what makes room is written there first. */
  beThrifty(isThrifty: boolean): void {
    this.#db.pragma(`wal_autocheckpoint = ${isThrifty ? THRIFTY_CHECKPOINT_PAGES : this.#checkpointPages}`);
  }

  /**
   * Moves pages from the end of the file into free ones and cuts the file. Runs inside the caller's transaction.
   * @param pages at most so many
   * @param freeBytes that stay
   * @returns whether more are left
   */
  shrink(pages: number, freeBytes: number): boolean {
    const kept = Math.ceil(freeBytes / Number(this.#db.pragma('page_size', { simple: true })));
    const free = freePagesOf(this.#db);
    const wanted = Math.min(pages, free - kept);
    if (wanted <= 0) return false;
    this.#db.pragma(`incremental_vacuum(${wanted})`);
    const left = freePagesOf(this.#db);
    // A file that was made without it gives nothing back; it must not be asked for ever.
    return left < free && left > kept;
  }

  /**
   * Writes everything back and cuts the WAL. Waits for those who read what is in it, and only so long: nothing is
   * committed meanwhile.
   */
  checkpoint(waitMs: number): CheckpointReply {
    const before = Number(this.#db.pragma('busy_timeout', { simple: true }));
    this.#db.pragma(`busy_timeout = ${waitMs}`);
    try {
      const [row] = this.#db.pragma('wal_checkpoint(truncate)') as { readonly busy: number }[];
      return { isPinned: row?.busy !== 0 };
    } finally {
      this.#db.pragma(`busy_timeout = ${before}`);
    }
  }
}
