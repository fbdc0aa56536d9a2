const LINE_FEED = 0x0a;

/** What became of bytes that were no complete line. */
export type LineLoss = 'oversized' | 'unterminated';

/**
 * Cuts a byte stream into blocks of complete lines. A block is a view into the chunk it came in, wherever it can be:
 * only the partial line at a chunk's end is copied. A partial line longer than `maxLineBytes` is given up and skipped
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

  push(chunk: Buffer): void {
    let start = 0;
    if (this.#skipping || this.#carried > 0) {
      const end = chunk.indexOf(LINE_FEED);
      if (end < 0) {
        if (!this.#skipping) this.#keep(chunk);
        return;
      }
      start = end + 1;
      if (this.#skipping) this.#skipping = false;
      else this.#complete(chunk.subarray(0, start));
    }
    const last = chunk.lastIndexOf(LINE_FEED);
    if (last >= start) {
      this.#onBlock(start === 0 && last === chunk.length - 1 ? chunk : chunk.subarray(start, last + 1));
      start = last + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The stream ended: a line without its line feed is no line. */
  end(): void {
    if (this.#carried > 0) this.#onLoss('unterminated');
    this.#drop();
    this.#skipping = false;
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
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxLineBytes, Math.max(length, this.#carried * 2)));
      this.#carry?.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    part.copy(this.#carry, this.#carried);
    this.#carried = length;
  }

  #drop(): void {
    this.#carry = undefined;
    this.#carried = 0;
  }
}
