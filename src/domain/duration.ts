import { SiderolinkError } from './errors.ts';

/** A span of time in whole milliseconds, never negative. */
export type Duration = number & { readonly __brand: 'Duration' };

/** Milliseconds of each unit, the largest first. */
const UNITS = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const MILLISECONDS = new Map<string, number>(UNITS);
const TEXT = /^(?:\d{1,15}(?:ms|[wdhms]))+$/;
const PART = /(\d+)(ms|[wdhms])/g;

/**
 * Reads `30d`, `12h`, `1h30m`, `250ms`: whole numbers with the units w, d, h, m, s and ms, each unit at most once and
 * the larger before the smaller. A bare `0` needs no unit.
 *
 * @throws SiderolinkError `invalid_argument`
 */
export function parseDuration(text: string): Duration {
  if (text === '0') return 0 as Duration;
  if (!TEXT.test(text)) throw notDuration(text);
  let total = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const [, count, unit] of text.matchAll(PART)) {
    const milliseconds = MILLISECONDS.get(unit ?? '') ?? 0;
    if (milliseconds >= smallest) throw notDuration(text);
    smallest = milliseconds;
    total += Number(count) * milliseconds;
  }
  if (!Number.isSafeInteger(total)) throw notDuration(text);
  return total as Duration;
}

/** Writes a duration so that `parseDuration` reads the same value: `1h30m`, `0s`. Fractions of a millisecond are cut. */
export function formatDuration(duration: number): string {
  let rest = Math.max(0, Math.trunc(duration));
  let text = '';
  for (const [unit, milliseconds] of UNITS) {
    // Weeks are read but not written: people count retention in days.
    if (unit === 'w') continue;
    const count = Math.floor(rest / milliseconds);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * milliseconds;
  }
  return text === '' ? '0s' : text;
}

function notDuration(text: string): SiderolinkError {
  return new SiderolinkError(
    'invalid_argument',
    `${JSON.stringify(text)} is not a duration; write for example 30d, 12h, 1h30m or 250ms`,
  );
}
