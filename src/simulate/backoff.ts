import type { Random } from './random.ts';

const INITIAL_MS = 500;
const FACTOR = 1.5;
const SPREAD = 0.5;
const CAP_MS = 60_000;

/**
 * The exponential backoff of Talos' controller runtime: 0.5 s, then half as much again each time, spread by ±50 %, at
 * most 60 s before the spread (facts/talos-client.md section 2.6). There is no reset: over one boot it only grows.
 */
export class Backoff {
  readonly #random: Random;
  #interval = INITIAL_MS;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The next wait in milliseconds. */
  next(): number {
    const current = this.#interval;
    this.#interval = Math.min(current * FACTOR, CAP_MS);
    return current * (1 - SPREAD + this.#random() * 2 * SPREAD);
  }
}
