/** What `SeenRanges.add` found. Numbers, because it is asked once per kernel line. */
export const SEEN = 0;
/** Directly after the last one. */
export const NEXT = 1;
/** Beyond the last one: everything between is a hole now. */
export const AHEAD = 2;
/** In a hole. */
export const FILLED = 3;
export type Seen = typeof SEEN | typeof NEXT | typeof AHEAD | typeof FILLED;

/** Sequence numbers from `from` to `to`, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Holes kept by default; a boot with more has its lowest ones sealed (DESIGN section 4, "Boots"). */
const MAX_HOLES = 64;

/**
 * A set of sequence numbers from 0, kept as ranges. It counts what lies before the first number as a hole too, and so
 * what was skipped behind the last one: then the last range is empty, its high below its low. With more than `maxHoles`
 * holes the lowest is sealed: it counts as seen from then on, so the memory is bounded.
 */
export class SeenRanges {
  readonly #lows: number[] = [];
  readonly #highs: number[] = [];
  readonly #maxHoles: number;
  #last = -1;
  #sealed: Range | undefined;

  /** `flat` is what `toJSON` gave. Text that no `toJSON` wrote is taken as far as it makes sense. */
  constructor(flat: readonly number[] = [], maxHoles = MAX_HOLES) {
    this.#maxHoles = maxHoles;
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const low = flat[i] ?? 0;
      const high = flat[i + 1] ?? 0;
      if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low <= this.#last) continue;
      if (high < 0 || low > high + 1) continue;
      this.#lows.push(low);
      this.#highs.push(high);
      this.#last = high;
    }
    while (this.#holeCount() > this.#maxHoles) this.#seal();
    this.#sealed = undefined;
  }

  /** The highest number seen or skipped; -1 for none. */
  get last(): number {
    return this.#last;
  }

  /** Notes a non-negative safe integer. A hole that had to be sealed for it is in `takeSealed`. */
  add(seq: number): Seen {
    if (seq === this.#last + 1) {
      this.#last = seq;
      if (this.#highs.length === 0) {
        this.#lows.push(seq);
        this.#highs.push(seq);
      } else {
        this.#highs[this.#highs.length - 1] = seq;
      }
      return NEXT;
    }
    if (seq > this.#last) {
      this.#end(seq, seq);
      return AHEAD;
    }
    return this.#fill(seq);
  }

  /** Notes that all numbers up to this one exist; those that were not seen are missing. */
  skip(seq: number): void {
    if (seq > this.#last) this.#end(seq + 1, seq);
  }

  has(seq: number): boolean {
    const index = this.#firstFrom(seq);
    return (this.#lows[index] ?? Number.POSITIVE_INFINITY) <= seq;
  }

  /** The hole that the last `add` sealed, once. */
  takeSealed(): Range | undefined {
    const sealed = this.#sealed;
    this.#sealed = undefined;
    return sealed;
  }

  /** What is missing below `last`, lowest first. */
  holes(): Range[] {
    const holes: Range[] = [];
    let next = 0;
    for (let i = 0; i < this.#lows.length; i += 1) {
      const low = this.#lows[i] ?? 0;
      if (low > next) holes.push({ from: next, to: low - 1 });
      next = (this.#highs[i] ?? 0) + 1;
    }
    return holes;
  }

  /** Low and high of each range, flat: `[0, 711, 720, 800]`. */
  toJSON(): number[] {
    return this.#lows.flatMap((low, i) => [low, this.#highs[i] ?? low]);
  }

  /** A new last range, in place of an empty one. A hole that had to be sealed for it is in `takeSealed`. */
  #end(low: number, high: number): void {
    const top = this.#lows.length - 1;
    const isEmpty = top >= 0 && (this.#highs[top] ?? 0) < (this.#lows[top] ?? 0);
    this.#lows[isEmpty ? top : top + 1] = low;
    this.#highs[isEmpty ? top : top + 1] = high;
    this.#last = high;
    if (this.#holeCount() > this.#maxHoles) this.#seal();
  }

  #holeCount(): number {
    const ranges = this.#lows.length;
    if (ranges === 0) return 0;
    return ranges - 1 + ((this.#lows[0] ?? 0) > 0 ? 1 : 0);
  }

  /** Index of the first range that ends at or after `seq`; the number of ranges if none does. */
  #firstFrom(seq: number): number {
    let low = 0;
    let high = this.#highs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#highs[middle] ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #fill(seq: number): Seen {
    const index = this.#firstFrom(seq);
    const low = this.#lows[index] ?? 0;
    if (low <= seq) return SEEN;
    const touchesNext = low === seq + 1;
    const touchesBefore = index > 0 && this.#highs[index - 1] === seq - 1;
    if (touchesNext && touchesBefore) {
      this.#lows.splice(index, 1);
      this.#highs.splice(index - 1, 1);
    } else if (touchesNext) {
      this.#lows[index] = seq;
    } else if (touchesBefore) {
      this.#highs[index - 1] = seq;
    } else {
      this.#lows.splice(index, 0, seq);
      this.#highs.splice(index, 0, seq);
      if (this.#holeCount() > this.#maxHoles) this.#seal();
    }
    return FILLED;
  }

  #seal(): void {
    const first = this.#lows[0] ?? 0;
    if (first > 0) {
      this.#sealed = { from: 0, to: first - 1 };
      this.#lows[0] = 0;
      return;
    }
    this.#sealed = { from: (this.#highs[0] ?? 0) + 1, to: (this.#lows[1] ?? 0) - 1 };
    this.#lows.splice(1, 1);
    this.#highs.splice(0, 1);
  }
}
