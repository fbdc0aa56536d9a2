import type { Clock } from './clock.ts';

export interface PacerOptions {
  /** Turns in a second; as many again may come at once after a rest of a second. */
  readonly perSecond: number;
  /** Nobody waits longer, milliseconds: then turns come as often as they are asked for. */
  readonly maxDelayMs: number;
  /** Who would be one more does not wait at all. */
  readonly maxWaiting: number;
  /** Told how many wait, whenever that changes. */
  readonly onWaiting?: (waiting: number) => void;
}

/**
 * Slows down those who ask often, and nobody else: it is asked only for what may come late. Whoever sends the next
 * request after the answer to the last one is slowed down by as much.
 */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #waiting = new Set<() => void>();
  /** Monotonic time of the next turn that nobody has taken. */
  #next = Number.NEGATIVE_INFINITY;
  #released = false;

  constructor(options: PacerOptions, deps: { readonly clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#intervalMs = 1_000 / options.perSecond;
  }

  /**
   * Resolves when it is one's turn, or when `signal`, asked for only if one has to wait, aborts: with false if too many
   * wait already.
   */
  async turn(signal: () => AbortSignal): Promise<boolean> {
    const { maxDelayMs, maxWaiting } = this.#options;
    const now = this.#clock.monotonic();
    // A rest is remembered for one second.
    const mine = Math.min(Math.max(this.#next, now - 1_000), now + maxDelayMs);
    this.#next = mine + this.#intervalMs;
    if (mine <= now || this.#released) return true;
    if (this.#waiting.size >= maxWaiting) return false;
    await this.#wait(mine - now, signal());
    return true;
  }

  /** Lets all go who wait, and nobody wait any more. */
  release(): void {
    this.#released = true;
    for (const go of [...this.#waiting]) go();
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const go = () => {
      if (!this.#waiting.delete(go)) return;
      cancel();
      signal.removeEventListener('abort', go);
      this.#options.onWaiting?.(this.#waiting.size);
      resolve();
    };
    this.#waiting.add(go);
    this.#options.onWaiting?.(this.#waiting.size);
    const cancel = this.#clock.after(ms, go);
    signal.addEventListener('abort', go, { once: true });
    if (signal.aborted) go();
    return promise;
  }
}
