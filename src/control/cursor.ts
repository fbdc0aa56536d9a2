import { SiderolinkError } from '../domain/errors.ts';

/** A place in a list as callers carry it: opaque to them, of one kind of list each. */
export function cursorOf(kind: string, place: string | number): string {
  return Buffer.from(`${kind}${place}`).toString('base64url');
}

/** What `pattern` finds in the place. @throws SiderolinkError `invalid_argument` for what no page gave */
export function cursorPlace(kind: string, cursor: string, pattern: RegExp): readonly string[] {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const match = text.startsWith(kind) ? pattern.exec(text.slice(kind.length)) : null;
  if (match === null) throw new SiderolinkError('invalid_argument', 'query.cursor: not the `next` of a page');
  return match.slice(1);
}
