import { SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { field } from '../store/batch.ts';
import type { CommitReply, Failure } from '../store/protocol.ts';
import type { Store } from '../store/store.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { BufferPool } from './buffer-pool.ts';
import {
  ChangeEncoder,
  type CommitPart,
  type LogPart,
  noChunks,
  orderTimes,
  type PendingChange,
  takeLogs,
} from './commit-parts.ts';
import type { LogIntake } from './log-intake.ts';
import type { StreamMetrics } from './metrics.ts';
import type { Change } from './types.ts';

const HEALTH = 'store';
/**
 * Changes in one commit. Encoding them, and telling those who wait, is a turn of the event loop: 50 ms for so many joins.
 * A commit costs the same whatever it holds, so many more would make few less.
 */
const MAX_CHANGES = 512;
const RETRY_MS = 100;
const MAX_RETRY_MS = 5000;

export interface CommitterOptions {
  /** Log bytes in one commit. */
  readonly commitBytes: number;
  /** Commits that hold only logs start so many milliseconds apart. */
  readonly commitIntervalMs: number;
  /** Commits of patient changes start so many milliseconds apart while many come. */
  readonly gatherMs: number;
  /** Changes that wait, or were in the commit before, which are many. */
  readonly gatherFrom: number;
  /** A second commit is sent while one runs, and none waits for changes, when so many log bytes wait. */
  readonly pipelineBytes: number;
}

export interface CommitterDeps {
  readonly store: Pick<Store, 'commit'>;
  readonly intake: LogIntake;
  readonly pool: BufferPool;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  readonly metrics: StreamMetrics;
  /** Told when a commit came to no answer. */
  readonly onLost: (error: unknown) => void;
  /** Told of every commit, in order, before anybody is answered. */
  readonly onCommitted: (changes: CommitPart | undefined, logs: LogPart | undefined, head: number) => void;
}

interface Flight {
  readonly changes: readonly PendingChange[];
  readonly changePart: CommitPart | undefined;
  readonly logs: LogPart | undefined;
}

/**
 * Decides what goes into which commit: changes first, then logs; at most two commits under way; the order kept also
 * when one fails.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #deps: CommitterDeps;
  readonly #encoder = new ChangeEncoder();
  #changes: PendingChange[] = [];
  readonly #unsettled = new Set<Promise<unknown>>();
  /** Logs that were cut and could not be stored, oldest first. */
  #retries: LogPart[] = [];
  /** After a failure nothing is sent until all commits under way have come back, or the order would be lost. */
  #isRecovering = false;
  /** Changes and logs of failed commits that go again, in the order in which they were sent and before newer ones. */
  #returned: PendingChange[] = [];
  #returnedLogs: LogPart[] = [];
  #flights = 0;
  #epoch = 0;
  #lastTime: number;
  #lastStart = Number.NEGATIVE_INFINITY;
  #lastChanges = 0;
  #retryMs = RETRY_MS;
  /** Logs wait until then, on the monotonic clock. */
  #logsSuspendedUntil = Number.NEGATIVE_INFINITY;
  #areLogsSuspended = false;
  #cancelTimer: (() => void) | undefined;
  #isScheduled = false;
  #end: SiderolinkError | undefined;

  constructor(options: CommitterOptions, deps: CommitterDeps, lastTime: number) {
    this.#options = options;
    this.#deps = deps;
    this.#lastTime = lastTime;
  }

  commit(change: Change): Promise<readonly number[]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    this.#changes.push({ change, time: this.#deps.clock.now(), resolve, reject });
    this.#unsettled.add(promise);
    const forget = (): void => void this.#unsettled.delete(promise);
    promise.then(forget, forget);
    this.#schedule();
    return promise;
  }

  /** Log lines wait in the intake. */
  logsWaiting(): void {
    // Many lines let changes wait no longer; without changes the timer is theirs.
    if (this.#cancelTimer === undefined || (this.#changes.length > 0 && this.#areLogsMany())) this.#schedule();
  }

  /** Log lines stay queued while the disk has no room for them; changes go on. */
  suspendLogs(areSuspended: boolean): void {
    this.#areLogsSuspended = areSuspended;
    if (!areSuspended) this.#schedule();
  }

  /** Resolves when all changes made so far are settled. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#unsettled);
  }

  /** Rejects what waits and what comes. */
  end(error: SiderolinkError): void {
    this.#end ??= error;
    this.#cancelTimer?.();
    for (const { reject } of [...this.#returned.splice(0), ...this.#changes.splice(0)]) reject(this.#end);
  }

  /** Once per turn of the event loop, so that what arrives together is committed together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#end !== undefined || this.#flights > 1 || this.#isRecovering) return;
    const { intake, clock } = this.#deps;
    const waitsForRetry = Math.max(0, this.#logsSuspendedUntil - clock.monotonic());
    const pendingBytes = this.#areLogsSuspended ? 0 : intake.pendingBytes;
    const hasLogs = pendingBytes > 0 || (this.#retries.length > 0 && !this.#areLogsSuspended);
    if (this.#changes.length === 0 && !hasLogs) return;
    if (this.#flights === 1) {
      // What waits goes together with what comes until the running commit is done, unless it is much.
      if (waitsForRetry > 0 || !this.#areLogsMany()) return;
    } else {
      const wait = this.#waitMs(waitsForRetry);
      if (wait > 0) {
        this.#pumpAfter(wait);
        return;
      }
    }
    this.#start(waitsForRetry === 0 && hasLogs);
    if (waitsForRetry > 0 && hasLogs) this.#pumpAfter(waitsForRetry);
    else if (pendingBytes > 0) this.#schedule();
  }

  /**
   * Whoever waits for an answer waits for nothing else, unless his change is patient. Each commit costs the writer half a
   * millisecond, and the main thread half of that: a fleet that comes at once would spend as much on commits as on its joins.
   */
  #waitMs(forRetry: number): number {
    const { commitIntervalMs, gatherMs, gatherFrom } = this.#options;
    const sinceLast = this.#deps.clock.monotonic() - this.#lastStart;
    const changes = this.#changes.length;
    if (changes === 0) return Math.max(forRetry, commitIntervalMs - sinceLast);
    if (changes >= MAX_CHANGES || Math.max(changes, this.#lastChanges) < gatherFrom || this.#areLogsMany()) return 0;
    return this.#changes.every(({ change }) => change.isPatient === true) ? gatherMs - sinceLast : 0;
  }

  /** As many as go into a commit of their own while another runs. */
  #areLogsMany(): boolean {
    return !this.#areLogsSuspended && this.#deps.intake.pendingBytes >= this.#options.pipelineBytes;
  }

  #pumpAfter(ms: number): void {
    this.#cancelTimer = this.#deps.clock.after(ms, () => {
      this.#cancelTimer = undefined;
      this.#pump();
    });
  }

  #start(withLogs: boolean): void {
    const { intake, pool, clock } = this.#deps;
    const changes = this.#changes.splice(0, MAX_CHANGES);
    const changePart = changes.length === 0 ? undefined : this.#encoder.encode(changes);
    const logs = withLogs ? (this.#retries.shift() ?? takeLogs(intake, pool, this.#options.commitBytes)) : undefined;
    if (changePart !== undefined) this.#lastTime = orderTimes(changePart.batch, this.#lastTime);
    if (logs !== undefined) this.#lastTime = orderTimes(logs.batch, this.#lastTime);
    this.#lastStart = clock.monotonic();
    this.#lastChanges = changes.length;
    this.#flights++;
    void this.#fly({ changes, changePart, logs });
  }

  async #fly(flight: Flight): Promise<void> {
    const { changes, changePart, logs } = flight;
    try {
      const reply = await this.#deps.store.commit({
        epoch: this.#epoch,
        changes: changes.map(({ change }) => ({ ops: change.ops, records: change.records.length })),
        changeChunks: changePart?.batch ?? noChunks(),
        logOps: logs?.ops ?? [],
        logChunks: logs?.batch ?? noChunks(),
      });
      if (changePart !== undefined) changePart.batch = reply.changeChunks;
      if (logs !== undefined) logs.batch = reply.logChunks;
      this.#flights--;
      if (reply.failure === null) this.#succeeded(flight, reply);
      else this.#failed(flight, reply.failure);
      if (this.#isRecovering && this.#flights === 0) this.#recover();
      this.#pump();
    } catch (error) {
      // Nobody knows whether this commit was stored, so no later one may be: the daemon ends with the reason.
      for (const { reject } of changes) reject(error as Error);
      this.#deps.onLost(error);
    }
  }

  #succeeded({ changes, changePart, logs }: Flight, reply: CommitReply): void {
    const { health, intake, metrics, onCommitted } = this.#deps;
    // A small change may find room on a disk that has none for the lines that wait.
    if (logs !== undefined || (this.#retries.length === 0 && !this.#isRecovering)) health.set(HEALTH, 'ok');
    if (logs !== undefined) this.#retryMs = RETRY_MS;
    metrics.failedCheckpoints.inc(reply.logOpFailures);
    onCommitted(changePart, logs, reply.nextSeq - 1);
    let chunk = 0;
    for (const [index, { change, resolve, reject }] of changes.entries()) {
      const from = chunk;
      chunk += change.records.length;
      const failure = reply.changeFailures[index] ?? null;
      if (failure === null) {
        resolve(change.records.map((_, record) => field(reply.changeChunks, from + record, 'firstSeq')));
      } else {
        metrics.rejectedChanges.inc({ reason: failure.kind });
        reject(new SiderolinkError('conflict', `the change contradicts what is stored: ${failure.message}`));
      }
    }
    if (logs !== undefined) intake.release(logs.chunks);
  }

  /**
   * Nothing was stored. Changes that came with logs are tried again without them, so that a disk with little room
   * keeps joins and events; logs stay queued and are tried again later.
   */
  #failed({ changes, logs }: Flight, failure: Failure): void {
    const { clock, health, logger, metrics } = this.#deps;
    this.#epoch++;
    this.#isRecovering = true;
    if (logs !== undefined) this.#returnedLogs.push(logs);
    if (failure.kind === 'superseded') {
      this.#returned.push(...changes);
      return;
    }
    if (logs === undefined) {
      metrics.rejectedChanges.inc({ reason: failure.kind }, changes.length);
      for (const { reject } of changes) reject(new SiderolinkError('storage', `not stored: ${failure.message}`));
    } else {
      this.#returned.push(...changes);
      this.#logsSuspendedUntil = clock.monotonic() + this.#retryMs;
      logger.error({ reason: failure.message, retryMs: this.#retryMs }, 'log lines could not be stored');
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    }
    health.set(HEALTH, 'error', `records cannot be stored: ${failure.message}`);
  }

  #recover(): void {
    this.#isRecovering = false;
    this.#changes.unshift(...this.#returned.splice(0));
    this.#retries.unshift(...this.#returnedLogs.splice(0));
    if (this.#end !== undefined) this.end(this.#end);
  }
}
