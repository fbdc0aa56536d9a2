/** Colours of a terminal; each returns its text unchanged when colours are off. */
export interface Style {
  readonly inverse: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly magenta: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** SGR codes (ECMA-48 section 8.3.117), on and off. */
const CODES = {
  inverse: [7, 27],
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

export function createStyle(colour: boolean): Style {
  const paint = ([on, off]: readonly [number, number]) =>
    colour ? (text: string) => `\u001b[${on}m${text}\u001b[${off}m` : (text: string) => text;
  return {
    inverse: paint(CODES.inverse),
    bold: paint(CODES.bold),
    dim: paint(CODES.dim),
    red: paint(CODES.red),
    green: paint(CODES.green),
    yellow: paint(CODES.yellow),
    blue: paint(CODES.blue),
    magenta: paint(CODES.magenta),
    cyan: paint(CODES.cyan),
  };
}

// Control characters, line and paragraph separators, and what turns the direction of text around.
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text of a machine, safe on a terminal: kernel lines and hostnames are hostile input, and a terminal obeys control
 * characters. Tabs stay; the rest is shown as `\x1b`.
 */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, (char) => {
    if (char === '\t') return char;
    const code = char.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}

/** A span in milliseconds as its largest unit: `5s`, `12m`, `3h`, `41d`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** How long ago an RFC 3339 time is; `-` for none. */
export function ago(time: string | null, now: number): string {
  return time === null ? '-' : formatAge(now - Date.parse(time));
}

/** How long until or since an RFC 3339 time, to the nearest unit: a token made for 30 days ends `in 30d`. */
export function fromNow(time: string, now: number): string {
  const left = Date.parse(time) - now;
  const span = formatAge(roundAge(Math.abs(left)));
  return left > 0 ? `in ${span}` : `${span} ago`;
}

/** To the unit in which `formatAge` shows it, so that a second short of 30 days is not 29 days. */
function roundAge(milliseconds: number): number {
  const unit =
    milliseconds < 119_500
      ? 1_000
      : milliseconds < 7_170_000
        ? 60_000
        : milliseconds < 171_000_000
          ? 3_600_000
          : 86_400_000;
  return Math.round(milliseconds / unit) * unit;
}

/** Labels as they are written on a command line; `-` for none. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return (
    Object.entries(labels)
      .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
      .join(',') || '-'
  );
}

interface OwnershipValues {
  readonly owner?: string | undefined;
  readonly namespace?: string | undefined;
  readonly cluster?: string | undefined;
  readonly metal_machine?: string | undefined;
  readonly machine?: string | undefined;
}

/** Ownership in a sentence: `acme (namespace fleet, cluster prod)`; `nobody` for none. */
export function ownershipText(ownership: OwnershipValues): string {
  const { owner, namespace, cluster, metal_machine, machine } = ownership;
  const more = Object.entries({ namespace, cluster, metal_machine, machine }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name.replace('_', ' ')} ${value}`],
  );
  if (owner === undefined && more.length === 0) return 'nobody';
  return `${owner ?? 'nobody'}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

/** Bytes as people read them: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1_024) return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`;
    value /= 1_024;
  }
  return `${value.toFixed(1)} TiB`;
}

/** Local time of day with milliseconds. */
export function formatClock(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

/** Local date and time of day with milliseconds. */
export function formatTime(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${formatClock(time)}`;
}
