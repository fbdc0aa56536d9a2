/** Smaller buffers are cheap to make. */
const SMALLEST_KEPT = 64 * 1024;

/**
 * Buffers of committed batches, used again. A fresh one of some MiB costs a page fault for every 4 KiB of it.
 */
export class BufferPool {
  readonly #maxBytes: number;
  readonly #free: ArrayBuffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A buffer of at least so many bytes, with any content. */
  acquire(bytes: number): ArrayBuffer {
    if (bytes < SMALLEST_KEPT) return new ArrayBuffer(bytes);
    const index = this.#free.findIndex((buffer) => buffer.byteLength >= bytes);
    const [found] = index === -1 ? [] : this.#free.splice(index, 1);
    if (found === undefined) return new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
    this.#bytes -= found.byteLength;
    return found;
  }

  release(buffer: ArrayBuffer): void {
    const bytes = buffer.byteLength;
    if (bytes < SMALLEST_KEPT || this.#bytes + bytes > this.#maxBytes) return;
    this.#free.push(buffer);
    this.#free.sort((a, b) => a.byteLength - b.byteLength);
    this.#bytes += bytes;
  }
}
