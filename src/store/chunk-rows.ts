import type { Database, Statement } from 'better-sqlite3';
import type { Series } from './batch.ts';
import { CHUNK_TABLES } from './chunk-row.ts';
import { damaged, isDamage, unlessDamaged } from './damaged.ts';
import { readBeyond } from './salvage.ts';

/** Seqs of which some cannot be read, both included, and why. */
export interface LostRange {
  readonly from: number;
  readonly to: number;
  readonly error: unknown;
}

/** A row, what cannot be read before the next one, or nothing: a moment in which no read transaction is held. */
export type ChunkStep<Row> =
  | { readonly row: Row; readonly lost?: undefined }
  | { readonly lost: LostRange; readonly row?: undefined }
  | { readonly row?: undefined; readonly lost?: undefined };

/** Goes through the chunks of a series in the order of their seqs, past those that are damaged. */
export class ChunkRows<Row extends { readonly first_seq: number; readonly count: number }> {
  readonly #up: Statement;
  readonly #next: Statement;
  readonly #check: (row: Row) => void;

  /** @param check throws DamageError for a row that is not what was written */
  constructor(db: Database, series: Series, columns: string, check: (row: Row) => void) {
    const select = `select ${columns} from ${CHUNK_TABLES[series]}`;
    this.#up = db.prepare(`${select} where first_seq between ? and ? order by first_seq`);
    this.#next = db.prepare(`${select} where first_seq >= ? order by first_seq limit 1`);
    this.#check = check;
  }

  /**
   * Those that begin behind one seq and up to another.
   * @param isLong asked behind each row: whether the read transaction has been held long enough and is to be begun anew.
   * Only outside of one that the caller holds, and where rows neither change nor go meanwhile
   */
  *between(after: number, through: number, isLong: (row: Row) => boolean = () => false): Generator<ChunkStep<Row>> {
    // Not the seq before it: that may lie on a page which is damaged.
    let first = after + 1;
    let expected = first;
    // Why what comes next is damaged.
    let bad: { readonly error: unknown } | undefined;
    // What can be read alone can also be read with its neighbours; if not, this is the end.
    let hasJumped = false;
    for (;;) {
      let isPaused = false;
      const rows = this.#up.iterate(first, through) as IterableIterator<Row>;
      try {
        for (const row of rows) {
          hasJumped = false;
          const fault = row.first_seq < first ? { error: damaged('chunks are out of order') } : this.#faultOf(row);
          first = Math.max(first, row.first_seq + 1);
          bad ??= fault;
          if (fault === undefined) {
            if (bad !== undefined) yield { lost: { from: expected, to: row.first_seq - 1, error: bad.error } };
            bad = undefined;
            expected = row.first_seq + row.count;
            yield { row };
          }
          isPaused = isLong(row);
          if (isPaused) break;
        }
        if (!isPaused) break;
        yield {};
        continue;
      } catch (error) {
        if (!isDamage(error)) throw error;
        bad ??= { error };
      }
      const next = hasJumped ? undefined : this.#beyond(first, through);
      if (next === undefined) break;
      hasJumped = true;
      first = next.first_seq;
    }
    if (bad !== undefined && expected <= through) yield { lost: { from: expected, to: through, error: bad.error } };
  }

  #faultOf(row: Row): { readonly error: unknown } | undefined {
    return unlessDamaged(
      () => void this.#check(row),
      (error) => ({ error }),
    );
  }

  #beyond(from: number, through: number): Row | undefined {
    if (from > through) return undefined;
    return readBeyond(from, through, 1, (key) => this.#next.get(key) as Row | undefined).row;
  }
}
