import { between, mixSeed, type Random, seededRandom } from '../../src/simulate/random.ts';

/** Choices that one seed makes: the same seed, the same choices. */
export class Dice {
  readonly #random: Random;

  constructor(...seeds: readonly number[]) {
    this.#random = seededRandom(seeds.reduce((mixed, seed) => mixSeed(mixed, seed), 0x5eed));
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return between(this.#random, low, high);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(items: readonly [T, ...T[]]): T;
  pick<T>(items: readonly T[]): T | undefined;
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.int(0, items.length - 1)];
  }

  /** Mostly few, seldom many. */
  few(most: number): number {
    return Math.floor(most * this.#random() ** 4);
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i += 1) bytes[i] = this.int(0, 255);
    return bytes;
  }

  /** Text of characters that parsers trip over, among plain ones. */
  text(length: number): string {
    let text = '';
    for (let i = 0; i < length; i += 1) text += this.chance(0.7) ? this.pick(PLAIN) : this.pick(ODD);
    return text;
  }

  list<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.few(most + 1) }, make);
  }
}

const PLAIN: readonly [string, ...string[]] = ['a', ...'bcXYZ0129-_. '];
const ODD: readonly [string, ...string[]] = [
  '😀',
  ...'"\'\\/:;,=%&{}[]()<>!*~#|$@+^`?\t\n\r\0\b\u007f\u0085\u00a0é\u200b\u2028\ufeff\ufffd',
  '\ud800',
  '\udfff',
  '__proto__',
  '\\u0000',
  '\\u002e',
  '%3D',
];

/** Integers that arithmetic trips over. */
export const EDGES: readonly [number, ...number[]] = [
  0,
  ...[1, 2, 63, 64, 65, 127, 128, 255, 256, 1023, 1024, 1025, 65_535, 65_536, -1],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 999_999_999_999_999, 1e15, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64],
];
