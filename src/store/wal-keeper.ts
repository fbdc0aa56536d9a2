import { stat } from 'node:fs/promises';
import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { StoreMetrics } from './metrics.ts';
import type { CheckpointReply } from './protocol.ts';

const HEALTH = 'store_wal';
const MIB = 1024 * 1024;
const MAX_BACKOFF_MS = 60_000;
/** While the WAL grows to its bound it is looked at so often. */
const LOOKS = 4;

export interface WalOptions {
  /** How often the file is looked at. */
  readonly walCheckMs: number;
  /** Above so many bytes commits wait until the WAL is begun anew. */
  readonly walBytes: number;
  /** Above so many bytes health says so. */
  readonly walWarnBytes: number;
  /** How long commits wait for foreign readers of the WAL when it is to be begun anew. */
  readonly walWaitMs: number;
  /** The WAL is emptied after so long without a commit. */
  readonly walIdleMs: number;
}

interface WalDeps {
  /** Begins the WAL anew, while our own threads read nothing. */
  readonly checkpoint: (waitMs: number) => Promise<CheckpointReply>;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/**
 * Keeps the WAL small. SQLite writes it back by itself, but begins it anew only in a moment without a reader, which may
 * not come while pages are read one after the other: when it has grown, our own reads are kept out for that moment. Who
 * else reads, a backup for one, is waited for shortly and then left alone for a while.
 */
export class WalKeeper {
  readonly #path: string;
  readonly #options: WalOptions;
  readonly #deps: WalDeps;
  #cancel: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;
  #lastCommit: number;
  #isLooking = false;
  /** Bytes committed since the last look. */
  #unseen = 0;
  /** After a reader kept the WAL as it is, it is not tried again before then: each try makes commits wait. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #backoffMs = 0;

  constructor(path: string, options: WalOptions, deps: WalDeps) {
    this.#path = path;
    this.#options = options;
    this.#deps = deps;
    this.#lastCommit = deps.clock.monotonic();
  }

  start(): void {
    this.#cancel = this.#deps.clock.after(this.#options.walCheckMs, () => this.#look());
  }

  /** Tells of a commit. Many bytes are looked after sooner. */
  committed(bytes: number): void {
    this.#lastCommit = this.#deps.clock.monotonic();
    this.#unseen += bytes;
    if (this.#unseen > this.#options.walBytes / LOOKS && !this.#isLooking && !this.#isStopped) this.#look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
  }

  /** Looks once. Never throws: a file that cannot be looked at is one that commits fail on, and they say so. */
  async check(): Promise<void> {
    const { clock, logger, metrics } = this.#deps;
    try {
      let bytes = await this.#walBytes();
      const isIdle = clock.monotonic() - this.#lastCommit >= this.#options.walIdleMs;
      if (bytes > (isIdle ? 0 : this.#options.walBytes) && clock.monotonic() >= this.#notBefore) {
        await this.#beginAnew(isIdle);
        bytes = await this.#walBytes();
      }
      metrics.walBytes.set(bytes);
      metrics.databaseBytes.set((await stat(this.#path)).size);
      this.#tell(bytes);
    } catch (error) {
      logger.debug({ error: errorMessage(error) }, 'the write-ahead log cannot be looked after');
    }
  }

  #look(): void {
    this.#cancel?.();
    this.#isLooking = true;
    this.#unseen = 0;
    this.#running = this.check().then(() => {
      this.#isLooking = false;
      if (!this.#isStopped) this.start();
    });
  }

  async #beginAnew(isIdle: boolean): Promise<void> {
    const { walWaitMs, walCheckMs } = this.#options;
    const { isPinned } = await this.#deps.checkpoint(isIdle ? 0 : walWaitMs);
    this.#backoffMs = isPinned ? Math.min(Math.max(2 * this.#backoffMs, walCheckMs), MAX_BACKOFF_MS) : 0;
    this.#notBefore = this.#deps.clock.monotonic() + this.#backoffMs;
  }

  #tell(bytes: number): void {
    if (bytes <= this.#options.walWarnBytes) {
      this.#deps.health.set(HEALTH, 'ok');
      return;
    }
    // Whole hundreds, so that the condition is not told anew each second.
    const size = Math.floor(bytes / MIB / 100) * 100;
    const message = `the write-ahead log has grown beyond ${size} MiB because somebody reads for long: a backup, or a program that has the store open`;
    this.#deps.health.set(HEALTH, 'warning', message);
  }

  async #walBytes(): Promise<number> {
    return (await stat(`${this.#path}-wal`).catch(() => undefined))?.size ?? 0;
  }
}
