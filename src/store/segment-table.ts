import type { Database, Statement } from 'better-sqlite3';
import { SERIES } from './batch.ts';
import { extentChecksum } from './extent-checksum.ts';
import { EXTENT_FIELDS, EXTENT_WIDTH, type PackedSegment } from './protocol.ts';
import { freePagesOf, pagesOf } from './space.ts';

/** The newest segment that ever was: a number is not given again, or readers would take one for the other. */
const LAST_ID = `max(
  coalesce((select max(id) from segment where series = @series), 0),
  coalesce((select segment from dropped where series = @series), 0)
)`;

/** How far a segment that is being inserted has come. */
interface Progress {
  readonly segment: PackedSegment;
  readonly id: number;
  readonly firstBlock: number;
  blocks: number;
  extents: number;
  /** That its slices have taken. */
  pages: number;
}

/**
 * Inserts segments in slices, so that no transaction is long. Blocks and extents of a segment mean nothing until its
 * own row is there, which the last slice writes together with the mark.
 */
export class SegmentTable {
  readonly #insertBlock: Statement;
  readonly #insertExtent: Statement;
  readonly #insertSegment: Statement;
  readonly #insertLost: Statement;
  readonly #setMark: Readonly<Record<string, Statement>>;
  readonly #lastId: Statement;
  readonly #nextBlock: Statement;
  readonly #usedPages: () => number;
  readonly #removeUnfinished: () => void;
  #progress: Progress | undefined;

  constructor(db: Database) {
    this.#insertBlock = db.prepare('insert into block (id, data) values (?, ?)');
    this.#insertExtent = db.prepare('insert into extent values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertSegment = db.prepare('insert into segment values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertLost = db.prepare('insert or ignore into lost values (?, ?, ?, ?, ?, ?)');
    this.#setMark = {
      logs: db.prepare('update log_state set packed_logs = ?, next_block = ?'),
      others: db.prepare('update log_state set packed_others = ?, next_block = ?'),
    };
    this.#lastId = db.prepare(`select ${LAST_ID}`).pluck();
    this.#nextBlock = db.prepare('select next_block from log_state').pluck();
    this.#usedPages = () => pagesOf(db) - freePagesOf(db);
    this.#removeUnfinished = () => removeUnfinished(db);
  }

  /** Runs inside the caller's transaction. A segment whose last slice was never written is made anew. */
  removeUnfinished(): void {
    if (this.#progress === undefined) this.#removeUnfinished();
  }

  begin(segment: PackedSegment): void {
    const last = this.#lastId.get({ series: SERIES.indexOf(segment.series) }) as number;
    const firstBlock = this.#nextBlock.get() as number;
    this.#progress = { segment, id: last + 1, firstBlock, blocks: 0, extents: 0, pages: 0 };
  }

  /** Inserts the next rows of the begun segment; whether more are left. */
  insertSlice(rows: number, bytes: number): boolean {
    const progress = this.#progress;
    if (progress === undefined) return false;
    const { segment, firstBlock } = progress;
    const before = this.#usedPages();
    let room = bytes;
    while (progress.blocks < segment.blocks.length && room > 0) {
      const block = segment.blocks[progress.blocks];
      this.#insertBlock.run(firstBlock + progress.blocks, block);
      room -= block?.length ?? 0;
      progress.blocks++;
    }
    const extents = segment.names.length;
    const until = room > 0 ? Math.min(extents, progress.extents + rows) : progress.extents;
    while (progress.extents < until) this.#insertExtentRow(progress, progress.extents++);
    progress.pages += this.#usedPages() - before;
    if (progress.blocks < segment.blocks.length || progress.extents < extents) return true;
    this.#finish(progress);
    return false;
  }

  /** The slice's transaction was rolled back: it will be asked for again from where it began. */
  mark(): () => void {
    const progress = this.#progress;
    if (progress === undefined) return () => {};
    const { blocks, extents, pages } = progress;
    return () => {
      Object.assign(progress, { blocks, extents, pages });
      this.#progress = progress;
    };
  }

  #insertExtentRow({ segment, id, firstBlock }: Progress, ordinal: number): void {
    const at = ordinal * EXTENT_WIDTH;
    const numbers = EXTENT_FIELDS.map((_, index) => segment.meta[at + index] ?? 0);
    const series = SERIES.indexOf(segment.series);
    const runs = segment.runs.subarray(segment.runEnds[ordinal - 1] ?? 0, segment.runEnds[ordinal]);
    const names = segment.names[ordinal] ?? '';
    const checksum = extentChecksum([segment.firstSeq, segment.firstTime, firstBlock], numbers, names, runs);
    this.#insertExtent.run(series, id, ordinal, ...numbers, names, runs, checksum);
  }

  #finish({ segment, id, firstBlock, pages }: Progress): void {
    this.#insertSegment.run(
      SERIES.indexOf(segment.series),
      id,
      segment.firstSeq,
      segment.lastSeq,
      segment.firstTime,
      segment.lastTime,
      segment.records,
      segment.blocks.reduce((sum, block) => sum + block.length, 0),
      firstBlock,
      segment.blocks.length,
      pages,
    );
    for (const { series, from, to, machine, count, time } of segment.losses) {
      this.#insertLost.run(SERIES.indexOf(series), from, to, machine, count, time);
    }
    this.#setMark[segment.series]?.run(segment.lastSeq, firstBlock + segment.blocks.length);
    this.#progress = undefined;
  }
}

function removeUnfinished(db: Database): void {
  db.prepare('delete from block where id >= (select next_block from log_state)').run();
  for (const series of SERIES.keys()) {
    db.prepare(`delete from extent where series = @series and segment > ${LAST_ID}`).run({ series });
  }
}
