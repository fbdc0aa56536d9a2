export interface PacketBudgetOptions {
  /** Packets of one stream in a second. */
  readonly each: number;
  /** Packets of all streams in a second. */
  readonly all: number;
  /**
   * Packets of one stream in a second that are passed on although the others have spent what all may; of all streams no
   * more than as many again as all may.
   */
  readonly assured: number;
}

/** What one stream has spent. */
export interface Account {
  slice: number;
  spent: number;
}

/** Of what is counted together, milliseconds; and so long a stream that has spent its share is read no further. */
export const SLICE_MS = 10;

/**
 * How many packets the streams may bring in, so that no machine keeps the others, or all else that the event loop does,
 * from their turn. Nothing is dropped: a stream that is not read is held up by HTTP/2's flow control.
 */
export class PacketBudget {
  readonly #each: number;
  readonly #all: number;
  readonly #assured: number;
  #slice = 0;
  #spent = 0;
  /** Of these, packets on top of what all may. */
  #onTop = 0;

  constructor({ each, all, assured }: PacketBudgetOptions) {
    this.#each = inSlice(each);
    this.#all = inSlice(all);
    this.#assured = inSlice(assured);
  }

  /** Counts a packet. Whether the stream may bring another one in this slice. `now`: monotonic milliseconds. */
  spend(account: Account, now: number): boolean {
    const slice = Math.floor(now / SLICE_MS);
    if (this.#slice !== slice) {
      this.#slice = slice;
      this.#spent = 0;
      this.#onTop = 0;
    }
    if (account.slice !== slice) {
      account.slice = slice;
      account.spent = 0;
    }
    account.spent += 1;
    this.#spent += 1;
    if (account.spent >= this.#each) return false;
    if (this.#spent < this.#all) return true;
    if (account.spent >= this.#assured || this.#onTop >= this.#all) return false;
    this.#onTop += 1;
    return true;
  }
}

/** So many a second are so many in a slice, at least one. */
export function inSlice(perSecond: number): number {
  return Math.max(1, Math.floor((perSecond * SLICE_MS) / 1_000));
}
