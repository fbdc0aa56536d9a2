import { extname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { streamOfNumber } from '../domain/chunk.ts';
import type { SiderolinkError } from '../domain/errors.ts';
import type { RegistryImage, RegistryOp } from '../domain/registry.ts';
import { SEGMENT_BYTES, SEGMENT_RECORDS } from '../domain/segment.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type BackupFacts, type BackupOptions, makeBackup } from './backup.ts';
import { type ChunkBatch, FIELD, movedBuffers, SERIES, type Series, seriesOf, WIDTH } from './batch.ts';
import { eachSeries } from './chunk-table.ts';
import { DamageReports } from './damage-reports.ts';
import { isDamage } from './damaged.ts';
import { DropLoop, type DropOptions } from './drop-loop.ts';
import type { StoreMetrics } from './metrics.ts';
import { PackLoop, type PackOptions } from './pack-loop.ts';
import type { PageReaderOptions } from './page-reader.ts';
import { Pressure } from './pressure.ts';
import type {
  CheckpointReply,
  CommitReply,
  CommitRequest,
  PageReply,
  PageRequest,
  StoreState,
  Unpublished,
  UnpublishedStep,
  Usage,
} from './protocol.ts';
import { ReadGate } from './read-gate.ts';
import { WalKeeper, type WalOptions } from './wal-keeper.ts';
import { WorkerHost } from './worker-host.ts';

export interface StoreOptions extends PageReaderOptions, PackOptions, DropOptions, WalOptions {
  /** The database file; its WAL stands beside it. */
  readonly path: string;
  /** How long a foreign lock on the file is waited for. */
  readonly busyTimeoutMs: number;
}

export const STORE_DEFAULTS = {
  busyTimeoutMs: 5000,
  pageMs: 50,
  cacheBytes: 24 * 1024 * 1024,
  segmentRecords: SEGMENT_RECORDS,
  segmentBytes: SEGMENT_BYTES,
  backlogBytes: 0,
  sliceRows: 1000,
  sliceBytes: 4 * 1024 * 1024,
  shrinkPages: 256,
  freeBytes: 32 * 1024 * 1024,
  walCheckMs: 1000,
  walBytes: 96 * 1024 * 1024,
  walWarnBytes: 256 * 1024 * 1024,
  walWaitMs: 100,
  walIdleMs: 30_000,
} as const satisfies Partial<StoreOptions>;

/**
 * Sizes of young generations. By default each thread's grows to some 50 MB. Two of the threads handle buffers and few
 * objects; the reader makes strings, which a small one would copy about.
 */
const YOUNG_MB = { buffers: 4, strings: 16 } as const;

export interface StoreDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: StoreMetrics;
}

/** The database behind its threads: one that writes, one that reads, one that packs. */
export class Store {
  #state: StoreState;
  readonly #writer: WorkerHost;
  readonly #reader: WorkerHost;
  readonly #packer: WorkerHost;
  readonly #packing: PackLoop;
  readonly #damage: DamageReports;
  readonly #dropping: DropLoop;
  readonly #wal: WalKeeper;
  readonly #gate: ReadGate;
  readonly #path: string;
  readonly #walWaitMs: number;
  readonly #deps: StoreDeps;

  /** Opens, makes or migrates the database. @throws SiderolinkError `storage`, `configuration` (a newer schema) */
  static async open(options: StoreOptions, deps: StoreDeps): Promise<Store> {
    const { path, prefix, busyTimeoutMs, pageMs, cacheBytes } = options;
    const hosts: WorkerHost[] = [];
    const gate = new ReadGate();
    const start = (name: string, data: unknown, maxYoungGenerationSizeMb: number): WorkerHost => {
      const host = new WorkerHost(name, workerModule(name), data, { maxYoungGenerationSizeMb });
      hosts.push(host);
      return host;
    };
    try {
      const writer = start('writer', { path, busyTimeoutMs }, YOUNG_MB.buffers);
      // The writer makes the file that the others open.
      const state = (await writer.ready()) as StoreState;
      const shared = { path, gate: gate.cells };
      const reader = start('reader', { ...shared, options: { prefix, pageMs, cacheBytes } }, YOUNG_MB.strings);
      const packer = start('packer', shared, YOUNG_MB.buffers);
      await Promise.all([reader.ready(), packer.ready()]);
      return new Store(options, deps, state, gate, { writer, reader, packer });
    } catch (error) {
      await Promise.all(hosts.map((host) => host.close({ kind: 'close' }, AbortSignal.abort())));
      throw error;
    }
  }

  private constructor(
    options: StoreOptions,
    deps: StoreDeps,
    state: StoreState,
    gate: ReadGate,
    { writer, reader, packer }: Record<'writer' | 'reader' | 'packer', WorkerHost>,
  ) {
    this.#state = state;
    this.#path = options.path;
    this.#walWaitMs = options.walWaitMs;
    this.#deps = deps;
    this.#gate = gate;
    this.#writer = writer;
    this.#reader = reader;
    this.#packer = packer;
    this.#damage = new DamageReports(deps);
    for (const host of [writer, reader, packer]) host.onBroken((kind) => this.#damage.broken(kind));
    // This thread takes lines in, the writer stores them.
    const pressure = new Pressure(deps.clock, [() => performance.eventLoopUtilization(), () => writer.utilization()]);
    this.#packing = new PackLoop(options, { ...deps, writer, packer, pressure, damage: this.#damage }, state.series);
    this.#packing.start();
    this.#dropping = new DropLoop(options, { ...deps, writer, emptyWal: () => this.#checkpoint(0) });
    this.#dropping.wake();
    this.#wal = new WalKeeper(options.path, options, { ...deps, checkpoint: (waitMs) => this.#checkpoint(waitMs) });
    this.#wal.start();
  }

  /** As of the start. */
  get state(): StoreState {
    return this.#state;
  }

  /** Lets go of the registry's rows as they were at the start, of which there are many. What is small stays. */
  forgetRows(): void {
    const { image } = this.#state;
    this.#state = { ...this.#state, image: { ...image, machines: [], tags: [], boots: [], statuses: [], tokens: [] } };
  }

  /** Calls back once when a thread dies; nothing works after that. */
  onDeath(callback: (error: SiderolinkError) => void): void {
    for (const host of [this.#writer, this.#reader, this.#packer]) host.onDeath(callback);
  }

  /** One transaction, committed with fsync. The buffers of the batches are moved, and come back in the reply. */
  async commit(request: CommitRequest): Promise<CommitReply> {
    const { changeChunks, logChunks } = request;
    const transfer = [...movedBuffers(changeChunks), ...movedBuffers(logChunks)];
    const done = this.#deps.metrics.commitSeconds.startTimer();
    const reply = (await this.#writer.request({ kind: 'commit', ...request }, transfer)) as CommitReply;
    done();
    if (reply.failure === null) {
      this.#wal.committed(this.#count([reply.changeChunks, reply.logChunks]));
      const has = (wanted: RegistryOp['op']) => request.changes.some(({ ops }) => ops.some(({ op }) => op === wanted));
      if (has('deleteRecords')) this.#packing.deleted();
      if (has('dropSegments')) this.#dropping.wake();
    } else {
      this.#deps.metrics.commitFailures.inc();
      if (reply.failure.isDamage === true) this.#damage.broken('commit');
    }
    return reply;
  }

  async page(request: PageRequest): Promise<PageReply> {
    const reply = (await this.#reader.request({ kind: 'page', ...request })) as PageReply;
    this.#deps.metrics.unpackedBlocks.inc(reply.blocks);
    this.#damage.note(reply.losses);
    return reply;
  }

  /** The rows of a machine's boots, the first first. */
  async boots(machine: number): Promise<RegistryImage['boots']> {
    return (await this.#reader.request({ kind: 'boots', machine })) as RegistryImage['boots'];
  }

  /** A copy of everything committed until now, in a file of its own. @throws as `makeBackup` */
  async backup(options: BackupOptions, signal: AbortSignal): Promise<BackupFacts> {
    try {
      return await makeBackup(this.#path, options, signal);
    } catch (error) {
      if (isDamage(error)) this.#damage.broken('backup');
      throw error;
    }
  }

  /** Resolves when the packer has nothing to do. */
  packed(): Promise<void> {
    return this.#packing.idle();
  }

  /** What each series takes on disk, and which of its segments are the oldest. */
  async usage(): Promise<Usage> {
    const usage = (await this.#packer.request({ kind: 'usage' })) as Usage;
    const { metrics } = this.#deps;
    for (const series of SERIES) metrics.seriesBytes.set({ series }, usage.series[series].bytes);
    metrics.freeBytes.set(usage.freePages * usage.pageBytes);
    return usage;
  }

  /** Records of a series' segments up to a seq that the publisher has not told of. */
  async unpublished(series: Series, through: number): Promise<Unpublished> {
    const sum = { count: 0, from: 0, to: 0 };
    // In steps, as many segments take long, and the packer would wait.
    for (let after = 0; after < through; ) {
      const step = (await this.#packer.request({ kind: 'unpublished', series, after, through })) as UnpublishedStep;
      after = step.reached;
      if (step.count === 0) continue;
      if (sum.count === 0) sum.from = step.from;
      sum.to = step.to;
      sum.count += step.count;
    }
    return sum;
  }

  /** Lets a series' records become a segment although they are few. */
  packEarly(series: Series): void {
    this.#packing.packEarly(series);
  }

  /** Removes what was dropped, until no more space is free in the file than is to be; whether that worked. */
  async tidy(): Promise<boolean> {
    this.#dropping.wake();
    return await this.#dropping.idle();
  }

  /**
   * Gives all space back that nothing is stored in; whether the disk has it. It does not while somebody reads for long:
   * then the file is as large as it was, and the WAL is larger.
   */
  async squeeze(): Promise<boolean> {
    await this.#checkpoint(0);
    this.#dropping.wake(0);
    if (!(await this.#dropping.idle())) return false;
    return !(await this.#checkpoint(this.#walWaitMs)).isPinned;
  }

  /** The disk has little room, or enough again: with little nothing is written that can wait. */
  async beThrifty(isThrifty: boolean): Promise<void> {
    this.#packing.pause(isThrifty);
    this.#dropping.beThrifty(isThrifty);
    await this.#writer.request({ kind: 'thrifty', isThrifty });
  }

  /** @param waitMs for those who read without a look at the gate: backups, other programs */
  async #checkpoint(waitMs: number): Promise<CheckpointReply> {
    return await this.#gate.whileClosed(
      async () => (await this.#writer.request({ kind: 'checkpoint', waitMs })) as CheckpointReply,
    );
  }

  /** Ends the threads in order; those that are still running when the signal aborts are ended by force. */
  async close(signal: AbortSignal): Promise<void> {
    const last = { kind: 'close' };
    const packing = Promise.all([this.#packing.stop(), this.#dropping.stop(), this.#wal.stop()]);
    await Promise.race([packing, aborted(signal)]);
    // Readers first: the writer's last checkpoint needs them gone.
    await Promise.all([this.#packer.close(last, signal), this.#reader.close(last, signal)]);
    await this.#writer.close(last, signal);
  }

  /** Counts what was stored; bytes of lines. */
  #count(batches: readonly ChunkBatch[]): number {
    const sums = eachSeries((_: Series) => ({ records: 0, bytes: 0 }));
    for (const { meta } of batches) {
      for (let at = 0; at < meta.length; at += WIDTH) {
        // A change that failed alone has records that were not stored.
        if (Number.isNaN(meta[at + FIELD.firstSeq])) continue;
        const sum = sums[seriesOf(streamOfNumber(meta[at + FIELD.stream] ?? 0))];
        sum.records += meta[at + FIELD.count] ?? 0;
        sum.bytes += meta[at + FIELD.bytes] ?? 0;
      }
    }
    for (const series of SERIES) {
      const { records, bytes } = sums[series];
      if (records === 0) continue;
      this.#deps.metrics.records.inc({ series }, records);
      this.#packing.added(series, records, bytes);
    }
    return SERIES.reduce((sum, series) => sum + sums[series].bytes, 0);
  }
}

/** `.ts` in development, `.js` when built. */
function workerModule(name: string): URL {
  return new URL(`./${name}-worker${extname(import.meta.url)}`, import.meta.url);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
