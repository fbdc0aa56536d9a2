import type { NodeUuid } from './uuid.ts';

/** The streams of a machine, in the order of their numbers in the store (append only). */
export const STREAMS = ['kmsg', 'log', 'event', 'link', 'machine', 'gap', 'token'] as const;
export type Stream = (typeof STREAMS)[number];
export type LogStream = 'kmsg' | 'log';

/** Talos levels in the order of their bits in a level mask, and the details of `kmsg` records. */
export const LEVELS = ['debug', 'info', 'warn', 'error', 'other'] as const;

/** Who a machine belongs to; an absent field has no value. */
export interface Ownership {
  readonly owner?: string;
  readonly namespace?: string;
  readonly cluster?: string;
  readonly metal_machine?: string;
  readonly machine?: string;
}

/**
 * An immutable snapshot of what a record says about its machine. A change of ownership makes a new one, so records
 * keep the ownership of the moment they were received.
 */
export interface Tags {
  /** Its number in the store, from 1; 0 is `NO_TAGS`. */
  readonly id: number;
  readonly server_uuid: NodeUuid | '';
  readonly ownership: Ownership;
}

/** The tags of records that belong to no machine. */
export const NO_TAGS: Tags = { id: 0, server_uuid: '', ownership: {} };

/** The names that are ours in every record body. What a machine sends under them moves into `sent` (law 3). */
export const TAG_NAMES = ['server_uuid', 'owner', 'namespace', 'cluster', 'metal_machine', 'machine', 'sent'] as const;

/** A record that is written together with a registry change, or an event. Its body is a JSON object without tags. */
export interface NewRecord {
  /** The machine's number in the store; 0 for none. */
  readonly machine: number;
  readonly stream: Stream;
  /** The machine's boot, from 1; 0 for none. */
  readonly boot: number;
  readonly tags: Tags;
  /** What follows the stream in the subject, already subject tokens: `AddressEvent`, `claimed`, `apid.info`. */
  readonly detail: string;
  /** The body's JSON text: one object, no line feed, none of `TAG_NAMES` as a key. */
  readonly body: string;
}

/**
 * Records of one machine, stream, boot and tags, numbered without a hole and received at one time (to within
 * `CHUNK_SPAN`). The unit that is stored, read and followed.
 */
export interface Chunk {
  /** `seq` of the first record. */
  readonly firstSeq: number;
  readonly count: number;
  readonly machine: number;
  readonly stream: Stream;
  readonly boot: number;
  readonly tags: Tags;
  /** When they were received, milliseconds since the epoch; never goes back from chunk to chunk. */
  readonly time: number;
  /** The kernel's own sequence numbers of a `kmsg` chunk. */
  readonly firstKseq: number | null;
  readonly lastKseq: number | null;
  /** Bit i is set if a record has `LEVELS[i]`; 0 where the stream has no levels. */
  readonly levels: number;
  /** What the bytes of `details` mean: subject tokens after the stream. At most 256. */
  readonly names: readonly string[];
  /** One byte a record: index into `names`. */
  readonly details: Uint8Array;
  /** The bodies without tags: `count` JSON objects, each followed by one line feed. */
  readonly payload: Uint8Array;
}

/** Records of a chunk were received within so many milliseconds of its `time`. */
export const CHUNK_SPAN = 50;
