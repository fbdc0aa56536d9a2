import type { Database, Statement } from 'better-sqlite3';
import { errorMessage } from '../domain/errors.ts';
import { SERIES, type Series } from './batch.ts';
import { damaged, isDamage, unlessDamaged } from './damaged.ts';
import type { Scope } from './pieces.ts';
import type { Loss } from './protocol.ts';
import { firstWhere, readBeyond } from './salvage.ts';
import type { SegmentRow } from './segment-directory.ts';

/** A segment that may hold what is asked for, and how far the series is gone through with it; or a part that is lost. */
export type SegmentStep =
  | { readonly segment: SegmentRow; readonly through: number; readonly loss?: undefined }
  | { readonly loss: Loss };

/** The segments of one series, in the order of their numbers, which is that of their seqs and times. */
export class SegmentList {
  readonly #series: Series;
  readonly #number: number;
  readonly #ends: Statement;
  readonly #next: Statement;
  readonly #previous: Statement;
  readonly #machineNext: Statement;
  readonly #machinePrevious: Statement;

  constructor(db: Database, series: Series) {
    const segment = 'select series, id, first_seq, last_seq, first_time, last_time, first_block from segment';
    const ofMachine = 'select segment from extent where machine = ? and series = ?';
    this.#series = series;
    this.#number = SERIES.indexOf(series);
    this.#ends = db
      .prepare(
        `select (select id from segment where series = ? order by id limit 1),
         (select id from segment where series = ? order by id desc limit 1)`,
      )
      .raw();
    this.#next = db.prepare(`${segment} where series = ? and id >= ? order by id limit 1`);
    this.#previous = db.prepare(`${segment} where series = ? and id <= ? order by id desc limit 1`);
    this.#machineNext = db.prepare(`${ofMachine} and segment >= ? order by segment limit 1`).pluck();
    this.#machinePrevious = db.prepare(`${ofMachine} and segment <= ? order by segment desc limit 1`).pluck();
  }

  /** Those of the scope's seqs and times, found without a look at the others; with a machine those that have it. */
  *walk(scope: Scope): Generator<SegmentStep> {
    const { backward, fromSeq, toSeq } = scope;
    const step = backward ? -1 : 1;
    const ends = unlessDamaged(
      () => this.#ends.get(this.#number, this.#number) as [number | null, number | null],
      () => [0, Number.MAX_SAFE_INTEGER] as const,
    );
    const [low, high] = ends;
    if (low === null || high === null) return;
    const limit = backward ? low : high;
    let id = this.#first(scope, low, high);
    // The next seq that is not yet accounted for.
    let expected = backward ? toSeq : fromSeq;
    while ((limit - id) * step >= 0) {
      const { segment, error } = this.#read(id, limit, backward);
      if (error !== undefined) {
        const to = segment === undefined ? (backward ? fromSeq : toSeq) : edgeOf(segment, backward);
        yield { loss: this.#lossOf(id, backward ? { from: to, to: expected } : { from: expected, to }, error) };
      }
      if (segment === undefined) return;
      if (backward ? segment.last_seq < fromSeq : segment.first_seq > toSeq) return;
      if (backward ? segment.last_time < scope.since : segment.first_time > scope.until) return;
      yield { segment, through: this.#throughWith(segment, backward) };
      expected = backward ? segment.first_seq - 1 : segment.last_seq + 1;
      const next = this.#nextId(scope, segment.id + step);
      if (next === undefined) return;
      id = next;
    }
  }

  /** Where the walk begins, by bisection: a segment before it may be given, none behind it is left out. */
  #first({ backward, fromSeq, toSeq, since, until }: Scope, low: number, high: number): number {
    const at = (id: number) => this.#sound(this.#next, id);
    if (!backward) {
      const isWanted = (row: SegmentRow | undefined) =>
        row === undefined || (row.last_seq >= fromSeq && row.last_time >= since);
      return firstWhere(low, high, true, (id) => isWanted(at(id)));
    }
    const isBehind = (row: SegmentRow | undefined) =>
      row === undefined || row.first_seq > toSeq || row.first_time > until;
    return Math.max(low, firstWhere(low, high, false, (id) => isBehind(at(id))) - 1);
  }

  /** A row that claims seqs of its neighbour's does not make readers pass over them. */
  #throughWith({ id, first_seq, last_seq }: SegmentRow, backward: boolean): number {
    const read = (statement: Statement, key: number) =>
      unlessDamaged(
        () => statement.get(this.#number, key) as SegmentRow | undefined,
        () => undefined,
      );
    if (backward) return Math.max(first_seq, (read(this.#previous, id - 1)?.last_seq ?? first_seq - 1) + 1);
    return Math.min(last_seq, (read(this.#next, id + 1)?.first_seq ?? last_seq + 1) - 1);
  }

  /** The segment of a number or the next one that can be read; with an error if something before it cannot. */
  #read(id: number, limit: number, backward: boolean): { segment: SegmentRow | undefined; error: unknown } {
    const statement = backward ? this.#previous : this.#next;
    const sound = (key: number) => this.#sound(statement, key);
    try {
      return { segment: sound(id), error: undefined };
    } catch (error) {
      if (!isDamage(error)) throw error;
      return { segment: readBeyond(id, limit, backward ? -1 : 1, sound).row, error };
    }
  }

  /** @throws DamageError, SqliteError for a row that cannot be right or cannot be read */
  #sound(statement: Statement, key: number): SegmentRow | undefined {
    const row = statement.get(this.#number, key) as SegmentRow | undefined;
    if (row !== undefined && !isSound(row)) throw damaged(`the row of segment ${row.id} contradicts itself`);
    return row;
  }

  #nextId({ machine, backward }: Scope, id: number): number | undefined {
    if (machine === null) return id;
    const statement = backward ? this.#machinePrevious : this.#machineNext;
    // Without the index the segments themselves are looked at.
    return unlessDamaged(
      () => statement.get(machine, this.#number, id) as number | undefined,
      () => id,
    );
  }

  #lossOf(id: number, range: { from: number; to: number }, error: unknown): Loss {
    const place = `segment ${id} of ${this.#series}`;
    return { series: this.#series, place, ...range, machine: null, count: null, time: 0, why: errorMessage(error) };
  }
}

function isSound({ first_seq, last_seq, first_time, last_time, first_block }: SegmentRow): boolean {
  const isOfNumbers = [first_seq, last_seq, first_time, last_time, first_block].every(Number.isSafeInteger);
  return isOfNumbers && first_seq <= last_seq && first_time <= last_time;
}

/** The last seq that is not the segment's, coming to it. */
function edgeOf({ first_seq, last_seq }: SegmentRow, backward: boolean): number {
  return backward ? last_seq + 1 : first_seq - 1;
}
