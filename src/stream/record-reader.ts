import { SERIES } from '../store/batch.ts';
import { CHUNK_TABLES } from '../store/chunk-row.ts';
import { unlessDamaged } from '../store/damaged.ts';
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
  readonly #counts: readonly ReturnType<ReturnType<typeof openReader>['prepare']>[];

  /** @throws SiderolinkError `storage` */
  constructor(options: RecordReaderOptions) {
    const { path, prefix, pageMs = 50, cacheBytes = STORE_DEFAULTS.cacheBytes } = options;
    this.#prefix = prefix;
    this.#db = openReader(path);
    this.#counts = SERIES.flatMap((series) =>
      [
        `select coalesce(sum(min(records, last_seq - max(first_seq - 1, @after))), 0) from segment
         where series = ${SERIES.indexOf(series)} and last_seq > @after and first_seq <= @through`,
        `select coalesce(sum(max(0, min(count, first_seq + count - 1 - @after))), 0) from ${CHUNK_TABLES[series]}
         where first_seq > (select packed_${series} from log_state) and first_seq <= @through
         and first_seq >= (select coalesce(max(first_seq), 0) from ${CHUNK_TABLES[series]} where first_seq <= @after)`,
      ].map((sql) => this.#db.prepare(sql).pluck()),
    );
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

  /** How many records are kept behind one seq and up to another: of a segment that is cut by either end, at most. */
  count(after: number, through: number): number {
    return unlessDamaged(
      () => this.#counts.reduce((sum, statement) => sum + (statement.get({ after, through }) as number), 0),
      () => through - after,
    );
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
