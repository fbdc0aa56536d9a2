import { SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { PeerChange } from './types.ts';

export interface BatcherOptions {
  /** How long the first change of a batch waits for others, in milliseconds, while no batch runs. */
  readonly windowMs: number;
  /** How long a caller waits at most, in milliseconds. */
  readonly deadlineMs: number;
  /** Changes waiting or running; one more is refused as `exhausted`. */
  readonly maxPending: number;
}

interface Entry {
  readonly change: PeerChange;
  readonly settle: (error: Error | undefined) => void;
  /** Set once the caller has its answer. */
  answer: 'done' | 'failed' | undefined;
}

/** Changes asked for since (or unanswered at) its making, without those that failed. */
export interface Recorder {
  changes(): readonly PeerChange[];
  stop(): void;
}

/** Does a batch; gives for each change its error, or `undefined` where it worked. It may also reject for all of them. */
type RunBatch = (changes: readonly PeerChange[]) => Promise<readonly (Error | undefined)[]>;

/**
 * Gathers changes into batches, one at a time. While one batch runs the next one gathers, and it starts the moment the
 * running one ends: so under load the batches grow instead of the queue.
 */
export class ChangeBatcher {
  readonly #options: BatcherOptions;
  readonly #clock: Clock;
  readonly #run: RunBatch;
  readonly #recorders = new Set<Entry[]>();
  readonly #unanswered = new Set<Entry>();
  #gathering: Entry[] = [];
  #running: Promise<void> | undefined;
  #cancelWindow: (() => void) | undefined;
  #stopped = false;

  constructor(options: BatcherOptions, deps: { readonly clock: Clock; readonly run: RunBatch }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#run = deps.run;
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
        settle: (error) => {
          if (entry.answer !== undefined) return;
          entry.answer = error === undefined ? 'done' : 'failed';
          cancelDeadline();
          this.#unanswered.delete(entry);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const cancelDeadline = this.#clock.after(this.#options.deadlineMs, () => entry.settle(late(this.#options)));
      this.#unanswered.add(entry);
      this.#gathering.push(entry);
      for (const recorder of this.#recorders) recorder.push(entry);
      if (this.#running === undefined) {
        this.#cancelWindow ??= this.#clock.after(this.#options.windowMs, () => this.#flush());
      }
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
    for (const entry of this.#gathering.splice(0)) entry.settle(stopped());
    await this.#running;
  }

  #flush(): void {
    this.#cancelWindow = undefined;
    // A caller that has given up may have taken its decision back: its change must not be done behind its back.
    const entries = this.#gathering.filter((entry) => entry.answer === undefined);
    this.#gathering = [];
    if (entries.length === 0) return;
    this.#running = this.#runBatch(entries).finally(() => {
      this.#running = undefined;
      this.#flush();
    });
  }

  async #runBatch(entries: readonly Entry[]): Promise<void> {
    try {
      const errors = await this.#run(entries.map((entry) => entry.change));
      entries.forEach((entry, index) => {
        entry.settle(errors[index]);
      });
    } catch (error) {
      for (const entry of entries) entry.settle(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function late(options: BatcherOptions): SiderolinkError {
  return new SiderolinkError('unavailable', 'the WireGuard device did not take the change in time', {
    deadlineMs: options.deadlineMs,
  });
}

function stopped(): SiderolinkError {
  return new SiderolinkError('unavailable', 'the WireGuard device is being let go');
}
