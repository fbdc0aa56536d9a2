import type { Clock } from '../clock.ts';

/** What is called when its time has come. */
export interface Timed {
  /** The tick in which it is due; the wheel's own. */
  tick: number;
  due(): void;
}

export const NOT_TIMED = -1;
/** No timer of Node's waits for longer than 2^31 ms. */
const LONGEST_MS = 2 ** 30;

/**
 * Many things that are each due at some time, mostly never: one timer for all of them. They are due up to `resolutionMs`
 * late, and never early.
 */
export class Wheel {
  readonly #resolutionMs: number;
  readonly #clock: Clock;
  readonly #ticks = new Map<number, Set<Timed>>();
  #size = 0;
  #cancelTimer: (() => void) | undefined;
  /** The tick for which the timer is set. */
  #next = Number.POSITIVE_INFINITY;

  constructor(options: { readonly resolutionMs: number }, deps: { readonly clock: Clock }) {
    this.#resolutionMs = options.resolutionMs;
    this.#clock = deps.clock;
  }

  /** Makes it due in `ms`, in place of what was said before. */
  schedule(item: Timed, ms: number): void {
    const tick = Math.ceil((this.#clock.monotonic() + Math.max(0, ms)) / this.#resolutionMs);
    if (item.tick === tick) return;
    if (item.tick !== NOT_TIMED) this.#remove(item);
    item.tick = tick;
    const due = this.#ticks.get(tick);
    if (due === undefined) this.#ticks.set(tick, new Set([item]));
    else due.add(item);
    this.#size += 1;
    if (tick < this.#next) this.#arm(tick);
  }

  cancel(item: Timed): void {
    if (item.tick === NOT_TIMED) return;
    this.#remove(item);
    if (this.#size === 0) this.stop();
  }

  /** Nothing is due any more. */
  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#ticks.clear();
    this.#size = 0;
    this.#next = Number.POSITIVE_INFINITY;
  }

  #remove(item: Timed): void {
    this.#ticks.get(item.tick)?.delete(item);
    item.tick = NOT_TIMED;
    this.#size -= 1;
  }

  #arm(tick: number): void {
    this.#cancelTimer?.();
    this.#next = tick;
    const ms = tick * this.#resolutionMs - this.#clock.monotonic();
    this.#cancelTimer = this.#clock.after(Math.min(LONGEST_MS, Math.max(1, Math.ceil(ms))), () => this.#turn());
  }

  #turn(): void {
    this.#cancelTimer = undefined;
    this.#next = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic() / this.#resolutionMs;
    let next = Number.POSITIVE_INFINITY;
    for (const [tick, items] of [...this.#ticks]) {
      if (tick <= now) {
        this.#ticks.delete(tick);
        for (const item of items) {
          // One that came before it may have cancelled it.
          if (item.tick !== tick) continue;
          item.tick = NOT_TIMED;
          this.#size -= 1;
          item.due();
        }
      } else if (items.size === 0) {
        this.#ticks.delete(tick);
      } else {
        next = Math.min(next, tick);
      }
    }
    if (next < this.#next) this.#arm(next);
  }
}
