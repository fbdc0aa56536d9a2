import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog, RenderedRecord } from '../stream/types.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { BACKLOG_DEFAULTS, type BacklogLimits } from './backlog.ts';
import type { NatsAccess } from './credentials.ts';
import { CURSOR_DEFAULTS, type CursorKeeperOptions, type Cursors } from './cursors.ts';
import { LINK_DEFAULTS, type NatsLinkOptions } from './link-options.ts';
import type { PublishMetrics } from './metrics.ts';
import { OUTBOX_DEFAULTS, type OutboxOptions } from './outbox.ts';
import type { EngineOptions, FromEngine, PublishCounts, PublishState, ToEngine } from './protocol.ts';
import type { ReplayCounts } from './replay.ts';
import { conditionsOf } from './standing.ts';

export interface PublisherOptions {
  /** The database file of the record log. */
  readonly database: string;
  /** First part of all subjects. */
  readonly prefix: string;
  /** What `Nats-Msg-Id` begins with. */
  readonly idPrefix: string;
  readonly access: NatsAccess;
  /** Name of the stream. */
  readonly stream: string;
  readonly createStream: boolean;
  /** How long a stream that we make keeps messages, in milliseconds. */
  readonly maxAgeMs: number;
  /** Records that wait for longer are a warning; default one minute. */
  readonly lateMs?: number;
  /** Default 1,000. */
  readonly reportMs?: number;
  /** After so long a thread that ended by a fault is started again; default 5,000. */
  readonly restartMs?: number;
  /** What differs from the defaults that stand in the modules. */
  readonly backlog?: Partial<BacklogLimits>;
  readonly outbox?: Partial<OutboxOptions>;
  readonly keeper?: Partial<CursorKeeperOptions>;
  readonly link?: Partial<NatsLinkOptions>;
}

/** What of the record log the publisher needs. */
export type PublishedLog = Pick<RecordLog, 'head' | 'image' | 'commit'> & {
  onCommit(listener: () => void): () => void;
};

export interface PublisherDeps {
  readonly log: PublishedLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: PublishMetrics;
}

/** Of the time to stop, the thread gets this part; the rest is for ending it by force. */
const THREAD_PART = 0.8;
/** The thread makes strings, of which most die young. */
const YOUNG_MB = 16;

const NOT_CONNECTED: PublishState = {
  server: null,
  problem: 'not yet connected',
  streamProblem: null,
  head: 0,
  waiting: 0,
  oldest: null,
  lanesBehind: 0,
  refusal: null,
  loss: null,
};

/**
 * Publishes all records to NATS JetStream, in a thread of its own with a read-only handle on the store: nothing else
 * waits for it. At least once, in order for each machine; see docs/how-to/publish-to-jetstream.md.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #deps: PublisherDeps;
  readonly #cursors: Map<number, number>;
  #worker: Worker | undefined;
  #toldHead = 0;
  #isHeadOnItsWay = false;
  #state: PublishState = NOT_CONNECTED;
  #stopping: Promise<void> | undefined;
  #ignoreCommits: () => void = () => {};
  #cancelRestart: () => void = () => {};
  /** Tells one request to publish again from the next. */
  #run = 0;
  #replaying: PromiseWithResolvers<ReplayCounts> | undefined;

  constructor(options: PublisherOptions, deps: PublisherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#cursors = new Map(deps.log.image.publishCursors);
  }

  /** Does not wait for a connection. */
  async start(): Promise<void> {
    this.#ignoreCommits = this.#deps.log.onCommit(() => this.#tellHead());
    this.#startThread();
  }

  /** Where publishing stands, as of the last second. */
  get state(): PublishState {
    return this.#state;
  }

  /**
   * Sends a page of records once more, in the order of each machine; resolves when all of it is acknowledged, however long
   * that takes. One page at a time.
   * @throws SiderolinkError `unavailable` if the thread ends before that, or the signal aborts
   */
  async replay(page: readonly RenderedRecord[], signal: AbortSignal): Promise<ReplayCounts> {
    if (this.#worker === undefined || this.#stopping !== undefined) throw gaveUp();
    const replaying = Promise.withResolvers<ReplayCounts>();
    const giveUp = () => replaying.reject(gaveUp());
    this.#replaying = replaying;
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    try {
      this.#post({ kind: 'replay', run: this.#run, page });
      return await replaying.promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** What was not acknowledged of a page is forgotten. */
  endReplay(): void {
    this.#post({ kind: 'endReplay', run: this.#run });
    this.#run += 1;
    this.#replaying = undefined;
  }

  /** What is in flight may land; cursors are stored. Records that were not sent are sent after the next start. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#ignoreCommits();
    this.#cancelRestart();
    this.#replaying?.reject(gaveUp());
    const worker = this.#worker;
    if (worker === undefined) return;
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const cancel = this.#deps.clock.after(deadlineMs, () => void worker.terminate());
    this.#post({ kind: 'stop', deadlineMs: deadlineMs * THREAD_PART });
    await exited;
    cancel();
  }

  #startThread(): void {
    this.#toldHead = this.#deps.log.head;
    this.#isHeadOnItsWay = false;
    const worker = new Worker(new URL(`./publish-worker${extname(import.meta.url)}`, import.meta.url), {
      name: 'siderolinkd-publisher',
      workerData: this.#engineOptions(),
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    let fault: unknown;
    worker.on('message', (message: FromEngine) => this.#receive(worker, message));
    worker.on('error', (error) => {
      fault = error;
    });
    worker.on('exit', (code) => {
      this.#worker = undefined;
      if (this.#stopping === undefined) this.#ended(fault ?? new Error(`exit code ${code}`));
    });
    this.#worker = worker;
  }

  #engineOptions(): EngineOptions {
    const { database, prefix, idPrefix, access, stream, createStream, maxAgeMs, reportMs = 1000 } = this.#options;
    return {
      ...{ database, prefix, reportMs },
      cursors: this.#cursors,
      head: this.#toldHead,
      backlog: { ...BACKLOG_DEFAULTS, ...this.#options.backlog },
      outbox: { ...OUTBOX_DEFAULTS, idPrefix, stream, ...this.#options.outbox },
      keeper: { ...CURSOR_DEFAULTS, ...this.#options.keeper },
      link: {
        ...LINK_DEFAULTS,
        ...{ access, createStream, idPrefix, stream: { name: stream, prefix, maxAgeMs } },
        ...this.#options.link,
      },
    };
  }

  /** Everything else goes on; so does this, with the cursors that are stored. */
  #ended(error: unknown): void {
    const { clock, logger, metrics } = this.#deps;
    const { restartMs = 5000 } = this.#options;
    this.#replaying?.reject(gaveUp());
    metrics.threadEnds.inc();
    logger.error({ error: errorMessage(error), restartMs }, 'the publisher ended by a fault; it is started again');
    this.#take({
      ...NOT_CONNECTED,
      problem: `the publisher ended: ${errorMessage(error)}`,
      waiting: this.#state.waiting,
    });
    this.#cancelRestart = clock.after(restartMs, () => this.#startThread());
  }

  #receive(worker: Worker, message: FromEngine): void {
    switch (message.kind) {
      case 'headTaken':
        this.#isHeadOnItsWay = false;
        this.#tellHead();
        return;
      case 'cursors':
        void this.#store(worker, message.cursors);
        return;
      case 'report':
        this.#count(message.counts);
        this.#take(message.state);
        return;
      case 'log':
        this.#deps.logger[message.level](message.fields, message.message);
        return;
      case 'replayed':
        if (message.run === this.#run) this.#replaying?.resolve(message.counts);
        return;
      case 'stopped':
        // What it sent before has come. A try to connect may still be under way there.
        void worker.terminate();
        return;
    }
  }

  async #store(worker: Worker, cursors: Cursors): Promise<void> {
    let isStored = false;
    try {
      await this.#deps.log.commit({ ops: [{ op: 'putPublishCursors', cursors }], records: [] });
      for (const [lane, seq] of cursors) this.#cursors.set(lane, seq);
      isStored = true;
    } catch (error) {
      // They are asked for again. Without them records are sent twice after a restart, which loses nothing.
      this.#deps.logger.debug({ error: errorMessage(error) }, 'cursors of the publisher were not stored');
    }
    worker.postMessage({ kind: 'stored', isStored } satisfies ToEngine);
  }

  #tellHead(): void {
    const { head } = this.#deps.log;
    if (this.#worker === undefined || this.#isHeadOnItsWay || head === this.#toldHead) return;
    this.#toldHead = head;
    this.#isHeadOnItsWay = true;
    this.#post({ kind: 'head', head });
  }

  #post(message: ToEngine): void {
    this.#worker?.postMessage(message);
  }

  #count({ published, duplicates, truncated, losses, refused, answerMs }: PublishCounts): void {
    const { metrics } = this.#deps;
    metrics.records.inc(published);
    metrics.duplicates.inc(duplicates);
    metrics.truncated.inc(truncated);
    metrics.losses.inc(losses);
    for (const [reason, count] of Object.entries(refused)) metrics.refused.inc({ reason }, count);
    for (const ms of answerMs) metrics.answerSeconds.observe(ms / 1000);
  }

  #take(state: PublishState): void {
    const { metrics, clock, health } = this.#deps;
    this.#state = state;
    const ageMs = state.oldest === null ? 0 : Math.max(0, clock.now() - state.oldest);
    metrics.waiting.set(state.waiting);
    metrics.waitingSeconds.set(ageMs / 1000);
    metrics.connected.set(state.server === null ? 0 : 1);
    metrics.lanesBehind.set(state.lanesBehind);
    const { lateMs = 60_000 } = this.#options;
    for (const { name, severity, message } of conditionsOf(state, ageMs, lateMs)) health.set(name, severity, message);
  }
}

function gaveUp(): SiderolinkError {
  return new SiderolinkError('unavailable', 'the publisher ended before everything was acknowledged');
}
