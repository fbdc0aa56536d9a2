import { SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { Turnstile } from '../lib/turnstile.ts';
import type { PeerChange } from './types.ts';

export interface BatcherOptions {
  /** How long the first change of a batch waits for others, in milliseconds. */
  readonly windowMs: number;
  /**
   * How long it waits when `busyFrom` have come by then and more come in each `windowMs`, unless `fullAt` wait: a storm
   * makes few batches. Nor is it longer for twice the time that the last batch took: a busy host makes few too.
   */
  readonly busyWindowMs: number;
  /** Default 16. */
  readonly busyFrom?: number;
  /** So many changes wait for no more. */
  readonly fullAt: number;
  /** How long a caller waits at most, in milliseconds. */
  readonly deadlineMs: number;
  /** Changes waiting or running; one more is refused as `exhausted`. */
  readonly maxPending: number;
  /** Callers that are told in one turn of the event loop: what they do then is most of a join. Default 64. */
  readonly toldPerTurn?: number;
}

interface Entry {
  readonly change: PeerChange;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly cancelDeadline: () => void;
  /** Set once it is known what the caller is told. */
  answer: 'done' | 'failed' | undefined;
}

interface Told {
  readonly entry: Entry;
  readonly error: Error | undefined;
}

/** Changes asked for since (or unanswered at) its making, without those that failed. */
export interface Recorder {
  changes(): readonly PeerChange[];
  stop(): void;
}

/** Does a batch; gives for each change its error, or `undefined` where it worked. It may also reject for all of them. */
type RunBatch = (changes: readonly PeerChange[]) => Promise<readonly (Error | undefined)[]>;

/**
 * Gathers changes into batches, one at a time. While one batch runs the next one gathers: so under load the batches grow
 * instead of the queue.
 */
export class ChangeBatcher {
  readonly #options: Required<BatcherOptions>;
  readonly #clock: Clock;
  readonly #run: RunBatch;
  readonly #recorders = new Set<Entry[]>();
  readonly #unanswered = new Set<Entry>();
  readonly #told: Turnstile<Told>;
  #gathering: Entry[] = [];
  /** When the first of them came. Monotonic. */
  #gatheringSince = 0;
  /** How many there were when it was last looked at. */
  #lastCount = 0;
  #running: Promise<void> | undefined;
  /** Milliseconds. */
  #lastTook = 0;
  #cancelWindow: (() => void) | undefined;
  #stopped = false;

  constructor(options: BatcherOptions, deps: { readonly clock: Clock; readonly run: RunBatch }) {
    this.#options = { busyFrom: 16, toldPerTurn: 64, ...options };
    this.#clock = deps.clock;
    this.#run = deps.run;
    this.#told = new Turnstile({ perTurn: this.#options.toldPerTurn }, { pass: tell });
  }

  /** @throws SiderolinkError `unavailable` after the deadline or when stopped, `exhausted`; else what the batch said */
  submit(change: PeerChange): Promise<void> {
    if (this.#stopped) return Promise.reject(stopped());
    if (this.#unanswered.size >= this.#options.maxPending) {
      return Promise.reject(
        new SiderolinkError('exhausted', 'too many WireGuard changes are waiting', { waiting: this.#unanswered.size }),
      );
    }
    return new Promise((resolve, reject) => {
      const entry: Entry = {
        change,
        answer: undefined,
        resolve,
        reject,
        cancelDeadline: this.#clock.after(this.#options.deadlineMs, () => this.#settleNow(entry, late(this.#options))),
      };
      this.#unanswered.add(entry);
      if (this.#gathering.length === 0) this.#gatheringSince = this.#clock.monotonic();
      this.#gathering.push(entry);
      for (const recorder of this.#recorders) recorder.push(entry);
      if (this.#running !== undefined) return;
      if (this.#gathering.length >= this.#options.fullAt) this.#flush();
      else this.#cancelWindow ??= this.#clock.after(this.#options.windowMs, () => this.#windowEnded());
    });
  }

  /** Follows what is asked for from now on, for a repair that must not undo it. */
  record(): Recorder {
    const entries = [...this.#unanswered];
    this.#recorders.add(entries);
    return {
      changes: () => entries.filter((entry) => entry.answer !== 'failed').map((entry) => entry.change),
      stop: () => void this.#recorders.delete(entries),
    };
  }

  /** Refuses new changes, finishes the running batch and rejects what waits. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelWindow?.();
    this.#cancelWindow = undefined;
    for (const entry of this.#gathering.splice(0)) this.#settleNow(entry, stopped());
    await this.#running;
  }

  /** The time that the first change waits for others is over, or would be but for the batch that ran. */
  #windowEnded(): void {
    this.#cancelWindow = undefined;
    const { windowMs, busyWindowMs, busyFrom, fullAt } = this.#options;
    const count = this.#gathering.length;
    if (count === 0) return;
    const isStorm = count >= busyFrom;
    const needed = isStorm ? busyWindowMs : Math.max(windowMs, Math.min(busyWindowMs, 2 * this.#lastTook));
    const wait = count >= fullAt ? 0 : this.#gatheringSince + needed - this.#clock.monotonic();
    const isOver = isStorm && count === this.#lastCount;
    this.#lastCount = count;
    if (wait <= 0 || isOver) this.#flush();
    else this.#cancelWindow = this.#clock.after(Math.min(wait, isStorm ? windowMs : wait), () => this.#windowEnded());
  }

  #flush(): void {
    this.#cancelWindow?.();
    this.#cancelWindow = undefined;
    // A caller that has given up may have taken its decision back: its change must not be done behind its back.
    const entries = this.#gathering.filter((entry) => entry.answer === undefined);
    this.#gathering = [];
    this.#lastCount = 0;
    if (entries.length === 0) return;
    const started = this.#clock.monotonic();
    this.#running = this.#runBatch(entries).finally(() => {
      this.#lastTook = this.#clock.monotonic() - started;
      this.#running = undefined;
      this.#windowEnded();
    });
  }

  async #runBatch(entries: readonly Entry[]): Promise<void> {
    try {
      const errors = await this.#run(entries.map((entry) => entry.change));
      entries.forEach((entry, index) => {
        this.#settle(entry, errors[index]);
      });
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      for (const entry of entries) this.#settle(entry, failure);
    }
  }

  /** The answer stands from now on; the caller hears of it in its turn. */
  #settle(entry: Entry, error: Error | undefined): void {
    if (this.#decide(entry, error)) this.#told.add({ entry, error });
  }

  #settleNow(entry: Entry, error: Error): void {
    if (this.#decide(entry, error)) tell({ entry, error });
  }

  #decide(entry: Entry, error: Error | undefined): boolean {
    if (entry.answer !== undefined) return false;
    entry.answer = error === undefined ? 'done' : 'failed';
    entry.cancelDeadline();
    this.#unanswered.delete(entry);
    return true;
  }
}

function tell({ entry, error }: Told): void {
  if (error === undefined) entry.resolve();
  else entry.reject(error);
}

function late(options: BatcherOptions): SiderolinkError {
  return new SiderolinkError('unavailable', 'the WireGuard device did not take the change in time', {
    deadlineMs: options.deadlineMs,
  });
}

function stopped(): SiderolinkError {
  return new SiderolinkError('unavailable', 'the WireGuard device is being let go');
}
