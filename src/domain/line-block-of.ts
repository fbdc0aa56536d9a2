import { Column, ColumnReader } from './column.ts';
import { DamageError } from './damage.ts';
import { COLUMNS, type ColumnName } from './line-columns.ts';
import { dateText, LINE_TEXTS } from './line-form.ts';

const LINE_FEED = 0x0a;
const ZERO = 0x30;
const DAY_SECONDS = 86_400;
/** Either way from 1970: what lies beyond has no date. */
const MAX_DAY = 1e8;

/** What stands around the numbers and the message of lines with one facility, priority and level. */
interface Head {
  readonly beforeMsg: Uint8Array;
  readonly beforeSeq: Uint8Array;
  readonly beforeTime: Uint8Array;
}

/**
 * The block that was divided into these columns, byte for byte.
 * @param maxBytes of the block
 * @throws DamageError if these are no columns, or the block would be longer
 */
export function blockOf(columns: Uint8Array, maxBytes: number): Uint8Array {
  const header = new ColumnReader(columns, 0, columns.length);
  const length = header.number();
  if (length > maxBytes) throw new DamageError(`a block of ${length} bytes`);
  const lines = header.number();
  const readers = readersOf(columns, header);
  const { gaps, kinds, seqs, clocks, times, others, messages } = readers;
  const heads = headsOf(readers.heads);
  const block = new BlockWriter(length);
  let seq = -1;
  let clock = 0;
  let ahead = 0;
  let nanos = 0;
  for (let line = 0; line < lines; line++) {
    block.others(others, gaps.number());
    const head = heads[kinds.byte()];
    if (head === undefined) throw new DamageError('columns name a head that they do not have');
    seq += 1 + seqs.difference();
    clock += clocks.difference();
    ahead += times.difference();
    nanos += times.difference();
    block.text(LINE_TEXTS.clock);
    block.decimal(clock);
    block.text(head.beforeMsg);
    block.message(messages);
    block.text(head.beforeSeq);
    block.decimal(seq);
    block.text(head.beforeTime);
    block.time(ahead + clock, nanos);
    block.text(LINE_TEXTS.end);
  }
  block.others(others, others.end - others.at);
  return block.whole();
}

function readersOf(columns: Uint8Array, header: ColumnReader): Record<ColumnName, ColumnReader> {
  const lengths = COLUMNS.map((name) => [name, header.number()] as const);
  const readers = lengths.map(([name, length]) => {
    const start = header.take(length);
    return [name, new ColumnReader(columns, start, start + length)] as const;
  });
  return Object.fromEntries(readers) as Record<ColumnName, ColumnReader>;
}

function headsOf(column: ColumnReader): readonly Head[] {
  const heads: Head[] = [];
  while (column.at < column.end) {
    const beforeMsg = joined(LINE_TEXTS.facility, column.word(), LINE_TEXTS.msg);
    const beforeSeq = joined(LINE_TEXTS.priority, column.word(), LINE_TEXTS.seq);
    const beforeTime = joined(LINE_TEXTS.level, column.word(), LINE_TEXTS.time);
    heads.push({ beforeMsg, beforeSeq, beforeTime });
  }
  return heads;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const column = new Column();
  column.clear(parts.reduce((sum, { length }) => sum + length, 0));
  for (const part of parts) column.copy(part, 0, part.length);
  return column.bytes;
}

/** Writes lines into a block of known length. What is written beyond its end goes nowhere, and is told at the end. */
class BlockWriter {
  readonly #bytes: Uint8Array;
  #length = 0;
  /** The day of the last time, in days since the epoch. */
  #day = Number.NaN;
  readonly #date = new Uint8Array(dateText(0).length);

  constructor(length: number) {
    this.#bytes = new Uint8Array(length);
  }

  text(characters: Uint8Array): void {
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < characters.length; i++) bytes[at++] = characters[i] ?? 0;
    this.#length = at;
  }

  others(column: ColumnReader, count: number): void {
    if (count === 0) return;
    const start = column.take(count);
    if (count <= this.#bytes.length - this.#length) {
      this.#bytes.set(column.bytes.subarray(start, start + count), this.#length);
    }
    this.#length += count;
  }

  message(column: ColumnReader): void {
    const bytes = this.#bytes;
    const { bytes: from, end } = column;
    let at = this.#length;
    let next = column.at;
    for (; next < end; next++) {
      const byte = from[next] ?? LINE_FEED;
      if (byte === LINE_FEED) break;
      bytes[at++] = byte;
    }
    column.at = next;
    // Throws if there is none.
    column.byte();
    this.#length = at;
  }

  decimal(value: number): void {
    let from = 1;
    for (let power = 10; power <= value; power *= 10) from++;
    this.#digits(value, from);
  }

  /** @param micros since the epoch @param nanos beyond them @throws DamageError */
  time(micros: number, nanos: number): void {
    const seconds = Math.floor(micros / 1e6);
    const day = Math.floor(seconds / DAY_SECONDS);
    if (day !== this.#day) {
      if (!(Math.abs(day) <= MAX_DAY)) throw new DamageError('a line has no date');
      const date = dateText(day);
      for (let i = 0; i < date.length; i++) this.#date[i] = date.charCodeAt(i);
      this.#day = day;
    }
    const inDay = seconds - day * DAY_SECONDS;
    const minutes = Math.floor(inDay / 60);
    const hours = Math.floor(minutes / 60);
    this.text(this.#date);
    this.#digits(hours, 2);
    this.#byte(0x3a);
    this.#digits(minutes - hours * 60, 2);
    this.#byte(0x3a);
    this.#digits(inDay - minutes * 60, 2);
    let fraction = (micros - seconds * 1e6) * 1000 + nanos;
    if (fraction !== 0) {
      let digits = 9;
      for (; fraction % 10 === 0; digits--) fraction /= 10;
      this.#byte(0x2e);
      this.#digits(fraction, digits);
    }
    this.#byte(0x5a);
  }

  /** @throws DamageError unless exactly the block was written */
  whole(): Uint8Array {
    if (this.#length !== this.#bytes.length) throw new DamageError('columns are not of the length that they tell');
    return this.#bytes;
  }

  #byte(value: number): void {
    this.#bytes[this.#length++] = value;
  }

  /** So many digits of a number, with zeros in front. */
  #digits(value: number, count: number): void {
    const bytes = this.#bytes;
    let at = this.#length + count;
    this.#length = at;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      const tenth = Math.floor(rest / 10);
      bytes[--at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    for (let whole = rest | 0; at > this.#length - count; ) {
      const tenth = (whole / 10) | 0;
      bytes[--at] = ZERO + whole - tenth * 10;
      whole = tenth;
    }
  }
}
