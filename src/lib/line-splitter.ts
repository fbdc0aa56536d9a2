const LINE_FEED = 0x0a;

/** What became of bytes that were no complete line. */
export type LineLoss = 'oversized' | 'unterminated';

/** A carried line's buffer is kept for the next one up to this size: most lines are shorter. */
const KEPT_BYTES = 1024;
const SMALLEST_BYTES = 256;

/**
 * Cuts a byte stream into blocks of complete lines. A block is a view into the chunk it came in, wherever it can be:
 * only the partial line at a chunk's end is copied, and put before the next chunk where there is room. A partial line longer than `maxLineBytes` is given up and skipped
 * to its line feed. (A longer line inside one chunk is still in its block: who reads lines sees their length.)
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #onBlock: (block: Buffer) => void;
  readonly #onLoss: (loss: LineLoss) => void;
  #carry: Buffer | undefined;
  #carried = 0;
  #skipping = false;

  constructor(
    options: { readonly maxLineBytes: number },
    handlers: { readonly onBlock: (block: Buffer) => void; readonly onLoss: (loss: LineLoss) => void },
  ) {
    this.#maxLineBytes = options.maxLineBytes;
    this.#onBlock = handlers.onBlock;
    this.#onLoss = handlers.onLoss;
  }

  /** Bytes of a partial line held now. */
  get pending(): number {
    return this.#carried;
  }

  /** @param room so many bytes before the chunk, in the same memory, may be overwritten */
  push(chunk: Buffer, room = 0): void {
    let block = chunk;
    let start = 0;
    if (this.#carried > 0 && this.#carried <= room) {
      block = this.#putBefore(chunk);
    } else if (this.#skipping || this.#carried > 0) {
      const end = chunk.indexOf(LINE_FEED);
      if (end < 0) {
        if (!this.#skipping) this.#keep(chunk);
        return;
      }
      start = end + 1;
      if (this.#skipping) this.#skipping = false;
      else this.#complete(chunk.subarray(0, start));
    }
    const last = block.lastIndexOf(LINE_FEED);
    if (last >= start) {
      this.#onBlock(start === 0 && last === block.length - 1 ? block : block.subarray(start, last + 1));
      start = last + 1;
    }
    if (start < block.length) this.#keep(block.subarray(start));
  }

  /** The stream ended: a line without its line feed is no line. */
  end(): void {
    if (this.#carried > 0) this.#onLoss('unterminated');
    this.#drop();
    this.#skipping = false;
  }

  /** The carried line and the chunk, one behind the other, in the chunk's memory. */
  #putBefore(chunk: Buffer): Buffer {
    const block = Buffer.from(chunk.buffer, chunk.byteOffset - this.#carried, this.#carried + chunk.length);
    this.#carry?.copy(block, 0, 0, this.#carried);
    this.#drop();
    return block;
  }

  /** The rest of the carried line has come. */
  #complete(rest: Buffer): void {
    const carry = this.#carry?.subarray(0, this.#carried);
    this.#drop();
    if (carry === undefined) return;
    if (carry.length + rest.length - 1 > this.#maxLineBytes) this.#onLoss('oversized');
    else this.#onBlock(Buffer.concat([carry, rest]));
  }

  #keep(part: Buffer): void {
    const length = this.#carried + part.length;
    if (length > this.#maxLineBytes) {
      this.#onLoss('oversized');
      this.#drop();
      this.#skipping = true;
      return;
    }
    if (this.#carry === undefined || this.#carry.length < length) {
      // Doubling, so that a line that comes byte by byte is not copied once per byte.
      const grown = Buffer.allocUnsafeSlow(
        Math.min(this.#maxLineBytes, Math.max(length, this.#carried * 2, SMALLEST_BYTES)),
      );
      this.#carry?.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    part.copy(this.#carry, this.#carried);
    this.#carried = length;
  }

  #drop(): void {
    if (this.#carry !== undefined && this.#carry.length > KEPT_BYTES) this.#carry = undefined;
    this.#carried = 0;
  }
}
