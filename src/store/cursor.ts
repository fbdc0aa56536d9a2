import type { Database, Statement } from 'better-sqlite3';
import { KnownNames } from '../domain/chunk.ts';
import { errorMessage } from '../domain/errors.ts';
import type { Selection } from '../domain/filter.ts';
import type { Series } from './batch.ts';
import type { BlockCache } from './block-cache.ts';
import {
  BODY_COLUMNS,
  CHUNK_TABLES,
  type ChunkBodyRow,
  type ChunkHeadRow,
  checkBody,
  checkHead,
  HEAD_COLUMNS,
} from './chunk-row.ts';
import { eachSeries } from './chunk-table.ts';
import { damaged, streamOfRow, unlessDamaged } from './damaged.ts';
import type { Deletions } from './deletions.ts';
import { LineBlock, type LineBlockHead } from './line-block.ts';
import { placeOfChunk } from './lost-records.ts';
import { lostPiece, type Piece, passed, type Scope } from './pieces.ts';
import type { TagsTable } from './registry-table.ts';
import { firstWhere, readableRows, readBeyond } from './salvage.ts';
import { type PlacedRun, placeOfSegment, type SegmentDirectories } from './segment-directory.ts';
import { SegmentList } from './segment-list.ts';

/** Rows of chunks that are looked at together; their payloads are fetched one by one. */
const ROWS = 256;

interface ChunkStatements {
  /** The first chunk at a seq or beyond it, in the direction of the walk. */
  readonly next: Statement;
  readonly previous: Statement;
  readonly nextOfMachine: Statement;
  readonly previousOfMachine: Statement;
  readonly up: Statement;
  readonly upOfMachine: Statement;
  readonly down: Statement;
  readonly downOfMachine: Statement;
  readonly body: Statement;
}

/** Walks the records of one series in the order of their seqs, through segments and chunks. */
export class SeriesWalker {
  readonly #chunks: Readonly<Record<Series, ChunkStatements>>;
  readonly #segments: Readonly<Record<Series, SegmentList>>;
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
    this.#segments = eachSeries((series) => new SegmentList(db, series));
    this.#chunks = eachSeries((series) => prepareChunks(db, series));
  }

  /**
   * @param mark seq up to which segments count and above which chunks do; read in the same transaction
   * @param dropped seq up to which retention dropped everything, likewise
   */
  *walk(series: Series, mark: number, dropped: number, wanted: Scope): Generator<Piece> {
    const deleted = wanted.machine === null ? 0 : this.#deletions.through(series, wanted.machine);
    const scope = { ...wanted, fromSeq: Math.max(wanted.fromSeq, dropped + 1, deleted + 1) };
    const segments = { ...scope, toSeq: Math.min(scope.toSeq, mark) };
    const chunks = { ...scope, fromSeq: Math.max(scope.fromSeq, mark + 1) };
    if (scope.backward && chunks.fromSeq <= chunks.toSeq) yield* this.#walkChunks(series, chunks);
    if (segments.fromSeq <= segments.toSeq) yield* this.#walkSegments(series, segments);
    if (!scope.backward && chunks.fromSeq <= chunks.toSeq) yield* this.#walkChunks(series, chunks);
  }

  *#walkSegments(series: Series, scope: Scope): Generator<Piece> {
    for (const step of this.#segments[series].walk(scope)) {
      if (step.loss !== undefined) {
        const piece = lostPiece(step.loss, scope);
        if (piece !== null) yield piece;
        continue;
      }
      const { segment } = step;
      if (segment.first_time <= scope.until && segment.last_time >= scope.since) {
        const { runs, losses } = this.#directories.open(segment, scope);
        for (const loss of losses) {
          const piece = lostPiece(loss, scope);
          if (piece !== null) yield piece;
        }
        yield* this.#walkRuns(series, placeOfSegment(segment), runs, scope);
      }
      yield passed(step.through);
    }
  }

  *#walkRuns(series: Series, place: string, runs: readonly PlacedRun[], scope: Scope): Generator<Piece> {
    const step = scope.backward ? -1 : 1;
    let at = scope.backward ? firstAbove(runs, scope.toSeq) - 1 : Math.max(0, firstAbove(runs, scope.fromSeq) - 1);
    for (; at >= 0 && at < runs.length; at += step) {
      const run = runs[at];
      if (run === undefined) return;
      if (scope.backward ? run.firstSeq + run.count <= scope.fromSeq : run.firstSeq > scope.toSeq) return;
      const { extent, time } = run;
      const selection = select(scope, extent.head, time);
      if (selection === 'none') continue;
      // Of a run with records from before and after a deletion, or what retention dropped, only those after are left.
      const first = Math.max(scope.fromSeq, this.#deletions.through(series, extent.head.machine) + 1);
      const gone = Math.max(0, first - run.firstSeq);
      if (gone >= run.count) continue;
      const { firstSeq, count, line } = {
        firstSeq: run.firstSeq + gone,
        count: run.count - gone,
        line: run.line + gone,
      };
      const lines = () => this.#blocks.lines(extent.place, extent.head);
      const { machine } = extent.head;
      yield {
        firstSeq,
        count,
        time,
        found: { series, place, machine, isSealed: true, selection, line, lines },
        lost: null,
      };
    }
  }

  *#walkChunks(series: Series, scope: Scope): Generator<Piece> {
    const { backward } = scope;
    let edge = this.#chunkEdge(series, scope);
    // The next seq that is not yet accounted for; what is damaged begins there.
    let expected = backward ? scope.toSeq : scope.fromSeq;
    let bad: { readonly error: unknown } | undefined;
    // What can be read alone can also be read with its neighbours; if not, this is the end.
    let hasJumped = false;
    for (let isLast = false; !isLast; ) {
      const before = edge;
      const { rows, error } = this.#chunkRows(series, scope, edge);
      if (rows.length > 0) hasJumped = false;
      for (const row of rows) {
        const { first_seq: firstSeq, count, time } = row;
        // A number that is damaged may be any; going back to it would be going round.
        edge = backward ? Math.min(edge, firstSeq) : Math.max(edge, firstSeq);
        const fault = faultOf(row);
        bad ??= fault;
        if (fault !== undefined) {
          if (backward ? firstSeq >= scope.fromSeq : firstSeq <= scope.toSeq) continue;
          isLast = true;
          break;
        }
        if (bad !== undefined) {
          yield* lostChunks(series, scope, { expected, edge: backward ? firstSeq + count : firstSeq - 1, time }, bad);
          yield passed(backward ? firstSeq + count : firstSeq - 1);
          bad = undefined;
        }
        if (backward ? firstSeq + count <= scope.fromSeq : firstSeq > scope.toSeq) return;
        if (backward ? time < scope.since : time > scope.until) return;
        // A packed chunk that is not yet swept away.
        if (!backward && firstSeq + count <= scope.fromSeq) continue;
        yield this.#chunkPiece(series, row, scope);
        expected = backward ? firstSeq - 1 : firstSeq + count;
      }
      if (error !== undefined && !isLast) {
        bad ??= { error };
        const next = hasJumped ? undefined : this.#beyondDamage(series, scope, backward ? edge - 1 : edge + 1);
        hasJumped = true;
        if (next === undefined) isLast = true;
        else edge = backward ? next.first_seq + 1 : next.first_seq - 1;
      } else if (rows.length < ROWS || edge === before) isLast = true;
    }
    if (bad === undefined) return;
    yield* lostChunks(series, scope, { expected, edge: backward ? scope.fromSeq : scope.toSeq, time: 0 }, bad);
  }

  #chunkPiece(series: Series, row: ChunkHeadRow, scope: Scope): Piece {
    const { first_seq: firstSeq, count, machine, time } = row;
    const nothing = passed(scope.backward ? firstSeq : firstSeq + count - 1);
    const place = placeOfChunk(series, firstSeq);
    return unlessDamaged(
      () => {
        const head = this.#chunkHead(row);
        const isDeleted = firstSeq <= this.#deletions.through(series, machine);
        const selection = isDeleted ? 'none' : select(scope, head, time);
        if (selection === 'none') return nothing;
        const lines = (): LineBlock => {
          const body = this.#chunks[series].body.get(firstSeq) as ChunkBodyRow | undefined;
          if (body === undefined) throw damaged(`${place} is missing`);
          checkBody(row, body);
          return new LineBlock(head, count, body.details, body.payload);
        };
        const gone = Math.max(0, scope.fromSeq - firstSeq);
        const left = { firstSeq: firstSeq + gone, count: count - gone };
        const isSealed = row.head_checksum !== null;
        return { ...left, time, found: { series, place, machine, isSealed, selection, line: gone, lines }, lost: null };
      },
      (error) => {
        const range = { from: firstSeq, to: firstSeq + count - 1 };
        return lostPiece({ series, place, ...range, machine, count, time, why: errorMessage(error) }, scope) ?? nothing;
      },
    );
  }

  /** The first row that can be read again beyond a place that cannot. */
  #beyondDamage(series: Series, scope: Scope, from: number): ChunkHeadRow | undefined {
    const { next, nextOfMachine, previous, previousOfMachine } = this.#chunks[series];
    const { machine, backward } = scope;
    const limit = backward ? scope.fromSeq : scope.toSeq;
    if (backward ? from < limit : from > limit) return undefined;
    const of = machine === null ? (backward ? previous : next) : backward ? previousOfMachine : nextOfMachine;
    const read = (seq: number) => (machine === null ? of.get(seq) : of.get(machine, seq)) as ChunkHeadRow | undefined;
    return readBeyond(from, limit, backward ? -1 : 1, read).row;
  }

  /** Rows lie strictly beyond it: forward the chunk that holds `fromSeq` is the first. */
  #chunkEdge(series: Series, { backward, machine, since, until, fromSeq, toSeq }: Scope): number {
    const { next, previous, previousOfMachine } = this.#chunks[series];
    // Time never goes back, so places in time are found by bisection.
    const isAt = (holds: (time: number) => boolean) => (seq: number) => {
      const row = checked(next.get(seq));
      return row === undefined || holds(row.time);
    };
    if (backward) {
      return until === Number.POSITIVE_INFINITY
        ? toSeq + 1
        : firstWhere(
            fromSeq,
            toSeq,
            false,
            isAt((time) => time > until),
          );
    }
    if (since !== Number.NEGATIVE_INFINITY) {
      const first = firstWhere(
        fromSeq,
        toSeq,
        true,
        isAt((time) => time >= since),
      );
      if (first > fromSeq) return first - 1;
    }
    const at = unlessDamaged(
      () => checked(machine === null ? previous.get(fromSeq) : previousOfMachine.get(machine, fromSeq)),
      () => undefined,
    );
    return (at?.first_seq ?? fromSeq) - 1;
  }

  #chunkRows(series: Series, scope: Scope, edge: number): { rows: ChunkHeadRow[]; error: unknown } {
    const { up, upOfMachine, down, downOfMachine } = this.#chunks[series];
    // Not from the seq at the edge itself: that may lie on a page which is damaged.
    const first = scope.backward ? edge - 1 : edge + 1;
    if (scope.machine === null) return readableRows(scope.backward ? down : up, [first]);
    return readableRows(scope.backward ? downOfMachine : upOfMachine, [scope.machine, first]);
  }

  #chunkHead(row: ChunkHeadRow): LineBlockHead {
    const { machine, boot, levels } = row;
    const names = this.#names.parse(row.names);
    return { machine, boot, levels, stream: streamOfRow('a chunk', row.stream), tags: this.#tags.get(row.tags), names };
  }
}

function prepareChunks(db: Database, series: Series): ChunkStatements {
  const chunk = `select ${HEAD_COLUMNS} from ${CHUNK_TABLES[series]}`;
  const ofMachine = `${chunk} where machine = ? and`;
  return {
    next: db.prepare(`${chunk} where first_seq >= ? order by first_seq limit 1`),
    previous: db.prepare(`${chunk} where first_seq <= ? order by first_seq desc limit 1`),
    nextOfMachine: db.prepare(`${ofMachine} first_seq >= ? order by first_seq limit 1`),
    previousOfMachine: db.prepare(`${ofMachine} first_seq <= ? order by first_seq desc limit 1`),
    up: db.prepare(`${chunk} where first_seq >= ? order by first_seq limit ${ROWS}`),
    upOfMachine: db.prepare(`${ofMachine} first_seq >= ? order by first_seq limit ${ROWS}`),
    down: db.prepare(`${chunk} where first_seq <= ? order by first_seq desc limit ${ROWS}`),
    downOfMachine: db.prepare(`${ofMachine} first_seq <= ? order by first_seq desc limit ${ROWS}`),
    body: db.prepare(`select ${BODY_COLUMNS} from ${CHUNK_TABLES[series]} where first_seq = ?`),
  };
}

/** What is damaged between the seq that comes next and an edge, both included. */
function* lostChunks(
  series: Series,
  scope: Scope,
  { expected, edge, time }: { readonly expected: number; readonly edge: number; readonly time: number },
  { error }: { readonly error: unknown },
): Generator<Piece> {
  const range = scope.backward ? { from: edge, to: expected } : { from: expected, to: edge };
  const what = { machine: null, count: null, time, why: errorMessage(error) };
  const piece = lostPiece({ series, place: placeOfChunk(series, expected), ...range, ...what }, scope);
  if (piece !== null) yield piece;
}

/** Why a row is not what was written; undefined if it is. */
function faultOf(row: ChunkHeadRow): { readonly error: unknown } | undefined {
  return unlessDamaged(
    () => void checkHead(row),
    (error) => ({ error }),
  );
}

/** @throws DamageError for a row that is not what was written */
function checked(row: unknown): ChunkHeadRow | undefined {
  if (row !== undefined) checkHead(row as ChunkHeadRow);
  return row as ChunkHeadRow | undefined;
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
