import type { Database, Statement } from 'better-sqlite3';
import { SERIES, type Series } from './batch.ts';
import type { Deletions } from './deletions.ts';
import { lostPiece, type Piece, type Scope } from './pieces.ts';
import type { Loss } from './protocol.ts';

interface LostRow {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly machine: number | null;
  readonly count: number | null;
  readonly time: number;
}

/** Where an unpacked record is stored, in words: the same before and after its neighbours were packed. */
export function placeOfChunk(series: Series, seq: number): string {
  return `unpacked ${series} at seq ${seq}`;
}

/** Records that had been damaged when their neighbours were packed: who reads there goes on being told. */
export class LostRecords {
  readonly #up: Statement;
  readonly #down: Statement;
  readonly #deletions: Deletions;

  constructor(db: Database, deletions: Deletions) {
    const select = `select first_seq, last_seq, machine, count, time from lost
      where series = ? and last_seq >= ? and first_seq <= ? order by first_seq`;
    this.#up = db.prepare(select);
    this.#down = db.prepare(`${select} desc`);
    this.#deletions = deletions;
  }

  /** Those of some machines (null: of all) in a scope. @param dropped seq up to which retention dropped everything */
  *walk(series: Series, dropped: number, machines: readonly (number | null)[], wanted: Scope): Generator<Piece> {
    const scope = { ...wanted, fromSeq: Math.max(wanted.fromSeq, dropped + 1) };
    const { backward, fromSeq, toSeq } = scope;
    const rows = (backward ? this.#down : this.#up).all(SERIES.indexOf(series), fromSeq, toSeq) as LostRow[];
    for (const { first_seq: from, last_seq: to, machine, count, time } of rows) {
      if (machine !== null) {
        if (!machines.includes(machine) && !machines.includes(null)) continue;
        if (to <= this.#deletions.through(series, machine)) continue;
      }
      const loss: Loss = { series, place: placeOfChunk(series, from), from, to, machine, count, time, why: WHY };
      const piece = lostPiece(loss, scope);
      if (piece !== null) yield piece;
    }
  }
}

const WHY = 'they were damaged when their neighbours were packed';
