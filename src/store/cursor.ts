import type { Database, Statement } from 'better-sqlite3';
import { KnownNames, streamOfNumber } from '../domain/chunk.ts';
import type { Selection, SubjectFilter } from '../domain/filter.ts';
import { SERIES, type Series } from './batch.ts';
import type { BlockCache } from './block-cache.ts';
import { CHUNK_TABLES, eachSeries } from './chunk-table.ts';
import type { Deletions } from './deletions.ts';
import { LineBlock, type LineBlockHead } from './line-block.ts';
import type { TagsTable } from './registry-table.ts';
import type { PlacedRun, SegmentDirectories, SegmentRow } from './segment-directory.ts';

/** Rows of chunks that are looked at together; their payloads are fetched one by one. */
const ROWS = 256;

/** What to look for. Seqs and times are inclusive. */
export interface Scope {
  readonly filter: SubjectFilter;
  readonly machine: number | null;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly since: number;
  readonly until: number;
  readonly backward: boolean;
}

/**
 * Consecutive records of which some are selected. Without `lines` it only tells how far the scan has come: the series
 * has nothing more to give up to its seqs (backward: down to them).
 */
export interface Piece {
  readonly firstSeq: number;
  readonly count: number;
  readonly time: number;
  readonly found: Found | null;
}

export interface Found {
  readonly selection: Selection;
  /** Index of the first record's line. */
  readonly line: number;
  readonly lines: () => LineBlock;
}

interface ChunkRow {
  readonly first_seq: number;
  readonly count: number;
  readonly machine: number;
  readonly stream: number;
  readonly boot: number;
  readonly tags: number;
  readonly time: number;
  readonly levels: number;
  readonly names: string;
}

interface SeriesStatements {
  readonly segmentFrom: Statement;
  readonly segmentAfter: Statement;
  readonly segmentBefore: Statement;
  readonly segmentLast: Statement;
  readonly machineAfter: Statement;
  readonly machineBefore: Statement;
  readonly segment: Statement;
  readonly chunkAt: Statement;
  readonly chunkAtOfMachine: Statement;
  readonly chunksUp: Statement;
  readonly chunksUpOfMachine: Statement;
  readonly chunksDown: Statement;
  readonly chunksDownOfMachine: Statement;
  readonly chunkBody: Statement;
}

/** Walks the records of one series in the order of their seqs, through segments and chunks. */
export class SeriesWalker {
  readonly #statements: Readonly<Record<Series, SeriesStatements>>;
  readonly #directories: SegmentDirectories;
  readonly #blocks: BlockCache;
  readonly #tags: TagsTable;
  readonly #deletions: Deletions;
  readonly #names = new KnownNames();

  constructor(
    db: Database,
    deps: { directories: SegmentDirectories; blocks: BlockCache; tags: TagsTable; deletions: Deletions },
  ) {
    this.#directories = deps.directories;
    this.#blocks = deps.blocks;
    this.#tags = deps.tags;
    this.#deletions = deps.deletions;
    this.#statements = eachSeries((series) => prepare(db, series));
  }

  /** @param mark seq up to which segments count and above which chunks do; read in the same transaction */
  *walk(series: Series, mark: number, wanted: Scope): Generator<Piece> {
    const deleted = wanted.machine === null ? 0 : this.#deletions.through(series, wanted.machine);
    const scope = { ...wanted, fromSeq: Math.max(wanted.fromSeq, deleted + 1) };
    const segments = { ...scope, toSeq: Math.min(scope.toSeq, mark) };
    const chunks = { ...scope, fromSeq: Math.max(scope.fromSeq, mark + 1) };
    if (scope.backward) yield* this.#walkChunks(series, chunks);
    if (segments.fromSeq <= segments.toSeq) yield* this.#walkSegments(series, segments);
    if (!scope.backward) yield* this.#walkChunks(series, chunks);
  }

  *#walkSegments(series: Series, scope: Scope): Generator<Piece> {
    let segment = this.#firstSegment(series, scope);
    while (segment !== undefined) {
      if (scope.backward ? segment.last_time < scope.since : segment.first_time > scope.until) return;
      if (scope.backward ? segment.last_seq < scope.fromSeq : segment.first_seq > scope.toSeq) return;
      if (segment.first_time <= scope.until && segment.last_time >= scope.since) {
        yield* this.#walkRuns(series, this.#directories.runs(segment, scope.machine), scope);
      }
      yield passed(scope.backward ? segment.first_seq : segment.last_seq);
      segment = this.#nextSegment(series, scope, segment);
    }
  }

  #firstSegment(series: Series, scope: Scope): SegmentRow | undefined {
    const { segmentFrom, segmentLast } = this.#statements[series];
    const number = SERIES.indexOf(series);
    // Backward the first segment is the one that holds `toSeq`, or the newest.
    const edge = scope.backward ? scope.toSeq : scope.fromSeq;
    const since = scope.backward ? Number.MIN_SAFE_INTEGER : clampInteger(scope.since);
    const row = segmentFrom.get(number, edge, since) ?? (scope.backward ? segmentLast.get(number) : undefined);
    return row as SegmentRow | undefined;
  }

  #nextSegment(series: Series, scope: Scope, current: SegmentRow): SegmentRow | undefined {
    const statements = this.#statements[series];
    const number = SERIES.indexOf(series);
    if (scope.machine === null) {
      const next = scope.backward ? statements.segmentBefore : statements.segmentAfter;
      return next.get(number, current.id) as SegmentRow | undefined;
    }
    const next = scope.backward ? statements.machineBefore : statements.machineAfter;
    const id = next.get(scope.machine, number, current.id) as number | undefined;
    // A segment that is still being inserted has extents, but no row.
    return id === undefined ? undefined : (statements.segment.get(number, id) as SegmentRow | undefined);
  }

  *#walkRuns(series: Series, runs: readonly PlacedRun[], scope: Scope): Generator<Piece> {
    const step = scope.backward ? -1 : 1;
    let at = scope.backward ? firstAbove(runs, scope.toSeq) - 1 : Math.max(0, firstAbove(runs, scope.fromSeq) - 1);
    for (; at >= 0 && at < runs.length; at += step) {
      const run = runs[at];
      if (run === undefined) return;
      if (scope.backward ? run.firstSeq + run.count <= scope.fromSeq : run.firstSeq > scope.toSeq) return;
      const { extent, time } = run;
      const selection = select(scope, extent.head, time);
      if (selection === 'none') continue;
      // Of a run with records from before and after a deletion only those after it are left.
      const gone = Math.max(0, this.#deletions.through(series, extent.head.machine) + 1 - run.firstSeq);
      if (gone >= run.count) continue;
      const { firstSeq, count, line } = {
        firstSeq: run.firstSeq + gone,
        count: run.count - gone,
        line: run.line + gone,
      };
      const lines = () => this.#blocks.lines(extent.place, extent.head);
      yield { firstSeq, count, time, found: { selection, line, lines } };
    }
  }

  *#walkChunks(series: Series, scope: Scope): Generator<Piece> {
    const { chunkBody } = this.#statements[series];
    let edge = this.#chunkEdge(series, scope);
    for (;;) {
      const rows = this.#chunkRows(series, scope, edge);
      for (const row of rows) {
        const { first_seq: firstSeq, count, time } = row;
        if (scope.backward ? firstSeq + count <= scope.fromSeq : firstSeq > scope.toSeq) return;
        if (scope.backward ? time < scope.since : time > scope.until) return;
        edge = firstSeq;
        // A packed chunk that is not yet swept away.
        if (!scope.backward && firstSeq + count <= scope.fromSeq) continue;
        const head = this.#chunkHead(row);
        const selection = firstSeq <= this.#deletions.through(series, row.machine) ? 'none' : select(scope, head, time);
        if (selection === 'none') {
          yield passed(scope.backward ? firstSeq : firstSeq + count - 1);
          continue;
        }
        const lines = (): LineBlock => {
          const [details, payload] = chunkBody.get(firstSeq) as [Buffer, Buffer];
          return new LineBlock(head, count, details, payload);
        };
        yield { firstSeq, count, time, found: { selection, line: 0, lines } };
      }
      if (rows.length < ROWS) return;
    }
  }

  /** Rows lie strictly beyond it: forward the chunk that holds `fromSeq` is the first. */
  #chunkEdge(series: Series, scope: Scope): number {
    if (scope.backward) return scope.toSeq + 1;
    const { chunkAt, chunkAtOfMachine } = this.#statements[series];
    const at = scope.machine === null ? chunkAt.get(scope.fromSeq) : chunkAtOfMachine.get(scope.machine, scope.fromSeq);
    return (at as number | null) === null ? scope.fromSeq - 1 : (at as number) - 1;
  }

  #chunkRows(series: Series, scope: Scope, edge: number): ChunkRow[] {
    const statements = this.#statements[series];
    if (scope.machine === null) {
      return (scope.backward ? statements.chunksDown : statements.chunksUp).all(edge) as ChunkRow[];
    }
    const ofMachine = scope.backward ? statements.chunksDownOfMachine : statements.chunksUpOfMachine;
    return ofMachine.all(scope.machine, edge) as ChunkRow[];
  }

  #chunkHead(row: ChunkRow): LineBlockHead {
    const { machine, boot, levels } = row;
    const names = this.#names.parse(row.names);
    return { machine, boot, levels, stream: streamOfNumber(row.stream), tags: this.#tags.get(row.tags), names };
  }
}

function prepare(db: Database, series: Series): SeriesStatements {
  const table = CHUNK_TABLES[series];
  const chunk = 'select first_seq, count, machine, stream, boot, tags, time, levels, names';
  const segment = 'select series, id, first_seq, last_seq, first_time, last_time, first_block from segment';
  return {
    segmentFrom: db.prepare(
      `${segment} where series = ? and last_seq >= ? and last_time >= ? order by last_seq limit 1`,
    ),
    segmentAfter: db.prepare(`${segment} where series = ? and id > ? order by id limit 1`),
    segmentBefore: db.prepare(`${segment} where series = ? and id < ? order by id desc limit 1`),
    segmentLast: db.prepare(`${segment} where series = ? order by id desc limit 1`),
    segment: db.prepare(`${segment} where series = ? and id = ?`),
    machineAfter: db
      .prepare('select segment from extent where machine = ? and series = ? and segment > ? order by segment limit 1')
      .pluck(),
    machineBefore: db
      .prepare(
        'select segment from extent where machine = ? and series = ? and segment < ? order by segment desc limit 1',
      )
      .pluck(),
    chunkAt: db.prepare(`select max(first_seq) from ${table} where first_seq <= ?`).pluck(),
    chunkAtOfMachine: db.prepare(`select max(first_seq) from ${table} where machine = ? and first_seq <= ?`).pluck(),
    chunksUp: db.prepare(`${chunk} from ${table} where first_seq > ? order by first_seq limit ${ROWS}`),
    chunksUpOfMachine: db.prepare(
      `${chunk} from ${table} where machine = ? and first_seq > ? order by first_seq limit ${ROWS}`,
    ),
    chunksDown: db.prepare(`${chunk} from ${table} where first_seq < ? order by first_seq desc limit ${ROWS}`),
    chunksDownOfMachine: db.prepare(
      `${chunk} from ${table} where machine = ? and first_seq < ? order by first_seq desc limit ${ROWS}`,
    ),
    chunkBody: db.prepare(`select details, payload from ${table} where first_seq = ?`).raw(),
  };
}

function passed(seq: number): Piece {
  return { firstSeq: seq, count: 0, time: 0, found: null };
}

function select({ filter, since, until }: Scope, head: LineBlockHead, time: number): Selection {
  if (time < since || time > until) return 'none';
  return filter.select(head.tags, head.stream, head.names, head.levels);
}

/** Index of the first run whose first seq lies above `seq`. */
function firstAbove(runs: readonly PlacedRun[], seq: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle]?.firstSeq ?? 0) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** SQLite compares integers; infinities are none. */
function clampInteger(value: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(value)));
}
