import type { Arrears } from './arrears.ts';
import { type OutgoingRecord, weightOf } from './record.ts';

/** A record that was sent and is not yet answered for, or is to be sent again. */
export interface Flight {
  readonly record: OutgoingRecord;
  /** Tries that failed. */
  failures: number;
  /** Monotonic time of the last try; undefined while none is under way. */
  sentAt: number | undefined;
  /** What the stream had acknowledged when it was first sent: what it gets is higher. */
  readonly floor: number;
}

/**
 * Records that go out one after the other: those of the machines that hash to it. Those waiting are in the order of
 * their seqs.
 */
export class Lane {
  readonly number: number;
  /** Records up to here were acknowledged before we started: they are not sent again. */
  #start: number;
  flight: Flight | undefined;
  /** What the lane has to read by itself, because it was full when it came by. */
  arrears: Arrears | undefined;
  #queue: OutgoingRecord[] = [];
  /** Where the queue begins in its array. */
  #first = 0;
  #bytes = 0;

  constructor(number: number, start: number) {
    this.number = number;
    this.#start = start;
  }

  get start(): number {
    return this.#start;
  }

  /** Forgets all that it holds: what comes after `start` is handed to it anew. */
  restart(start: number): void {
    this.#start = start;
    this.flight = undefined;
    this.arrears = undefined;
    this.#queue = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  /** Records waiting, without the one in flight. */
  get length(): number {
    return this.#queue.length - this.#first;
  }

  /** What they take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  push(record: OutgoingRecord): void {
    this.#queue.push(record);
    this.#bytes += weightOf(record);
  }

  shift(): OutgoingRecord | undefined {
    const record = this.#queue[this.#first];
    if (record === undefined) return undefined;
    this.#first++;
    this.#bytes -= weightOf(record);
    if (this.#first === this.#queue.length || this.#first > 1024) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    return record;
  }

  /** The oldest record that is not acknowledged, of those in memory. */
  get oldest(): OutgoingRecord | undefined {
    return this.flight?.record ?? this.#queue[this.#first];
  }

  /**
   * Everything of the lane up to this seq is acknowledged.
   * @param position seq up to which records were handed to lanes
   */
  cursor(position: number): number {
    const next = this.oldest?.seq ?? this.arrears?.next;
    return Math.max(this.#start, next === undefined ? position : next - 1);
  }
}
