import type { BootSummary } from '../domain/boot-summary.ts';
import type { LogStream, NewRecord, Tags } from '../domain/record.ts';
import type { RegistryImage, RegistryOp } from '../domain/registry.ts';

/** Registry changes and the records that tell of them: one transaction. */
export interface Change {
  readonly ops: readonly RegistryOp[];
  readonly records: readonly NewRecord[];
  /** It may wait some milliseconds for others to be committed with: what follows it takes longer anyway. */
  readonly isPatient?: boolean;
}

/** Where log lines come from: one machine, stream, boot and tags. Compared by reference: keep one object per source. */
export interface LogSource {
  readonly machine: number;
  readonly stream: LogStream;
  readonly boot: number;
  readonly tags: Tags;
  /**
   * What must be stored in the transaction that stores the lines (the boot's seen ranges). Called when pending lines
   * are cut into a commit, so it covers exactly the lines appended until then.
   */
  checkpoint(): RegistryOp | undefined;
}

/** Consecutive lines of one source, as they came. The bytes are copied: the caller may reuse them. */
export interface LogLines {
  /** `details.length` JSON objects, each followed by one line feed. */
  readonly payload: Uint8Array;
  readonly details: Uint8Array;
  /** Compared by reference; `LEVELS` for kmsg. */
  readonly names: readonly string[];
  readonly levels: number;
  readonly firstKseq: number | null;
  readonly lastKseq: number | null;
}

export interface Query {
  /** Subject filters by NATS rules, any of them; empty means all. */
  readonly filters: readonly string[];
  readonly machine?: number;
  /** Sequence numbers, exclusive. */
  readonly after?: number;
  readonly before?: number;
  /** `received_at`, milliseconds since the epoch, inclusive. */
  readonly since?: number;
  readonly until?: number;
  /** The last `limit` matching records instead of the first; still in ascending order. */
  readonly tail?: boolean;
  /** Substring of the body's text, case-insensitive. */
  readonly grep?: string;
  readonly limit: number;
  /**
   * Whether gap records stand where something is missing: what cannot be read, and before all others what retention
   * dropped of what comes after `after` (without it: since `since`). They are not stored, and pass every filter.
   */
  readonly gaps?: boolean;
}

/** One record as everyone sees it: `json` is the envelope `{"seq","subject","received_at","boot","body"}`. */
export interface RenderedRecord {
  readonly seq: number;
  readonly json: string;
}

export interface Page {
  readonly records: readonly RenderedRecord[];
  /** Continue with `after: next`: every record up to it was returned or did not match. */
  readonly next: number;
  /** Whether the page reached the end of what is committed. */
  readonly end: boolean;
  /** Whether it holds `limit` records, or all that match. Else it ended early: its text is long, or looking took long. */
  readonly complete: boolean;
  /**
   * Of a tail that holds less than all that matches: what comes before it is read with `before: before`. Without it there
   * is nothing before.
   */
  readonly before?: number;
}

export interface FollowOptions {
  readonly filters: readonly string[];
  readonly machine?: number;
  /** Start after this seq. Without it: with what is committed from now on. */
  readonly after?: number;
  /** Start with what was received since then, milliseconds since the epoch. Not together with `after`. */
  readonly since?: number;
  /** As in `Query`. */
  readonly gaps?: boolean;
}

export type FollowItem =
  | { readonly type: 'records'; readonly records: readonly RenderedRecord[] }
  /** Nothing matched up to here: a narrow filter resumes from this seq. */
  | { readonly type: 'position'; readonly seq: number };

/**
 * The record log: everything that happened, in one order. The only way to change the registry, and the outbox of
 * everything that is republished.
 */
export interface RecordLog {
  /** What the registry held at start. */
  readonly image: RegistryImage;
  /** `seq` of the newest committed record; 0 if there is none. */
  readonly head: number;
  /**
   * Commits a change and resolves after fsync with the seqs of its records. Changes commit in the order of the calls.
   * @throws SiderolinkError `storage` (nothing was stored), `unavailable` (stopping)
   */
  commit(change: Change): Promise<readonly number[]>;
  /**
   * Accepts log lines; they are committed soon, in order. Returns false when the source's machine or the whole log has
   * no room: the lines were still accepted, but the caller must stop reading until `whenWritable` resolves.
   */
  appendLog(source: LogSource, lines: LogLines): boolean;
  whenWritable(machine: number): Promise<void>;
  /** Resolves when everything accepted so far is committed. */
  flush(): Promise<void>;
  read(query: Query): Promise<Page>;
  /** All boots of a machine, the first first, as the registry has them. @throws SiderolinkError `storage`, `unavailable` */
  boots(machine: number): Promise<readonly BootSummary[]>;
  /**
   * Everything after `after` and then what is committed, without a hole or a repeat, until `signal` aborts. The
   * consumer's pace is the follower's pace; one that falls behind memory is served from the store.
   */
  follow(options: FollowOptions, signal: AbortSignal): AsyncIterable<FollowItem>;
}
