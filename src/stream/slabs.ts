/** Big enough for a block of lines as a socket gives them, small enough that a quiet daemon holds little. */
const SLAB_BYTES = 256 * 1024;
/** Free slabs kept for later. */
const MAX_FREE = 128;

/** A piece of memory that many sources write into, one after the other. */
export interface Slab {
  readonly bytes: Uint8Array;
  /** Slices that are still needed. */
  users: number;
}

/** Some bytes that were put aside. */
export interface Slice {
  readonly slab: Slab;
  readonly start: number;
  readonly end: number;
}

/**
 * Copies bytes into shared slabs, so that a source has no buffer of its own: ten thousand quiet sources cost nothing.
 */
export class Slabs {
  readonly #free: Slab[] = [];
  #current: Slab = newSlab(SLAB_BYTES);
  #used = 0;

  /** Copies two arrays, one behind the other. */
  put(first: Uint8Array, second: Uint8Array): Slice {
    const length = first.length + second.length;
    if (length > SLAB_BYTES) return this.#fill({ bytes: new Uint8Array(length), users: 0 }, 0, first, second);
    if (this.#used + length > SLAB_BYTES) this.#next();
    const slice = this.#fill(this.#current, this.#used, first, second);
    this.#used += length;
    return slice;
  }

  #fill(slab: Slab, start: number, first: Uint8Array, second: Uint8Array): Slice {
    slab.bytes.set(first, start);
    slab.bytes.set(second, start + first.length);
    slab.users++;
    return { slab, start, end: start + first.length + second.length };
  }

  free(slice: Slice): void {
    const { slab } = slice;
    slab.users--;
    if (slab.users > 0) return;
    if (slab === this.#current) this.#used = 0;
    else if (slab.bytes.length === SLAB_BYTES && this.#free.length < MAX_FREE) this.#free.push(slab);
  }

  #next(): void {
    this.#current = this.#free.pop() ?? newSlab(SLAB_BYTES);
    this.#used = 0;
  }
}

function newSlab(bytes: number): Slab {
  return { bytes: new Uint8Array(bytes), users: 0 };
}
