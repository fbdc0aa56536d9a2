/** What the fast path reads of a kernel line. One object is reused for all lines. */
export interface KernelLine {
  seq: number;
  /** Microseconds since boot. */
  clock: number;
  /** Index into `LEVELS`. */
  level: number;
}

/**
 * What Talos up to 1.4 sends once when it shuts down, instead of nothing (facts/talos-client.md section 5.1): no line of
 * the kernel, although it has the number of one.
 */
export const ZERO_RECORD =
  '{"clock":0,"facility":"kern","msg":"","priority":"emerg","seq":0,"talos-level":"error","talos-time":"0001-01-01T00:00:00Z"}';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const CLOSE = 0x7d;
const ZERO = 0x30;
/** Digits of the largest number that the fast path takes: 10^15 - 1 is exact in a double. */
const MAX_DIGITS = 15;

const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
/** Four characters as the little-endian 32-bit integer that a DataView reads. */
const word = (text: string) => new DataView(ascii(text).buffer).getInt32(0, true);

// What stands between the values, four bytes at a time, the last four overlapping: Go sorts the keys of a map, so every
// line has them in this order. A loop over bytes costs a third of the scanner's time.
const CLOCK_LENGTH = 9;
const [CLOCK_0, CLOCK_4, CLOCK_5] = [word('{"cl'), word('ock"'), word('ck":')];
const FACILITY_LENGTH = 13;
const [FACILITY_0, FACILITY_4, FACILITY_8, FACILITY_9] = [word(',"fa'), word('cili'), word('ty":'), word('y":"')];
const MSG_LENGTH = 8;
const [MSG_0, MSG_4] = [word(',"ms'), word('g":"')];
const PRIORITY_LENGTH = 13;
const [PRIORITY_0, PRIORITY_4, PRIORITY_8, PRIORITY_9] = [word(',"pr'), word('iori'), word('ty":'), word('y":"')];
const SEQ_LENGTH = 7;
const [SEQ_0, SEQ_3] = [word(',"se'), word('eq":')];
const LEVEL_LENGTH = 16;
const [LEVEL_0, LEVEL_4, LEVEL_8, LEVEL_12] = [word(',"ta'), word('los-'), word('leve'), word('l":"')];
const TIME_LENGTH = 15;
const [TIME_0, TIME_4, TIME_8, TIME_11] = [word(',"ta'), word('los-'), word('time'), word('e":"')];

const LEVEL_WORDS = [word('debu'), word('info'), word('warn'), word('erro')];
const LEVEL_LENGTHS = [5, 4, 4, 5];
const LEVEL_LAST = ascii('gonr');
const OTHER = LEVEL_WORDS.length;

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
 * `bytes` must be valid UTF-8 that ends with a line feed; `view` sees the same bytes. A line that is taken is valid
 * JSON.
 */
export function scanKernelLine(bytes: Uint8Array, view: DataView, start: number, line: KernelLine): number {
  // Every literal is followed by more than three bytes in a whole line, so one that reaches so near the end is none.
  const last = bytes.length - LEVEL_LENGTH;
  if (start > last || view.getInt32(start, true) !== CLOCK_0 || view.getInt32(start + 4, true) !== CLOCK_4) return -1;
  if (view.getInt32(start + 5, true) !== CLOCK_5) return -1;
  let pos = start + CLOCK_LENGTH;
  let end = digits(bytes, pos);
  if (end < 0) return -1;
  line.clock = integer(bytes, pos, end);
  pos = end;
  if (pos > last || view.getInt32(pos, true) !== FACILITY_0 || view.getInt32(pos + 4, true) !== FACILITY_4) return -1;
  if (view.getInt32(pos + 8, true) !== FACILITY_8 || view.getInt32(pos + 9, true) !== FACILITY_9) return -1;
  pos = string(bytes, view, pos + FACILITY_LENGTH);
  if (pos < 0 || pos > last) return -1;
  if (view.getInt32(pos, true) !== MSG_0 || view.getInt32(pos + 4, true) !== MSG_4) return -1;
  pos = string(bytes, view, pos + MSG_LENGTH);
  if (pos < 0 || pos > last) return -1;
  if (view.getInt32(pos, true) !== PRIORITY_0 || view.getInt32(pos + 4, true) !== PRIORITY_4) return -1;
  if (view.getInt32(pos + 8, true) !== PRIORITY_8 || view.getInt32(pos + 9, true) !== PRIORITY_9) return -1;
  pos = string(bytes, view, pos + PRIORITY_LENGTH);
  if (pos < 0 || pos > last) return -1;
  if (view.getInt32(pos, true) !== SEQ_0 || view.getInt32(pos + 3, true) !== SEQ_3) return -1;
  pos += SEQ_LENGTH;
  end = digits(bytes, pos);
  if (end < 0) return -1;
  line.seq = integer(bytes, pos, end);
  pos = end;
  if (pos > last || view.getInt32(pos, true) !== LEVEL_0 || view.getInt32(pos + 4, true) !== LEVEL_4) return -1;
  if (view.getInt32(pos + 8, true) !== LEVEL_8 || view.getInt32(pos + 12, true) !== LEVEL_12) return -1;
  const level = pos + LEVEL_LENGTH;
  pos = string(bytes, view, level);
  if (pos < 0 || pos > last) return -1;
  line.level = levelOf(bytes, view, level, pos - 1);
  if (view.getInt32(pos, true) !== TIME_0 || view.getInt32(pos + 4, true) !== TIME_4) return -1;
  if (view.getInt32(pos + 8, true) !== TIME_8 || view.getInt32(pos + 11, true) !== TIME_11) return -1;
  pos = string(bytes, view, pos + TIME_LENGTH);
  if (pos < 0 || bytes[pos] !== CLOSE || bytes[pos + 1] !== LINE_FEED) return -1;
  return pos + 2;
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
function string(bytes: Uint8Array, view: DataView, start: number): number {
  const lastWord = bytes.length - 4;
  let pos = start;
  for (;;) {
    // Four bytes at a time while none of them is special: the usual test for a zero byte, against quote and backslash,
    // and for a byte below 0x20. It may take a plain byte for special, never the reverse.
    while (pos <= lastWord) {
      const four = view.getInt32(pos, true);
      const quotes = four ^ 0x22222222;
      const backslashes = four ^ 0x5c5c5c5c;
      const special =
        ((four - 0x20202020) & ~four) | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes);
      if ((special & 0x80808080) !== 0) break;
      pos += 4;
    }
    // A line feed is special, and the last byte is one: this ends within the bytes.
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

/** The level whose name stands from `start` to `end`. At least four bytes follow `start`. */
function levelOf(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  const name = view.getInt32(start, true);
  for (let level = 0; level < OTHER; level += 1) {
    if (name !== LEVEL_WORDS[level] || end - start !== LEVEL_LENGTHS[level]) continue;
    return bytes[end - 1] === LEVEL_LAST[level] ? level : OTHER;
  }
  return OTHER;
}
