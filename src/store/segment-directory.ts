import type { Database, Statement } from 'better-sqlite3';
import { KnownNames } from '../domain/chunk.ts';
import { errorMessage } from '../domain/errors.ts';
import { decodeRuns, type Run } from '../domain/segment-runs.ts';
import { SERIES } from './batch.ts';
import type { ExtentPlace } from './block-cache.ts';
import { checkShape, damaged, type RowShape, streamOfRow, unlessDamaged } from './damaged.ts';
import { extentChecksum } from './extent-checksum.ts';
import type { LineBlockHead } from './line-block.ts';
import type { Scope } from './pieces.ts';
import { EXTENT_FIELDS, type Loss } from './protocol.ts';
import type { TagsTable } from './registry-table.ts';
import { readableRows } from './salvage.ts';

/**
 * Directories that are kept, of readers that go through the same segment in many pages: so many, or with so many runs (of
 * about 100 bytes) in all.
 */
const KEPT_DIRECTORIES = 64;
const KEPT_RUNS = 200_000;

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
  readonly ordinal: number;
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
  /** Null for rows from before there were any. */
  readonly checksum: number | null;
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

/** Which records of a segment are where. */
export interface Directory {
  /** In the order of their seqs. */
  readonly runs: readonly PlacedRun[];
  /** What of the directory itself is damaged. */
  readonly losses: readonly Loss[];
}

/** Finds the records of segments that a reader may want. */
export class SegmentDirectories {
  readonly #all: Statement;
  readonly #allDown: Statement;
  readonly #ofMachine: Statement;
  readonly #tags: TagsTable;
  readonly #names = new KnownNames();
  readonly #kept = new Map<string, Directory>();
  readonly #filters = new WeakMap<object, number>();
  #lastFilter = 0;
  #keptRuns = 0;

  constructor(db: Database, tags: TagsTable) {
    this.#tags = tags;
    const columns = `ordinal, ${EXTENT_FIELDS.join(', ')}, names, runs, checksum`;
    const all = `select ${columns} from extent where series = ? and segment = ?`;
    this.#all = db.prepare(`${all} order by ordinal`);
    this.#allDown = db.prepare(`${all} order by ordinal desc`);
    this.#ofMachine = db.prepare(`select ${columns} from extent where machine = ? and series = ? and segment = ?`);
  }

  /** Those of the scope's machine, and of extents that its filter may select. */
  open(segment: SegmentRow, { machine, filter }: Pick<Scope, 'machine' | 'filter'>): Directory {
    if (machine !== null) return this.#place(segment, ...this.#rowsOfMachine(segment, machine), filter);
    // Numbers of segments may begin again when all were dropped; seqs never do.
    const key = `${segment.series} ${segment.first_seq} ${this.#filterNumber(filter)}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const directory = this.#place(segment, ...this.#rows(segment), filter);
    this.#keep(key, directory);
    return directory;
  }

  #keep(key: string, directory: Directory): void {
    this.#kept.set(key, directory);
    this.#keptRuns += directory.runs.length;
    for (const [oldest, { runs }] of this.#kept) {
      if (this.#kept.size <= KEPT_DIRECTORIES && this.#keptRuns <= KEPT_RUNS) break;
      if (oldest === key) break;
      this.#kept.delete(oldest);
      this.#keptRuns -= runs.length;
    }
  }

  #filterNumber(filter: Scope['filter']): number {
    if (filter.isEverything) return 0;
    let number = this.#filters.get(filter);
    if (number === undefined) {
      number = ++this.#lastFilter;
      this.#filters.set(filter, number);
    }
    return number;
  }

  #rows(segment: SegmentRow): [ExtentRow[], Loss[]] {
    const place = [segment.series, segment.id];
    const { rows, error } = readableRows<ExtentRow>(this.#all, place);
    if (error === undefined) return [rows, []];
    // What stands behind the place that cannot be read is found from the other end.
    const last = rows.at(-1)?.ordinal ?? -1;
    const rest = readableRows<ExtentRow>(this.#allDown, place).rows.filter(({ ordinal }) => ordinal > last);
    return [[...rows, ...rest.reverse()], [lossOf(segment, null, error)]];
  }

  #rowsOfMachine(segment: SegmentRow, machine: number): [ExtentRow[], Loss[]] {
    const { rows, error } = readableRows<ExtentRow>(this.#ofMachine, [machine, segment.series, segment.id]);
    if (error === undefined) return [rows, []];
    // The index may be damaged alone.
    const [all, losses] = this.#rows(segment);
    return [all.filter((row) => row.machine === machine), losses];
  }

  #place(segment: SegmentRow, rows: readonly ExtentRow[], losses: Loss[], filter: Scope['filter']): Directory {
    const placed: PlacedRun[] = [];
    for (const row of rows) {
      unlessDamaged(
        () => {
          verify(segment, row);
          const extent = this.#extent(segment, row);
          const { head } = extent;
          if (filter.select(head.tags, head.stream, head.names, head.levels) === 'none') return;
          let line = 0;
          for (const run of runsOf(segment, row)) {
            placed.push({ ...run, extent, line });
            line += run.count;
          }
        },
        (error) => losses.push(lossOf(segment, row.count, error)),
      );
    }
    placed.sort((a, b) => a.firstSeq - b.firstSeq);
    return withoutContradictions(segment, { runs: placed, losses });
  }

  #extent(segment: SegmentRow, row: ExtentRow): OpenExtent {
    return {
      head: {
        machine: row.machine,
        stream: streamOfRow(`an extent of segment ${segment.id}`, row.stream),
        boot: row.boot,
        tags: this.#tags.get(row.tags),
        levels: row.levels,
        names: this.#names.parse(row.names),
      },
      place: { block: segment.first_block + row.block, offset: row.offset, bytes: row.bytes, count: row.count },
    };
  }
}

const EXTENT_SHAPE: RowShape<ExtentRow> = {
  numbers: ['ordinal', ...EXTENT_FIELDS],
  texts: ['names'],
  blobs: ['runs'],
};

/** @throws DamageError if a row is not what was written, or what it counts from is not */
function verify({ id, first_seq, first_time, first_block }: SegmentRow, row: ExtentRow): void {
  checkShape(`an extent of segment ${id}`, row, EXTENT_SHAPE);
  if (row.checksum === null) return;
  const numbers = EXTENT_FIELDS.map((name) => row[name]);
  if (extentChecksum([first_seq, first_time, first_block], numbers, row.names, row.runs) === row.checksum) return;
  throw damaged(`an extent of segment ${id} is not what was written`);
}

/** Of extents that say that they hold the same record nobody knows which is right. */
function withoutContradictions(segment: SegmentRow, { runs, losses }: Directory): Directory {
  const wrong = new Set<OpenExtent>();
  let highest: PlacedRun | undefined;
  for (const run of runs) {
    if (highest !== undefined && run.firstSeq < endOf(highest)) wrong.add(run.extent).add(highest.extent);
    if (highest === undefined || endOf(run) > endOf(highest)) highest = run;
  }
  if (wrong.size === 0) return { runs, losses };
  const found = damaged('extents hold the same records');
  const more = [...wrong].map(({ place }) => lossOf(segment, place.count, found));
  return { runs: runs.filter(({ extent }) => !wrong.has(extent)), losses: [...losses, ...more] };
}

/** Where records of a segment are stored, in words. */
export function placeOfSegment({ series, id, first_seq, last_seq }: SegmentRow): string {
  return `segment ${id} of ${SERIES[series]} (seq ${first_seq} to ${last_seq})`;
}

function lossOf(segment: SegmentRow, count: number | null, error: unknown): Loss {
  return {
    series: SERIES[segment.series] ?? 'logs',
    place: placeOfSegment(segment),
    from: segment.first_seq,
    to: segment.last_seq,
    machine: null,
    count,
    time: segment.last_time,
    why: errorMessage(error),
  };
}

/** A run that is not there would be walked through record by record, up to the newest seq of all. */
function runsOf(segment: SegmentRow, { runs: bytes, count }: ExtentRow): readonly Run[] {
  const runs = decodeRuns(bytes, segment.first_seq, segment.first_time);
  const isWithin = (run: Run) =>
    endOf(run) - 1 <= segment.last_seq && run.time >= segment.first_time && run.time <= segment.last_time;
  if (!runs.every(isWithin) || runs.reduce((sum, run) => sum + run.count, 0) !== count) {
    throw damaged(`the runs of an extent of segment ${segment.id} are not its own`);
  }
  return runs;
}

/** The seq behind a run. */
function endOf(run: Run): number {
  return run.firstSeq + run.count;
}
