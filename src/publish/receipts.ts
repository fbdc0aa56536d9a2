/** What a look at the stream tells of it. */
export interface StreamSeen {
  /** When it was made, as the server writes it; another one means another stream of the same name. */
  readonly created: string;
  /** Sequence of its last message: a purge leaves it as it is. */
  readonly lastSequence: number;
}

/** What was acknowledged last, by the stream's order. */
export interface Receipt {
  /** Highest sequence of the stream that was acknowledged; 0 for none. */
  readonly sequence: number;
  /** `seq` of the record whose message got it; 0 if that is not known. */
  readonly record: number;
}

/** How far publishing was at some moment. */
export interface Moment extends Receipt {
  /** Monotonic time in milliseconds. */
  readonly at: number;
  /** By lane: every record of it up to here was acknowledged, with this sequence or a lower one. */
  readonly cursors: ReadonlyMap<number, number>;
}

export interface ReceiptsOptions {
  /** How far back it is remembered what was acknowledged, in milliseconds: as long as a stream of ours knows ids. */
  readonly windowMs: number;
  /** Between two moments that are remembered, in milliseconds; bounds them to `windowMs / everyMs` + 2. */
  readonly everyMs: number;
}

export const RECEIPTS_DEFAULTS: ReceiptsOptions = { windowMs: 600_000, everyMs: 1000 };

/** Messages that may have been given a sequence between the first after a loss and the one whose answer we hear first. */
const UNHEARD = 1024;

/**
 * Remembers for some minutes how far publishing was, that what the stream acknowledged and lost can be sent again: a
 * server whose host lost its power, a directory restored from an older copy, a cluster that elected who did not know, a
 * stream that was deleted.
 */
export class Receipts {
  readonly #options: ReceiptsOptions;
  #moments: Moment[];
  #created: string | undefined;
  /** The stream holds nothing of what it acknowledged behind this sequence, as an answer has shown. */
  #heldAtMost = Number.POSITIVE_INFINITY;

  /** @param start where publishing begins: nothing is known of what was acknowledged before */
  constructor(options: ReceiptsOptions, start: Omit<Moment, keyof Receipt>) {
    this.#options = options;
    this.#moments = [{ ...start, sequence: 0, record: 0 }];
  }

  /** What was acknowledged last at the moments that are remembered, the oldest first. */
  get remembered(): readonly Receipt[] {
    return this.#moments;
  }

  /** Moments that are remembered. */
  get size(): number {
    return this.#moments.length;
  }

  /** Notes where publishing is, unless that was done just now or nothing was acknowledged since. */
  note(at: number, { sequence, record }: Receipt, cursors: () => ReadonlyMap<number, number>): void {
    const { windowMs, everyMs } = this.#options;
    const last = this.#moments.at(-1);
    const isNew = last === undefined || (sequence > last.sequence && at - last.at >= everyMs);
    if (isNew && !this.isDoubted) this.#moments.push({ at, sequence, record, cursors: cursors() });
    // What was so when the window began is the last moment before it.
    const first = this.#moments.findLastIndex((moment) => moment.at <= at - windowMs);
    if (first > 0) this.#moments.splice(0, first);
  }

  /** A message was given a sequence which one before it had already been acknowledged with: that one is gone. */
  doubt(sequence: number): void {
    this.#heldAtMost = Math.min(this.#heldAtMost, sequence - 1 - UNHEARD);
  }

  /** Whether something was lost, and it is not yet decided what is sent again. */
  get isDoubted(): boolean {
    return this.#heldAtMost !== Number.POSITIVE_INFINITY;
  }

  /**
   * What to do about a stream that was looked at: undefined if it has what it acknowledged, else the moment from which on
   * everything is to be sent again. The stream is as it is from now on.
   *
   * @param stream undefined if there is no time for a look
   * @param acknowledged highest sequence that was acknowledged before it was looked at
   */
  judge(stream: StreamSeen | undefined, acknowledged: number): Moment | undefined {
    const { isDoubted } = this;
    const created = stream?.created ?? this.#created;
    const isAnother = this.#created !== undefined && this.#created !== created;
    const held = isAnother ? 0 : Math.min(this.#heldAtMost, stream?.lastSequence ?? Number.POSITIVE_INFINITY);
    this.#created = created;
    this.#heldAtMost = Number.POSITIVE_INFINITY;
    // A doubt may have come up while the stream was being looked at: it needs no other proof.
    if (!isAnother && !isDoubted && acknowledged <= held) return undefined;
    const index = Math.max(0, isAnother ? 0 : lastWithin(this.#moments, held));
    const chosen = this.#moments[index];
    if (chosen === undefined) throw new RangeError('no moment is remembered');
    const isHeld = chosen.sequence <= held;
    const back = isHeld ? chosen : { ...chosen, sequence: Math.max(0, held), record: 0 };
    this.#moments = [...this.#moments.slice(0, index), back];
    return back;
  }
}

/** Index of the last moment at which nothing behind this sequence was acknowledged; -1 if there is none. */
export function lastWithin(moments: readonly Pick<Moment, 'sequence'>[], held: number): number {
  return moments.findLastIndex(({ sequence }) => sequence <= held);
}
