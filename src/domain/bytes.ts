import { SiderolinkError } from './errors.ts';

/** A size in whole bytes, never negative. */
export type ByteSize = number & { readonly __brand: 'ByteSize' };

const UNITS = new Map<string, number>([
  ['', 1],
  ['B', 1],
  ['kB', 1e3],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
]);

/** The units that `formatBytes` writes, the largest first. */
const WRITTEN = ['TiB', 'GiB', 'MiB', 'KiB'] as const;

const TEXT = /^(\d{1,15}) ?([A-Za-z]*)$/;

/**
 * Reads `10GiB`, `512 MiB`, `1500`: a whole number of bytes or of KiB, MiB, GiB, TiB (powers of 1024) or kB, MB, GB, TB
 * (powers of 1000).
 *
 * @throws SiderolinkError `invalid_argument`
 */
export function parseBytes(text: string): ByteSize {
  const [, digits, unit] = TEXT.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS.get(unit);
  const bytes = factor === undefined ? Number.NaN : Number(digits) * factor;
  if (!Number.isSafeInteger(bytes)) {
    throw new SiderolinkError(
      'invalid_argument',
      `${JSON.stringify(text)} is not a size; write for example 10GiB, 512MiB or 65536`,
    );
  }
  return bytes as ByteSize;
}

/** Writes a size so that `parseBytes` reads the same value, in the largest unit that divides it: `10GiB`, `1500B`. */
export function formatBytes(bytes: number): string {
  const whole = Math.max(0, Math.trunc(bytes));
  for (const unit of WRITTEN) {
    const factor = UNITS.get(unit) ?? 1;
    if (whole >= factor && whole % factor === 0) return `${whole / factor}${unit}`;
  }
  return `${whole}B`;
}
