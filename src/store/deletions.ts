import type { Database, Statement } from 'better-sqlite3';
import { SERIES, type Series } from './batch.ts';

/** Which records are deleted, for those who read. */
export class Deletions {
  readonly #newer: Statement;
  readonly #through = SERIES.map(() => new Map<number, number>());
  #version = 0;

  constructor(db: Database) {
    this.#newer = db
      .prepare('select machine, series, through, version from deletion where version > ? order by version')
      .raw();
  }

  /** Learns of deletions since the last time. To be called in the read transaction that it is to hold for. */
  refresh(): void {
    const rows = this.#newer.all(this.#version) as [number, number, number, number][];
    for (const [machine, series, through, version] of rows) {
      this.#through[series]?.set(machine, through);
      this.#version = version;
    }
  }

  /** Seq up to which the machine's records of a series are deleted; 0 for none. */
  through(series: Series, machine: number): number {
    return this.#through[SERIES.indexOf(series)]?.get(machine) ?? 0;
  }
}
