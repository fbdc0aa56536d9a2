import type { Database, Statement } from 'better-sqlite3';
import { isDamage, unlessDamaged } from './damaged.ts';

/**
 * Reads of one state of the store. It ends with a rollback, which is as good: SQLite commits no transaction in which a read
 * met a damaged page, although it was passed over.
 */
export function readTransaction<T>(db: Database, read: () => T): T {
  // Part of one that is open.
  if (db.inTransaction) return read();
  db.exec('begin');
  try {
    return read();
  } finally {
    if (db.inTransaction) db.exec('rollback');
  }
}

/**
 * The rows up to the first that cannot be read, and why that one cannot.
 * @param check throws DamageError for a row that is not what was written
 */
export function readableRows<Row>(
  statement: Statement,
  values: readonly unknown[],
  check: (row: Row) => void = () => {},
): { rows: Row[]; error: unknown } {
  const rows: Row[] = [];
  try {
    for (const row of statement.iterate(...values) as IterableIterator<Row>) {
      check(row);
      rows.push(row);
    }
    return { rows, error: undefined };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { rows, error };
  }
}

/** What stands beyond a place that cannot be read: the first key that can, or undefined if there is none up to `limit`. */
export interface Beyond<Row> {
  readonly row: Row | undefined;
}

/** Keys that are tried one by one: rows that are damaged each by itself do not hide a whole one between them. */
const TRIED = 32;

/**
 * Looks beyond a damaged place: key by key at first, and then, as behind a damaged page, whose keys cannot be known, in
 * growing steps until something can be read, and back to the nearest key from which on it can.
 *
 * @param from the first key that may be damaged @param limit the last key of interest, in the direction of `step`
 * @param read the first row at a key or beyond it
 */
export function readBeyond<Row>(
  from: number,
  limit: number,
  step: 1 | -1,
  read: (key: number) => Row | undefined,
): Beyond<Row> {
  const tried = (offset: number): { row: Row | undefined } | undefined =>
    unlessDamaged(
      () => ({ row: read(from + step * offset) }),
      () => undefined,
    );
  const most = (limit - from) * step;
  let bad = -1;
  let good = 0;
  let found = tried(good);
  while (found === undefined) {
    if (good >= most) return { row: undefined };
    bad = good;
    good = Math.min(most, good < TRIED ? good + 1 : good * 2);
    found = tried(good);
  }
  while (good - bad > 1) {
    const middle = bad + Math.floor((good - bad) / 2);
    const nearer = tried(middle);
    if (nearer === undefined) {
      bad = middle;
    } else {
      found = nearer;
      good = middle;
    }
  }
  return found;
}

/**
 * The lowest key from `low` to `high` at which a predicate that once true stays true is; `high + 1` if at none.
 *
 * @param ifDamaged what counts for a key that cannot be read: true to come out before it, false behind it
 */
export function firstWhere(low: number, high: number, ifDamaged: boolean, holds: (key: number) => boolean): number {
  let below = low;
  let above = high + 1;
  while (below < above) {
    const middle = below + Math.floor((above - below) / 2);
    const isThere = unlessDamaged(
      () => holds(middle),
      () => ifDamaged,
    );
    if (isThere) above = middle;
    else below = middle + 1;
  }
  return below;
}
