import { randomInt } from 'node:crypto';
import { isSame, KEY_LENGTH, WORD } from './dump-bytes.ts';

const SMALLEST_TABLE = 64;
const MIX = 0x9e3779b1;

/**
 * Numbers the keys that it is given, from 0, and finds a key's number by its bytes: a string would have to be made for
 * each look. Open addressing; the keys are the machines' choice, the seed is not.
 */
export class KeyPlaces {
  readonly #seed = randomInt(2 ** 31);
  /** Of each number the key, one after the other. */
  #keys = new DataView(new ArrayBuffer(SMALLEST_TABLE * KEY_LENGTH));
  /** The number and one; 0 where nothing is. */
  #table = new Int32Array(SMALLEST_TABLE);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of the key that begins there, or -1. As many bytes as a key has must be there. */
  find(bytes: DataView, at: number): number {
    return (this.#table[this.#slotOf(bytes, at)] ?? 0) - 1;
  }

  /** Gives a key the next number; it must not have one. */
  add(bytes: DataView, at: number): number {
    const place = this.#size;
    this.#size += 1;
    if (this.#size * KEY_LENGTH > this.#keys.byteLength) this.#keys = longer(this.#keys);
    for (let offset = 0; offset < KEY_LENGTH; offset += WORD) {
      this.#keys.setInt32(place * KEY_LENGTH + offset, bytes.getInt32(at + offset));
    }
    // At most half full, so that a search ends soon.
    if (2 * this.#size > this.#table.length) this.#enlarge();
    else this.#table[this.#slotOf(bytes, at)] = place + 1;
    return place;
  }

  clear(): void {
    this.#table.fill(0);
    this.#size = 0;
  }

  #enlarge(): void {
    this.#table = new Int32Array(2 * this.#table.length);
    for (let place = 0; place < this.#size; place += 1) {
      this.#table[this.#slotOf(this.#keys, place * KEY_LENGTH)] = place + 1;
    }
  }

  /** Where the key is in the table, or the free slot where it belongs. */
  #slotOf(bytes: DataView, at: number): number {
    const table = this.#table;
    const last = table.length - 1;
    let slot = hashOf(bytes, at, this.#seed) & last;
    for (;;) {
      const place = (table[slot] ?? 0) - 1;
      if (place === -1 || isSame(bytes, at, this.#keys, place * KEY_LENGTH, KEY_LENGTH)) return slot;
      slot = (slot + 1) & last;
    }
  }
}

function hashOf(bytes: DataView, at: number, seed: number): number {
  let hash = seed;
  for (let offset = 0; offset < KEY_LENGTH; offset += WORD) {
    hash = Math.imul(hash ^ bytes.getInt32(at + offset), MIX);
    hash ^= hash >>> 15;
  }
  return hash;
}

function longer(keys: DataView<ArrayBuffer>): DataView<ArrayBuffer> {
  const all = new Uint8Array(2 * keys.byteLength);
  all.set(new Uint8Array(keys.buffer));
  return new DataView(all.buffer);
}
