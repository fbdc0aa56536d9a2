import type { Clock } from './clock.ts';

/** Lets one of many equal messages through per period and counts the others. Bounded: the oldest subjects go first. */
export class OnceAMinute {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #maxSubjects: number;
  readonly #subjects = new Map<string, { since: number; suppressed: number }>();

  constructor(options: { readonly periodMs?: number; readonly maxSubjects?: number }, deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
    this.#periodMs = options.periodMs ?? 60_000;
    this.#maxSubjects = options.maxSubjects ?? 10_000;
  }

  /** How many were held back since the last one that passed; undefined if this one is held back too. */
  pass(subject: string, times = 1): number | undefined {
    const now = this.#clock.monotonic();
    const known = this.#subjects.get(subject);
    if (known !== undefined && now - known.since < this.#periodMs) {
      known.suppressed += times;
      return undefined;
    }
    this.#subjects.delete(subject);
    this.#subjects.set(subject, { since: now, suppressed: times - 1 });
    for (const oldest of this.#subjects.keys()) {
      if (this.#subjects.size <= this.#maxSubjects) break;
      this.#subjects.delete(oldest);
    }
    return known?.suppressed ?? 0;
  }
}
