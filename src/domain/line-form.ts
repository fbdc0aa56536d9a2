/**
 * A kernel line as machines send it: seven keys, sorted, without spaces. These are its texts between the values.
 * Source: facts/talos-client.md section 5.1.
 */
export const LINE_TEXTS = {
  clock: text('{"clock":'),
  facility: text(',"facility":"'),
  msg: text('","msg":"'),
  priority: text('","priority":"'),
  seq: text('","seq":'),
  level: text(',"talos-level":"'),
  time: text('","talos-time":"'),
  end: text('"}\n'),
} as const;

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
const LETTER_Z = 0x5a;
/** What is lower is exact in a double, also when it is doubled. */
const MAX_DIGITS = 15;
const DATE_BYTES = 11;
const DAY_SECONDS = 86_400;

function text(characters: string): Uint8Array {
  return new TextEncoder().encode(characters);
}

interface Words {
  readonly bytes: number;
  readonly words: Int32Array;
}

function wordsOf(characters: Uint8Array): Words {
  const view = new DataView(characters.buffer, characters.byteOffset, characters.length);
  const bytes = characters.length;
  const count = Math.ceil(bytes / 4);
  const words = Int32Array.from({ length: count }, (_, i) => view.getInt32(Math.min(i * 4, bytes - 4), true));
  return { bytes, words };
}

const WORDS = {
  clock: wordsOf(LINE_TEXTS.clock),
  facility: wordsOf(LINE_TEXTS.facility),
  msg: wordsOf(LINE_TEXTS.msg),
  priority: wordsOf(LINE_TEXTS.priority),
  seq: wordsOf(LINE_TEXTS.seq),
  level: wordsOf(LINE_TEXTS.level),
  time: wordsOf(LINE_TEXTS.time),
} as const;

/** Instead of a place: the line is not of the form. */
const NONE = -1;

/** Finds the values of kernel lines of the usual form, one line after the other, and makes nothing for them. */
export class LineForm {
  clock = 0;
  seq = 0;
  /** `talos-time` in whole microseconds since the epoch, and the nanoseconds beyond. */
  micros = 0;
  nanos = 0;
  /** Where the values begin and end. */
  facilityStart = 0;
  facilityEnd = 0;
  msgStart = 0;
  msgEnd = 0;
  priorityStart = 0;
  priorityEnd = 0;
  levelStart = 0;
  levelEnd = 0;
  /** Behind the line feed. */
  end = 0;
  /** Of facility, priority and level. */
  hash = 0;
  #date = wordsOf(text(dateText(0)));
  #dateSeconds = 0;
  #value = 0;

  /**
   * Whether a line of exactly this form begins there: with its values put between the texts it is the same again, byte for
   * byte. Of two ways to divide a line that is no JSON, one is found.
   */
  read(bytes: Uint8Array, view: DataView, at: number): boolean {
    this.hash = 0;
    const clockEnd = this.#number(bytes, behind(view, at, WORDS.clock));
    this.clock = this.#value;
    this.facilityStart = behind(view, clockEnd, WORDS.facility);
    this.facilityEnd = this.#word(bytes, this.facilityStart);
    this.msgStart = behind(view, this.facilityEnd, WORDS.msg);
    this.msgEnd = messageEnd(bytes, view, this.msgStart);
    this.priorityStart = behind(view, this.msgEnd, WORDS.priority);
    this.priorityEnd = this.#word(bytes, this.priorityStart);
    const seqEnd = this.#number(bytes, behind(view, this.priorityEnd, WORDS.seq));
    this.seq = this.#value;
    this.levelStart = behind(view, seqEnd, WORDS.level);
    this.levelEnd = this.#word(bytes, this.levelStart);
    const timeEnd = this.#time(bytes, view, behind(view, this.levelEnd, WORDS.time));
    if (timeEnd === NONE || bytes[timeEnd] !== QUOTE || bytes[timeEnd + 1] !== 0x7d) return false;
    this.end = timeEnd + 3;
    return bytes[timeEnd + 2] === LINE_FEED;
  }

  /** Behind a number without sign and leading zeros. */
  #number(bytes: Uint8Array, from: number): number {
    if (from === NONE) return NONE;
    let value = 0;
    let at = from;
    for (;;) {
      const byte = bytes[at] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + byte - ZERO;
      at++;
    }
    if (at === from || at - from > MAX_DIGITS || (bytes[from] === ZERO && at - from > 1)) return NONE;
    this.#value = value;
    return at;
  }

  /** The quote that ends a short text. */
  #word(bytes: Uint8Array, from: number): number {
    if (from === NONE) return NONE;
    let hash = this.hash;
    for (let at = from; ; at++) {
      const byte = bytes[at] ?? LINE_FEED;
      hash = (Math.imul(hash, 31) + byte) | 0;
      if (byte === QUOTE) {
        this.hash = hash;
        return at;
      }
      if (byte === LINE_FEED) return NONE;
    }
  }

  /** Behind a time as RFC 3339 in UTC, with nanoseconds but no zeros at their end. */
  #time(bytes: Uint8Array, view: DataView, from: number): number {
    if (from === NONE || !this.#readDate(bytes, view, from)) return NONE;
    const hour = twoDigits(bytes, from + 11);
    const minute = twoDigits(bytes, from + 14);
    const second = twoDigits(bytes, from + 17);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return NONE;
    if (bytes[from + 13] !== 0x3a || bytes[from + 16] !== 0x3a) return NONE;
    let at = from + 19;
    let fraction = 0;
    if (bytes[at] === DOT) {
      let digits = 0;
      let last = ZERO;
      for (at++; digits < 9; digits++, at++) {
        const byte = bytes[at] ?? 0;
        if (byte < ZERO || byte > NINE) break;
        fraction = fraction * 10 + byte - ZERO;
        last = byte;
      }
      if (last === ZERO) return NONE;
      for (; digits < 9; digits++) fraction *= 10;
    }
    if (bytes[at] !== LETTER_Z) return NONE;
    const micros = Math.floor(fraction / 1000);
    this.nanos = fraction - micros * 1000;
    this.micros = (this.#dateSeconds + hour * 3600 + minute * 60 + second) * 1e6 + micros;
    return at + 1;
  }

  /** Lines that follow each other are mostly of one day. */
  #readDate(bytes: Uint8Array, view: DataView, from: number): boolean {
    if (behind(view, from, this.#date) !== NONE) return true;
    const date = String.fromCharCode(...bytes.subarray(from, from + DATE_BYTES));
    const day = Date.parse(`${date}00:00:00.000Z`);
    // Beyond these years microseconds would not be exact.
    if (Number.isNaN(day) || !/^(19|20)/.test(date) || dateText(day / 1000 / DAY_SECONDS) !== date) return false;
    this.#date = wordsOf(text(date));
    this.#dateSeconds = day / 1000;
    return true;
  }
}

/** A day as it stands in a line: `2026-01-31T`. @param day since the epoch */
export function dateText(day: number): string {
  return new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, DATE_BYTES);
}

/** Behind these characters, if they stand there: four at a time, the last four perhaps again. */
function behind(view: DataView, at: number, characters: Words): number {
  const { bytes, words } = characters;
  if (at === NONE || at + bytes > view.byteLength) return NONE;
  const last = words.length - 1;
  for (let i = 0; i < last; i++) {
    if (view.getInt32(at + i * 4, true) !== words[i]) return NONE;
  }
  return view.getInt32(at + bytes - 4, true) === words[last] ? at + bytes : NONE;
}

/** The quote behind which a priority stands. In a JSON string it has a backslash before it, or ends the string. */
function messageEnd(bytes: Uint8Array, view: DataView, from: number): number {
  if (from === NONE) return NONE;
  for (let at = from; ; at++) {
    const byte = bytes[at] ?? LINE_FEED;
    if (byte === QUOTE && behind(view, at, WORDS.priority) !== NONE) return at;
    if (byte === LINE_FEED) return NONE;
  }
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] ?? 0) - ZERO;
  const low = (bytes[at + 1] ?? 0) - ZERO;
  return high < 0 || high > 9 || low < 0 || low > 9 ? NONE : high * 10 + low;
}
