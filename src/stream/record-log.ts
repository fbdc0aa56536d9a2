import { type BootSummary, bootSummary } from '../domain/boot-summary.ts';
import { errorCode, errorMessage, SiderolinkError } from '../domain/errors.ts';
import { SubjectFilter } from '../domain/filter.ts';
import type { NewRecord } from '../domain/record.ts';
import type { RegistryImage } from '../domain/registry.ts';
import type { Clock } from '../lib/clock.ts';
import type { BackupFacts, BackupOptions } from '../store/backup.ts';
import { createStoreMetrics, type StoreMetrics } from '../store/metrics.ts';
import { STORE_DEFAULTS, Store, type StoreDeps, type StoreOptions } from '../store/store.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { MetricsRegistry } from '../telemetry/metrics.ts';
import { throwOff } from './ballast.ts';
import { BufferPool } from './buffer-pool.ts';
import { type CommitPart, type LogPart, storedChunks } from './commit-parts.ts';
import { Committer, type CommitterOptions } from './committer.ts';
import { Follower, type FollowerLimits } from './follower.ts';
import { ballastOf, KEEPING_DEFAULTS, Keeping, type KeepingOptions } from './keeping.ts';
import { type IntakeOptions, LogIntake } from './log-intake.ts';
import { createStreamMetrics, type StreamMetrics } from './metrics.ts';
import { type ReadLimits, read } from './reads.ts';
import { RecentBatches } from './recent.ts';
import { Slabs } from './slabs.ts';
import type { Change, FollowItem, FollowOptions, LogLines, LogSource, Page, Query, RecordLog } from './types.ts';

const MIB = 1024 * 1024;

const RECORD_LOG_DEFAULTS = {
  ...STORE_DEFAULTS,
  ...KEEPING_DEFAULTS,
  maxPendingBytes: 64 * MIB,
  maxMachineBytes: MIB,
  commitBytes: 4 * MIB,
  commitIntervalMs: 5,
  gatherMs: 25,
  gatherFrom: 4,
  pipelineBytes: MIB,
  recentBytes: 64 * MIB,
  positionMs: 15_000,
  positionRecords: 10_000,
  itemRecords: 1000,
  itemText: MIB,
  pageText: 4 * MIB,
  readMs: 2000,
} as const;

interface Limits extends StoreOptions, KeepingOptions, IntakeOptions, CommitterOptions, FollowerLimits, ReadLimits {
  /** Committed records kept in memory for followers, in bytes. */
  readonly recentBytes: number;
}

/** `path` and `prefix` are needed; everything else has a default in `RECORD_LOG_DEFAULTS`. */
export type RecordLogOptions = Pick<StoreOptions, 'path' | 'prefix'> & Partial<Limits>;

export interface RecordLogDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: MetricsRegistry;
}

export interface RecordLogStats {
  readonly head: number;
  /** Log bytes accepted and not yet committed. */
  readonly pendingBytes: number;
  readonly recentBytes: number;
  readonly followers: number;
}

/** Opens the record log. @throws SiderolinkError `storage`, `configuration` (the store is of a newer version) */
export async function openRecordLog(options: RecordLogOptions, deps: RecordLogDeps): Promise<StoredRecordLog> {
  const limits: Limits = { ...RECORD_LOG_DEFAULTS, ...options };
  const storeMetrics = createStoreMetrics(deps.metrics);
  const store = await openStore(limits, { ...deps, metrics: storeMetrics });
  return new StoredRecordLog(limits, { ...deps, store, storeMetrics, metrics: createStreamMetrics(deps.metrics) });
}

/** Opening a database takes some room, and migrating it more: a disk that has none is given what was kept for that. */
async function openStore(options: StoreOptions, deps: StoreDeps): Promise<Store> {
  try {
    return await Store.open(options, deps);
  } catch (error) {
    if (errorCode(error) !== 'storage' || !(await throwOff(ballastOf(options.path)))) throw error;
    deps.logger.warn(
      { error: errorMessage(error) },
      'the store could not be opened; space kept for that is given back',
    );
    return await Store.open(options, deps);
  }
}

interface LogDeps extends Omit<RecordLogDeps, 'metrics'> {
  readonly store: Store;
  readonly metrics: StreamMetrics;
  readonly storeMetrics: StoreMetrics;
}

/** The record log over the store. */
export class StoredRecordLog implements RecordLog {
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #metrics: StreamMetrics;
  readonly #intake: LogIntake;
  readonly #committer: Committer;
  readonly #keeping: Keeping;
  readonly #recent: RecentBatches;
  readonly #pool: BufferPool;
  readonly #ended = new AbortController();
  readonly #waitingForCommit = new Set<() => void>();
  #head: number;
  #isStopping = false;
  #closed: Promise<void> | undefined;
  #fatal: SiderolinkError | undefined;
  #onFatal: (error: SiderolinkError) => void = () => {};

  constructor(limits: Limits, deps: LogDeps) {
    const { store, clock, health, logger, metrics } = deps;
    this.#limits = limits;
    this.#clock = clock;
    this.#store = store;
    this.#metrics = metrics;
    this.#head = store.state.nextSeq - 1;
    this.#intake = new LogIntake(limits, { clock, slabs: new Slabs() });
    this.#recent = new RecentBatches(limits.recentBytes);
    // Three of each size from the largest down: two commits under way, and one that is being cut.
    this.#pool = new BufferPool(12 * limits.commitBytes);
    const committerDeps = {
      ...{ store, clock, health, logger, metrics, intake: this.#intake, pool: this.#pool },
      onCommitted: this.#committed.bind(this),
      onLost: (error: unknown) => this.#die(asFatal(error)),
    };
    this.#committer = new Committer(limits, committerDeps, store.state.lastTime);
    const keepingDeps = {
      ...{ store, clock, health, logger, metrics: deps.storeMetrics },
      commit: (change: Change) => this.#committer.commit(change),
      suspendLogs: (areSuspended: boolean) => this.#committer.suspendLogs(areSuspended),
    };
    this.#keeping = new Keeping(limits, keepingDeps);
    this.#keeping.start();
    store.onDeath((error) => this.#die(error));
  }

  get image(): RegistryImage {
    return this.#store.state.image;
  }

  /** Lets go of the rows in `image` when they were read: of 10,000 machines they are 12 MB. */
  forgetRows(): void {
    this.#store.forgetRows();
  }

  get head(): number {
    return this.#head;
  }

  async commit(change: Change): Promise<readonly number[]> {
    if (this.#isStopping) throw stopping();
    change.records.forEach(checkRecord);
    return await this.#committer.commit(change);
  }

  appendLog(source: LogSource, lines: LogLines): boolean {
    if (this.#isStopping) {
      this.#metrics.droppedLines.inc({ reason: 'stopping' }, lines.details.length);
      return false;
    }
    const hasRoom = this.#intake.append(source, lines);
    this.#committer.logsWaiting();
    return hasRoom;
  }

  whenWritable(machine: number): Promise<void> {
    return this.#isStopping ? Promise.resolve() : this.#intake.whenWritable(machine);
  }

  async flush(): Promise<void> {
    const done = Promise.all([this.#committer.settled(), this.#intake.flushed()]);
    // Asked for again and again: nothing of a call may stay behind on the signal.
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#ended;
    const end = (): void => resolve();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      await Promise.race([done, ended]);
    } finally {
      signal.removeEventListener('abort', end);
    }
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  /** @throws SiderolinkError `invalid_argument` for a malformed filter, `storage` */
  async read(query: Query): Promise<Page> {
    new SubjectFilter(this.#limits.prefix, query.filters);
    if (this.#isStopping) throw stopping();
    return await read(query, this.#limits, { page: (request) => this.#store.page(request), clock: this.#clock });
  }

  async boots(machine: number): Promise<readonly BootSummary[]> {
    if (this.#isStopping) throw stopping();
    return (await this.#store.boots(machine)).map(bootSummary);
  }

  /** @throws SiderolinkError `invalid_argument` at once for a malformed filter */
  follow(options: FollowOptions, signal: AbortSignal): AsyncIterable<FollowItem> {
    const filter = new SubjectFilter(this.#limits.prefix, options.filters);
    const follower = new Follower(options, filter, this.#limits, {
      recent: this.#recent,
      head: () => this.#head,
      page: (request) => this.#store.page(request),
      nextCommit: (ms, until) => this.#nextCommit(ms, until),
      clock: this.#clock,
      metrics: this.#metrics,
    });
    return follower.items(AbortSignal.any([signal, this.#ended.signal]));
  }

  /** Calls back after every commit, when `head` may have grown, until the function that it returns is called. */
  onCommit(listener: () => void): () => void {
    this.#waitingForCommit.add(listener);
    return () => void this.#waitingForCommit.delete(listener);
  }

  /** Calls back once if a thread of the store dies or a commit comes to no answer: nothing is stored any more. */
  onFatal(callback: (error: SiderolinkError) => void): void {
    this.#onFatal = callback;
    if (this.#fatal !== undefined) callback(this.#fatal);
  }

  stats(): RecordLogStats {
    const { bytes: recentBytes, followers } = this.#recent;
    return { head: this.#head, pendingBytes: this.#intake.totalBytes, recentBytes, followers };
  }

  /**
   * A copy of the store with everything that was accepted before the call, and of what comes meanwhile the beginning.
   *
   * @throws SiderolinkError `storage`, `exhausted` if too much is written meanwhile, `unavailable` (stopping, aborted)
   */
  async backup(options: BackupOptions, signal: AbortSignal): Promise<BackupFacts> {
    if (this.#isStopping) throw stopping();
    // The lines that wait would be waited for until there is room again.
    if (this.#keeping.isLow) throw new SiderolinkError('storage', 'the disk of the store is nearly full');
    await Promise.race([this.flush(), whenAborted(signal)]);
    return await this.#store.backup(options, AbortSignal.any([signal, this.#ended.signal]));
  }

  /** Resolves when the packer has nothing to do. */
  packed(): Promise<void> {
    return this.#store.packed();
  }

  /**
   * Takes nothing more, commits what was accepted, ends followers and then the threads. What is not done after
   * `deadlineMs` is given up: changes are rejected, threads ended.
   */
  close(deadlineMs: number): Promise<void> {
    this.#closed ??= this.#close(deadlineMs);
    return this.#closed;
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    this.#intake.wakeAll();
    const deadline = new AbortController();
    const cancel = this.#clock.after(deadlineMs, () => deadline.abort());
    try {
      await Promise.race([this.#keeping.stop(), whenAborted(deadline.signal)]);
      await Promise.race([this.flush().catch(() => {}), whenAborted(deadline.signal)]);
      this.#committer.end(stopping());
      this.#ended.abort();
      await this.#store.close(deadline.signal);
    } finally {
      cancel();
    }
  }

  #committed(changes: CommitPart | undefined, logs: LogPart | undefined, head: number): void {
    const firstSeq = this.#head + 1;
    this.#head = head;
    const { prefix } = this.#limits;
    if (this.#recent.followers > 0 && head >= firstSeq) {
      const chunks = changes === undefined ? [] : storedChunks(prefix, changes, changes.batch.body);
      // Followers hold what they get for as long as they need it, the pool's buffers come back at once.
      if (logs !== undefined) chunks.push(...storedChunks(prefix, logs, copyOf(logs)));
      this.#recent.push({ firstSeq, lastSeq: head, chunks }, (changes?.bytes ?? 0) + (logs?.bytes ?? 0));
    }
    if (logs !== undefined) this.#pool.release(logs.body);
    this.#metrics.pendingBytes.set(this.#intake.totalBytes);
    this.#metrics.recentBytes.set(this.#recent.bytes);
    for (const wake of [...this.#waitingForCommit]) wake();
  }

  #nextCommit(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        this.#waitingForCommit.delete(done);
        resolve();
      };
      const cancel = this.#clock.after(Math.max(0, ms), done);
      signal.addEventListener('abort', done, { once: true });
      this.#waitingForCommit.add(done);
      if (signal.aborted) done();
    });
  }

  #die(error: SiderolinkError): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = error;
    this.#isStopping = true;
    this.#committer.end(error);
    this.#intake.wakeAll();
    this.#ended.abort();
    this.#onFatal(error);
  }
}

function copyOf({ body, bytes }: LogPart): ArrayBuffer {
  const copy = new ArrayBuffer(bytes);
  new Uint8Array(copy).set(new Uint8Array(body, 0, bytes));
  return copy;
}

function asFatal(error: unknown): SiderolinkError {
  if (error instanceof SiderolinkError) return error;
  return new SiderolinkError('internal', `a commit was lost: ${errorMessage(error)}`, {}, { cause: error });
}

/** A line feed would make two lines of one record. */
function checkRecord({ body }: NewRecord): void {
  if (!body.startsWith('{') || !body.endsWith('}') || body.includes('\n')) {
    throw new SiderolinkError('invalid_argument', 'the body of a record is one JSON object on one line');
  }
}

function stopping(): SiderolinkError {
  return new SiderolinkError('unavailable', 'the record log is stopping');
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
