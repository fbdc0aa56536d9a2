import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { SERIES, type Series } from './batch.ts';
import { eachSeries } from './chunk-table.ts';
import type { DamageReports } from './damage-reports.ts';
import type { StoreMetrics } from './metrics.ts';
import type { Pressure } from './pressure.ts';
import type { ClearReply, PackedSegment, SeriesState, SliceReply } from './protocol.ts';
import type { WorkerHost } from './worker-host.ts';

const HEALTH = 'store_packing';
const RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
/** How often packing that waits looks whether it may begin. */
const LOOK_MS = 250;

export interface PackOptions {
  /** A segment closes at so many records or bytes of lines. */
  readonly segmentRecords: number;
  readonly segmentBytes: number;
  /** Until so many bytes of a series' lines wait to be packed, packing waits while ingest needs all of the host. */
  readonly backlogBytes: number;
  /** Bounds of one transaction that inserts packed records or removes their chunks. */
  readonly sliceRows: number;
  readonly sliceBytes: number;
}

interface PackDeps {
  readonly writer: Pick<WorkerHost, 'request'>;
  readonly packer: Pick<WorkerHost, 'request'>;
  /** Whether ingest needs all of the host. */
  readonly pressure: Pick<Pressure, 'look'>;
  readonly damage: Pick<DamageReports, 'note'>;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/** Keeps the chunks few: when a series has enough of them for a segment, packs it, in the background, one at a time. */
export class PackLoop {
  readonly #options: PackOptions;
  readonly #deps: PackDeps;
  readonly #unpacked: Record<Series, { records: number; bytes: number }>;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** Rows of deleted records may be there: looked for at the start. */
  #hasDeletions = true;
  readonly #early = new Set<Series>();
  #isPaused = false;

  constructor(options: PackOptions, deps: PackDeps, state: Readonly<Record<Series, SeriesState>>) {
    this.#options = options;
    this.#deps = deps;
    this.#unpacked = eachSeries((series) => ({ records: state[series].chunkRecords, bytes: state[series].chunkBytes }));
  }

  /** Removes what an earlier run left, and packs what is waiting. */
  start(): void {
    this.#run(async () => {
      await this.#persistently(() => this.#deps.writer.request({ kind: 'unfinished' }));
      for (const series of SERIES) await this.#sweep(series);
    });
  }

  /** Tells that records were committed. */
  added(series: Series, records: number, bytes: number): void {
    const unpacked = this.#unpacked[series];
    unpacked.records += records;
    unpacked.bytes += bytes;
    // Looked at with each commit, so that what it says when a segment is due is of now.
    this.#deps.pressure.look();
    if (this.#running === undefined && this.#isDue(series)) this.#run();
  }

  /** Packs what is there, however little and also while paused: it is to leave with a segment. */
  packEarly(series: Series): void {
    this.#early.add(series);
    if (this.#running === undefined) this.#run();
  }

  /** Begins no segment but those asked for, until told to go on. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused && this.#running === undefined) this.#run();
  }

  /** Tells that records were deleted, whose rows are to go. */
  deleted(): void {
    this.#hasDeletions = true;
    if (this.#running === undefined) this.#run();
  }

  /** Ends after the step that is running. What was begun is done again at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Resolves when nothing is left to pack or to clear away. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #run(first: () => Promise<void> = async () => {}): void {
    this.#running = first()
      .then(() => this.#packAll())
      // Only a dead thread gets here, and it ends the daemon by itself.
      .catch((error: unknown) => this.#deps.logger.debug({ error: errorMessage(error) }, 'packing ended'))
      .finally(() => {
        this.#running = undefined;
        if (this.#hasDeletions && !this.#stop.signal.aborted) this.#run();
      });
  }

  async #packAll(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // First, so that less is packed; never while a segment is half inserted, whose extents would be missed.
      if (this.#hasDeletions) await this.#clear();
      const series = this.#due();
      if (series === undefined) {
        if (!this.#hasDeletions) return;
      } else if (this.#canWait(series)) await this.#deps.clock.sleep(LOOK_MS, this.#stop.signal);
      else await this.#packOne(series);
    }
  }

  /** Packing takes CPU that ingest needs: a burst is over sooner if its lines are packed when it is. */
  #canWait(series: Series): boolean {
    if (this.#early.has(series) || this.#unpacked[series].bytes >= this.#options.backlogBytes) return false;
    return this.#deps.pressure.look();
  }

  /** Removes the rows of deleted records. */
  async #clear(): Promise<void> {
    const { sliceRows: rows, sliceBytes: bytes } = this.#options;
    this.#hasDeletions = false;
    for (;;) {
      const step = () => this.#deps.writer.request({ kind: 'clear', rows, bytes });
      const reply = (await this.#persistently(step)) as ClearReply | undefined;
      if (reply === undefined) return;
      this.#tellDamage(reply);
      if (reply.series === null) return;
      this.#unpacked[reply.series].records -= reply.unpackedRecords;
      this.#unpacked[reply.series].bytes -= reply.unpackedBytes;
      this.#deps.metrics.deletedRecords.inc({ series: reply.series }, reply.records);
      if (!reply.more) return;
    }
  }

  #due(): Series | undefined {
    return SERIES.find((series) => this.#isDue(series));
  }

  #isDue(series: Series): boolean {
    if (this.#early.has(series)) return true;
    if (this.#isPaused) return false;
    const { records, bytes } = this.#unpacked[series];
    return records >= this.#options.segmentRecords || bytes >= this.#options.segmentBytes;
  }

  async #packOne(series: Series): Promise<void> {
    const { packer, writer, damage, metrics } = this.#deps;
    const { segmentRecords: maxRecords, segmentBytes: maxBytes } = this.#options;
    const request = { kind: 'pack', series, maxRecords, maxBytes, partial: this.#early.delete(series) };
    const segment = (await this.#persistently(() => packer.request(request))) as PackedSegment | null | undefined;
    if (segment === undefined) return;
    if (segment === null) {
      this.#unpacked[series] = { records: 0, bytes: 0 };
      return;
    }
    const { records, lineBytes, losses } = segment;
    const transfer = [segment.meta.buffer, segment.runs.buffer, ...segment.blocks.map((block) => block.buffer)];
    await writer.request({ kind: 'segment', segment }, transfer);
    if (!(await this.#slices('insert', series))) return;
    this.#unpacked[series].records -= records;
    this.#unpacked[series].bytes -= lineBytes;
    metrics.packedRecords.inc({ series }, records);
    damage.note(losses);
    await this.#sweep(series);
  }

  async #sweep(series: Series): Promise<void> {
    await this.#slices('sweep', series);
  }

  /** Whether all slices were done. */
  async #slices(kind: 'insert' | 'sweep', series: Series): Promise<boolean> {
    const { sliceRows: rows, sliceBytes: bytes } = this.#options;
    for (;;) {
      const request = { kind, series, rows, bytes };
      const reply = (await this.#persistently(() => this.#deps.writer.request(request))) as SliceReply | undefined;
      if (reply === undefined) return false;
      this.#tellDamage(reply);
      if (!reply.more) return true;
    }
  }

  #tellDamage({ damage }: SliceReply): void {
    if (damage === undefined) return;
    this.#deps.metrics.clearFailures.inc();
    const what = 'a part of the packed or deleted records is damaged; its space in the file is not freed';
    this.#deps.logger.warn({ error: damage }, what);
  }

  /** Tries until it works; undefined if stopped before. Records stay readable meanwhile: only their chunks pile up. */
  async #persistently(step: () => Promise<unknown>): Promise<unknown> {
    const { clock, health, logger, metrics } = this.#deps;
    for (let wait = RETRY_MS; !this.#stop.signal.aborted; wait = Math.min(wait * 2, MAX_RETRY_MS)) {
      try {
        const result = await step();
        health.set(HEALTH, 'ok');
        return result;
      } catch (error) {
        metrics.packFailures.inc();
        health.set(HEALTH, 'warning', `records cannot be packed: ${errorMessage(error)}`);
        logger.warn({ error: errorMessage(error), retryMs: wait }, 'packing records failed');
        await clock.sleep(wait, this.#stop.signal);
      }
    }
    return undefined;
  }
}
