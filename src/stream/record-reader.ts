import { openReader } from '../store/database.ts';
import { PageReader } from '../store/page-reader.ts';
import { STORE_DEFAULTS } from '../store/store.ts';
import { renderedOf } from './follower.ts';
import type { RenderedRecord } from './types.ts';

export interface RecordReaderOptions {
  /** The database file, which the record log has open. */
  readonly path: string;
  /** First part of all subjects. */
  readonly prefix: string;
  /** A page ends after so many milliseconds; default 50. */
  readonly pageMs?: number;
  /** Unpacked blocks that are kept, in bytes. */
  readonly cacheBytes?: number;
}

/** What to read: everything, or what one machine sent. Seqs are exclusive below, inclusive above. */
export interface ReaderQuery {
  readonly after: number;
  readonly through: number;
  /** The machine's token in subjects: its UUID, or `_` for records without a machine. */
  readonly machine?: string;
  readonly maxRecords: number;
  /** Characters of rendered text, after which a page ends. */
  readonly maxText: number;
}

export interface ReaderPage {
  readonly records: readonly RenderedRecord[];
  /** Every record after `after` up to this seq is in `records`, or is not asked for, or is no longer kept. */
  readonly through: number;
}

/**
 * Reads records with a handle of its own in the thread that calls it, one short read transaction a page: for worker
 * threads that read much. The record log must have the file open, so that it is made and migrated.
 */
export class RecordReader {
  readonly #db: ReturnType<typeof openReader>;
  readonly #pages: PageReader;
  readonly #prefix: string;

  /** @throws SiderolinkError `storage` */
  constructor(options: RecordReaderOptions) {
    const { path, prefix, pageMs = 50, cacheBytes = STORE_DEFAULTS.cacheBytes } = options;
    this.#prefix = prefix;
    this.#db = openReader(path);
    this.#pages = new PageReader(this.#db, { prefix, pageMs, cacheBytes });
  }

  /** A page in ascending order; an empty one may still have come a long way. @throws SiderolinkError `storage` */
  read(query: ReaderQuery): ReaderPage {
    const { after, through, machine, maxRecords, maxText } = query;
    const reply = this.#pages.page({
      filters: machine === undefined ? [] : [`${this.#prefix}.*.${machine}.>`],
      machine: machine === undefined ? null : this.#machine(machine),
      fromSeq: after + 1,
      toSeq: through,
      since: Number.NEGATIVE_INFINITY,
      until: Number.POSITIVE_INFINITY,
      backward: false,
      grep: '',
      maxRecords,
      maxText,
    });
    // What was asked for beyond the end is not there yet: it may still come.
    return { records: renderedOf(reply), through: Math.min(reply.through, Math.max(reply.head, after)) };
  }

  close(): void {
    this.#db.close();
  }

  /** By its number only its own rows are looked at. */
  #machine(token: string): number | null {
    const number = this.#db.prepare('select id from machine where uuid = ?').pluck().get(token);
    return typeof number === 'number' ? number : null;
  }
}
