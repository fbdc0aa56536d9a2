import { type Clock, systemClock } from './clock.ts';

export interface TurnstileOptions {
  readonly perTurn: number;
  /**
   * In a crowd, one waits so many milliseconds for others to pass with, unless `perTurn` of them wait already. Default 0.
   * What a processor does a hundred times in a row, it does a third faster: the code stays in its caches.
   */
  readonly gatherMs?: number;
}

export interface TurnstileDeps<T> {
  /** Must not throw. */
  readonly pass: (item: T) => void;
  /** Whether so many come that nobody notices the wait. Default: never. */
  readonly isCrowded?: () => boolean;
  readonly clock?: Clock;
}

/**
 * Lets a few things through in each turn of the event loop, in the order in which they came. Ten thousand connections that
 * are accepted together would otherwise all be served in one turn, and nothing else for as long.
 */
export class Turnstile<T> {
  readonly #perTurn: number;
  readonly #gatherMs: number;
  readonly #pass: (item: T) => void;
  readonly #isCrowded: () => boolean;
  readonly #clock: Clock;
  #waiting: T[] = [];
  #next = 0;
  #isScheduled = false;
  #cancelGathering: (() => void) | undefined;

  /** What may come at all is for the caller to bound. */
  constructor(options: TurnstileOptions, deps: TurnstileDeps<T>) {
    this.#perTurn = options.perTurn;
    this.#gatherMs = options.gatherMs ?? 0;
    this.#pass = deps.pass;
    this.#isCrowded = deps.isCrowded ?? (() => false);
    this.#clock = deps.clock ?? systemClock;
  }

  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  /** Passes at the end of this turn, or of a later one. */
  add(item: T): void {
    this.#waiting.push(item);
    if (this.waiting >= this.#perTurn || !this.#isCrowded()) this.#schedule();
    else this.#cancelGathering ??= this.#clock.after(this.#gatherMs, () => this.#schedule());
  }

  #schedule(): void {
    this.#cancelGathering?.();
    this.#cancelGathering = undefined;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    const end = Math.min(this.#next + this.#perTurn, this.#waiting.length);
    while (this.#next < end) {
      const item = this.#waiting[this.#next++];
      if (item !== undefined) this.#pass(item);
    }
    if (this.#next < this.#waiting.length) {
      // Where more comes than passes it is never empty, and would keep all that ever came.
      if (2 * this.#next >= this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#next);
        this.#next = 0;
      }
      this.#schedule();
      return;
    }
    this.#waiting = [];
    this.#next = 0;
  }
}
