import type { Database, Statement } from 'better-sqlite3';
import type { RegistryOp } from '../domain/registry.ts';
import { decodeRuns } from '../domain/segment-runs.ts';
import { SERIES, type Series } from './batch.ts';
import { CHUNK_TABLES } from './chunk-row.ts';
import { eachSeries } from './chunk-table.ts';
import { unlessDamaged } from './damaged.ts';
import type { ClearReply } from './protocol.ts';

type DeleteRecords = Extract<RegistryOp, { readonly op: 'deleteRecords' }>;

interface Deletion {
  readonly machine: number;
  readonly series: number;
  readonly through: number;
}

interface ExtentRow {
  readonly segment: number;
  readonly ordinal: number;
  readonly count: number;
  readonly runs: Buffer;
  readonly first_seq: number;
  readonly first_time: number;
}

/**
 * Deletes the records of single machines. A deletion holds from the commit that asks for it, because readers look at
 * its row; chunks and extents go afterwards in slices, bytes in blocks with their segment. The row stays: the packer may
 * have read chunks that it hides, and an extent may hold records from before and after it.
 */
export class DeletionTable {
  readonly #put: Statement;
  readonly #next: Statement;
  readonly #done: Statement;
  readonly #chunks: Readonly<Record<Series, Statement>>;
  readonly #deleteChunks: Readonly<Record<Series, Statement>>;
  readonly #extents: Statement;
  readonly #lastExtents: Statement;
  readonly #deleteExtent: Statement;

  constructor(db: Database) {
    const perSeries = (sql: (table: string) => string): Record<Series, Statement> =>
      eachSeries((series) => db.prepare(sql(CHUNK_TABLES[series])));
    this.#put = db.prepare(
      `insert into deletion (machine, series, through, version, cleared)
       values (?, ?, ?, (select coalesce(max(version), 0) + 1 from deletion), 0)
       on conflict (machine, series) do update
       set through = excluded.through, version = excluded.version, cleared = 0`,
    );
    this.#next = db.prepare('select machine, series, through from deletion where cleared = 0 limit 1');
    this.#done = db.prepare('update deletion set cleared = 1 where machine = ? and series = ?');
    this.#chunks = perSeries(
      (table) =>
        `select first_seq, count, bytes from ${table} where machine = ? and first_seq <= ? order by first_seq limit ?`,
    );
    this.#deleteChunks = perSeries((table) => `delete from ${table} where machine = ? and first_seq <= ?`);
    const extents = (segments: string) =>
      db.prepare(
        `select extent.segment, ordinal, count, runs, first_seq, first_time
         from extent join segment on segment.series = extent.series and segment.id = extent.segment
         where extent.machine = ? and extent.series = ? and ${segments} limit ?`,
      );
    this.#extents = extents('last_seq <= ?');
    this.#lastExtents = extents('? between first_seq and last_seq - 1');
    this.#deleteExtent = db.prepare('delete from extent where series = ? and segment = ? and ordinal = ?');
  }

  /** Notes a deletion of everything up to a seq. Runs inside the caller's transaction. */
  add({ machine, what }: DeleteRecords, through: number): void {
    const wanted: readonly Series[] = what === 'logs' ? ['logs'] : SERIES;
    for (const series of wanted) this.#put.run(machine, SERIES.indexOf(series), through);
  }

  /**
   * Removes rows of one deletion, at most so many and about so many bytes of lines.
   * @param marks seqs up to which segments count
   */
  clear(marks: Readonly<Record<Series, number>>, rows: number, bytes: number): ClearReply {
    const deletion = this.#next.get() as Deletion | undefined;
    const series = SERIES[deletion?.series ?? -1];
    if (deletion === undefined || series === undefined) return { more: false, ...NOTHING };
    const chunks = this.#clearChunks(deletion, series, marks[series], rows, bytes);
    if (chunks.records > 0) return { more: true, series, ...chunks };
    const packed = this.#clearExtents(deletion, rows);
    if (packed === 0) this.#done.run(deletion.machine, deletion.series);
    return { more: true, series, records: packed, unpackedRecords: 0, unpackedBytes: 0 };
  }

  /** Leaves what `clear` would remove next where it is: nobody reads it, and packed or not it leaves with its neighbours. */
  giveUp(): Series | null {
    const deletion = this.#next.get() as Deletion | undefined;
    if (deletion === undefined) return null;
    this.#done.run(deletion.machine, deletion.series);
    return SERIES[deletion.series] ?? null;
  }

  #clearChunks({ machine, through }: Deletion, series: Series, mark: number, rows: number, maxBytes: number) {
    const found = this.#chunks[series].raw().all(machine, through, rows) as [number, number, number][];
    const gone = { records: 0, unpackedRecords: 0, unpackedBytes: 0 };
    let last = -1;
    let sum = 0;
    for (const [firstSeq, count, bytes] of found) {
      if (sum > maxBytes) break;
      sum += bytes;
      last = firstSeq;
      // Below the mark they were packed, and only waited to be swept away.
      gone.records += count;
      if (firstSeq <= mark) continue;
      gone.unpackedRecords += count;
      gone.unpackedBytes += bytes;
    }
    if (last >= 0) this.#deleteChunks[series].run(machine, last);
    return gone;
  }

  /** Extents whose last record is deleted; returns how many records they had. */
  #clearExtents({ machine, series, through }: Deletion, rows: number): number {
    const whole = this.#extents.all(machine, series, through, rows) as ExtentRow[];
    // Of the one segment that holds records from before and after the deletion: a machine has few extents in it.
    const found = whole.length > 0 ? whole : (this.#lastExtents.all(machine, series, through, -1) as ExtentRow[]);
    let records = 0;
    for (const { segment, ordinal, count, runs, first_seq, first_time } of found) {
      // Of one that is damaged nobody reads anything; it leaves with its segment.
      const last = unlessDamaged(
        () => decodeRuns(runs, first_seq, first_time).at(-1),
        () => undefined,
      );
      if (last === undefined || last.firstSeq + last.count - 1 > through) continue;
      this.#deleteExtent.run(series, segment, ordinal);
      records += count;
    }
    return records;
  }
}

/** A step that removed nothing. */
export const NOTHING = { series: null, records: 0, unpackedRecords: 0, unpackedBytes: 0 } as const;
