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
export class DumpBytes {
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(SLACK);
  #words = new DataView(this.#bytes.buffer);

  get bytes(): Buffer {
    return this.#bytes;
  }

  get words(): DataView {
    return this.#words;
  }

  /** Puts a text here, with a line feed at its end; gives that end. Nothing that `wg` says takes more than a byte. */
  load(text: string): number {
    const { length } = text;
    if (this.#bytes.length < length + 1 + SLACK) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.ceil(ROOM * length) + 1 + SLACK);
      this.#words = new DataView(this.#bytes.buffer);
    }
    this.#bytes.write(text, 0, 'latin1');
    if (text.endsWith('\n')) return length;
    this.#bytes[length] = LINE_FEED;
    return length + 1;
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
