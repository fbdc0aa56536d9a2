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

  #collect(all: boolean): void {
    for (const [lane, seq] of this.#outbox.acknowledged()) this.#note(lane, seq);
    if (!all) return;
    this.#allAt = this.#clock.monotonic() + this.#options.idleMs;
    const { lanes, position } = this.#backlog;
    for (const lane of lanes) this.#note(lane.number, lane.cursor(position));
  }

  #note(lane: number, seq: number): void {
    if (seq > (this.#stored.get(lane) ?? 0)) this.#moved.set(lane, seq);
  }

  #send(): void {
    if (this.#storing !== undefined || this.#moved.size === 0) return;
    const cursors = [...this.#moved];
    this.#moved.clear();
    this.#storing = this.#run(cursors);
  }

  async #run(cursors: Cursors): Promise<void> {
    const isStored = await this.#store(cursors);
    for (const [lane, seq] of cursors) {
      if (isStored) this.#stored.set(lane, seq);
      // What moved on meanwhile is further.
      else if (!this.#moved.has(lane)) this.#moved.set(lane, seq);
    }
    this.#storing = undefined;
  }
}
