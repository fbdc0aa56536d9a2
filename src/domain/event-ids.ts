import { hash } from 'node:crypto';

/** How many event ids of a boot are remembered (DESIGN section 4, "Boots"): more than a machine's ring holds. */
export const MAX_EVENT_IDS = 1_024;

const FIRST_CAPACITY = 16;

/**
 * The last ids of one boot, as 64-bit digests: ten thousand machines with a thousand ids each must stay small. It
 * grows with what it holds, up to `capacity`; then the oldest go.
 */
export class EventIds {
  readonly #capacity: number;
  #digests = new BigUint64Array(FIRST_CAPACITY);
  #size = 0;
  /** Where the next one goes once the ring is full. */
  #next = 0;

  constructor(capacity = MAX_EVENT_IDS) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  has(id: string): boolean {
    const index = this.#digests.indexOf(digestOf(id));
    return index >= 0 && index < this.#size;
  }

  add(id: string): void {
    if (this.#size === this.#capacity) {
      this.#digests[this.#next] = digestOf(id);
      this.#next = (this.#next + 1) % this.#capacity;
      return;
    }
    if (this.#size === this.#digests.length) {
      const grown = new BigUint64Array(Math.min(this.#capacity, this.#size * 2));
      grown.set(this.#digests);
      this.#digests = grown;
    }
    this.#digests[this.#size] = digestOf(id);
    this.#size += 1;
  }
}

function digestOf(id: string): bigint {
  return hash('sha256', id, 'buffer').readBigUInt64LE(0);
}
