/** What the fast path reads of a kernel line. One object is reused for all lines. */
export interface KernelLine {
  seq: number;
  /** Microseconds since boot. */
  clock: number;
  /** Index into `LEVELS`. */
  level: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const ZERO = 0x30;
/** Digits of the largest number that the fast path takes: 10^15 - 1 is exact in a double. */
const MAX_DIGITS = 15;

const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

// What stands between the values: Go sorts the keys of a map, so every line has them in this order.
const CLOCK = ascii('{"clock":');
const FACILITY = ascii(',"facility":"');
const MSG = ascii(',"msg":"');
const PRIORITY = ascii(',"priority":"');
const SEQ = ascii(',"seq":');
const LEVEL = ascii(',"talos-level":"');
const TIME = ascii(',"talos-time":"');

const LEVEL_NAMES = [ascii('debug"'), ascii('info"'), ascii('warn"'), ascii('error"')];
const OTHER = LEVEL_NAMES.length;

/** 1 for bytes that end the run of plain characters in a string: quote, backslash, control characters. */
const SPECIAL = new Uint8Array(256);
SPECIAL.fill(1, 0, 0x20);
SPECIAL[QUOTE] = 1;
SPECIAL[BACKSLASH] = 1;

/** 1 for what may follow a backslash, except `u`. */
const ESCAPED = new Uint8Array(256);
for (const char of ascii('"\\/bfnrt')) ESCAPED[char] = 1;

/** Value of a hexadecimal digit; 255 for any other byte. */
const HEX = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit += 1) {
  const text = digit.toString(16);
  HEX[text.charCodeAt(0)] = digit;
  HEX[text.toUpperCase().charCodeAt(0)] = digit;
}

/**
 * Reads the kernel line that starts at `start`: one JSON object with exactly the seven keys that Talos sends, in their
 * order, without spaces, ended by a line feed (facts/talos-client.md section 5.1). Returns the offset after the line
 * feed and fills `line`; or -1 for anything else, which may still be valid JSON: ask `readObjectLine`.
 *
 * The bytes must be valid UTF-8 and a line feed must come at or after `start`: it ends every loop here, so nothing is
 * read beyond it. A line that is taken is valid JSON.
 */
export function scanKernelLine(bytes: Uint8Array, start: number, line: KernelLine): number {
  let pos = literal(bytes, start, CLOCK);
  if (pos < 0) return -1;
  let end = digits(bytes, pos);
  if (end < 0) return -1;
  line.clock = integer(bytes, pos, end);
  pos = literal(bytes, end, FACILITY);
  if (pos < 0) return -1;
  pos = string(bytes, pos);
  if (pos < 0) return -1;
  pos = literal(bytes, pos, MSG);
  if (pos < 0) return -1;
  pos = string(bytes, pos);
  if (pos < 0) return -1;
  pos = literal(bytes, pos, PRIORITY);
  if (pos < 0) return -1;
  pos = string(bytes, pos);
  if (pos < 0) return -1;
  pos = literal(bytes, pos, SEQ);
  if (pos < 0) return -1;
  end = digits(bytes, pos);
  if (end < 0) return -1;
  line.seq = integer(bytes, pos, end);
  pos = literal(bytes, end, LEVEL);
  if (pos < 0) return -1;
  line.level = levelAt(bytes, pos);
  pos = string(bytes, pos);
  if (pos < 0) return -1;
  pos = literal(bytes, pos, TIME);
  if (pos < 0) return -1;
  pos = string(bytes, pos);
  if (pos < 0 || bytes[pos] !== 0x7d || bytes[pos + 1] !== LINE_FEED) return -1;
  return pos + 2;
}

/** The offset after `text`, or -1 if other bytes stand there. */
function literal(bytes: Uint8Array, start: number, text: Uint8Array): number {
  for (let i = 0; i < text.length; i += 1) {
    if (bytes[start + i] !== text[i]) return -1;
  }
  return start + text.length;
}

/** The end of a plain non-negative integer without leading zeros, or -1. */
function digits(bytes: Uint8Array, start: number): number {
  let pos = start;
  while (((bytes[pos] as number) - ZERO) >>> 0 < 10) pos += 1;
  const length = pos - start;
  if (length === 0 || length > MAX_DIGITS || (length > 1 && bytes[start] === ZERO)) return -1;
  return pos;
}

function integer(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let pos = start; pos < end; pos += 1) value = value * 10 + ((bytes[pos] as number) - ZERO);
  return value;
}

/** The offset after the closing quote of the string whose first character is at `start`, or -1. */
function string(bytes: Uint8Array, start: number): number {
  let pos = start;
  for (;;) {
    while (SPECIAL[bytes[pos] as number] === 0) pos += 1;
    const special = bytes[pos];
    if (special === QUOTE) return pos + 1;
    if (special !== BACKSLASH) return -1;
    if (ESCAPED[bytes[pos + 1] as number] === 1) {
      pos += 2;
    } else {
      if (!usualEscape(bytes, pos + 1)) return -1;
      pos += 6;
    }
  }
}

/**
 * Whether a well-formed `uXXXX` stands here that no encoder would rather have written as it is: an escaped letter,
 * digit or dot could hide the name of a secret from a search for its bytes, so it takes the other path.
 */
function usualEscape(bytes: Uint8Array, start: number): boolean {
  if (bytes[start] !== 0x75) return false;
  let code = 0;
  for (let i = 1; i <= 4; i += 1) {
    // A line feed is no digit, so this stops before the end of the line.
    const digit = HEX[bytes[start + i] as number] as number;
    if (digit > 15) return false;
    code = code * 16 + digit;
  }
  return (
    code < 0x20 || code === 0x22 || code === 0x26 || code === 0x27 || code === 0x3c || code === 0x3e || code > 0x7e
  );
}

function levelAt(bytes: Uint8Array, start: number): number {
  for (let level = 0; level < OTHER; level += 1) {
    if (literal(bytes, start, LEVEL_NAMES[level] as Uint8Array) >= 0) return level;
  }
  return OTHER;
}
