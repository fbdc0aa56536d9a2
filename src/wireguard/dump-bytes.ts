import type { OutputMemory } from './runner.ts';

/** Of a key: 32 bytes in base64. */
export const KEY_LENGTH = 44;
const LINE_FEED = 0x0a;
/** A key is a whole number of them. */
export const WORD = 4;
/** Whoever looks for a key may read as much behind the end. */
const SLACK = KEY_LENGTH;
/** A fleet that grows does not need another piece of memory for each machine. */
const ROOM = 1.25;

/** The bytes of one dump, in memory that is used again for others. They are compared by words, four bytes at a time. */
export class DumpBytes implements OutputMemory {
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(SLACK);
  #words = new DataView(this.#bytes.buffer);
  #end = 0;

  get bytes(): Buffer {
    return this.#bytes;
  }

  get words(): DataView {
    return this.#words;
  }

  /** Where the dump ends, behind a line feed; 0 if there is none. */
  get end(): number {
    return this.#end;
  }

  load(text: string): void {
    // Nothing that `wg` says takes more than a byte.
    this.take(text.length, (memory) => this.#bytes.write(text, 0, memory.length, 'latin1'));
  }

  take(length: number, write: (memory: Uint8Array) => void): void {
    if (this.#bytes.length < length + 1 + SLACK) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(ROOM * length) + 1 + SLACK);
      this.#words = new DataView(this.#bytes.buffer);
    }
    write(this.#bytes.subarray(0, length));
    this.#end = length;
    if (length === 0 || this.#bytes[length - 1] === LINE_FEED) return;
    this.#bytes[length] = LINE_FEED;
    this.#end += 1;
  }

  clear(): void {
    this.#end = 0;
  }
}

/** Whether so many bytes, four at least, are the same. They must be there. */
export function isSame(one: DataView, at: number, other: DataView, from: number, length: number): boolean {
  const last = length - WORD;
  for (let offset = 0; offset < last; offset += WORD) {
    if (one.getInt32(at + offset) !== other.getInt32(from + offset)) return false;
  }
  // The last word begins within the one before, if they are not a whole number.
  return one.getInt32(at + last) === other.getInt32(from + last);
}
