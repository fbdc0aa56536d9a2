/**
 * Lets a few things through in each turn of the event loop, in the order in which they came. Ten thousand connections that
 * are accepted together would otherwise all be served in one turn, and nothing else for as long.
 */
export class Turnstile<T> {
  readonly #perTurn: number;
  readonly #pass: (item: T) => void;
  #waiting: T[] = [];
  #next = 0;
  #isScheduled = false;

  /** What may come at all is for the caller to bound. `pass` must not throw. */
  constructor(options: { readonly perTurn: number }, deps: { readonly pass: (item: T) => void }) {
    this.#perTurn = options.perTurn;
    this.#pass = deps.pass;
  }

  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  /** Passes at the end of this turn, or of a later one. */
  add(item: T): void {
    this.#waiting.push(item);
    this.#schedule();
  }

  #schedule(): void {
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
