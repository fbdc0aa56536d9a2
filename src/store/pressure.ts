import type { EventLoopUtilization } from 'node:perf_hooks';
import type { Clock } from '../lib/clock.ts';

/** A thread that worked so much of the time has none to spare. */
const BUSY_SHARE = 0.7;
const WINDOW_MS = 250;

/** What a thread did since it began, as `performance.eventLoopUtilization()` of Node gives it. */
export type ReadUtilization = () => Pick<EventLoopUtilization, 'idle' | 'active'>;

/** Whether one of some threads hardly rests: then what can wait would take time from what cannot. */
export class Pressure {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #threads: readonly ReadUtilization[];
  #last: readonly ReturnType<ReadUtilization>[];
  #since: number;
  #isHigh = false;

  constructor(clock: Pick<Clock, 'monotonic'>, threads: readonly ReadUtilization[]) {
    this.#clock = clock;
    this.#threads = threads;
    this.#last = threads.map((read) => read());
    this.#since = clock.monotonic();
  }

  /** Whether one hardly rested. Cheap: the threads are looked at four times a second at most, over the time since the last look. */
  look(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#since < WINDOW_MS) return this.#isHigh;
    const seen = this.#threads.map((read) => read());
    this.#isHigh = seen.some((thread, i) => shareOf(thread, this.#last[i]) >= BUSY_SHARE);
    this.#last = seen;
    this.#since = now;
    return this.#isHigh;
  }
}

/** Of the time between two looks the part that a thread worked; none if it did not live. */
function shareOf(after: ReturnType<ReadUtilization>, before = { idle: 0, active: 0 }): number {
  const active = after.active - before.active;
  const all = active + after.idle - before.idle;
  return all > 0 ? active / all : 0;
}
