import type { Database, Statement } from 'better-sqlite3';
import { countLines, KnownNames, namesText, streamNumber } from '../domain/chunk.ts';
import { errorMessage } from '../domain/errors.ts';
import { BLOCK_BYTES, type PackedChunk, planSegment } from '../domain/segment.ts';
import { encodeRuns } from '../domain/segment-runs.ts';
import type { Series } from './batch.ts';
import { BODY_COLUMNS, type ChunkBodyRow, type ChunkHeadRow, checkBody, checkHead, HEAD_COLUMNS } from './chunk-row.ts';
import { ChunkRows } from './chunk-rows.ts';
import { eachSeries } from './chunk-table.ts';
import { ColumnDivider } from './column-divider.ts';
import { damaged, streamOfRow, unlessDamaged } from './damaged.ts';
import { placeOfChunk } from './lost-records.ts';
import { packBlock } from './packed-block.ts';
import { EXTENT_FIELDS, type Loss, type PackedSegment, type PackRequest } from './protocol.ts';
import { ReadGate } from './read-gate.ts';

type ChunkRow = ChunkHeadRow & ChunkBodyRow;

const LINE_FEED = 0x0a;
/** Bytes of lines that are read in one read transaction: while it lasts, the WAL cannot be begun anew. */
const READ_BYTES = 4 * 1024 * 1024;

/** What was read for a segment. */
interface Read {
  readonly chunks: readonly PackedChunk[];
  readonly losses: readonly Loss[];
  readonly full: boolean;
}

/**
 * Rewrites the oldest unpacked chunks of a series as a segment. Only reads; what it reads no longer changes. Chunks that are
 * damaged are left out and told: else nothing behind them would ever be packed.
 */
export class Packer {
  readonly #chunks: Readonly<Record<Series, ChunkRows<ChunkRow>>>;
  readonly #range: Readonly<Record<Series, Statement>>;
  readonly #gate: ReadGate;
  readonly #names = new KnownNames();
  readonly #columns = new ColumnDivider();

  constructor(db: Database, gate = new ReadGate()) {
    this.#gate = gate;
    this.#chunks = eachSeries(
      (series) => new ChunkRows<ChunkRow>(db, series, `${HEAD_COLUMNS}, ${BODY_COLUMNS}`, checkHead),
    );
    this.#range = eachSeries((series) => db.prepare(`select packed_${series}, next_seq - 1 from log_state`).raw());
  }

  /** The next segment, or null if there are not yet enough chunks for one; with `partial`, if there are none. */
  pack({ series, maxRecords, maxBytes, partial }: PackRequest): PackedSegment | null {
    const { chunks, losses, full } = this.#gate.read(() => this.#readChunks(series, maxRecords, maxBytes));
    const first = chunks[0];
    const last = chunks.at(-1);
    if (!(full || partial) || first === undefined || last === undefined) return null;
    const blocks: Uint8Array<ArrayBuffer>[] = [];
    const extents = planSegment(
      chunks,
      (block) => blocks.push(packBlock(block, this.#columns)),
      BLOCK_BYTES,
      this.#columns,
    );
    const lineBytes = chunks.reduce((sum, chunk) => sum + chunk.payload.length, 0);
    for (const { payload } of chunks) free(payload);
    const base = { seq: first.firstSeq, time: first.time };
    const runs = extents.map((extent) => encodeRuns(extent.runs, base.seq, base.time));
    let runEnd = 0;
    return {
      series,
      firstSeq: base.seq,
      lastSeq: last.firstSeq + last.count - 1,
      firstTime: base.time,
      lastTime: last.time,
      records: chunks.reduce((sum, chunk) => sum + chunk.count, 0),
      lineBytes,
      blocks,
      meta: Float64Array.from(extents.flatMap((extent) => EXTENT_FIELDS.map((name) => extent[name]))),
      names: extents.map((extent) => namesText(extent.names)),
      runs: moved(Buffer.concat(runs)),
      runEnds: runs.map((bytes) => (runEnd += bytes.length)),
      // What is damaged at the end may be packed with what comes behind it.
      losses: losses.filter(({ from }) => from < last.firstSeq),
    };
  }

  /** In several read transactions: chunks do not change, and nobody removes unpacked ones while the pack loop waits for this. */
  #readChunks(series: Series, maxRecords: number, maxBytes: number): Read {
    const chunks: PackedChunk[] = [];
    const losses: Loss[] = [];
    let records = 0;
    let bytes = 0;
    const [mark, head] = this.#range[series].get() as [number, number];
    let held = 0;
    const isLong = ({ payload }: ChunkRow): boolean => {
      held += Buffer.isBuffer(payload) ? payload.length : 0;
      if (held < READ_BYTES && !this.#gate.isClosed) return false;
      held = 0;
      return true;
    };
    for (const { row, lost } of this.#chunks[series].between(mark, head, isLong)) {
      if (lost !== undefined) {
        const what = { machine: null, count: null, time: chunks.at(-1)?.time ?? 0, why: errorMessage(lost.error) };
        losses.push({ series, place: placeOfChunk(series, lost.from), from: lost.from, to: lost.to, ...what });
        continue;
      }
      if (row === undefined) {
        this.#gate.pause();
        continue;
      }
      const chunk = unlessDamaged(
        () => this.#chunk(row),
        (error) => void losses.push(lossOf(series, row, error)),
      );
      if (chunk === undefined) continue;
      chunks.push(chunk);
      records += chunk.count;
      bytes += chunk.payload.length;
      if (records >= maxRecords || bytes >= maxBytes) return { chunks, losses, full: true };
    }
    return { chunks, losses, full: false };
  }

  /** @throws DamageError */
  #chunk(row: ChunkRow): PackedChunk {
    const { first_seq: firstSeq, count, machine, boot, tags, time, levels, details, payload } = row;
    checkBody(row, row);
    // Without a checksum, lines that are missing would give the others of their block wrong numbers.
    const isSealed = row.head_checksum !== null;
    const isWhole = details.length === count && payload.at(-1) === LINE_FEED;
    if (!isWhole || !(isSealed || countLines(payload) === count)) {
      throw damaged(`lines of a chunk of machine ${machine} are missing`);
    }
    const stream = streamNumber(streamOfRow('a chunk', row.stream));
    const names = this.#names.parse(row.names);
    return { firstSeq, count, machine, stream, boot, tags, time, levels, names, details, payload };
  }
}

function lossOf(series: Series, { first_seq: from, count, machine, time }: ChunkRow, error: unknown): Loss {
  const range = { from, to: from + count - 1 };
  return { series, place: placeOfChunk(series, from), ...range, machine, count, time, why: errorMessage(error) };
}

/** The bytes in a buffer of their own, so that it can be moved to another thread. */
function moved(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/**
 * Gives the memory of bytes back that nobody looks at any more. This thread has few objects, so its garbage is seldom collected:
 * the lines of several segments would wait for that.
 */
function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
