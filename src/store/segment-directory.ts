import type { Database, Statement } from 'better-sqlite3';
import { KnownNames, streamOfNumber } from '../domain/chunk.ts';
import { decodeRuns, type Run } from '../domain/segment-runs.ts';
import type { ExtentPlace } from './block-cache.ts';
import { damaged } from './damaged.ts';
import type { LineBlockHead } from './line-block.ts';
import type { TagsTable } from './registry-table.ts';

/** Directories that are kept: where readers of everything stand, per series. */
const KEPT_DIRECTORIES = 4;

export interface SegmentRow {
  readonly series: number;
  readonly id: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly first_time: number;
  readonly last_time: number;
  readonly first_block: number;
}

interface ExtentRow {
  readonly machine: number;
  readonly stream: number;
  readonly boot: number;
  readonly tags: number;
  readonly block: number;
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
  readonly levels: number;
  readonly names: string;
  readonly runs: Buffer;
}

export interface OpenExtent {
  readonly head: LineBlockHead;
  readonly place: ExtentPlace;
}

/** A run of records and where its lines are. */
export interface PlacedRun extends Run {
  readonly extent: OpenExtent;
  /** Index of its first line in the extent. */
  readonly line: number;
}

/** Which records of a segment are where: all runs in the order of their seqs. */
export class SegmentDirectories {
  readonly #all: Statement;
  readonly #ofMachine: Statement;
  readonly #tags: TagsTable;
  readonly #names = new KnownNames();
  readonly #kept = new Map<string, readonly PlacedRun[]>();

  constructor(db: Database, tags: TagsTable) {
    this.#tags = tags;
    const columns = 'machine, stream, boot, tags, block, offset, bytes, count, levels, names, runs';
    this.#all = db.prepare(`select ${columns} from extent where series = ? and segment = ?`);
    this.#ofMachine = db.prepare(`select ${columns} from extent where machine = ? and series = ? and segment = ?`);
  }

  /** Ascending. With a machine only its runs. @throws SiderolinkError `storage` for runs that are not the segment's */
  runs(segment: SegmentRow, machine: number | null): readonly PlacedRun[] {
    if (machine !== null) {
      return this.#place(segment, this.#ofMachine.all(machine, segment.series, segment.id) as ExtentRow[]);
    }
    const key = `${segment.series} ${segment.id}`;
    let runs = this.#kept.get(key);
    if (runs === undefined) {
      runs = this.#place(segment, this.#all.all(segment.series, segment.id) as ExtentRow[]);
      const [oldest] = this.#kept.keys();
      if (this.#kept.size >= KEPT_DIRECTORIES && oldest !== undefined) this.#kept.delete(oldest);
      this.#kept.set(key, runs);
    }
    return runs;
  }

  #place(segment: SegmentRow, rows: readonly ExtentRow[]): readonly PlacedRun[] {
    const placed: PlacedRun[] = [];
    for (const row of rows) {
      const extent: OpenExtent = {
        head: {
          machine: row.machine,
          stream: streamOfNumber(row.stream),
          boot: row.boot,
          tags: this.#tags.get(row.tags),
          levels: row.levels,
          names: this.#names.parse(row.names),
        },
        place: { block: segment.first_block + row.block, offset: row.offset, bytes: row.bytes, count: row.count },
      };
      let line = 0;
      for (const run of runsOf(segment, row)) {
        placed.push({ ...run, extent, line });
        line += run.count;
      }
    }
    placed.sort((a, b) => a.firstSeq - b.firstSeq);
    const overlaps = placed.some(({ firstSeq }, i) => firstSeq < endOf(placed[i - 1]));
    if (overlaps) throw damaged(`segment ${segment.id} has records twice`);
    return placed;
  }
}

/** A run that is not there would be walked through record by record, up to the newest seq of all. */
function runsOf(segment: SegmentRow, { runs: bytes, count }: ExtentRow): readonly Run[] {
  const wrong = (cause?: unknown) => damaged(`the runs of an extent of segment ${segment.id} are not its own`, cause);
  let runs: readonly Run[];
  try {
    runs = decodeRuns(bytes, segment.first_seq, segment.first_time);
  } catch (cause) {
    throw wrong(cause);
  }
  const isWithin = (run: Run) =>
    endOf(run) - 1 <= segment.last_seq && run.time >= segment.first_time && run.time <= segment.last_time;
  if (!runs.every(isWithin) || runs.reduce((sum, run) => sum + run.count, 0) !== count) throw wrong();
  return runs;
}

/** The seq behind a run. */
function endOf(run: Run | undefined): number {
  return run === undefined ? 0 : run.firstSeq + run.count;
}
