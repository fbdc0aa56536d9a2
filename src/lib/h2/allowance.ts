/** So much a connection may do in vain at once, and so much in a second. */
const AT_ONCE = 1_000;
const PER_SECOND = 100;

/**
 * What a peer has left of frames that serve nothing: each costs it little and us as much as one that does. Resets cost
 * more, since each undoes work that its request began (CVE-2023-44487).
 */
export class Allowance {
  #left = AT_ONCE;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** False if it has spent more than it had. @param now monotonic milliseconds */
  spend(cost: number, now: number): boolean {
    this.#left = Math.min(AT_ONCE, this.#left + ((now - this.#at) / 1_000) * PER_SECOND) - cost;
    this.#at = now;
    return this.#left >= 0;
  }
}
