import type { Clock } from '../lib/clock.ts';
import { SLICE_MS } from './packet-budget.ts';

export interface Resumable {
  resume(): void;
}

/**
 * Streams that are read no further for a moment, first come first served. However many there are, no more than so many are
 * read on in one turn: each of them has packets at hand.
 */
export class HeldStreams {
  readonly #perSlice: number;
  readonly #clock: Clock;
  /** With the slice in which each was held, in that order. */
  readonly #waiting = new Map<Resumable, number>();
  #cancel: (() => void) | undefined;

  /** `perSlice`: streams that are read on in a slice of `SLICE_MS`. */
  constructor({ perSlice }: { readonly perSlice: number }, { clock }: { readonly clock: Clock }) {
    this.#perSlice = perSlice;
    this.#clock = clock;
  }

  /** Reads on when its turn has come, in another slice than this. */
  add(stream: Resumable): void {
    this.#waiting.set(stream, this.#slice());
    this.#wait();
  }

  /** Idempotent. */
  delete(stream: Resumable): void {
    this.#waiting.delete(stream);
    if (this.#waiting.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    this.#cancel ??= this.#clock.after(SLICE_MS, () => {
      this.#cancel = undefined;
      this.#resume();
      if (this.#waiting.size > 0) this.#wait();
    });
  }

  #resume(): void {
    const slice = this.#slice();
    const due: Resumable[] = [];
    for (const [stream, held] of this.#waiting) {
      if (held === slice || due.length === this.#perSlice) break;
      due.push(stream);
    }
    for (const stream of due) {
      // One may have ended another.
      if (this.#waiting.delete(stream)) stream.resume();
    }
  }

  #slice(): number {
    return Math.floor(this.#clock.monotonic() / SLICE_MS);
  }
}
