import type { PublicKey } from './keys.ts';
import type { OverlayAddress } from './overlay.ts';
import type { Ownership } from './record.ts';
import type { NodeUuid } from './uuid.ts';

/**
 * A change to what the daemon knows, as a value. The writer applies all changes of one commit, with their records, in
 * one transaction. `doc` is JSON text whose shape belongs to the room that writes it.
 */
export type RegistryOp =
  | {
      readonly op: 'putMachine';
      readonly id: number;
      readonly uuid: NodeUuid;
      readonly address: OverlayAddress;
      readonly doc: string;
    }
  | { readonly op: 'putTags'; readonly id: number; readonly server_uuid: NodeUuid; readonly ownership: Ownership }
  | {
      readonly op: 'putBoot';
      readonly machine: number;
      readonly boot: number;
      readonly publicKey: PublicKey;
      readonly doc: string;
    }
  /** Replaces the members of a boot's `doc` that `patch`, a JSON object, has; the others stay as they are. */
  | { readonly op: 'patchBoot'; readonly machine: number; readonly boot: number; readonly patch: string }
  /** Only for a boot of which nothing is stored. */
  | { readonly op: 'deleteBoot'; readonly machine: number; readonly boot: number }
  | { readonly op: 'putStatus'; readonly machine: number; readonly doc: string }
  | { readonly op: 'deleteStatus'; readonly machine: number }
  | { readonly op: 'putToken'; readonly id: string; readonly doc: string }
  | { readonly op: 'deleteToken'; readonly id: string }
  /**
   * Deletes what is stored of a machine up to here: not the records of the change that this is part of. `logs`: only
   * kernel and service logs. Readers see none of it from this commit on; its bytes leave little by little.
   */
  | { readonly op: 'deleteRecords'; readonly machine: number; readonly what: 'all' | 'logs' }
  /**
   * Drops the oldest segments of a series, all whose last record is not above `through`. Readers see none of them from
   * this commit on; their bytes leave little by little.
   */
  | { readonly op: 'dropSegments'; readonly series: 'logs' | 'others'; readonly through: number }
  | { readonly op: 'putMeta'; readonly key: string; readonly value: string }
  /** How far lanes of the publisher have come: `[lane, seq]`, everything of the lane up to seq is acknowledged. */
  | { readonly op: 'putPublishCursors'; readonly cursors: readonly (readonly [lane: number, seq: number])[] };

/** Everything the registry holds, read once at start. */
export interface RegistryImage {
  readonly machines: readonly { id: number; uuid: NodeUuid; address: OverlayAddress; doc: string }[];
  readonly tags: readonly { id: number; server_uuid: NodeUuid; ownership: Ownership }[];
  readonly boots: readonly { machine: number; boot: number; publicKey: PublicKey; doc: string }[];
  readonly statuses: readonly { machine: number; doc: string }[];
  readonly tokens: readonly { id: string; doc: string }[];
  readonly meta: ReadonlyMap<string, string>;
  /** By lane. */
  readonly publishCursors: ReadonlyMap<number, number>;
}
