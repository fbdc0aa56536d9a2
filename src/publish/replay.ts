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
  /** By lane of the publisher: every record of it up to here is in the stream. */
  readonly published: (lane: number) => number;
}

/** How often it is looked whether what goes out for the first time has done so. */
const AWAIT_MS = 50;

/**
 * Sends records again that were published before, a page at a time: on lanes of its own over the publisher's connection,
 * so in the order of each machine, and as stubbornly. No cursor is stored. What the publisher has not published yet would
 * overtake what comes before it: that goes out in its turn, which is waited for.
 */
export class Replay {
  readonly #prefixLength: number;
  readonly #deps: ReplayDeps;
  readonly #outbox: Outbox;
  /** Their numbers follow those of the publisher, which has the same connection. */
  readonly #lanes: readonly Lane[] = Array.from({ length: LANES }, (_, number) => new Lane(LANES + number, 0));
  /** By lane of the publisher: how many records, up to which, go out for the first time. */
  readonly #awaited = new Map<number, { count: number; through: number }>();
  #cancelAwait: () => void = () => {};
  #left = 0;
  #duplicates = 0;
  #truncated = 0;

  constructor(options: OutboxOptions & { readonly prefix: string }, deps: ReplayDeps) {
    this.#prefixLength = options.prefix.length;
    this.#deps = deps;
    this.#outbox = new Outbox(options, {
      ...deps,
      // Pages come from elsewhere: there is never more to read.
      backlog: { lanes: this.#lanes, position: 0, take: (lane) => this.#take(lane), step: () => false },
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
    this.#awaitLater();
  }

  /** The publisher's lanes went back, so it sends some of this itself; the stream has nothing behind this sequence. */
  rewind(sequence: number): void {
    this.#outbox.rewind({ sequence, record: 0 });
    for (const lane of this.#lanes) {
      const { flight } = lane;
      if (flight === undefined || this.#isPublished(lane, flight.record)) continue;
      lane.flight = undefined;
      this.#await(lane, flight.record);
    }
  }

  /** Also ends it for good: nothing is sent, and no timer runs. */
  disconnect(): void {
    this.#outbox.disconnect();
    this.#cancelAwait();
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

  #take(lane: Lane): OutgoingRecord | undefined {
    for (;;) {
      const record = lane.shift();
      if (record === undefined || this.#isPublished(lane, record)) return record;
      this.#await(lane, record);
    }
  }

  #isPublished({ number }: Lane, { seq }: OutgoingRecord): boolean {
    return seq <= this.#deps.published(number - LANES);
  }

  #await({ number }: Lane, { seq }: OutgoingRecord): void {
    const awaited = this.#awaited.get(number - LANES) ?? { count: 0, through: 0 };
    this.#awaited.set(number - LANES, awaited);
    awaited.count += 1;
    awaited.through = Math.max(awaited.through, seq);
  }

  #awaitLater(): void {
    this.#cancelAwait();
    this.#cancelAwait = this.#deps.clock.after(AWAIT_MS, () => {
      this.#awaitLater();
      for (const [lane, { count, through }] of this.#awaited) {
        if (through > this.#deps.published(lane)) continue;
        this.#awaited.delete(lane);
        this.#acknowledged(count);
      }
    });
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
    this.#acknowledged(1);
  }

  #acknowledged(count: number): void {
    this.#left -= count;
    if (this.#left === 0) this.#deps.done({ duplicates: this.#duplicates, truncated: this.#truncated });
  }
}
