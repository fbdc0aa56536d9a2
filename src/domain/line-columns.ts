import { Column, MAX_DIFFERENCE, MAX_VARINT_BYTES } from './column.ts';
import { LINE_TEXTS, LineForm } from './line-form.ts';

const LINE_FEED = 0x0a;
const BRACE = 0x7b;
/** What a line of the form has besides its values. */
const LEAST_LINE_BYTES = Object.values(LINE_TEXTS).reduce((sum, { length }) => sum + length, 0);
/** Facility, priority and level of a line are one byte. */
const MAX_HEADS = 256;
const MAX_HEAD_BYTES = 128;

/** The columns in their order. What stands between lines of the form is in `others`, its lengths in `gaps`. */
export const COLUMNS = ['heads', 'gaps', 'kinds', 'seqs', 'clocks', 'times', 'others', 'messages'] as const;
export type ColumnName = (typeof COLUMNS)[number];

/** Two numbers and the length of each column. */
const HEADER_BYTES = (2 + COLUMNS.length) * MAX_VARINT_BYTES;
/** Stands behind each word of a head and each message; no value of a line has one. */
const SEPARATOR = LINE_FEED;

interface Head {
  readonly kind: number;
  /** Where it stands in its column. */
  readonly start: number;
}

/**
 * Divides a block of lines into columns, which a compressor makes far smaller: numbers as differences from the line before,
 * the time as its difference from the clock, facility, priority and level as one byte, and the messages. Any bytes may
 * stand in the block; those that are not a kernel line of the usual form are kept as they are.
 */
export class LineColumns {
  readonly #form = new LineForm();
  readonly #columns: Readonly<Record<ColumnName, Column>> = {
    heads: new Column(),
    gaps: new Column(),
    kinds: new Column(),
    seqs: new Column(),
    clocks: new Column(),
    times: new Column(),
    others: new Column(),
    messages: new Column(),
  };
  readonly #whole = new Column();
  /** By hash. */
  readonly #heads = new Map<number, Head>();
  #seq = 0;
  #clock = 0;
  #ahead = 0;
  #nanos = 0;

  /** What `blockOf` makes the block of again; undefined if it has no line of the form. Only good until the next call. */
  divide(block: Uint8Array): Uint8Array | undefined {
    this.#begin(block.length);
    const { gaps, others } = this.#columns;
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    let lines = 0;
    let done = 0;
    for (let at = nextLine(block, 0); at < block.length; ) {
      if (this.#form.read(block, view, at) && this.#take(block)) {
        gaps.number(at - done);
        others.copy(block, done, at);
        done = this.#form.end;
        at = nextLine(block, done);
        lines++;
      } else {
        // Not to the next begin of one within it: a line that is made of begins would be read again from each.
        at = nextLine(block, lineEnd(block, at));
      }
    }
    others.copy(block, done, block.length);
    return lines === 0 ? undefined : this.#joined(block.length, lines);
  }

  #begin(bytes: number): void {
    const numbers = MAX_VARINT_BYTES * (Math.floor(bytes / LEAST_LINE_BYTES) + 1);
    const { heads, gaps, kinds, seqs, clocks, times, others, messages } = this.#columns;
    heads.clear(MAX_HEADS * MAX_HEAD_BYTES);
    for (const column of [gaps, kinds, seqs, clocks]) column.clear(numbers);
    times.clear(2 * numbers);
    for (const column of [others, messages]) column.clear(bytes);
    this.#heads.clear();
    this.#seq = -1;
    this.#clock = 0;
    this.#ahead = 0;
    this.#nanos = 0;
  }

  /** Takes the values of the line that was read; false if they do not fit. */
  #take(block: Uint8Array): boolean {
    const { clock, seq, micros, nanos, msgStart, msgEnd } = this.#form;
    const ahead = micros - clock;
    if (Math.abs(ahead - this.#ahead) > MAX_DIFFERENCE) return false;
    const kind = this.#kind(block);
    if (kind === undefined) return false;
    const { kinds, seqs, clocks, times, messages } = this.#columns;
    kinds.byte(kind);
    seqs.difference(seq - this.#seq - 1);
    clocks.difference(clock - this.#clock);
    times.difference(ahead - this.#ahead);
    times.difference(nanos - this.#nanos);
    messages.copy(block, msgStart, msgEnd);
    messages.byte(SEPARATOR);
    this.#seq = seq;
    this.#clock = clock;
    this.#ahead = ahead;
    this.#nanos = nanos;
    return true;
  }

  /** The number of the line's facility, priority and level; undefined if there are too many or they are too long. */
  #kind(block: Uint8Array): number | undefined {
    const { hash, facilityStart, facilityEnd, priorityStart, priorityEnd, levelStart, levelEnd } = this.#form;
    const { heads } = this.#columns;
    const known = this.#heads.get(hash);
    if (known !== undefined) {
      let at = behindWord(heads.bytes, known.start, block, facilityStart, facilityEnd);
      at = behindWord(heads.bytes, at, block, priorityStart, priorityEnd);
      at = behindWord(heads.bytes, at, block, levelStart, levelEnd);
      // Others of the same hash are rare enough to be left as they are.
      return at === -1 ? undefined : known.kind;
    }
    const kind = this.#heads.size;
    const bytes = facilityEnd - facilityStart + (priorityEnd - priorityStart) + (levelEnd - levelStart) + 3;
    if (kind >= MAX_HEADS || bytes > MAX_HEAD_BYTES) return undefined;
    this.#heads.set(hash, { kind, start: heads.length });
    heads.copy(block, facilityStart, facilityEnd);
    heads.byte(SEPARATOR);
    heads.copy(block, priorityStart, priorityEnd);
    heads.byte(SEPARATOR);
    heads.copy(block, levelStart, levelEnd);
    heads.byte(SEPARATOR);
    return kind;
  }

  #joined(bytes: number, lines: number): Uint8Array {
    const whole = this.#whole;
    whole.clear(HEADER_BYTES + bytes);
    whole.number(bytes);
    whole.number(lines);
    for (const name of COLUMNS) whole.number(this.#columns[name].length);
    for (const name of COLUMNS) {
      const column = this.#columns[name];
      whole.bytes.set(column.written(), whole.length);
      whole.length += column.length;
    }
    return whole.written();
  }
}

/** Where a line of the form may begin: at once, or behind bytes that are none. */
function nextLine(block: Uint8Array, from: number): number {
  if (block[from] === BRACE) return from;
  const at = block.indexOf(BRACE, from);
  return at === -1 ? block.length : at;
}

function lineEnd(block: Uint8Array, from: number): number {
  const at = block.indexOf(LINE_FEED, from);
  return at === -1 ? block.length : at + 1;
}

/** Behind a word of a head and its separator, if it is the same as that of a line; -1 if not. */
function behindWord(head: Uint8Array, from: number, line: Uint8Array, start: number, end: number): number {
  if (from === -1) return -1;
  let at = from;
  for (let i = start; i < end; i++, at++) {
    if (head[at] !== line[i]) return -1;
  }
  return head[at] === SEPARATOR ? at + 1 : -1;
}
