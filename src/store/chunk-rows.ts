import type { Database, Statement } from 'better-sqlite3';
import type { Series } from './batch.ts';
import { CHUNK_TABLES } from './chunk-row.ts';
import { isDamage } from './damaged.ts';
import { readBeyond } from './salvage.ts';

/** Seqs of which some cannot be read, both included, and why. */
export interface LostRange {
  readonly from: number;
  readonly to: number;
  readonly error: unknown;
}

/** A row, or what cannot be read before the next one. */
export type ChunkStep<Row> =
  | { readonly row: Row; readonly lost?: undefined }
  | { readonly lost: LostRange; readonly row?: undefined };

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

  /** Those that begin behind one seq and up to another. */
  *between(after: number, through: number): Generator<ChunkStep<Row>> {
    // Not the seq before it: that may lie on a page which is damaged.
    let first = after + 1;
    let expected = first;
    // What can be read alone can also be read with its neighbours; if not, this is the end.
    let hasJumped = false;
    for (;;) {
      let error: unknown;
      const rows = this.#up.iterate(first, through) as IterableIterator<Row>;
      try {
        for (const row of rows) {
          this.#check(row);
          hasJumped = false;
          first = row.first_seq + 1;
          expected = row.first_seq + row.count;
          yield { row };
        }
        return;
      } catch (caught) {
        if (!isDamage(caught)) throw caught;
        error = caught;
      }
      const next = hasJumped ? undefined : this.#beyond(expected, through);
      const to = next === undefined ? through : Math.min(through, next.first_seq - 1);
      yield { lost: { from: expected, to, error } };
      if (next === undefined || next.first_seq > through) return;
      hasJumped = true;
      first = next.first_seq;
      expected = first;
    }
  }

  #beyond(from: number, through: number): Row | undefined {
    if (from > through) return undefined;
    const read = (key: number): Row | undefined => {
      const row = this.#next.get(key) as Row | undefined;
      if (row !== undefined) this.#check(row);
      return row;
    };
    return readBeyond(from, through, 1, read).row;
  }
}
