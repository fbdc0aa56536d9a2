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
  /** Another one of the same hash. */
  readonly next: Head | undefined;
}

export interface BlockDivider {
  /** What `blockOf` makes the block of again; undefined if it has no line of the form. Only good until the next call. */
  divide(block: Uint8Array): Uint8Array | undefined;
}

/**
 * Divides a block of lines into columns, which a compressor makes far smaller: numbers as differences from the line before,
 * the time as its difference from the clock, facility, priority and level as one byte, and the messages. Any bytes may
 * stand in the block; those that are not a kernel line of the usual form are kept as they are.
 */
export class LineColumns implements BlockDivider {
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
  #kinds = 0;
  #seq = 0;
  #clock = 0;
  #ahead = 0;
  #nanos = 0;

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
    if (lines === 0) return undefined;
    const columns = COLUMNS.map((name) => this.#columns[name].written());
    return joinColumns(this.#whole, block.length, lines, columns);
  }

  #begin(bytes: number): void {
    const most = mostBytes(bytes);
    for (const name of COLUMNS) this.#columns[name].clear(most[name]);
    this.#heads.clear();
    this.#kinds = 0;
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
    const sameHash = this.#heads.get(hash);
    for (let head = sameHash; head !== undefined; head = head.next) {
      let at = behindWord(heads.bytes, head.start, block, facilityStart, facilityEnd);
      at = behindWord(heads.bytes, at, block, priorityStart, priorityEnd);
      at = behindWord(heads.bytes, at, block, levelStart, levelEnd);
      if (at !== -1) return head.kind;
    }
    const kind = this.#kinds;
    const bytes = facilityEnd - facilityStart + (priorityEnd - priorityStart) + (levelEnd - levelStart) + 3;
    if (kind >= MAX_HEADS || bytes > MAX_HEAD_BYTES) return undefined;
    this.#kinds++;
    this.#heads.set(hash, { kind, start: heads.length, next: sameHash });
    heads.copy(block, facilityStart, facilityEnd);
    heads.byte(SEPARATOR);
    heads.copy(block, priorityStart, priorityEnd);
    heads.byte(SEPARATOR);
    heads.copy(block, levelStart, levelEnd);
    heads.byte(SEPARATOR);
    return kind;
  }
}

/** Columns in the order of COLUMNS as `blockOf` takes them. @param bytes of the block @param lines that are in columns */
export function joinColumns(into: Column, bytes: number, lines: number, columns: readonly Uint8Array[]): Uint8Array {
  into.clear(HEADER_BYTES + columns.reduce((sum, { length }) => sum + length, 0));
  into.number(bytes);
  into.number(lines);
  for (const { length } of columns) into.number(length);
  for (const column of columns) {
    into.bytes.set(column, into.length);
    into.length += column.length;
  }
  return into.written();
}

/** What the columns of a block of so many bytes have at most. */
export function mostBytes(bytes: number): Readonly<Record<ColumnName, number>> {
  const lines = Math.floor(bytes / LEAST_LINE_BYTES) + 1;
  const numbers = MAX_VARINT_BYTES * lines;
  return {
    heads: MAX_HEADS * MAX_HEAD_BYTES,
    gaps: numbers,
    kinds: lines,
    seqs: numbers,
    clocks: numbers,
    times: 2 * numbers,
    others: bytes,
    messages: bytes,
  };
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
