import type { RegistryImage, RegistryOp } from '../domain/registry.ts';
import type { AgingSegment } from '../domain/retention.ts';
import type { ChunkBatch, Series } from './batch.ts';

/**
 * An error as it crosses threads. `constraint`: the change contradicts what is stored; `storage`: the disk or file;
 * `superseded`: not tried, because a commit before it failed.
 */
export interface Failure {
  readonly kind: 'constraint' | 'storage' | 'superseded';
  readonly message: string;
  /** The file is damaged where the change is to be written. */
  readonly isDamage?: boolean;
}

/** What is packed, and what is not yet. */
export interface SeriesState {
  /** Seq up to which segments count. */
  readonly packedThrough: number;
  /** Records and bytes of lines above the mark. */
  readonly chunkRecords: number;
  readonly chunkBytes: number;
}

/** The first message of the writer: what the store holds. */
export interface StoreState {
  readonly image: RegistryImage;
  readonly nextSeq: number;
  /** Milliseconds since the epoch; `received_at` of the newest record. */
  readonly lastTime: number;
  readonly series: Readonly<Record<Series, SeriesState>>;
}

/** A change in a commit; its records are the next `records` chunks of the commit's first batch. */
export interface ChangeOps {
  readonly ops: readonly RegistryOp[];
  readonly records: number;
}

/** One transaction. Within it, changes come first. */
export interface CommitRequest {
  /** Commits that were sent before a failure was known carry an older epoch and are refused, which keeps the order. */
  readonly epoch: number;
  readonly changes: readonly ChangeOps[];
  readonly changeChunks: ChunkBatch;
  readonly logOps: readonly RegistryOp[];
  readonly logChunks: ChunkBatch;
}

export interface CommitReply {
  /** Why nothing of the commit was stored. */
  readonly failure: Failure | null;
  /** Per change: why it alone was not stored. */
  readonly changeFailures: readonly (Failure | null)[];
  /** Checkpoints that were not stored although their lines were. */
  readonly logOpFailures: number;
  readonly nextSeq: number;
  /** The batches come back, with `firstSeq` filled in. */
  readonly changeChunks: ChunkBatch;
  readonly logChunks: ChunkBatch;
}

/** Where an extent's numbers stand in `PackedSegment.meta`, which has `EXTENT_WIDTH` of them an extent. */
export const EXTENT_FIELDS = [
  'machine',
  'stream',
  'boot',
  'tags',
  'block',
  'offset',
  'bytes',
  'count',
  'levels',
] as const;
export const EXTENT_WIDTH = EXTENT_FIELDS.length;

/** A closed range of seqs of one series, packed. */
export interface PackedSegment {
  readonly series: Series;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly records: number;
  /** Bytes of lines before packing. */
  readonly lineBytes: number;
  /** Compressed blocks. */
  readonly blocks: readonly Uint8Array<ArrayBuffer>[];
  readonly meta: Float64Array<ArrayBuffer>;
  readonly names: readonly string[];
  /** The runs of all extents, one after the other, and where those of each end. */
  readonly runs: Uint8Array<ArrayBuffer>;
  readonly runEnds: readonly number[];
  /** Records between those of the segment that are damaged: their neighbours go on without them. */
  readonly losses: readonly Loss[];
}

export interface PackRequest {
  readonly series: Series;
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** Takes what is there, also if it is less. */
  readonly partial?: boolean;
}

/** What a series takes, and its oldest segments. */
export interface SeriesUsage {
  /** On disk, with its indexes and its share of the pages that are free. */
  readonly bytes: number;
  /** Ascending. */
  readonly oldest: readonly AgingSegment[];
  /** When the oldest record that is not packed was received; null if there is none. */
  readonly unpackedSince: number | null;
}

export interface Usage {
  readonly series: Readonly<Record<Series, SeriesUsage>>;
  readonly pageBytes: number;
  readonly pages: number;
  readonly freePages: number;
}

/** Records that are to be dropped and that the publisher has not told of. */
export interface Unpublished {
  readonly count: number;
  /** Their first and last seq; 0 if there are none. */
  readonly from: number;
  readonly to: number;
}

/** Of a part of the segments asked about. */
export interface UnpublishedStep extends Unpublished {
  /** The segments up to this seq were looked at. */
  readonly reached: number;
}

export type WriterRequest =
  | ({ readonly kind: 'commit' } & CommitRequest)
  /** Takes a segment; it is inserted by the `insert` requests that follow, a slice each. */
  | { readonly kind: 'segment'; readonly segment: PackedSegment }
  /** Removes what a run that was killed left of a segment. */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'insert'; readonly rows: number; readonly bytes: number }
  | { readonly kind: 'sweep'; readonly series: Series; readonly rows: number; readonly bytes: number }
  | { readonly kind: 'clear'; readonly rows: number; readonly bytes: number }
  | { readonly kind: 'clear-dropped'; readonly rows: number; readonly bytes: number }
  /** Gives at most `pages` back; `freeBytes` stay free in the file. */
  | { readonly kind: 'shrink'; readonly pages: number; readonly freeBytes: number }
  /** @param waitMs how long those are waited for who read what is in the WAL */
  | { readonly kind: 'checkpoint'; readonly waitMs: number }
  /** The disk has little room, or enough again. */
  | { readonly kind: 'thrifty'; readonly isThrifty: boolean }
  | { readonly kind: 'close' };

/** Whether there is more to do. */
export interface SliceReply {
  readonly more: boolean;
  /** Why a part was left where it is that is damaged: nobody reads it, and its space in the file is lost. */
  readonly damage?: string;
}

export interface CheckpointReply {
  /** Whether somebody still reads what is in the WAL, so that it could not be begun anew. */
  readonly isPinned: boolean;
}

/** What a step of clearing away deleted records came to. */
export interface ClearReply extends SliceReply {
  /** Null if there was nothing to do. */
  readonly series: Series | null;
  readonly records: number;
  /** Of these, what was above the mark. */
  readonly unpackedRecords: number;
  readonly unpackedBytes: number;
}

/** A page in one direction. Seqs are inclusive, times too. */
export interface PageRequest {
  readonly filters: readonly string[];
  readonly machine: number | null;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly since: number;
  readonly until: number;
  readonly backward: boolean;
  readonly grep: string;
  readonly maxRecords: number;
  /** Characters of rendered text. */
  readonly maxText: number;
  /** Whether gap records stand in the page where something is missing; else that is only told in `dropped` and `losses`. */
  readonly gaps?: GapRequest;
}

/** For gap records of what retention dropped. What is damaged is told where it is found. */
export interface GapRequest {
  /** Whether the reader begins here: then they stand before all records, with the seq before the range. */
  readonly isStart: boolean;
  /** Of each series: what was dropped up to there is told already. */
  readonly told: readonly [logs: number, others: number];
  /** The reader asked for what was received since then, milliseconds since the epoch, and not for seqs. */
  readonly since?: number;
}

/** Records that should be there, and cannot be read. */
export interface Loss {
  readonly series: Series;
  /** Where they are stored. */
  readonly place: string;
  /** They lie between these seqs, both included. */
  readonly from: number;
  readonly to: number;
  /** Whose they are, and how many; null if nobody knows. */
  readonly machine: number | null;
  readonly count: number | null;
  /** When they were received, about; milliseconds since the epoch. */
  readonly time: number;
  readonly why: string;
}

export interface PageReply {
  /** `seq` of the newest committed record. */
  readonly head: number;
  readonly seqs: Float64Array<ArrayBuffer>;
  readonly jsons: readonly string[];
  /** Everything from `fromSeq` up to this seq (backward: from `toSeq` down to it) was returned or did not match. */
  readonly through: number;
  /** Whether the range is exhausted. */
  readonly done: boolean;
  /** Of each series: retention dropped everything up to this seq; 0 for nothing. */
  readonly dropped: readonly [logs: number, others: number];
  /** As `GapRequest.told`, with the gap records of this page. */
  readonly told: readonly [logs: number, others: number];
  /** Damage that was met and skipped, each place once. */
  readonly losses: readonly Loss[];
  /** Blocks that were unpacked for it. */
  readonly blocks: number;
}
