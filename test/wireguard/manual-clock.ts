import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands still until told, so that no test waits. */
export class ManualClock implements Clock {
  #elapsed = 0;
  readonly #epoch: number;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  constructor(epoch = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#epoch + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const cancel = this.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }

  /** Lets `ms` pass: timers fire in their order, and what they cause is done before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await setImmediate();
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.#elapsed = Math.max(this.#elapsed, due.at);
      due.callback();
      await setImmediate();
    }
    this.#elapsed = end;
  }
}
