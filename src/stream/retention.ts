import { type BelievedTime, believe } from '../domain/believed-time.ts';
import { errorMessage } from '../domain/errors.ts';
import { type NewRecord, NO_TAGS } from '../domain/record.ts';
import { type Drop, planDrops, type RetentionLimits, SEGMENT_AGE_SHARE } from '../domain/retention.ts';
import type { Clock } from '../lib/clock.ts';
import { SERIES, type Series } from '../store/batch.ts';
import type { StoreMetrics } from '../store/metrics.ts';
import type { Unpublished, Usage } from '../store/protocol.ts';
import type { Store } from '../store/store.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Change } from './types.ts';

const HEALTH = 'store_retention';
const CLOCK_HEALTH = 'store_clock';
/** A key of `meta`: the time that was believed when the clock leapt ahead; empty while it is believed. */
const LEAP_KEY = 'clock_leapt_at';
const DAY_MS = 24 * 3_600_000;
const MAX_RETRY_MS = 5 * 60_000;

export interface RetentionOptions {
  readonly retention: Readonly<Record<Series, RetentionLimits>>;
  /** How often it is looked whether something is to go. */
  readonly retentionMs: number;
  /** What stays free in the file. */
  readonly freeBytes: number;
  /** Records go on to NATS: those that go before they did are told of. */
  readonly publishes: boolean;
}

export interface RetentionDeps {
  readonly store: Pick<Store, 'state' | 'usage' | 'unpublished' | 'packEarly' | 'tidy' | 'squeeze'>;
  readonly commit: (change: Change) => Promise<unknown>;
  /** Bytes that the disk is short of; 0 if it is not. */
  readonly shortOf: () => Promise<number>;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/**
 * Drops the oldest segments when they are too old or too much, in the background. What goes is told by a record in the
 * transaction that drops it. Never fatal: a round that fails is a health condition, and is tried again.
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #deps: RetentionDeps;
  readonly #stop = new AbortController();
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;
  #isHurried = false;
  #believed: BelievedTime;
  /** The value of `LEAP_KEY` that is stored. */
  #leapNoted: string;
  /** On the monotonic clock: not before then logs go because the disk is short. */
  #noDiskDropBefore = Number.NEGATIVE_INFINITY;

  constructor(options: RetentionOptions, deps: RetentionDeps) {
    this.#options = options;
    this.#deps = deps;
    const { state } = deps.store;
    this.#leapNoted = state.image.meta.get(LEAP_KEY) ?? '';
    // What an earlier run stored after its clock leapt says nothing about the time.
    const time = Number(this.#leapNoted) || state.lastTime || deps.clock.now();
    this.#believed = { time, at: deps.clock.monotonic(), leaptAt: null };
  }

  start(): void {
    // Noted before anything is stored with a time that may be wrong. What fails is tried again with the first round.
    this.#agingTime().catch(() => {});
    this.#after(this.#options.retentionMs);
  }

  /** Looks at once. */
  hurry(): void {
    if (this.#running !== undefined) this.#isHurried = true;
    else if (!this.#stop.signal.aborted) this.#after(0);
  }

  /** Waits for a step under way, at most. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancel?.();
    await this.#running;
  }

  #after(ms: number): void {
    this.#cancel?.();
    this.#cancel = this.#deps.clock.after(ms, () => {
      this.#running = this.#run().then((wait) => {
        this.#running = undefined;
        if (this.#stop.signal.aborted) return;
        this.#after(this.#isHurried ? 0 : wait);
        this.#isHurried = false;
      });
    });
  }

  /** One round; how long to wait before the next. */
  async #run(): Promise<number> {
    const { health, logger } = this.#deps;
    const { retentionMs } = this.#options;
    try {
      // While something goes there may be more behind it.
      while (!this.#stop.signal.aborted && (await this.round()));
      this.#failures = 0;
      health.set(HEALTH, 'ok');
      return retentionMs;
    } catch (error) {
      if (this.#stop.signal.aborted) return retentionMs;
      const wait = Math.min(retentionMs * 2 ** Math.min(this.#failures++, 16), MAX_RETRY_MS);
      health.set(HEALTH, 'warning', `records beyond their time or space cannot be dropped: ${errorMessage(error)}`);
      logger.warn({ error: errorMessage(error), retryMs: wait }, 'dropping old records failed');
      return wait;
    }
  }

  /** Drops what is to go now; whether anything did. @throws SiderolinkError `storage`, `unavailable` */
  async round(): Promise<boolean> {
    const { store, clock } = this.#deps;
    const now = await this.#agingTime();
    const wanted = await this.#makeRoom();
    const { series: usage } = await store.usage();
    this.#tellClock(usage, now);
    let hasDropped = false;
    for (const series of SERIES) {
      const { oldest, bytes, unpackedSince } = usage[series];
      const limits = this.#options.retention[series];
      if (unpackedSince !== null && now - unpackedSince > limits.maxAgeMs * SEGMENT_AGE_SHARE) store.packEarly(series);
      // What waits to be packed cannot go, and while the disk is short nothing else packs it. Little of it would not help.
      if (series === 'logs' && wanted > 0 && oldest.length === 0 && bytes > wanted) store.packEarly(series);
      for (const drop of planDrops(oldest, bytes, series === 'logs' ? wanted : 0, limits, now)) {
        if (this.#stop.signal.aborted) return hasDropped;
        await this.#drop(series, drop);
        if (drop.reason === 'disk') this.#noDiskDropBefore = clock.monotonic() + this.#options.retentionMs;
        hasDropped = true;
      }
    }
    return hasDropped;
  }

  /**
   * Frees what nothing is stored in. Bytes that are to go because the disk is short of them even so: 0 as long as
   * dropping would give nothing back, and not for each look anew, as it may be others who take whatever is free.
   */
  async #makeRoom(): Promise<number> {
    const { store, shortOf, clock } = this.#deps;
    if ((await shortOf()) === 0) {
      await this.#unlessStopped(store.tidy());
      return 0;
    }
    const isGivenBack = await this.#unlessStopped(store.squeeze());
    return isGivenBack === true && clock.monotonic() >= this.#noDiskDropBefore ? await shortOf() : 0;
  }

  /** By which records age, milliseconds since the epoch. */
  async #agingTime(): Promise<number> {
    const { clock, commit } = this.#deps;
    const wall = clock.now();
    const before = this.#believed;
    this.#believed = believe(before, wall, clock.monotonic());
    const { time, leaptAt } = this.#believed;
    const isAhead = leaptAt !== null && wall > time;
    const leap = isAhead ? this.#leapNoted || String(time) : '';
    if (leap !== this.#leapNoted) {
      await commit({ ops: [{ op: 'putMeta', key: LEAP_KEY, value: leap }], records: [] });
      this.#leapNoted = leap;
    }
    return Math.min(wall, time);
  }

  /** A clock ahead of its time is worth a word only if something would go by it. */
  #tellClock(usage: Usage['series'], now: number): void {
    const { clock, health } = this.#deps;
    const wall = clock.now();
    const isHeld = SERIES.some((series) => {
      const { maxAgeMs } = this.#options.retention[series];
      return usage[series].oldest.some(({ lastTime }) => wall - lastTime > maxAgeMs && now - lastTime <= maxAgeMs);
    });
    const isAhead = this.#believed.leaptAt !== null && isHeld;
    const days = Math.round((wall - now) / DAY_MS);
    const message = `the clock is ${days} days ahead of the newest records and the time since: nothing goes for its age until it has been so for hours; if it is wrong, set it right`;
    health.set(CLOCK_HEALTH, isAhead ? 'warning' : 'ok', isAhead ? message : undefined);
  }

  async #drop(series: Series, drop: Drop): Promise<void> {
    const { store, commit, logger, metrics } = this.#deps;
    const { reason, firstSeq: from, lastSeq: to, records: count } = drop;
    const records = [gapRecord('retention', { from, to, count, reason, series })];
    const unpublished = this.#options.publishes ? await store.unpublished(series, to) : NONE;
    if (unpublished.count > 0) records.push(gapRecord('publish', { ...unpublished, reason: 'retention', series }));
    await commit({ ops: [{ op: 'dropSegments', series, through: to }], records });
    metrics.droppedRecords.inc({ series, reason }, count);
    metrics.unpublishedDropped.inc({ series }, unpublished.count);
    logger.info({ series, reason, from, to, count, unpublished: unpublished.count }, 'the oldest records were dropped');
  }

  /** Undefined if it was stopped before that came. */
  async #unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.#stop;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = () => resolve(undefined);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      return await Promise.race([work, promise]);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
}

const NONE: Unpublished = { from: 0, to: 0, count: 0 };

/** A record of no machine: `_._.gap.retention`, `_._.gap.publish`. */
function gapRecord(detail: 'retention' | 'publish', body: Readonly<Record<string, unknown>>): NewRecord {
  return { machine: 0, stream: 'gap', boot: 0, tags: NO_TAGS, detail, body: JSON.stringify(body) };
}
