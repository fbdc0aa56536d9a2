import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { StoreMetrics } from '../store/metrics.ts';
import type { Store } from '../store/store.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Ballast } from './ballast.ts';
import { Retention, type RetentionOptions } from './retention.ts';
import { type DiskSpace, type SpaceOptions, SpaceWatch } from './space-watch.ts';
import type { Change } from './types.ts';

export interface KeepingOptions extends RetentionOptions, SpaceOptions {
  /** The database file. */
  readonly path: string;
}

export const KEEPING_DEFAULTS = {
  retention: {
    logs: { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY },
    others: { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY },
  },
  retentionMs: 10_000,
  publishes: false,
  reserveBytes: 64 * 1024 * 1024,
  spaceMs: 1000,
} as const satisfies Partial<KeepingOptions>;

/** Of the reserve, what is really taken: thrown off, it must not look like room in which logs could go on. */
const BALLAST_SHARE = 1 / 4;

/** The file that takes it, beside the database. */
export function ballastOf(path: string): string {
  return `${path}-reserve`;
}

export interface KeepingDeps {
  readonly store: Store;
  readonly commit: (change: Change) => Promise<unknown>;
  /** Log lines are to wait, or to go on. */
  readonly suspendLogs: (areSuspended: boolean) => void;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/** Keeps the store within its bounds: drops what is beyond them, and stops logs before the disk is full. */
export class Keeping {
  readonly #retention: Retention;
  readonly #space: SpaceWatch;
  readonly #ballast: Ballast;
  readonly #deps: KeepingDeps;

  constructor(options: KeepingOptions, deps: KeepingDeps) {
    this.#deps = deps;
    this.#ballast = new Ballast({ path: ballastOf(options.path) }, deps);
    this.#space = new SpaceWatch(options, {
      ...deps,
      space: () => this.#room(options.path),
      onLow: (isLow) => this.#roomChanged(isLow),
      onRoom: (reserve) => this.#ballast.take(Math.floor(reserve * BALLAST_SHARE)),
    });
    this.#retention = new Retention(options, { ...deps, shortOf: () => this.#space.shortOf() });
  }

  /** Whether log lines wait because the disk is nearly full. */
  get isLow(): boolean {
    return this.#space.isLow;
  }

  #roomChanged(isLow: boolean): void {
    const { store, suspendLogs } = this.#deps;
    if (isLow) this.#ballast.throwOff();
    suspendLogs(isLow);
    // Only a dead thread refuses, and it ends the daemon by itself.
    store.beThrifty(isLow).catch(() => {});
    if (isLow) this.#retention.hurry();
  }

  /** What is in the WAL will be written to the database file as well: that much of the disk is as good as taken. */
  async #room(path: string): Promise<DiskSpace> {
    const { bavail, bsize, blocks } = await statfs(dirname(path));
    const free = bavail * bsize;
    this.#deps.metrics.diskFreeBytes.set(free);
    const wal = await stat(`${path}-wal`).catch(() => undefined);
    return { free: free - (wal?.size ?? 0), total: blocks * bsize };
  }

  start(): void {
    this.#space.start();
    this.#retention.start();
  }

  /** Lines that wait for room are tried after all: nobody will be there for them later. */
  async stop(): Promise<void> {
    await Promise.all([this.#space.stop(), this.#retention.stop()]);
    await this.#ballast.stop();
    this.#deps.suspendLogs(false);
  }
}
