import type { Database } from 'better-sqlite3';
import { SqliteError } from 'better-sqlite3';
import { DamageError } from '../domain/damage.ts';
import type { RegistryOp } from '../domain/registry.ts';
import { batchLength, type Series, setField } from './batch.ts';
import { CHUNK_TABLES } from './chunk-row.ts';
import { ChunkTable, eachSeries, lastTimeOf } from './chunk-table.ts';
import { describe, isDamage, unlessDamaged } from './damaged.ts';
import { unsynced } from './database.ts';
import { DeletionTable, NOTHING } from './deletion-table.ts';
import type {
  ChangeOps,
  CheckpointReply,
  ClearReply,
  CommitReply,
  CommitRequest,
  Failure,
  PackedSegment,
  SeriesState,
  SliceReply,
  StoreState,
} from './protocol.ts';
import { RegistryTable, readImage } from './registry-table.ts';
import { RetentionTable } from './retention-table.ts';
import { SegmentTable } from './segment-table.ts';
import { Space } from './space.ts';

type Stored = Pick<CommitReply, 'changeFailures' | 'logOpFailures' | 'nextSeq'>;

/** Runs a part of a transaction; its failure, or null. @throws what fails the whole */
type RunPart = (part: () => void) => Failure | null;

/** The one writer: each request is one transaction. Runs in a worker thread, so it may block. */
export class Writer {
  readonly #db: Database;
  readonly #registry: RegistryTable;
  readonly #chunks: ChunkTable;
  readonly #segments: SegmentTable;
  readonly #deletions: DeletionTable;
  readonly #retention: RetentionTable;
  readonly #space: Space;
  readonly #setHead: (nextSeq: number, lastTime: number) => void;
  #nextSeq: number;
  #lastTime: number;
  #epoch = 0;

  constructor(db: Database) {
    this.#db = db;
    this.#chunks = new ChunkTable(db);
    this.#segments = new SegmentTable(db);
    this.#deletions = new DeletionTable(db);
    this.#retention = new RetentionTable(db);
    this.#space = new Space(db);
    this.#registry = new RegistryTable(db, { deletions: this.#deletions, retention: this.#retention });
    const setHead = db.prepare('update log_state set next_seq = ?, last_time = ?');
    this.#setHead = (nextSeq, lastTime) => void setHead.run(nextSeq, lastTime);
    const state = db.prepare('select next_seq, last_time from log_state').raw().get() as [number, number];
    [this.#nextSeq, this.#lastTime] = state;
  }

  state(): StoreState {
    const marks = this.#marks();
    const series = eachSeries((name): SeriesState => {
      const select = `select sum(count) as records, sum(bytes) as bytes from ${CHUNK_TABLES[name]} where first_seq > ?`;
      const { records, bytes } = unlessDamaged(
        () => this.#db.prepare(select).get(marks[name]) as { records: number | null; bytes: number | null },
        () => this.#chunks.size(name, marks[name], this.#nextSeq - 1),
      );
      return { packedThrough: marks[name], chunkRecords: records ?? 0, chunkBytes: bytes ?? 0 };
    });
    return { image: readImage(this.#db), nextSeq: this.#nextSeq, lastTime: this.#lastTime, series };
  }

  /** Stores a commit, or nothing of it. A change that contradicts what is stored fails alone. */
  commit(request: CommitRequest): CommitReply {
    const { changeChunks, logChunks } = request;
    const reply = { changeChunks, logChunks, nextSeq: this.#nextSeq };
    const nothing = { changeFailures: [], logOpFailures: 0 };
    if (request.epoch < this.#epoch) {
      const failure: Failure = { kind: 'superseded', message: 'an earlier commit failed' };
      return { ...reply, ...nothing, failure };
    }
    const before = this.#nextSeq;
    try {
      return { ...reply, failure: null, ...this.#store(request) };
    } catch (error) {
      this.#rollback();
      this.#nextSeq = before;
      this.#epoch = request.epoch + 1;
      const failure: Failure = { kind: 'storage', message: describe(error), isDamage: isDamage(error) };
      return { ...reply, ...nothing, failure };
    }
  }

  /**
   * SQLite copies each page that changes within a savepoint, to a file if there are many: a third of the writer's time when
   * a fleet joins. So parts get savepoints only where one of them contradicts what is stored, which next to none does.
   */
  #store(request: CommitRequest): Stored {
    const before = this.#nextSeq;
    try {
      return this.#transact(request, together);
    } catch (error) {
      if (!isContradiction(error)) throw error;
      this.#rollback();
      this.#nextSeq = before;
      return this.#transact(request, (part) => this.#alone(part));
    }
  }

  #transact(request: CommitRequest, run: RunPart): Stored {
    const { changeChunks, logChunks, logOps } = request;
    const before = this.#nextSeq;
    this.#db.exec('begin immediate');
    const changeFailures = this.#applyChanges(request, run);
    const logOpFailures = logOps.filter((op) => run(() => this.#apply(op)) !== null).length;
    this.#nextSeq = this.#chunks.insert(logChunks, 0, batchLength(logChunks), this.#nextSeq);
    const lastTime = Math.max(this.#lastTime, lastTimeOf(changeChunks), lastTimeOf(logChunks));
    if (this.#nextSeq !== before) this.#setHead(this.#nextSeq, lastTime);
    this.#db.exec('commit');
    this.#lastTime = lastTime;
    return { changeFailures, logOpFailures, nextSeq: this.#nextSeq };
  }

  #applyChanges({ changes, changeChunks }: CommitRequest, run: RunPart): (Failure | null)[] {
    let chunk = 0;
    return changes.map((change) => {
      const from = chunk;
      chunk += change.records;
      const failure = this.#applyChange(change, run, () => {
        this.#nextSeq = this.#chunks.insert(changeChunks, from, from + change.records, this.#nextSeq);
      });
      for (let at = from; failure !== null && at < chunk; at++) setField(changeChunks, at, 'firstSeq', Number.NaN);
      return failure;
    });
  }

  #applyChange(change: ChangeOps, run: RunPart, insertRecords: () => void): Failure | null {
    if (change.ops.length === 0) {
      insertRecords();
      return null;
    }
    return run(() => {
      for (const op of change.ops) this.#apply(op);
      insertRecords();
    });
  }

  #apply(op: RegistryOp): void {
    // The records of a change come after its ops.
    this.#registry.apply(op, this.#nextSeq - 1);
  }

  /** Runs a part of the transaction that may fail alone: taken back if it contradicts what is stored. */
  #alone(part: () => void): Failure | null {
    const before = this.#nextSeq;
    this.#db.exec('savepoint part');
    try {
      part();
      this.#db.exec('release part');
      return null;
    } catch (error) {
      if (!isContradiction(error)) throw error;
      this.#nextSeq = before;
      this.#db.exec('rollback to part');
      this.#db.exec('release part');
      return { kind: 'constraint', message: describe(error) };
    }
  }

  beginSegment(segment: PackedSegment): void {
    this.#segments.begin(segment);
  }

  /** Removes what a run that was killed left of a segment. */
  removeUnfinished(): void {
    this.#transaction(() => this.#segments.removeUnfinished());
  }

  insertSlice(rows: number, bytes: number): SliceReply {
    const undo = this.#segments.mark();
    return unsynced(this.#db, () => ({
      more: this.#transaction(() => this.#segments.insertSlice(rows, bytes), undo),
    }));
  }

  /** Removes chunks that are packed. */
  sweep(series: Series, rows: number, bytes: number): SliceReply {
    const through = this.#marks()[series];
    return unlessDamaged<SliceReply, SliceReply>(
      () =>
        unsynced(this.#db, () => ({ more: this.#transaction(() => this.#chunks.sweep(series, through, rows, bytes)) })),
      (error) => {
        const more = this.#chunks.giveUp(series, through, rows, bytes);
        return { more, damage: describe(error) };
      },
    );
  }

  /** Removes rows that deletions left. */
  clear(rows: number, bytes: number): ClearReply {
    const marks = this.#marks();
    return unlessDamaged<ClearReply, ClearReply>(
      () => this.#transaction(() => this.#deletions.clear(marks, rows, bytes)),
      (error) => {
        const series = this.#transaction(() => this.#deletions.giveUp());
        return { more: true, ...NOTHING, series, damage: describe(error) };
      },
    );
  }

  /** Removes what is left of dropped segments. One that is damaged is given up: others would wait behind it for ever. */
  clearDropped(rows: number, bytes: number): SliceReply {
    return unlessDamaged<SliceReply, SliceReply>(
      () => ({ more: this.#transaction(() => this.#retention.clear(rows, bytes)) }),
      (error) => {
        this.#transaction(() => this.#retention.giveUp());
        return { more: true, damage: describe(error) };
      },
    );
  }

  /** Gives at most so many free pages back to the file system. */
  shrink(pages: number, freeBytes: number): SliceReply {
    return { more: this.#transaction(() => this.#space.shrink(pages, freeBytes)) };
  }

  beThrifty(isThrifty: boolean): void {
    this.#space.beThrifty(isThrifty);
  }

  /** Writes the WAL back and begins it anew. */
  checkpoint(waitMs: number): CheckpointReply {
    return this.#space.checkpoint(waitMs);
  }

  close(): void {
    this.#db.pragma('wal_checkpoint(truncate)');
    this.#db.close();
  }

  #marks(): Record<Series, number> {
    const [logs, others] = this.#db.prepare('select packed_logs, packed_others from log_state').raw().get() as [
      number,
      number,
    ];
    return { logs, others };
  }

  #transaction<T>(body: () => T, undo: () => void = () => {}): T {
    try {
      return this.#db.transaction(body).immediate();
    } catch (error) {
      this.#rollback();
      undo();
      throw error;
    }
  }

  #rollback(): void {
    // SQLite itself has already rolled back after some errors, a full disk for one.
    if (this.#db.inTransaction) this.#db.exec('rollback');
  }
}

function together(part: () => void): null {
  part();
  return null;
}

/**
 * Whether the error is the fault of the change and not of the disk: a constraint, a value that cannot be bound, or damage
 * that this change alone would make worse.
 */
function isContradiction(error: unknown): boolean {
  if (error instanceof SqliteError) return error.code.startsWith('SQLITE_CONSTRAINT') || error.code === 'SQLITE_TOOBIG';
  return error instanceof DamageError || error instanceof TypeError || error instanceof RangeError;
}
