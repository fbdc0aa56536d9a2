import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';

interface Timer {
  readonly at: number;
  readonly ms: number;
  readonly callback: () => void;
}

/** A clock that moves when told to, and that can be asked what is waited for. */
export class ManualClock implements Clock {
  #elapsed = 0;
  #timers: Timer[] = [];
  #watchers: (() => void)[] = [];
  /** Every wait that was ever asked for, in milliseconds. */
  readonly waits: number[] = [];

  now(): number {
    return Date.UTC(2026, 0, 1) + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + ms, ms, callback };
    this.#timers.push(timer);
    this.waits.push(ms);
    for (const wake of this.#watchers.splice(0)) wake();
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const cancel = this.after(ms, resolve);
      const abort = () => {
        cancel();
        resolve();
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Resolves when somebody waits for just so long. */
  async asked(ms: number): Promise<void> {
    while (!this.#timers.some((timer) => timer.ms === ms)) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** Lets time pass; what a timer causes, as far as it needs no I/O, is done before the next one fires. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await setImmediate();
    for (;;) {
      const [due] = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at);
      if (due === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.#elapsed = due.at;
      due.callback();
      await setImmediate();
    }
    this.#elapsed = end;
  }
}
