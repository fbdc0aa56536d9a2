import type { Clock } from '../lib/clock.ts';
import type { Backlog } from './backlog.ts';
import type { Outbox } from './outbox.ts';

export type Cursors = readonly (readonly [lane: number, seq: number])[];

export interface CursorKeeperOptions {
  /** Acknowledgements are stored this often at most. */
  readonly storeMs: number;
  /** So often the cursors of lanes that had nothing to send are moved up too, that a restart need not look so far back. */
  readonly idleMs: number;
}

export const CURSOR_DEFAULTS: CursorKeeperOptions = { storeMs: 100, idleMs: 10_000 };

/** Has the cursors of lanes stored: those that moved, one request at a time. */
export class CursorKeeper {
  readonly #options: CursorKeeperOptions;
  readonly #backlog: Backlog;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #store: (cursors: Cursors) => Promise<boolean>;
  readonly #stored: Map<number, number>;
  /** Moved and not yet stored. */
  readonly #moved = new Map<number, number>();
  #storing: Promise<void> | undefined;
  /** How often lanes went back. */
  #rewinds = 0;
  #allAt: number;
  #cancel: () => void = () => {};

  /** @param deps.store resolves with whether they are stored; what is not is asked for again */
  constructor(
    options: CursorKeeperOptions & { readonly cursors: ReadonlyMap<number, number> },
    deps: {
      readonly backlog: Backlog;
      readonly outbox: Outbox;
      readonly clock: Clock;
      readonly store: (cursors: Cursors) => Promise<boolean>;
    },
  ) {
    this.#options = options;
    this.#backlog = deps.backlog;
    this.#outbox = deps.outbox;
    this.#clock = deps.clock;
    this.#store = deps.store;
    this.#stored = new Map(options.cursors);
    this.#allAt = deps.clock.monotonic() + options.idleMs;
  }

  start(): void {
    this.#cancel = this.#clock.after(this.#options.storeMs, () => {
      this.#collect(this.#clock.monotonic() >= this.#allAt);
      this.#send();
      this.start();
    });
  }

  /** Has everything stored; nothing is sent any more. */
  async stop(): Promise<void> {
    this.#cancel();
    await this.#storing;
    this.#collect(true);
    this.#send();
    await this.#storing;
  }

  /** Lanes went back: what was to be stored is too far, and where they are now is stored next. */
  rewind(): void {
    this.#rewinds += 1;
    this.#moved.clear();
    this.#allAt = Number.NEGATIVE_INFINITY;
    this.#collect(true);
    this.#send();
  }

  #collect(all: boolean): void {
    for (const [lane, seq] of this.#outbox.acknowledged()) this.#note(lane, seq);
    if (!all) return;
    this.#allAt = this.#clock.monotonic() + this.#options.idleMs;
    for (const [lane, seq] of this.#backlog.cursors) this.#note(lane, seq);
  }

  #note(lane: number, seq: number): void {
    if (seq !== (this.#stored.get(lane) ?? 0)) this.#moved.set(lane, seq);
    else this.#moved.delete(lane);
  }

  #send(): void {
    if (this.#storing !== undefined || this.#moved.size === 0) return;
    const cursors = [...this.#moved];
    this.#moved.clear();
    this.#storing = this.#run(cursors);
  }

  async #run(cursors: Cursors): Promise<void> {
    const rewinds = this.#rewinds;
    const isStored = await this.#store(cursors);
    this.#storing = undefined;
    for (const [lane, seq] of cursors) {
      if (isStored) this.#stored.set(lane, seq);
      // What moved on meanwhile is further. What went back is asked for below.
      else if (!this.#moved.has(lane) && rewinds === this.#rewinds) this.#moved.set(lane, seq);
    }
    if (rewinds === this.#rewinds) return;
    this.#collect(true);
    this.#send();
  }
}
