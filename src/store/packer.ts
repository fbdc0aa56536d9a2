import type { Database, Statement } from 'better-sqlite3';
import { KnownNames, namesText } from '../domain/chunk.ts';
import { LineColumns } from '../domain/line-columns.ts';
import { type PackedChunk, planSegment } from '../domain/segment.ts';
import { encodeRuns } from '../domain/segment-runs.ts';
import type { Series } from './batch.ts';
import { CHUNK_TABLES, eachSeries } from './chunk-table.ts';
import { packBlock } from './packed-block.ts';
import { EXTENT_FIELDS, type PackedSegment, type PackRequest } from './protocol.ts';

interface ChunkRow extends Omit<PackedChunk, 'names' | 'firstSeq'> {
  readonly first_seq: number;
  readonly names: string;
}

/** Rewrites the oldest unpacked chunks of a series as a segment. Only reads; what it reads no longer changes. */
export class Packer {
  readonly #db: Database;
  readonly #select: Readonly<Record<Series, Statement>>;
  readonly #mark: Readonly<Record<Series, Statement>>;
  readonly #names = new KnownNames();
  readonly #columns = new LineColumns();

  constructor(db: Database) {
    this.#db = db;
    this.#select = eachSeries((series) =>
      db.prepare(
        `select first_seq, count, machine, stream, boot, tags, time, levels, names, details, payload
         from ${CHUNK_TABLES[series]} where first_seq > ? order by first_seq`,
      ),
    );
    this.#mark = eachSeries((series) => db.prepare(`select packed_${series} from log_state`).pluck());
  }

  /** The next segment, or null if there are not yet enough chunks for one; with `partial`, if there are none. */
  pack({ series, maxRecords, maxBytes, partial }: PackRequest): PackedSegment | null {
    const { chunks, full } = this.#db.transaction(() => this.#readChunks(series, maxRecords, maxBytes)).deferred();
    const first = chunks[0];
    const last = chunks.at(-1);
    if (!(full || partial) || first === undefined || last === undefined) return null;
    const blocks: Uint8Array<ArrayBuffer>[] = [];
    const extents = planSegment(chunks, (block) => blocks.push(packBlock(block, this.#columns)));
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
      lineBytes: chunks.reduce((sum, chunk) => sum + chunk.payload.length, 0),
      blocks,
      meta: Float64Array.from(extents.flatMap((extent) => EXTENT_FIELDS.map((name) => extent[name]))),
      names: extents.map((extent) => namesText(extent.names)),
      runs: moved(Buffer.concat(runs)),
      runEnds: runs.map((bytes) => (runEnd += bytes.length)),
    };
  }

  #readChunks(series: Series, maxRecords: number, maxBytes: number): { chunks: PackedChunk[]; full: boolean } {
    const chunks: PackedChunk[] = [];
    let records = 0;
    let bytes = 0;
    for (const row of this.#select[series].iterate(this.#mark[series].get()) as IterableIterator<ChunkRow>) {
      const { first_seq: firstSeq, names, ...rest } = row;
      chunks.push({ ...rest, firstSeq, names: this.#names.parse(names) });
      records += row.count;
      bytes += row.payload.length;
      if (records >= maxRecords || bytes >= maxBytes) return { chunks, full: true };
    }
    return { chunks, full: false };
  }
}

/** The bytes in a buffer of their own, so that it can be moved to another thread. */
function moved(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
