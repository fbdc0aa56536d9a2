import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

interface Part {
  readonly name: string;
  stop(deadlineMs: number): Promise<void>;
}

/** A part that starts and stops itself. */
export interface StartStop {
  start(): unknown;
  stop(deadlineMs: number): unknown;
}

/**
 * What runs, in the order in which it was started. A part that fails to start takes down what was started before it;
 * stopping goes the other way round, once, with a deadline for each part, and says who is still running.
 */
export class Lifecycle {
  readonly #parts: Part[] = [];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #partDeadlineMs: number;
  #stopping: Promise<readonly string[]> | undefined;

  /** `partDeadlineMs`: how long one part may take to stop before it is left behind. */
  constructor(options: { readonly partDeadlineMs?: number }, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#partDeadlineMs = options.partDeadlineMs ?? 5000;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  /** Starts a part; if that fails, stops all parts before it and throws the part's own error. */
  async start<T>(
    name: string,
    start: () => T | Promise<T>,
    stop: (part: T, deadlineMs: number) => unknown,
  ): Promise<T> {
    try {
      const part = await start();
      this.#parts.push({ name, stop: async (deadlineMs) => void (await stop(part, deadlineMs)) });
      this.#logger.debug({ part: name }, 'started');
      return part;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** The same for a part that starts and stops itself. */
  run(name: string, part: StartStop): Promise<void> {
    return this.start(
      name,
      async () => void (await part.start()),
      (_, deadlineMs) => part.stop(deadlineMs),
    );
  }

  /** Stops everything, newest first. Idempotent; resolves with the names of parts that did not stop cleanly. */
  stop(): Promise<readonly string[]> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<readonly string[]> {
    const failed: string[] = [];
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      const { name } = part;
      this.#logger.debug({ part: name }, 'stopping');
      const waiting = new AbortController();
      const late = this.#clock.sleep(this.#partDeadlineMs + STOP_GRACE_MS, waiting.signal).then(() => 'late' as const);
      try {
        if ((await Promise.race([part.stop(this.#partDeadlineMs), late])) === 'late') {
          failed.push(name);
          this.#logger.error({ part: name }, 'did not stop in time; going on without it');
        }
      } catch (error) {
        failed.push(name);
        this.#logger.error({ part: name, error: errorMessage(error) }, 'failed to stop');
      } finally {
        waiting.abort();
      }
    }
    return failed;
  }
}

/** A part is given its deadline and this much on top, so that its own deadline can act first. */
const STOP_GRACE_MS = 500;
