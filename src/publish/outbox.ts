import type { Clock } from '../lib/clock.ts';
import type { Backlog } from './backlog.ts';
import type { Flight, Lane } from './lane.ts';
import { type Message, type MessageOptions, messageOf } from './message.ts';
import type { Receipt } from './receipts.ts';
import type { Answer, Refusal, Wire } from './wire.ts';

export interface OutboxOptions extends MessageOptions {
  /** A message that is not answered for so long is sent again. */
  readonly answerMs: number;
  /** A message that was refused is sent again after this, doubled with every refusal, up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** Bytes sent and not yet answered for, over all lanes; a message is sent whatever its size if nothing else is. */
  readonly maxFlyingBytes: number;
}

export const OUTBOX_DEFAULTS = {
  answerMs: 5000,
  retryMs: 100,
  retryMaxMs: 10_000,
  maxFlyingBytes: 16 * 1024 * 1024,
} as const;

type Stored = Extract<Answer, { stored: true }>;

/** How often lanes are looked through for what is late or due. */
const TICK_MS = 50;

/** What is told as it happens. */
export interface OutboxEvents {
  /** `ms`: from the last try to its answer; undefined if an earlier try was answered. */
  published(duplicate: boolean, isMarker: boolean, ms: number | undefined): void;
  /**
   * A new message got a sequence that is not above what was acknowledged before it was sent, so what was acknowledged is
   * lost. It is not taken for stored itself.
   */
  lost(sequence: number): void;
  /** Will be sent again. */
  refused(reason: Refusal, message: string, subject: string): void;
}

export interface OutboxDeps {
  readonly backlog: Pick<Backlog, 'lanes' | 'position' | 'take' | 'step'>;
  readonly clock: Clock;
  readonly events: OutboxEvents;
  /** 0 … 1, to spread tries. */
  readonly random: () => number;
  /** Runs later, after what has come in meanwhile. */
  readonly defer: (callback: () => void) => void;
}

/**
 * Sends what the backlog has, one message in flight per lane, until each is acknowledged: a lane goes on to its next
 * record only then, so order within it outlives any failure.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #deps: OutboxDeps;
  /** Lanes with something to send that wait for room, the one that waits longest first. */
  readonly #ready = new Set<Lane>();
  /** Lanes whose message was refused, and when it is due again. */
  readonly #due = new Map<Lane, number>();
  /** Lanes that had an acknowledgement since the last call of `acknowledged`. */
  readonly #acknowledged = new Set<Lane>();
  readonly #weights = new Map<Lane, { readonly bytes: number; readonly isMarker: boolean }>();
  #wire: Wire | undefined;
  #flyingBytes = 0;
  #newest: Receipt = { sequence: 0, record: 0 };
  #isDue = false;
  #isStopped = false;
  #cancelTick: () => void = () => {};
  #onLanded: () => void = () => {};

  constructor(options: OutboxOptions, deps: OutboxDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** What was acknowledged with the highest sequence. */
  get newest(): Receipt {
    return this.#newest;
  }

  /** Lanes went back, and the stream has nothing behind this. To be followed by `connect`. */
  rewind({ sequence, record }: Receipt): void {
    this.disconnect();
    this.#newest = { sequence, record };
    this.#ready.clear();
    this.#due.clear();
    this.#acknowledged.clear();
  }

  /** Messages sent and not yet answered for. */
  get flying(): number {
    return this.#weights.size;
  }

  /** Records out of the backlog that are not acknowledged: in flight, or to be sent again. */
  get unanswered(): number {
    return this.#deps.backlog.lanes.reduce((sum, { flight }) => sum + (flight === undefined ? 0 : 1), 0);
  }

  /** There is a connection, and the stream on it is as it must be: sends, again what was not answered for first. */
  connect(wire: Wire): void {
    if (this.#isStopped) return;
    this.disconnect();
    this.#wire = wire;
    this.#due.clear();
    for (const lane of this.#deps.backlog.lanes)
      if (lane.flight !== undefined || lane.length > 0) this.#ready.add(lane);
    this.#soon();
    this.#tickLater();
  }

  /** Nothing can be sent, and what is in flight may or may not be stored. */
  disconnect(): void {
    if (this.#wire === undefined) return;
    this.#wire = undefined;
    this.#cancelTick();
    for (const lane of this.#weights.keys()) {
      const { flight } = lane;
      if (flight === undefined) continue;
      flight.sentAt = undefined;
      this.#deps.events.refused('disconnected', '', flight.record.subject);
    }
    this.#weights.clear();
    this.#flyingBytes = 0;
    this.#onLanded();
  }

  /** The backlog may have something to read. */
  read(): void {
    this.#soon();
  }

  /** A lane got records. */
  filled(lane: Lane): void {
    if (lane.flight === undefined) this.#ready.add(lane);
  }

  answered(number: number, seq: number, answer: Answer): void {
    const lane = this.#deps.backlog.lanes[number];
    const flight = lane?.flight;
    // Of an earlier try of what is acknowledged already.
    if (lane === undefined || flight === undefined || flight.record.seq !== seq) return;
    if (answer.stored && !answer.duplicate && answer.sequence <= flight.floor) {
      this.#deps.events.lost(answer.sequence);
      return;
    }
    if (answer.stored) this.#stored(lane, flight, answer);
    else if (flight.sentAt !== undefined) this.#refused(lane, flight, answer.reason, answer.message);
    this.#soon();
  }

  /** The server refuses to take messages of this subject from us; it does not say which. */
  forbidden(subject: string, message: string): void {
    for (const lane of [...this.#weights.keys()]) {
      const { flight } = lane;
      if (flight?.record.subject !== subject || flight.sentAt === undefined) continue;
      this.#refused(lane, flight, 'permission', message);
    }
  }

  /** The cursors of lanes that had an acknowledgement since the last call. */
  acknowledged(): ReadonlyMap<number, number> {
    const { position } = this.#deps.backlog;
    const cursors = new Map([...this.#acknowledged].map((lane) => [lane.number, lane.cursor(position)]));
    this.#acknowledged.clear();
    return cursors;
  }

  /** Sends nothing new; resolves when nothing is in flight. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#weights.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onLanded = () => this.#weights.size === 0 && resolve();
    });
  }

  /** Reads a page and sends what is ready, after the answers that came in together: they are sent together too. */
  #soon(): void {
    if (this.#isDue || this.#wire === undefined || this.#isStopped) return;
    this.#isDue = true;
    this.#deps.defer(() => {
      this.#isDue = false;
      if (this.#wire === undefined || this.#isStopped) return;
      this.#send();
      if (!this.#deps.backlog.step()) return;
      this.#send();
      this.#soon();
    });
  }

  #send(): void {
    const wire = this.#wire;
    if (wire === undefined || this.#isStopped) return;
    const { maxFlyingBytes } = this.#options;
    for (const lane of this.#ready) {
      if (this.#flyingBytes >= maxFlyingBytes) return;
      this.#ready.delete(lane);
      if (lane.flight === undefined) {
        const record = this.#deps.backlog.take(lane);
        if (record === undefined) continue;
        lane.flight = { record, failures: 0, sentAt: undefined, floor: this.#newest.sequence };
      }
      if (lane.flight.sentAt !== undefined) continue;
      const message = messageOf(lane.flight.record, wire.maxBytes, this.#options);
      if (message.bytes > wire.maxBytes) {
        this.#later(lane, lane.flight);
        this.#deps.events.refused('too_large', `the server takes ${wire.maxBytes} bytes`, message.subject);
        continue;
      }
      this.#launch(wire, lane, lane.flight, message);
    }
  }

  #launch(wire: Wire, lane: Lane, flight: Flight, message: Message): void {
    flight.sentAt = this.#deps.clock.monotonic();
    const { bytes, isMarker } = message;
    this.#weights.set(lane, { bytes, isMarker });
    this.#flyingBytes += bytes;
    wire.send(lane.number, flight.record.seq, message);
  }

  #stored(lane: Lane, flight: Flight, { duplicate, sequence }: Stored): void {
    const isMarker = this.#landed(lane);
    const ms = flight.sentAt === undefined ? undefined : this.#deps.clock.monotonic() - flight.sentAt;
    lane.flight = undefined;
    if (sequence > this.#newest.sequence) this.#newest = { sequence, record: flight.record.seq };
    this.#due.delete(lane);
    this.#acknowledged.add(lane);
    if (lane.length > 0) this.#ready.add(lane);
    else this.#ready.delete(lane);
    this.#deps.events.published(duplicate, isMarker, ms);
    this.#onLanded();
  }

  #refused(lane: Lane, flight: Flight, reason: Refusal, message: string): void {
    this.#landed(lane);
    flight.sentAt = undefined;
    this.#later(lane, flight);
    this.#deps.events.refused(reason, message, flight.record.subject);
    this.#onLanded();
  }

  #later(lane: Lane, flight: Flight): void {
    const { retryMs, retryMaxMs } = this.#options;
    const longest = Math.min(retryMaxMs, retryMs * 2 ** Math.min(flight.failures, 30));
    flight.failures++;
    this.#due.set(lane, this.#deps.clock.monotonic() + longest * (0.5 + this.#deps.random() / 2));
  }

  /** Whether it was a marker. */
  #landed(lane: Lane): boolean {
    const weight = this.#weights.get(lane);
    this.#weights.delete(lane);
    this.#flyingBytes -= weight?.bytes ?? 0;
    return weight?.isMarker ?? false;
  }

  #tickLater(): void {
    this.#cancelTick = this.#deps.clock.after(TICK_MS, () => {
      this.#tick();
      if (this.#wire !== undefined) this.#tickLater();
    });
  }

  #tick(): void {
    const now = this.#deps.clock.monotonic();
    for (const lane of [...this.#weights.keys()]) {
      const { flight } = lane;
      if (flight?.sentAt === undefined || now - flight.sentAt < this.#options.answerMs) continue;
      this.#refused(lane, flight, 'timeout', `no answer within ${this.#options.answerMs} ms`);
    }
    for (const [lane, at] of this.#due) {
      if (at > now) continue;
      this.#due.delete(lane);
      this.#ready.add(lane);
    }
    this.#send();
  }
}
