import type { Database, Statement } from 'better-sqlite3';
import { laneOf } from '../domain/lane.ts';
import type { AgingSegment } from '../domain/retention.ts';
import { decodeRuns, type Run } from '../domain/segment-runs.ts';
import { SERIES, type Series } from './batch.ts';
import { CHUNK_TABLES } from './chunk-row.ts';
import { eachSeries } from './chunk-table.ts';
import { unlessDamaged } from './damaged.ts';
import { Deletions } from './deletions.ts';
import type { SeriesUsage, Unpublished, UnpublishedStep, Usage } from './protocol.ts';
import { TagsTable } from './registry-table.ts';
import { SEGMENT_END } from './retention-table.ts';
import { readTransaction } from './salvage.ts';
import { freePagesOf, pagesOf } from './space.ts';

/** Segments that are told of at one time: more than go in one round. */
const OLDEST = 256;
/** Segments of which unpublished records are counted in one read transaction: 10,000 machines in each take a moment. */
const COUNTED_SEGMENTS = 16;
/** Bytes that an extent's row and its entry in the index take for a record, about. */
const EXTENT_BYTES_PER_RECORD = 6;

interface SeriesStatements {
  readonly segmentPages: Statement;
  readonly oldest: Statement;
  readonly chunkBytes: Statement;
  readonly unpackedSince: Statement;
}

interface ExtentRow {
  readonly machine: number;
  readonly tags: number;
  readonly count: number;
  readonly runs: Buffer;
  readonly first_seq: number;
  readonly first_time: number;
  readonly last_seq: number;
}

/**
 * What the store takes on disk, and for whom. Pages of a segment were counted when it was inserted, those of chunks are
 * counted now; free pages are shared out by size.
 */
export class UsageReader {
  readonly #db: Database;
  readonly #statements: Readonly<Record<Series, SeriesStatements>>;
  readonly #cursors: Statement;
  readonly #extents: Statement;
  readonly #stepEnd: Statement;
  readonly #tags: TagsTable;
  readonly #deletions: Deletions;
  readonly #lanes = new Map<number, number>();

  constructor(db: Database) {
    this.#db = db;
    this.#tags = new TagsTable(db);
    this.#deletions = new Deletions(db);
    const pageBytes = Number(db.pragma('page_size', { simple: true }));
    // A segment from before pages were counted is judged by its bytes.
    const pages = `case when pages > 0 then pages
      else blocks + (bytes + ${EXTENT_BYTES_PER_RECORD} * records) / ${pageBytes} end`;
    this.#statements = eachSeries((series) => ({
      segmentPages: db.prepare(`select coalesce(sum(${pages}), 0) from segment where series = ?`).pluck(),
      oldest: db.prepare(
        `select first_seq as firstSeq, ${SEGMENT_END} as lastSeq, last_time as lastTime, records,
         (${pages}) * ${pageBytes} as bytes
         from segment where series = ? order by id limit ${OLDEST}`,
      ),
      chunkBytes: db
        .prepare(
          `select coalesce(sum(pgsize), 0) from dbstat
           where name in ('${CHUNK_TABLES[series]}', '${CHUNK_TABLES[series]}_machine') and aggregate = 1`,
        )
        .pluck(),
      unpackedSince: db
        .prepare(
          `select time from ${CHUNK_TABLES[series]} where first_seq > (select packed_${series} from log_state)
           order by first_seq limit 1`,
        )
        .pluck(),
    }));
    this.#cursors = db.prepare('select lane, seq from publish_cursor').raw();
    this.#extents = db.prepare(
      `select machine, tags, count, runs, first_seq, first_time, last_seq
       from extent join segment on segment.series = extent.series and segment.id = extent.segment
       where extent.series = ? and segment.last_seq > ? and segment.last_seq <= ?`,
    );
    this.#stepEnd = db
      .prepare(
        `select max(last_seq) from
         (select last_seq from segment where series = ? and last_seq > ? and last_seq <= ? order by last_seq limit ${COUNTED_SEGMENTS})`,
      )
      .pluck();
  }

  usage(): Usage {
    return readTransaction(this.#db, () => this.#usage());
  }

  #usage(): Usage {
    const pageBytes = Number(this.#db.pragma('page_size', { simple: true }));
    const freePages = freePagesOf(this.#db);
    const taken = eachSeries((series) => {
      const { segmentPages, chunkBytes } = this.#statements[series];
      const packed = (segmentPages.get(SERIES.indexOf(series)) as number) * pageBytes;
      return packed + (chunkBytes.get() as number);
    });
    const sum = SERIES.reduce((total, series) => total + taken[series], 0);
    const series = eachSeries((name): SeriesUsage => {
      const { oldest, unpackedSince } = this.#statements[name];
      const free = sum === 0 ? 0 : Math.round((freePages * pageBytes * taken[name]) / sum);
      return {
        bytes: taken[name] + free,
        oldest: oldest.all(SERIES.indexOf(name)) as AgingSegment[],
        // What cannot be read is to be packed past, however young it was.
        unpackedSince: unlessDamaged(
          () => (unpackedSince.get() as number | undefined) ?? null,
          () => 0,
        ),
      };
    });
    return { series, pageBytes, pages: pagesOf(this.#db), freePages };
  }

  /** The records of a series' segments behind one seq and up to another that the publisher's cursors have not reached. */
  unpublished(series: Series, after: number, through: number): UnpublishedStep {
    return readTransaction(this.#db, () => {
      const last = this.#stepEnd.get(SERIES.indexOf(series), after, through) as number | null;
      return last === null
        ? { ...NOTHING, reached: through }
        : { ...this.#unpublished(series, after, last), reached: last };
    });
  }

  #unpublished(series: Series, after: number, through: number): Unpublished {
    const cursors = new Map(this.#cursors.all() as [number, number][]);
    this.#deletions.refresh();
    let count = 0;
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    const add = (run: Pick<Run, 'firstSeq' | 'count'>, lastSeq: number): void => {
      count += run.count;
      from = Math.min(from, run.firstSeq);
      to = Math.max(to, lastSeq);
    };
    for (const extent of this.#readableExtents(series, after, through)) {
      const published = cursors.get(this.#laneOf(extent.tags)) ?? 0;
      const told = Math.max(published, this.#deletions.through(series, extent.machine));
      if (told >= extent.last_seq) continue;
      const runs = runsOf(extent);
      // Of one that is damaged nobody knows which they are, only how many.
      if (runs === undefined) add({ firstSeq: extent.first_seq, count: extent.count }, extent.last_seq);
      for (const run of runs ?? []) {
        const firstSeq = Math.max(run.firstSeq, told + 1);
        const last = run.firstSeq + run.count - 1;
        if (firstSeq <= last) add({ firstSeq, count: last - firstSeq + 1 }, last);
      }
    }
    return count === 0 ? NOTHING : { count, from, to };
  }

  /** Up to the first that cannot be read: what is damaged must not keep the rest from being dropped. */
  *#readableExtents(series: Series, after: number, through: number): Generator<ExtentRow> {
    const rows = this.#extents.iterate(SERIES.indexOf(series), after, through) as IterableIterator<ExtentRow>;
    for (;;) {
      const next = unlessDamaged(
        () => rows.next(),
        () => undefined,
      );
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  }

  #laneOf(tags: number): number {
    let lane = this.#lanes.get(tags);
    if (lane === undefined) {
      lane = laneOf(this.#tags.get(tags).server_uuid);
      this.#lanes.set(tags, lane);
    }
    return lane;
  }
}

const NOTHING: Unpublished = { count: 0, from: 0, to: 0 };

/** Undefined if they are not the extent's own. */
function runsOf({ runs: bytes, count, first_seq, first_time, last_seq }: ExtentRow): readonly Run[] | undefined {
  return unlessDamaged(
    () => {
      const runs = decodeRuns(bytes, first_seq, first_time);
      const isOwn = runs.every((run) => run.firstSeq + run.count - 1 <= last_seq);
      return isOwn && runs.reduce((sum, run) => sum + run.count, 0) === count ? runs : undefined;
    },
    () => undefined,
  );
}
