import { DamageError } from './damage.ts';

const LINE_FEED = 0x0a;
/** The longest number takes so many bytes. */
export const MAX_VARINT_BYTES = 8;
/** Differences are exact up to here, and so is their double. */
export const MAX_DIFFERENCE = 2 ** 52 - 1;

/** Bytes and numbers, written one behind the other. Used again and again, so it only grows. */
export class Column {
  bytes = new Uint8Array(0);
  length = 0;

  /** Empties it, and makes room for so many bytes: nothing that follows looks for room. */
  clear(capacity: number): void {
    if (this.bytes.length < capacity) this.bytes = new Uint8Array(capacity);
    this.length = 0;
  }

  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** Seven bits a byte, the low ones first. @param value not negative, exact, at most twice MAX_DIFFERENCE + 1 */
  number(value: number): void {
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** Small ones of either sign take few bytes. */
  difference(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  copy(from: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let at = this.length;
    for (let i = start; i < end; i++) bytes[at++] = from[i] ?? 0;
    this.length = at;
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** Reads a column from its begin. What it is asked for beyond its end is a `DamageError`. */
export class ColumnReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw new DamageError('a column is too short');
    return this.bytes[this.at++] ?? 0;
  }

  number(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let factor = 0x80;
    for (let i = 1; i < MAX_VARINT_BYTES; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    throw new DamageError('a number of a column is too long');
  }

  difference(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** The bytes up to the next line feed, which is passed. */
  word(): Uint8Array {
    const start = this.at;
    while (this.byte() !== LINE_FEED);
    return this.bytes.subarray(start, this.at - 1);
  }

  /** Where so many bytes begin, which are passed. */
  take(count: number): number {
    const start = this.at;
    if (count > this.end - start) throw new DamageError('a column is too short');
    this.at = start + count;
    return start;
  }
}
