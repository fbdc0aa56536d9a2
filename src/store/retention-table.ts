import type { Database, Statement } from 'better-sqlite3';
import type { RegistryOp } from '../domain/registry.ts';
import { SERIES } from './batch.ts';
import { damaged, MEND } from './damaged.ts';

type DropSegments = Extract<RegistryOp, { readonly op: 'dropSegments' }>;

interface DroppedSegment {
  readonly series: number;
  readonly id: number;
  readonly first_block: number;
  readonly blocks: number;
}

/** Where a segment ends that is to go: a row that says that it ends before it begins is told to end there. */
export const SEGMENT_END = 'max(first_seq, last_seq)';

/**
 * Drops the oldest segments of a series. Dropped is a segment whose row is gone: readers no longer find it. The commit
 * that asks for it only moves the rows; blocks and extents go afterwards in slices, also after a crash.
 */
export class RetentionTable {
  readonly #contradiction: Statement;
  readonly #disorder: Statement;
  readonly #queue: Statement;
  readonly #note: Statement;
  readonly #delete: Statement;
  readonly #forgetLost: Statement;
  readonly #next: Statement;
  readonly #extentsLeft: Statement;
  readonly #deleteExtents: Statement;
  readonly #blocks: Statement;
  readonly #deleteBlocks: Statement;
  readonly #done: Statement;

  constructor(db: Database) {
    const wanted = `from segment where series = ? and ${SEGMENT_END} <= ?`;
    this.#contradiction = db
      .prepare(
        `select id from (
           select segment.id, ${SEGMENT_END} as end, lead(first_seq, 1, iif(series = 0, packed_logs, packed_others) + 1)
           over (order by segment.id) as next from segment join log_state where series = ?
         ) where end <= ? and end >= next limit 1`,
      )
      .pluck();
    this.#disorder = db
      .prepare(
        `select id from (
           select id, first_seq, lag(${SEGMENT_END}) over (order by id) as before ${wanted}
         ) where first_seq <= before limit 1`,
      )
      .pluck();
    this.#queue = db.prepare(`insert into dropped_segment select series, id, first_block, blocks ${wanted}`);
    this.#note = db.prepare(
      `insert into dropped (series, through, time, segment, records)
       select series, max(${SEGMENT_END}), max(last_time), max(id), sum(records) ${wanted} group by series
       on conflict (series) do update set through = max(through, excluded.through), time = max(time, excluded.time),
       segment = max(segment, excluded.segment), records = records + excluded.records`,
    );
    this.#delete = db.prepare(`delete ${wanted}`);
    this.#forgetLost = db.prepare('delete from lost where series = ? and last_seq <= ?');
    this.#next = db.prepare('select * from dropped_segment limit 1');
    this.#extentsLeft = db.prepare('select min(ordinal) from extent where series = ? and segment = ?').pluck();
    this.#deleteExtents = db.prepare('delete from extent where series = ? and segment = ? and ordinal < ?');
    this.#blocks = db.prepare('select id, length(data) from block where id between ? and ? order by id limit ?').raw();
    this.#deleteBlocks = db.prepare('delete from block where id between ? and ?');
    this.#done = db.prepare('delete from dropped_segment where series = ? and id = ?');
  }

  /**
   * Runs inside the caller's transaction. What is dropped already is no error.
   * @throws DamageError where one of the segments claims seqs of others: nobody could say what went with it
   */
  drop({ series: name, through }: DropSegments): void {
    const series = SERIES.indexOf(name);
    const wrong = this.#contradiction.get(series, through) ?? this.#disorder.get(series, through);
    if (wrong !== undefined) throw damaged(`segment ${wrong} of ${name} claims seqs of others: ${MEND}`);
    this.#queue.run(series, through);
    this.#note.run(series, through);
    this.#delete.run(series, through);
    this.#forgetLost.run(series, through);
  }

  /** Removes rows of one dropped segment, at most so many and about so many bytes of blocks; whether more are left. */
  clear(rows: number, bytes: number): boolean {
    const segment = this.#next.get() as DroppedSegment | undefined;
    if (segment === undefined) return false;
    const { series, id } = segment;
    const ordinal = this.#extentsLeft.get(series, id) as number | null;
    if (ordinal !== null) this.#deleteExtents.run(series, id, ordinal + rows);
    else if (!this.#clearBlocks(segment, rows, bytes)) this.#done.run(series, id);
    return true;
  }

  /** Leaves what `clear` would remove next where it is: nobody will read it. */
  giveUp(): void {
    const segment = this.#next.get() as DroppedSegment | undefined;
    if (segment !== undefined) this.#done.run(segment.series, segment.id);
  }

  /** Whether there were any. */
  #clearBlocks({ first_block: first, blocks }: DroppedSegment, rows: number, bytes: number): boolean {
    const found = this.#blocks.all(first, first + blocks - 1, rows) as [number, number][];
    let last = first - 1;
    let room = bytes;
    for (const [id, length] of found) {
      if (room <= 0) break;
      room -= length;
      last = id;
    }
    if (found.length > 0) this.#deleteBlocks.run(first, last);
    return found.length > 0;
  }
}
