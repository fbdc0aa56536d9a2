import type { Database } from 'better-sqlite3';
import { type Chunk, LEVELS } from '../../src/domain/record.ts';
import { decodeRuns } from '../../src/domain/segment-runs.ts';
import { type ChunkHead, encodeBatch, SERIES, type Series } from '../../src/store/batch.ts';
import { CHUNK_TABLES } from '../../src/store/chunk-row.ts';
import { ChunkTable } from '../../src/store/chunk-table.ts';
import { openWriter } from '../../src/store/database.ts';
import { Packer } from '../../src/store/packer.ts';
import type { PageReader } from '../../src/store/page-reader.ts';
import type { GapRequest, PageReply, PageRequest } from '../../src/store/protocol.ts';
import { SegmentTable } from '../../src/store/segment-table.ts';
import { linesOf, uuidOf } from '../stream/harness.ts';

export interface PaperRecord {
  readonly seq: number;
  readonly machine: number;
  readonly series: Series;
  readonly level: string;
  readonly msg: string;
  readonly time: number;
}

export interface Paper {
  readonly db: Database;
  /** What it holds, as a plain list. */
  readonly records: readonly PaperRecord[];
}

export const START = 1_795_000_000_000;

export interface PaperOptions {
  readonly path?: string;
  readonly machines?: number;
  /** Commits; each has lines of a machine, and now and then an event. */
  readonly chunks: number;
  readonly linesPerChunk?: number;
  readonly segmentRecords: number;
  /** What lines go on with. */
  readonly text?: (seq: number) => string;
}

/** A store made by the parts that make one, without threads: packed but for what is no whole segment. */
export function paperStore(options: PaperOptions): Paper {
  const { machines = 4, chunks, linesPerChunk = 5, segmentRecords, text = () => '' } = options;
  const db = openWriter(options.path ?? ':memory:', 0);
  const table = new ChunkTable(db);
  const records: PaperRecord[] = [];
  for (let machine = 1; machine <= machines; machine++) {
    db.prepare('insert into tags (id, server_uuid, owner) values (?, ?, ?)').run(
      machine,
      uuidOf(machine),
      machine === 1 ? 'acme' : null,
    );
    db.prepare('insert into machine values (?, ?, ?, ?)').run(machine, uuidOf(machine), `fd00::${machine}`, '{}');
  }
  db.exec('begin');
  for (let chunk = 0; chunk < chunks; chunk++) {
    const machine = 1 + ((chunk * 7) % machines);
    const series: Series = chunk % 5 === 4 ? 'others' : 'logs';
    const firstSeq = records.length + 1;
    const count = series === 'logs' ? linesPerChunk : 1;
    const messages = Array.from({ length: count }, (_, i) => `line ${firstSeq + i} ${text(firstSeq + i)}`);
    const { payload, details, levels } = linesOf(messages, series === 'logs' ? LEVELS : ['PhaseEvent']);
    const time = START + chunk * 1000;
    const isLogs = series === 'logs';
    insertChunk(table, firstSeq, {
      ...{ count, machine, stream: isLogs ? 'kmsg' : 'event', boot: 1, tags: machine, time },
      ...{ levels: isLogs ? levels : 0, names: isLogs ? '' : 'PhaseEvent', details, payload },
    });
    for (const [i, msg] of messages.entries()) {
      const level = series === 'logs' ? (LEVELS[i % LEVELS.length] ?? '') : '';
      records.push({ seq: firstSeq + i, machine, series, level, msg, time });
    }
  }
  db.prepare('update log_state set next_seq = ?').run(records.length + 1);
  db.exec('commit');
  const segments = new SegmentTable(db);
  for (const series of SERIES) packAll(db, segments, series, segmentRecords);
  return { db, records };
}

/** A chunk as the writer stores it. */
export function insertChunk(
  table: ChunkTable,
  firstSeq: number,
  {
    details,
    payload,
    ...facts
  }: Omit<ChunkHead, 'bytes' | 'firstKseq' | 'lastKseq'> & Pick<Chunk, 'details' | 'payload'>,
): void {
  const head = { ...facts, firstKseq: null, lastKseq: null, bytes: payload.length };
  const body = new ArrayBuffer(payload.length + details.length);
  const batch = encodeBatch([head], body, (_, target, offset) => {
    target.set(payload, offset);
    target.set(details, offset + payload.length);
  });
  table.insert(batch, 0, 1, firstSeq);
}

function packAll(db: Database, segments: SegmentTable, series: Series, maxRecords: number): void {
  for (;;) {
    const packed = new Packer(db).pack({ series, maxRecords, maxBytes: 1e9 });
    if (packed === null) return;
    segments.begin(packed);
    while (segments.insertSlice(100, 1e6));
    db.prepare(`delete from ${CHUNK_TABLES[series]} where first_seq <= ?`).run(packed.lastSeq);
  }
}

interface PlacedExtent {
  readonly series: number;
  readonly segment: number;
  readonly ordinal: number;
  readonly block: number;
  readonly seqs: readonly number[];
}

/** Where packed records are: read before anything is damaged. */
export function extentsOf(db: Database): PlacedExtent[] {
  const rows = db
    .prepare(
      `select extent.series, extent.segment, ordinal, first_block + block as block, runs, first_seq, first_time
       from extent join segment on segment.series = extent.series and segment.id = extent.segment`,
    )
    .all() as (Omit<PlacedExtent, 'seqs'> & { runs: Buffer; first_seq: number; first_time: number })[];
  return rows.map(({ runs, first_seq, first_time, ...place }) => {
    const seqs = decodeRuns(runs, first_seq, first_time).flatMap(({ firstSeq, count }) =>
      Array.from({ length: count }, (_, i) => firstSeq + i),
    );
    return { ...place, seqs };
  });
}

export interface Shown {
  readonly seq: number;
  readonly subject: string;
  readonly body: {
    readonly msg?: string;
    readonly from?: number;
    readonly to?: number;
    readonly count?: number | null;
    readonly reason?: string;
    readonly series?: string;
  };
}

export const ANYTHING = {
  filters: [],
  machine: null,
  fromSeq: 1,
  toSeq: Number.POSITIVE_INFINITY,
  since: Number.NEGATIVE_INFINITY,
  until: Number.POSITIVE_INFINITY,
  backward: false,
  grep: '',
  maxRecords: 1000,
  maxText: 1 << 22,
} as const satisfies PageRequest;

export const NO_GAPS_YET: GapRequest = { isStart: false, told: [0, 0] };

/** All of a request, page after page, in the order in which it came. */
export function readPages(
  reader: PageReader,
  wanted: Partial<PageRequest>,
): { shown: Shown[]; pages: PageReply[]; blocks: number } {
  let request: PageRequest = { ...ANYTHING, ...wanted };
  const pages: PageReply[] = [];
  for (;;) {
    const page = reader.page(request);
    pages.push(page);
    if (page.done) break;
    if (pages.length > 100_000) throw new Error('pages without end');
    const { gaps } = request;
    request = {
      ...request,
      ...(request.backward ? { toSeq: page.through - 1 } : { fromSeq: page.through + 1 }),
      ...(gaps !== undefined && { gaps: { ...gaps, isStart: false, told: page.told } }),
    };
  }
  const shown = pages.flatMap(({ jsons }) => jsons.map((json) => JSON.parse(json) as Shown));
  return { shown, pages, blocks: pages.reduce((sum, { blocks }) => sum + blocks, 0) };
}
