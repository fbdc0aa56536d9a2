import { LANES, laneOf } from '../domain/lane.ts';
import type { RenderedRecord } from '../stream/types.ts';
import { Lane } from './lane.ts';
import { Outbox, type OutboxDeps, type OutboxOptions } from './outbox.ts';
import { cutEnvelope, type OutgoingRecord } from './record.ts';
import type { Answer, Refusal, Wire } from './wire.ts';

/** What is sent again leaves most of what may be in flight to what is new. */
export const REPLAY_FLYING_BYTES = 4 * 1024 * 1024;

/** What became of a page. */
export interface ReplayCounts {
  /** Records that the stream had already: it knew their ids. */
  readonly duplicates: number;
  /** Records that were too large and went out as markers. */
  readonly truncated: number;
}

export interface ReplayDeps extends Pick<OutboxDeps, 'clock' | 'random' | 'defer'> {
  readonly refused: (reason: Refusal, message: string, subject: string) => void;
  /** A page is acknowledged to its last record. */
  readonly done: (counts: ReplayCounts) => void;
}

/**
 * Sends records again that were published before, a page at a time: on lanes of its own over the publisher's connection,
 * so in the order of each machine, and as stubbornly. No cursor is stored.
 */
export class Replay {
  readonly #prefixLength: number;
  readonly #deps: ReplayDeps;
  readonly #outbox: Outbox;
  /** Their numbers follow those of the publisher, which has the same connection. */
  readonly #lanes: readonly Lane[] = Array.from({ length: LANES }, (_, number) => new Lane(LANES + number, 0));
  #left = 0;
  #duplicates = 0;
  #truncated = 0;

  constructor(options: OutboxOptions & { readonly prefix: string }, deps: ReplayDeps) {
    this.#prefixLength = options.prefix.length;
    this.#deps = deps;
    this.#outbox = new Outbox(options, {
      ...deps,
      // Pages come from elsewhere: there is never more to read.
      backlog: { lanes: this.#lanes, position: 0, take: (lane) => lane.shift(), step: () => false },
      events: {
        published: (isDuplicate, isMarker) => this.#published(isDuplicate, isMarker),
        // The publisher's own messages show that too.
        lost: () => {},
        refused: deps.refused,
      },
    });
  }

  connect(wire: Wire): void {
    this.#outbox.connect(wire);
  }

  /** Also ends it for good: nothing is sent, and no timer runs. */
  disconnect(): void {
    this.#outbox.disconnect();
  }

  /** @param lane as it was given to the wire */
  answered(lane: number, seq: number, answer: Answer): void {
    this.#outbox.answered(lane - LANES, seq, answer);
  }

  forbidden(subject: string, message: string): void {
    this.#outbox.forbidden(subject, message);
  }

  /** The next page, of one record at least; the one before is acknowledged. */
  send(page: readonly RenderedRecord[]): void {
    this.#left = page.length;
    this.#duplicates = 0;
    this.#truncated = 0;
    for (const rendered of page) {
      const record = cutEnvelope(rendered, this.#prefixLength);
      const lane = this.#laneOf(record);
      lane.push(record);
      this.#outbox.filled(lane);
    }
    this.#outbox.read();
  }

  #laneOf({ machine }: OutgoingRecord): Lane {
    // The token of records without a machine stands for an empty UUID.
    const lane = this.#lanes[laneOf(machine === '_' ? '' : machine)];
    if (lane === undefined) throw new RangeError('no such lane');
    return lane;
  }

  #published(isDuplicate: boolean, isMarker: boolean): void {
    if (isDuplicate) this.#duplicates++;
    if (isMarker) this.#truncated++;
    this.#left--;
    if (this.#left === 0) this.#deps.done({ duplicates: this.#duplicates, truncated: this.#truncated });
  }
}
