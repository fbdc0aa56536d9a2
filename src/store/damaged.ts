import { SqliteError } from 'better-sqlite3';
import { DamageError } from '../domain/damage.ts';
import { type ErrorCode, errorCode, errorMessage } from '../domain/errors.ts';
import { STREAMS, type Stream } from '../domain/record.ts';

/** What is said of rows that are not what was written. */
export function damaged(what: string, cause?: unknown): DamageError {
  return new DamageError(what, cause);
}

/** Errors of reading that come of the place that is read, so that the next place may well be whole. */
const BAD_PLACES = /^SQLITE_(CORRUPT|IOERR_(READ|SHORT_READ|CORRUPTFS|DATA))/;

/** Whether a read failed because of what stands there. Whatever else fails does so everywhere, or is a fault of ours. */
export function isDamage(error: unknown): boolean {
  return error instanceof SqliteError ? BAD_PLACES.test(error.code) : error instanceof DamageError;
}

/** What to do about a file of which parts that cannot be passed over are damaged. */
export const MEND = 'check the disk, and restore a backup (docs/how-to/back-up-and-restore.md)';

/** An error of the store as it is told: by SQLite's name, as its words are few, and with what helps. */
export function describe(error: unknown): string {
  if (!(error instanceof SqliteError)) return errorMessage(error);
  const what = `${error.code}: ${error.message}`;
  // A file whose very beginning is damaged is no database to SQLite.
  return isDamage(error) || error.code === 'SQLITE_NOTADB'
    ? `${what}: the file of the store is damaged: ${MEND}`
    : what;
}

/** The code that an error of the store has for all others. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof SqliteError ? 'storage' : errorCode(error);
}

/** What `read` gives, or `otherwise` if it fails because of what stands there. */
export function unlessDamaged<T, U>(read: () => T, otherwise: (error: unknown) => U): T | U {
  try {
    return read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    return otherwise(error);
  }
}

/** What the columns of a row hold if nothing has changed them: SQLite looks at types only when it writes. */
export interface RowShape<Row> {
  readonly numbers: readonly (keyof Row & string)[];
  readonly texts: readonly (keyof Row & string)[];
  readonly blobs: readonly (keyof Row & string)[];
}

/** @throws DamageError for a row with a value of another type */
export function checkShape<Row>(what: string, row: Row, { numbers, texts, blobs }: RowShape<Row>): void {
  const isWhole =
    numbers.every((name) => Number.isSafeInteger(row[name])) &&
    texts.every((name) => typeof row[name] === 'string') &&
    blobs.every((name) => Buffer.isBuffer(row[name]));
  if (!isWhole) throw damaged(`${what} has values of other types`);
}

/** @throws DamageError for a number that stands for no stream */
export function streamOfRow(what: string, number: number): Stream {
  const stream = STREAMS[number];
  if (stream === undefined) throw damaged(`${what} is of no known stream`);
  return stream;
}
