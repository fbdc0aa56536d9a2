const SMALLEST = 64 * 1024;

/**
 * Buffers of batches, used again. A fresh one of some MiB costs a page fault for every 4 KiB of it. They are shared, so
 * the writer reads what lies here: moving a buffer to a thread and back counts there and here as memory newly taken, and
 * the garbage collectors of both threads answer by marking everything they hold.
 */
export class BufferPool {
  readonly #maxBytes: number;
  readonly #free: SharedArrayBuffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A buffer of at least so many bytes, with any content. It is the caller's until it is released. */
  acquire(bytes: number): SharedArrayBuffer {
    const index = this.#free.findIndex((buffer) => buffer.byteLength >= bytes);
    const [found] = index === -1 ? [] : this.#free.splice(index, 1);
    if (found === undefined) return new SharedArrayBuffer(sizeFor(bytes));
    this.#bytes -= found.byteLength;
    return found;
  }

  release(buffer: SharedArrayBuffer): void {
    const bytes = buffer.byteLength;
    if (this.#bytes + bytes > this.#maxBytes) return;
    this.#free.push(buffer);
    this.#free.sort((a, b) => a.byteLength - b.byteLength);
    this.#bytes += bytes;
  }
}

/**
 * Few sizes, so that none is made that a free one could have been: the collector does not know how large shared buffers
 * are, and lets those that nobody uses lie. What is not written to takes no memory.
 */
function sizeFor(bytes: number): number {
  return Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(Math.max(1, bytes))));
}
