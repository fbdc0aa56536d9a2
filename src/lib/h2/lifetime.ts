import type { Clock } from '../clock.ts';
import { NOT_TIMED, type Timed, type Wheel } from './wheel.ts';

/** How long a connection may do what, milliseconds. */
export interface Lifetimes {
  /** From its first turn to its first frame. */
  readonly greetingMs: number;
  /** From one ping to the next. */
  readonly pingEveryMs: number;
  /** From a ping to its answer, or any other word. */
  readonly pingTimeoutMs: number;
  /** Without a stream. */
  readonly idleMs: number;
  /** From our last word to the peer's. */
  readonly farewellMs: number;
}

/** What a connection does when its time has come. */
export interface Mortal {
  /** It has a stream. */
  readonly isBusy: boolean;
  sendPing(): void;
  /** It was idle for long. */
  retire(): void;
  /** The peer is not there, or does not keep to what is asked of it. */
  lose(reason: 'silent' | 'dead' | 'farewell'): void;
}

/** Connections that began together are not pinged together: there are so many beginnings. */
const PHASES = 64;
let phase = 0;

/** Notices that a peer never speaks, is gone without a word, has nothing to ask, or does not go. */
export class Lifetime implements Timed {
  tick = NOT_TIMED;
  readonly #owner: Mortal;
  readonly #times: Lifetimes;
  readonly #wheel: Wheel;
  readonly #clock: Clock;
  #state: 'greeting' | 'open' | 'farewell' = 'greeting';
  /** Of the next ping; with `#isPinged` of the end of patience. */
  #pingAt = 0;
  #isPinged = false;
  #idleSince = 0;

  constructor(owner: Mortal, times: Lifetimes, deps: { readonly wheel: Wheel; readonly clock: Clock }) {
    this.#owner = owner;
    this.#times = times;
    this.#wheel = deps.wheel;
    this.#clock = deps.clock;
    this.#wheel.schedule(this, times.greetingMs);
  }

  /** The peer has spoken. */
  open(): void {
    const now = this.#now();
    this.#state = 'open';
    phase = (phase + 1) % PHASES;
    this.#pingAt = now + Math.floor(this.#times.pingEveryMs * (1 - phase / (4 * PHASES)));
    this.#idleSince = now;
    this.#schedule(now);
  }

  /** The last stream is over. */
  idle(): void {
    if (this.#state !== 'open') return;
    this.#idleSince = this.#now();
    if (this.#times.idleMs !== Number.POSITIVE_INFINITY) this.#schedule(this.#idleSince);
  }

  /** The peer has said something. */
  heard(): void {
    if (!this.#isPinged) return;
    const now = this.#now();
    this.#isPinged = false;
    this.#pingAt = now + this.#times.pingEveryMs;
    this.#schedule(now);
  }

  /** We say no more; the peer has `farewellMs`. */
  farewell(): void {
    this.#state = 'farewell';
    this.#wheel.schedule(this, this.#times.farewellMs);
  }

  /** The connection is closed. */
  end(): void {
    this.#wheel.cancel(this);
  }

  due(): void {
    const now = this.#now();
    if (this.#state === 'farewell') {
      this.#owner.lose('farewell');
      return;
    }
    if (this.#state === 'greeting') {
      this.#owner.lose('silent');
      return;
    }
    if (now >= this.#pingAt) {
      if (this.#isPinged) {
        this.#owner.lose('dead');
        return;
      }
      this.#isPinged = true;
      this.#pingAt = now + this.#times.pingTimeoutMs;
      this.#owner.sendPing();
    }
    if (!this.#owner.isBusy && now - this.#idleSince >= this.#times.idleMs) {
      this.#owner.retire();
      return;
    }
    this.#schedule(now);
  }

  #schedule(now: number): void {
    const idleAt = this.#owner.isBusy ? Number.POSITIVE_INFINITY : this.#idleSince + this.#times.idleMs;
    this.#wheel.schedule(this, Math.min(this.#pingAt, idleAt) - now);
  }

  /** Whole milliseconds: they take less memory than fractions. */
  #now(): number {
    return Math.ceil(this.#clock.monotonic());
  }
}
