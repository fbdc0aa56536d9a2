import type { Database, Statement } from 'better-sqlite3';
import { streamOfNumber } from '../domain/chunk.ts';
import { batchLength, type ChunkBatch, FIELD, SERIES, type Series, seriesOf, WIDTH } from './batch.ts';

/** Table of each series. Names are ours, so they may stand in SQL text. */
export const CHUNK_TABLES: Readonly<Record<Series, string>> = { logs: 'log_chunk', others: 'other_chunk' };

/** Inserts chunks and removes those that are packed. */
export class ChunkTable {
  readonly #insert: Readonly<Record<Series, Statement>>;
  readonly #dead: Readonly<Record<Series, Statement>>;
  readonly #delete: Readonly<Record<Series, Statement>>;

  constructor(db: Database) {
    const perSeries = (sql: (table: string) => string): Record<Series, Statement> => ({
      logs: db.prepare(sql(CHUNK_TABLES.logs)),
      others: db.prepare(sql(CHUNK_TABLES.others)),
    });
    this.#insert = perSeries((table) => `insert into ${table} values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#dead = perSeries((table) => `select first_seq, bytes from ${table} where first_seq <= ? limit ?`);
    this.#delete = perSeries((table) => `delete from ${table} where first_seq <= ?`);
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
      this.#insert[seriesOf(streamOfNumber(stream))].run(
        next,
        count,
        number(FIELD.machine),
        stream,
        number(FIELD.boot),
        number(FIELD.tags),
        number(FIELD.time),
        orNull(number(FIELD.firstKseq)),
        orNull(number(FIELD.lastKseq)),
        number(FIELD.levels),
        names[number(FIELD.names)],
        bytes,
        Buffer.from(body, offset + bytes, count),
        Buffer.from(body, offset, bytes),
      );
      meta[at + FIELD.firstSeq] = next;
      next += count;
    }
    return next;
  }

  /** Removes the oldest chunks up to the mark, at most so many rows and about so many bytes; whether more are left. */
  sweep(series: Series, through: number, rows: number, bytes: number): boolean {
    const dead = this.#dead[series].raw().all(through, rows) as [number, number][];
    let last = -1;
    let sum = 0;
    let taken = 0;
    for (const [firstSeq, size] of dead) {
      if (sum > bytes) break;
      sum += size;
      last = firstSeq;
      taken++;
    }
    if (taken > 0) this.#delete[series].run(last);
    return taken < dead.length || dead.length === rows;
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
