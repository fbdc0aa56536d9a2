import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';

const HEALTH = 'store_space';
const MIB = 1024 * 1024;
/** Logs go on when there is so much more room than where they stopped: not to stop again with the next lines. */
const RESUME = 1.5;
/** On a small file system the reserve is not more than this part of it. */
const MAX_SHARE = 1 / 8;
/** What lines can take of a disk in a millisecond, at most: near the reserve it is looked more often. */
const BYTES_PER_MS = 250 * 1024;
const MIN_WAIT_MS = 50;

export interface SpaceOptions {
  /** Bytes that stay free for joins, events and changes: below, log lines wait. */
  readonly reserveBytes: number;
  /** How often it is looked, at most. */
  readonly spaceMs: number;
}

/** Of a file system, in bytes. */
export interface DiskSpace {
  readonly free: number;
  readonly total: number;
}

export interface SpaceDeps {
  readonly space: () => Promise<DiskSpace>;
  /** Told when it becomes low, while it stays so, and when there is room again. */
  readonly onLow: (isLow: boolean) => void;
  /** Told of the reserve's size in bytes when there is ample room, first and each time anew. */
  readonly onRoom: (reserve: number) => void;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
}

/** Watches the room on the store's disk. Full disks take the logs first: joins and events go on. */
export class SpaceWatch {
  readonly #options: SpaceOptions;
  readonly #deps: SpaceDeps;
  #cancel: (() => void) | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #isLow = false;
  #hasRoom = false;

  constructor(options: SpaceOptions, deps: SpaceDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get isLow(): boolean {
    return this.#isLow;
  }

  start(): void {
    this.#after(0);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
  }

  /** Looks now; bytes that are missing before logs can go on, 0 while they do. */
  async shortOf(): Promise<number> {
    const space = await this.#look();
    return this.#isLow && space !== undefined ? Math.max(0, this.#resumeAt(space) - space.free) : 0;
  }

  #after(ms: number): void {
    this.#cancel = this.#deps.clock.after(ms, () => {
      this.#running = this.#look().then((space) => {
        if (this.#isStopped) return;
        if (this.#isLow) this.#deps.onLow(true);
        this.#after(this.#waitFor(space));
      });
    });
  }

  #waitFor(space: DiskSpace | undefined): number {
    const { spaceMs } = this.#options;
    if (space === undefined || this.#isLow) return spaceMs;
    const room = (space.free - this.#reserve(space)) / BYTES_PER_MS;
    return Math.max(Math.min(MIN_WAIT_MS, spaceMs), Math.min(spaceMs, room));
  }

  /** Undefined if it could not be told: then it is as it was. */
  async #look(): Promise<DiskSpace | undefined> {
    const { space, logger } = this.#deps;
    try {
      const found = await space();
      this.#judge(found);
      return found;
    } catch (error) {
      logger.debug({ error: errorMessage(error) }, 'the room on the disk cannot be told');
      return undefined;
    }
  }

  #judge(space: DiskSpace): void {
    const { health, logger, onLow, onRoom } = this.#deps;
    const wasLow = this.#isLow;
    this.#isLow = space.free < (wasLow ? this.#resumeAt(space) : this.#reserve(space));
    if (this.#isLow === wasLow) {
      if (!this.#isLow) health.set(HEALTH, 'ok');
      if (this.#isLow || this.#hasRoom || space.free < this.#resumeAt(space)) return;
      this.#hasRoom = true;
      onRoom(this.#reserve(space));
      return;
    }
    if (this.#isLow) {
      const needed = Math.ceil(this.#resumeAt(space) / MIB);
      health.set(
        HEALTH,
        'error',
        `the disk of the store is nearly full: log lines wait until ${needed} MiB are free; make room there, or lower store.max_bytes`,
      );
      logger.error({ freeBytes: space.free }, 'the disk of the store is nearly full; log lines wait');
    } else {
      health.set(HEALTH, 'ok');
      logger.info({ freeBytes: space.free }, 'the disk of the store has room again; log lines go on');
    }
    onLow(this.#isLow);
    this.#hasRoom = !this.#isLow;
    if (!this.#isLow) onRoom(this.#reserve(space));
  }

  #reserve({ total }: DiskSpace): number {
    return Math.min(this.#options.reserveBytes, total * MAX_SHARE);
  }

  #resumeAt(space: DiskSpace): number {
    return this.#reserve(space) * RESUME;
  }
}
