import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { StoreMetrics } from './metrics.ts';
import type { SliceReply } from './protocol.ts';
import type { WorkerHost } from './worker-host.ts';

const HEALTH = 'store_clearing';
const RETRY_MS = 1000;
const MAX_RETRY_MS = 5000;
/** With little room on the disk transactions are so many times smaller. */
const THRIFT = 8;

export interface DropOptions {
  /** Bounds of one transaction that removes rows of dropped segments. */
  readonly sliceRows: number;
  readonly sliceBytes: number;
  /** Pages that one transaction gives back to the file system. */
  readonly shrinkPages: number;
  /** What stays free in the file for what comes next: chunks come and go. */
  readonly freeBytes: number;
}

interface DropDeps {
  readonly writer: Pick<WorkerHost, 'request'>;
  /** Empties the WAL, as far as nobody reads it. */
  readonly emptyWal: () => Promise<unknown>;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/**
 * Removes what is left of dropped segments and gives the space back, in the background, a short transaction at a time.
 * Not part of packing: while a full disk keeps that from going on, this is what helps.
 */
export class DropLoop {
  readonly #options: DropOptions;
  readonly #deps: DropDeps;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** Bytes that are to stay free, asked for while it ran. */
  #next: number | undefined;
  #isThrifty = false;
  #isFailing = false;
  /** Told once when a step fails. */
  readonly #waitingForFailure = new Set<() => void>();

  constructor(options: DropOptions, deps: DropDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Removes what there is to remove, also what an earlier run of the daemon left. @param freeBytes that may stay free */
  wake(freeBytes = this.#options.freeBytes): void {
    if (this.#running !== undefined) {
      this.#next = Math.min(this.#next ?? freeBytes, freeBytes);
      return;
    }
    this.#running = this.#run(freeBytes)
      // Only a dead thread gets here, and it ends the daemon by itself.
      .catch((error: unknown) => this.#deps.logger.debug({ error: errorMessage(error) }, 'clearing ended'))
      .finally(() => {
        this.#running = undefined;
        const next = this.#next;
        this.#next = undefined;
        if (next !== undefined && !this.#stop.signal.aborted) this.wake(next);
      });
  }

  /** The disk has little room, or enough again. */
  beThrifty(isThrifty: boolean): void {
    this.#isThrifty = isThrifty;
  }

  /** Resolves when nothing is left to do, with true; or, as that may take for ever, with false while a step fails. */
  async idle(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waitingForFailure.add(resolve);
    try {
      while (this.#running !== undefined && !this.#isFailing) await Promise.race([this.#running, promise]);
      return this.#running === undefined;
    } finally {
      this.#waitingForFailure.delete(resolve);
    }
  }

  /** Ends after the step that is running. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(freeBytes: number): Promise<void> {
    const { sliceRows: rows, sliceBytes: bytes, shrinkPages: pages } = this.#options;
    await this.#slices((part) => ({ kind: 'clear-dropped', rows: Math.ceil(rows / part), bytes: bytes / part }));
    await this.#slices((part) => ({ kind: 'shrink', pages: Math.ceil(pages / part), freeBytes }));
  }

  /** @param request for a part of what one transaction does else */
  async #slices(request: (part: number) => unknown): Promise<void> {
    const { clock, health, logger, metrics, writer } = this.#deps;
    let wait = RETRY_MS;
    while (!this.#stop.signal.aborted) {
      try {
        const { more, damage } = (await writer.request(request(this.#isThrifty ? THRIFT : 1))) as SliceReply;
        this.#isFailing = false;
        health.set(HEALTH, 'ok');
        wait = RETRY_MS;
        if (damage !== undefined) {
          metrics.clearFailures.inc();
          logger.warn(
            { error: damage },
            'a part of the dropped records is damaged; its space in the file is not freed',
          );
        }
        if (!more) return;
      } catch (error) {
        this.#isFailing = true;
        for (const tell of this.#waitingForFailure) tell();
        metrics.clearFailures.inc();
        health.set(HEALTH, 'warning', `space of dropped records cannot be freed: ${errorMessage(error)}`);
        logger.warn({ error: errorMessage(error), retryMs: wait }, 'freeing the space of dropped records failed');
        // On a full disk the WAL may be what is in the way. If that fails as well, the disk will have to be made room on.
        await this.#deps.emptyWal().catch(() => {});
        await clock.sleep(wait, this.#stop.signal);
        wait = Math.min(wait * 2, MAX_RETRY_MS);
      }
    }
  }
}
