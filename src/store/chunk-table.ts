import type { Database, Statement } from 'better-sqlite3';
import { streamOfNumber } from '../domain/chunk.ts';
import { batchLength, type ChunkBatch, FIELD, SERIES, type Series, seriesOf, WIDTH } from './batch.ts';
import { CHUNK_TABLES, chunkChecksum, headChecksum } from './chunk-row.ts';
import { ChunkRows } from './chunk-rows.ts';
import { checkShape, type RowShape } from './damaged.ts';

interface SizeRow {
  readonly first_seq: number;
  readonly count: number;
  readonly bytes: number;
}

const SIZE_SHAPE: RowShape<SizeRow> = { numbers: ['first_seq', 'count', 'bytes'], texts: [], blobs: [] };

/** Inserts chunks and removes those that are packed. */
export class ChunkTable {
  readonly #insert: Readonly<Record<Series, Statement>>;
  readonly #dead: Readonly<Record<Series, Statement>>;
  readonly #delete: Readonly<Record<Series, Statement>>;
  readonly #sizes: Readonly<Record<Series, ChunkRows<SizeRow>>>;
  /** Rows up to there are gone, or cannot be removed because their pages are damaged. */
  readonly #swept = eachSeries(() => 0);

  constructor(db: Database) {
    const perSeries = (sql: (table: string) => string): Record<Series, Statement> => ({
      logs: db.prepare(sql(CHUNK_TABLES.logs)),
      others: db.prepare(sql(CHUNK_TABLES.others)),
    });
    this.#insert = perSeries((table) => `insert into ${table} values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#dead = perSeries(
      (table) => `select first_seq, bytes from ${table} where first_seq between ? and ? order by first_seq limit ?`,
    );
    this.#delete = perSeries((table) => `delete from ${table} where first_seq between ? and ?`);
    const check = (row: SizeRow) => checkShape('a chunk', row, SIZE_SHAPE);
    this.#sizes = eachSeries((series) => new ChunkRows(db, series, 'first_seq, count, bytes', check));
  }

  /** Records and bytes of lines behind one seq and up to another, as far as they can be counted. */
  size(series: Series, after: number, through: number): { records: number; bytes: number } {
    const sum = { records: 0, bytes: 0 };
    for (const { row } of this.#sizes[series].between(after, through)) {
      sum.records += row?.count ?? 0;
      sum.bytes += row?.bytes ?? 0;
    }
    return sum;
  }

  /** Inserts chunks `from` … `to - 1`, numbered from `seq` on; returns the seq that follows. */
  insert(batch: ChunkBatch, from: number, to: number, seq: number): number {
    const { meta, names, body } = batch;
    let next = seq;
    for (let chunk = from; chunk < to; chunk++) {
      const at = chunk * WIDTH;
      const number = (index: number): number => meta[at + index] ?? Number.NaN;
      const count = number(FIELD.count);
      const stream = number(FIELD.stream);
      const bytes = number(FIELD.bytes);
      const offset = number(FIELD.offset);
      const name = names[number(FIELD.names)] ?? '';
      const whole = Buffer.from(body, offset, bytes + count);
      const [machine, boot, tags] = [number(FIELD.machine), number(FIELD.boot), number(FIELD.tags)];
      const [time, levels] = [number(FIELD.time), number(FIELD.levels)];
      const head = headChecksum([next, count, machine, stream, boot, tags, time, levels], name);
      this.#insert[seriesOf(streamOfNumber(stream))].run(
        next,
        count,
        machine,
        stream,
        boot,
        tags,
        time,
        orNull(number(FIELD.firstKseq)),
        orNull(number(FIELD.lastKseq)),
        levels,
        name,
        bytes,
        whole.subarray(bytes),
        whole.subarray(0, bytes),
        head,
        chunkChecksum(head, whole),
      );
      meta[at + FIELD.firstSeq] = next;
      next += count;
    }
    return next;
  }

  /** Removes the oldest chunks up to the mark, at most so many rows and about so many bytes; whether more are left. */
  sweep(series: Series, through: number, rows: number, bytes: number): boolean {
    const from = this.#swept[series] + 1;
    if (from > through) return false;
    const dead = this.#dead[series].raw().all(from, through, rows) as [number, number][];
    let last = -1;
    let sum = 0;
    let taken = 0;
    for (const [firstSeq, size] of dead) {
      if (sum > bytes) break;
      sum += size;
      last = firstSeq;
      taken++;
    }
    if (taken > 0) this.#delete[series].run(from, last);
    return taken < dead.length || dead.length === rows;
  }

  /**
   * Leaves the rows that `sweep` would remove next where they are, for this run of the program: nobody reads them.
   * @returns whether more may be left behind them
   */
  giveUp(series: Series, through: number, rows: number, bytes: number): boolean {
    let sum = 0;
    let taken = 0;
    for (const { row, lost } of this.#sizes[series].between(this.#swept[series], through)) {
      this.#swept[series] = row?.first_seq ?? lost?.to ?? through;
      sum += row?.bytes ?? 0;
      taken++;
      if (sum > bytes || taken === rows) return true;
    }
    this.#swept[series] = Math.max(this.#swept[series], through);
    return false;
  }
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** The time of the newest chunk in a batch. */
export function lastTimeOf(batch: ChunkBatch): number {
  const length = batchLength(batch);
  return length === 0 ? 0 : (batch.meta[(length - 1) * WIDTH + FIELD.time] ?? 0);
}

export function eachSeries<T>(make: (series: Series) => T): Record<Series, T> {
  return Object.fromEntries(SERIES.map((series) => [series, make(series)])) as Record<Series, T>;
}
