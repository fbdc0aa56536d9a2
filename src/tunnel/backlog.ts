import type { Clock } from '../lib/clock.ts';

export interface BacklogOptions {
  /** Bytes that wait for all machines together. */
  readonly maxBytes: number;
  /** Bytes of one machine that may wait whatever waits for others. */
  readonly assuredBytes: number;
}

/** A stream as far as it is counted. */
export interface Unsent {
  readonly unsent: number;
}

/** So long a count is good, milliseconds: what was added since is known, what was taken since is not. */
const COUNT_MS = 100;

/**
 * Whether there is room for packets that machines do not take: each may have some waiting, but not all of them as much as
 * one. Nobody tells when a machine takes something, so it is counted when somebody asks who has more than is assured.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  readonly #streams: () => Iterable<Unsent>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #countedAt = Number.NEGATIVE_INFINITY;
  #bytes = 0;

  constructor(
    options: BacklogOptions,
    deps: { readonly streams: () => Iterable<Unsent>; readonly clock: Pick<Clock, 'monotonic'> },
  ) {
    this.#options = options;
    this.#streams = deps.streams;
    this.#clock = deps.clock;
  }

  /** Whether `bytes` more may wait for a machine. */
  takes(stream: Unsent, bytes: number): boolean {
    if (stream.unsent + bytes <= this.#options.assuredBytes) return true;
    this.#count();
    if (this.#bytes + bytes > this.#options.maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  #count(): void {
    const now = this.#clock.monotonic();
    if (now - this.#countedAt < COUNT_MS) return;
    this.#countedAt = now;
    this.#bytes = 0;
    for (const { unsent } of this.#streams()) this.#bytes += unsent;
  }
}
