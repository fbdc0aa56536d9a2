import { SqliteError } from 'better-sqlite3';
import { SiderolinkError } from '../domain/errors.ts';

/** What is said of rows that are not what was written: a disk or a hand has changed them. */
export function damaged(what: string, cause?: unknown): SiderolinkError {
  return new SiderolinkError(
    'storage',
    `the store is damaged: ${what}`,
    {},
    cause === undefined ? undefined : { cause },
  );
}

/** Errors of reading that come of the place that is read, so that the next place may well be whole. */
const BAD_PLACES = /^SQLITE_(CORRUPT|IOERR_(READ|SHORT_READ|CORRUPTFS|DATA))/;

/** Whether a read failed because of what stands there. Whatever else fails does so everywhere. */
export function isDamage(error: unknown): boolean {
  if (error instanceof SqliteError) return BAD_PLACES.test(error.code);
  return error instanceof SiderolinkError ? error.code === 'storage' : error instanceof RangeError;
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
