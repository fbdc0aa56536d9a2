import type { Clock } from './clock.ts';

/** Lets one of many equal messages through per period and counts the others. Bounded: the oldest subjects go first. */
export class OnceAMinute {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #maxSubjects: number;
  readonly #maxPasses: number;
  readonly #subjects = new Map<string, { since: number; suppressed: number }>();
  /** Since when, and how many have passed in this period; how many were held back because those were enough. */
  #period = { since: Number.NEGATIVE_INFINITY, passed: 0, suppressed: 0 };

  /**
   * `periodMs`: default one minute. `maxSubjects`: so many are known apart, default 10,000. `maxPasses`: messages in one
   * period over all subjects, for subjects that strangers can make up; default: no limit.
   */
  constructor(
    options: { readonly periodMs?: number; readonly maxSubjects?: number; readonly maxPasses?: number },
    deps: { readonly clock: Clock },
  ) {
    this.#clock = deps.clock;
    this.#periodMs = options.periodMs ?? 60_000;
    this.#maxSubjects = options.maxSubjects ?? 10_000;
    this.#maxPasses = options.maxPasses ?? Number.POSITIVE_INFINITY;
  }

  /** How many were held back since the last one that passed; undefined if this one is held back too. */
  pass(subject: string, times = 1): number | undefined {
    const now = this.#clock.monotonic();
    const known = this.#subjects.get(subject);
    if (known !== undefined && now - known.since < this.#periodMs) {
      known.suppressed += times;
      return undefined;
    }
    if (now - this.#period.since >= this.#periodMs) this.#period = { ...this.#period, since: now, passed: 0 };
    if (this.#period.passed >= this.#maxPasses) {
      this.#period.suppressed += times;
      return undefined;
    }
    const others = this.#period.suppressed;
    this.#period = { ...this.#period, passed: this.#period.passed + 1, suppressed: 0 };
    this.#subjects.delete(subject);
    this.#subjects.set(subject, { since: now, suppressed: times - 1 });
    for (const oldest of this.#subjects.keys()) {
      if (this.#subjects.size <= this.#maxSubjects) break;
      this.#subjects.delete(oldest);
    }
    return (known?.suppressed ?? 0) + others;
  }
}
