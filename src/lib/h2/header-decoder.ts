import { DynamicTable, STATIC_ENTRIES, staticName, staticValue } from './header-table.ts';
import { decodeHuffman } from './huffman.ts';
import { INITIAL_TABLE_BYTES } from './protocol.ts';

/** A block that cannot be read: what the peer's table holds is not known any more, so nothing after it can be either. */
class HeaderBlockError extends Error {
  override readonly name = 'HeaderBlockError';
}

export interface DecodedFields {
  /** Names and values by turns, a character for each byte; not all of them if there is too much. */
  readonly fields: readonly string[];
  /** Bytes of names and values. */
  readonly bytes: number;
  readonly isTooLarge: boolean;
}

const NO_FIELDS = 256;
/** Seven bits of a number each; more would be beyond every length that we take. */
const MAX_NUMBER_BYTES = 4;

/**
 * Reads header blocks (RFC 7541). A peer may keep a table until it has heard that we want none; it is made when the first
 * field goes into it. A peer that keeps to what it heard costs no memory.
 */
export class HeaderDecoder {
  readonly #maxBytes: number;
  #table: DynamicTable | undefined;
  /** What the peer may make of the table. */
  #limit = INITIAL_TABLE_BYTES;
  #size = INITIAL_TABLE_BYTES;
  #bytes: Buffer = EMPTY;
  #at = 0;
  #end = 0;

  /** @param maxBytes names and values of one block; more are read, for the table, and not kept */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that the table holds, as RFC 7541 counts them. */
  get tableBytes(): number {
    return this.#table?.bytes ?? 0;
  }

  /** The peer has heard that we want no table. One that says so nowhere is taken to have said it: nginx's never had one. */
  forbidTable(): void {
    this.#limit = 0;
    this.#size = 0;
    this.#table = undefined;
  }

  /** @throws HeaderBlockError */
  decode(bytes: Buffer, start: number, end: number): DecodedFields {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    try {
      return this.#fields();
    } finally {
      this.#bytes = EMPTY;
    }
  }

  #fields(): DecodedFields {
    const fields: string[] = [];
    let total = 0;
    let isTooLarge = false;
    while (this.#at < this.#end) {
      const first = this.#bytes[this.#at] ?? 0;
      let name: string;
      let value: string;
      if (first >= 0x80) {
        const index = this.#number(7);
        name = this.#name(index);
        value = this.#value(index);
      } else if (first >= 0x40) {
        name = this.#literalName(6);
        value = this.#text();
        this.#keep(name, value);
      } else if (first >= 0x20) {
        // It may stand before all fields only. Section 4.2.
        if (total > 0) throw new HeaderBlockError('a table size after a field');
        this.#resize(this.#number(5));
        continue;
      } else {
        name = this.#literalName(4);
        value = this.#text();
      }
      total += name.length + value.length;
      isTooLarge ||= total > this.#maxBytes || fields.length >= 2 * NO_FIELDS;
      if (!isTooLarge) fields.push(name, value);
    }
    return { fields, bytes: total, isTooLarge };
  }

  #keep(name: string, value: string): void {
    if (this.#size === 0) return;
    this.#table ??= new DynamicTable(this.#size);
    this.#table.add(name, value);
  }

  #resize(size: number): void {
    if (size > this.#limit) throw new HeaderBlockError('a table larger than allowed');
    this.#size = size;
    this.#table?.resize(size);
  }

  #literalName(prefix: number): string {
    const index = this.#number(prefix);
    return index === 0 ? this.#text() : this.#name(index);
  }

  #name(index: number): string {
    const name = index <= STATIC_ENTRIES ? staticName(index) : this.#table?.name(index - STATIC_ENTRIES - 1);
    if (name === undefined) throw new HeaderBlockError('no such field');
    return name;
  }

  #value(index: number): string {
    const value = index <= STATIC_ENTRIES ? staticValue(index) : this.#table?.value(index - STATIC_ENTRIES - 1);
    if (value === undefined) throw new HeaderBlockError('no such field');
    return value;
  }

  /** A number whose first `prefix` bits are in the byte that comes. Section 5.1. */
  #number(prefix: number): number {
    const most = (1 << prefix) - 1;
    let number = this.#byte() & most;
    if (number < most) return number;
    for (let i = 0; i < MAX_NUMBER_BYTES; i++) {
      const byte = this.#byte();
      number += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return number;
    }
    throw new HeaderBlockError('a number that is too large');
  }

  /** Section 5.2. */
  #text(): string {
    const isCoded = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#number(7);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#end) throw new HeaderBlockError('cut off');
    if (!isCoded) return this.#bytes.toString('latin1', start, this.#at);
    const text = decodeHuffman(this.#bytes, start, this.#at);
    if (text === undefined) throw new HeaderBlockError('no Huffman code');
    return text;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new HeaderBlockError('cut off');
    return this.#bytes[this.#at++] ?? 0;
  }
}

const EMPTY = Buffer.alloc(0);
