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
