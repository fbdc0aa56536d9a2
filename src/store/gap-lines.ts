import { gapEnvelope } from '../domain/gap-envelope.ts';
import { SERIES, type Series } from './batch.ts';
import type { Scope } from './pieces.ts';
import type { GapRequest, Loss } from './protocol.ts';

/** What retention dropped of a series: everything up to a seq, whose newest record was received then. */
export interface DroppedSeries {
  readonly series: Series;
  readonly through: number;
  readonly time: number;
}

/** Something that is missing and not told yet. */
interface Missing {
  readonly reason: 'damaged' | 'retention';
  /** Undefined: both. */
  readonly series: Series | undefined;
  /** Null: unknown, where a reader asks for a time. */
  readonly from: number | null;
  readonly to: number;
  readonly count: number | null;
  readonly time: number;
}

export interface GapLine {
  readonly seq: number;
  readonly json: string;
}

/**
 * The gap records of one page, which are not stored: they stand where something is missing, each with a seq that no record
 * has which this reader gets, and behind which nothing is passed over by who resumes there.
 */
export class GapLines {
  readonly #prefix: string;
  readonly #scope: Scope;
  readonly #request: GapRequest;
  readonly #dropped: readonly DroppedSeries[];
  readonly #told: [number, number];
  #retention: Missing | undefined;
  #damaged: Missing | undefined;

  constructor(
    { prefix, dropped }: { readonly prefix: string; readonly dropped: readonly DroppedSeries[] },
    request: GapRequest,
    scope: Scope,
  ) {
    this.#prefix = prefix;
    this.#request = request;
    this.#scope = scope;
    this.#told = [...request.told];
    this.#dropped = dropped.filter(
      ({ series, through, time }) =>
        !scope.backward &&
        through > (this.#told[SERIES.indexOf(series)] ?? 0) &&
        (request.since === undefined ? through >= scope.fromSeq : time >= request.since),
    );
    if (!request.isStart) for (const one of this.#dropped) this.#drop(one);
  }

  /** As `GapRequest.told`, with what this page told. */
  get told(): readonly [number, number] {
    return this.#told;
  }

  /** What retention dropped of what a reader asks for who begins here. */
  *atStart(): Generator<GapLine> {
    if (!this.#request.isStart) return;
    const { fromSeq } = this.#scope;
    for (const { series, through, time } of this.#dropped) {
      const from = this.#request.since === undefined ? fromSeq : null;
      this.#told[SERIES.indexOf(series)] = through;
      yield this.#line(fromSeq - 1, { from, to: through, reason: 'retention', series, count: null, time });
    }
  }

  /** A follower that was overtaken: of both series at once, as there may be room for one line only. */
  #drop({ series, through, time }: DroppedSeries): void {
    const before = this.#retention;
    const whole = { reason: 'retention', series, from: this.#scope.fromSeq, to: through, count: null, time } as const;
    if (before === undefined) this.#retention = whole;
    else {
      const [to, newest] = [Math.max(before.to, through), Math.max(before.time, time)];
      this.#retention = { ...whole, series: undefined, to, time: newest };
    }
  }

  lose({ series, from, to, count, time }: Loss): void {
    const before = this.#damaged;
    this.#damaged =
      before === undefined
        ? { reason: 'damaged', series, from, to, count, time }
        : {
            reason: 'damaged',
            series: before.series === series ? series : undefined,
            from: Math.min(before.from ?? from, from),
            to: Math.max(before.to, to),
            count: before.count === null || count === null ? null : before.count + count,
            time: Math.max(before.time, time),
          };
  }

  /**
   * What stands between two records, of which `after` is the last one given. A line counts as told when the next is asked
   * for.
   */
  *before(seq: number, after: number): Generator<GapLine> {
    let last = after;
    const waiting = [this.#damaged, this.#retention].filter((one) => one !== undefined);
    for (const one of waiting.sort((a, b) => (this.#scope.backward ? b.to - a.to : a.to - b.to))) {
      const place = this.#placeOf(one, seq, last);
      if (place === undefined) continue;
      yield this.#line(place, one);
      last = place;
      if (one === this.#damaged) {
        this.#damaged = undefined;
      } else {
        this.#retention = undefined;
        for (const { series, through } of this.#dropped) this.#told[SERIES.indexOf(series)] = through;
      }
    }
  }

  /** The highest seq of the gap that lies between; undefined if there is none, or it is not reached yet. */
  #placeOf({ from, to }: Missing, seq: number, last: number): number | undefined {
    const { backward, fromSeq } = this.#scope;
    const highest = backward ? Math.min(to, last - 1) : Math.min(to, seq - 1);
    const lowest = backward ? Math.max(from ?? fromSeq, seq + 1) : Math.max(from ?? fromSeq, last + 1);
    return highest >= lowest ? highest : undefined;
  }

  #line(seq: number, { reason, from, to, count, series, time }: Missing): GapLine {
    const known = { ...(reason === 'damaged' && { count }), ...(series !== undefined && { series }) };
    return { seq, json: gapEnvelope(this.#prefix, seq, time, { from, to, reason, ...known }) };
  }
}
