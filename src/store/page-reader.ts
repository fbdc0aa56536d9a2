import type { Database, Statement } from 'better-sqlite3';
import { SubjectFilter } from '../domain/filter.ts';
import { STREAMS } from '../domain/record.ts';
import { SERIES, type Series, seriesOf } from './batch.ts';
import { BlockCache } from './block-cache.ts';
import { SeriesWalker } from './cursor.ts';
import { Deletions } from './deletions.ts';
import type { DroppedSeries } from './gap-lines.ts';
import { LostRecords } from './lost-records.ts';
import { PageBuilder } from './page-builder.ts';
import type { Piece, Scope } from './pieces.ts';
import type { PageReply, PageRequest } from './protocol.ts';
import type { ReadGate } from './read-gate.ts';
import { TagsTable } from './registry-table.ts';
import { readTransaction } from './salvage.ts';
import { SegmentDirectories } from './segment-directory.ts';

/** Machines that a filter may name to be read one by one; with more of them everything is looked through. */
const MAX_MACHINES = 64;
/** Compiled filters that are kept, with what they have learnt of the machines. */
const KEPT_FILTERS = 64;

export interface PageReaderOptions {
  /** First part of all subjects. */
  readonly prefix: string;
  /** A page ends after so many milliseconds, so that no read transaction is long. */
  readonly pageMs: number;
  /** Unpacked blocks that are kept, in bytes. */
  readonly cacheBytes: number;
}

/** Answers one page after the other, each in one read transaction. Runs in a worker thread. */
export class PageReader {
  readonly #db: Database;
  readonly #options: PageReaderOptions;
  readonly #gate: Pick<ReadGate, 'isClosed'>;
  readonly #walker: SeriesWalker;
  readonly #blocks: BlockCache;
  readonly #deletions: Deletions;
  readonly #lost: LostRecords;
  readonly #marks: Statement;
  readonly #dropped: Statement;
  readonly #machineOf: Statement;
  readonly #machines = new Map<string, number>();
  readonly #filters = new Map<string, SubjectFilter>();

  /** @param gate a page ends early when it is closed */
  constructor(db: Database, options: PageReaderOptions, gate: Pick<ReadGate, 'isClosed'> = { isClosed: false }) {
    this.#db = db;
    this.#options = options;
    this.#gate = gate;
    const tags = new TagsTable(db);
    const directories = new SegmentDirectories(db, tags);
    this.#blocks = new BlockCache(db, options.cacheBytes);
    this.#deletions = new Deletions(db);
    this.#lost = new LostRecords(db, this.#deletions);
    this.#walker = new SeriesWalker(db, {
      ...{ tags, directories, blocks: this.#blocks, deletions: this.#deletions },
    });
    this.#marks = db.prepare('select next_seq - 1, packed_logs, packed_others from log_state').raw();
    this.#dropped = db.prepare('select series, through, time from dropped').raw();
    this.#machineOf = db.prepare('select id from machine where uuid = ?').pluck();
  }

  page(request: PageRequest): PageReply {
    return readTransaction(this.#db, () => this.#read(request));
  }

  #read(request: PageRequest): PageReply {
    const [head, logs, others] = this.#marks.get() as [number, number, number];
    const dropped = this.#readDropped();
    this.#deletions.refresh();
    const before = this.#blocks.unpacked;
    const toSeq = Math.min(request.toSeq, head);
    const { fromSeq, backward, since, until, machine } = request;
    const filter = this.#filter(request.filters);
    const scope: Scope = { filter, machine, fromSeq, toSeq, since, until, backward };
    const wanted = dropped.filter(({ series }) => mayMatch(series, filter));
    const page = new PageBuilder({ prefix: this.#options.prefix, head, dropped: wanted }, request, scope);
    const isExhausted = fromSeq > toSeq || this.#fill(page, this.#pieces(scope, { logs, others }, dropped));
    const rest = { dropped: throughOf(dropped), blocks: this.#blocks.unpacked - before };
    return { ...page.finish(isExhausted), ...rest };
  }

  /** Whether all pieces found room and time. */
  #fill(page: PageBuilder, pieces: Iterable<Piece>): boolean {
    const deadline = performance.now() + this.#options.pageMs;
    for (const piece of pieces) {
      page.add(piece);
      // Without progress the same page would be asked for again, for ever on a disk that is slow enough.
      if (page.full || (page.hasAdvanced && (this.#gate.isClosed || performance.now() > deadline))) return false;
    }
    return true;
  }

  /** The pieces of the series that can match, in one order. */
  *#pieces(scope: Scope, marks: Readonly<Record<Series, number>>, dropped: readonly DroppedSeries[]): Generator<Piece> {
    const machines = this.#machinesOf(scope);
    const walks = SERIES.filter((series) => mayMatch(series, scope.filter)).flatMap((series) => {
      const gone = dropped.find((one) => one.series === series)?.through ?? 0;
      const lost = this.#lost.walk(series, gone, machines, scope);
      return [
        lost,
        ...machines.map((machine) => this.#walker.walk(series, marks[series], gone, { ...scope, machine })),
      ];
    });
    const heads = walks.map((walk) => walk.next().value as Piece | undefined);
    for (;;) {
      let chosen = -1;
      for (const [index, piece] of heads.entries()) {
        if (piece !== undefined && isBefore(piece, heads[chosen], scope.backward)) chosen = index;
      }
      const piece = heads[chosen];
      if (piece === undefined) return;
      yield piece;
      heads[chosen] = walks[chosen]?.next().value as Piece | undefined;
    }
  }

  /** The machines that are read each by itself; null for all. A filter that names machines does as well as their numbers. */
  #machinesOf({ machine, filter }: Scope): readonly (number | null)[] {
    if (machine !== null) return [machine];
    const uuids = filter.machines;
    if (uuids === null || uuids.length > MAX_MACHINES) return [null];
    const numbers = uuids.map((uuid) => this.#machineNumber(uuid));
    return numbers.every((number) => number !== undefined) ? numbers : [null];
  }

  #machineNumber(uuid: string): number | undefined {
    let number = this.#machines.get(uuid);
    if (number === undefined) {
      number = this.#machineOf.get(uuid) as number | undefined;
      if (number !== undefined) this.#machines.set(uuid, number);
    }
    return number;
  }

  #readDropped(): DroppedSeries[] {
    const rows = this.#dropped.all() as [number, number, number][];
    return rows.flatMap(([number, through, time]) => {
      const series = SERIES[number];
      return series === undefined ? [] : [{ series, through, time }];
    });
  }

  #filter(filters: readonly string[]): SubjectFilter {
    const key = filters.join('\n');
    let filter = this.#filters.get(key);
    if (filter === undefined) {
      filter = new SubjectFilter(this.#options.prefix, filters);
      const [oldest] = this.#filters.keys();
      if (this.#filters.size >= KEPT_FILTERS && oldest !== undefined) this.#filters.delete(oldest);
      this.#filters.set(key, filter);
    }
    return filter;
  }
}

function mayMatch(series: Series, filter: SubjectFilter): boolean {
  return STREAMS.some((stream) => seriesOf(stream) === series && filter.mayMatchStream(stream));
}

function throughOf(dropped: readonly DroppedSeries[]): [number, number] {
  const of = (series: Series) => dropped.find((one) => one.series === series)?.through ?? 0;
  return [of('logs'), of('others')];
}

/** Records go before a mark of progress at the same seq, which would else claim that they were seen. */
function isBefore(a: Piece, b: Piece | undefined, backward: boolean): boolean {
  if (b === undefined) return true;
  if (a.firstSeq !== b.firstSeq) return backward ? a.firstSeq > b.firstSeq : a.firstSeq < b.firstSeq;
  return a.count > b.count;
}
