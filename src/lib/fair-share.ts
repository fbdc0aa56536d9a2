import type { Clock } from './clock.ts';

/** A connection, as far as it matters who has how many. */
export interface Held {
  /** What counts as one source. */
  readonly network: string;
  /** `stream`: it carries something that lasts. */
  readonly use: 'idle' | 'call' | 'stream';
}

/** So many are given up at once: then as many newcomers come for one look at all. */
const BATCH = 64;
/** For so long nobody looks again, milliseconds, when there was nothing to be had. */
const RESPITE_MS = 1_000;

/**
 * Who goes when there is no room for a newcomer: connections of the source that has most, so that none can take all. The
 * oldest idle one goes first, then ones with a call; what lasts stays. A source that has most itself gets no further one,
 * and nobody loses one to a source that would have as many then.
 */
export class FairShare {
  readonly #clock: Clock;
  /** Newcomers that are refused without a look until then: those of these sources, or all. */
  readonly #refused = new Set<string>();
  #areAllRefused = false;
  #until = Number.NEGATIVE_INFINITY;

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  /**
   * Those that go for a newcomer from `network`; none if it has to go itself.
   * @param held all, the oldest first
   */
  makeRoom<T extends Held>(network: string, held: () => Iterable<T>): T[] {
    const now = this.#clock.monotonic();
    if (now >= this.#until) {
      this.#refused.clear();
      this.#areAllRefused = false;
    }
    if (this.#areAllRefused || this.#refused.has(network)) return [];
    const all = [...held()];
    const { largest, most, own } = count(all, network);
    // Where each has one alone, nobody gets any.
    if (largest === network) return this.#refuse(most > 1 ? network : undefined, now);
    const room = Math.min(BATCH, Math.floor((most - own) / 2));
    const going = room < 1 ? [] : choose(all, largest, room);
    return going.length === 0 ? this.#refuse(undefined, now) : going;
  }

  #refuse(network: string | undefined, now: number): [] {
    if (now >= this.#until) this.#until = now + RESPITE_MS;
    if (network === undefined) this.#areAllRefused = true;
    else this.#refused.add(network);
    return [];
  }
}

function count(all: readonly Held[], newcomer: string) {
  const counts = new Map<string, number>();
  let largest = '';
  let most = 0;
  for (const { network } of all) {
    const number = (counts.get(network) ?? 0) + 1;
    counts.set(network, number);
    if (number > most) {
      most = number;
      largest = network;
    }
  }
  const own = counts.get(newcomer) ?? 0;
  // Of two that have as many, it is the newcomer's that has enough.
  return { largest: own === most ? newcomer : largest, most, own };
}

function choose<T extends Held>(all: readonly T[], network: string, room: number): T[] {
  const idle: T[] = [];
  const calling: T[] = [];
  for (const one of all) {
    if (one.network !== network) continue;
    if (one.use === 'idle') idle.push(one);
    else if (one.use === 'call') calling.push(one);
    if (idle.length >= room) break;
  }
  return idle.length > 0 ? idle.slice(0, room) : calling.slice(0, 1);
}
