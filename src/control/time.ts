import { parseDuration } from '../domain/duration.ts';
import { SiderolinkError } from '../domain/errors.ts';

// A date alone, or one without an offset, would mean another moment on another host.
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/**
 * A moment in a request: RFC 3339, or a duration before `now`. Milliseconds since the epoch.
 *
 * @param name where it stands, as `query.since`
 * @throws SiderolinkError `invalid_argument`
 */
export function parseMoment(name: string, text: string, now: number): number {
  if (RFC3339.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return time;
  }
  try {
    return now - parseDuration(text);
  } catch {
    throw new SiderolinkError(
      'invalid_argument',
      `${name}: neither RFC 3339 (2026-01-31T12:00:00Z) nor a duration (10m, 1h30m, 30d)`,
    );
  }
}
