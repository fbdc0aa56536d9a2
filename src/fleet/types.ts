import type { PublicKey } from '../domain/keys.ts';
import type { OverlayAddress } from '../domain/overlay.ts';
import type { Ownership, Tags } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { LogSource } from '../stream/types.ts';
import type { LinkState } from '../wireguard/types.ts';

export type MachineState = 'known' | 'pending' | 'accepted' | 'rejected' | 'provisional' | 'removed';

/** A machine as it is now: an immutable snapshot, replaced when anything of it changes. */
export interface Machine {
  /** Its number in the store, from 1. */
  readonly id: number;
  readonly uuid: NodeUuid;
  readonly address: OverlayAddress;
  readonly state: MachineState;
  readonly tags: Tags;
  readonly labels: Readonly<Record<string, string>>;
  /** The key of the current boot; null before the first join. */
  readonly key: PublicKey | null;
  /** Number of the current boot, from 1; 0 before the first join. */
  readonly boot: number;
  readonly talosVersion: string | null;
  /** `none`, `offered`, `bound` or `proven` (DESIGN section 6, *NUT*). */
  readonly uniqueToken: 'none' | 'offered' | 'bound' | 'proven';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly joinedAt: number | null;
  /** Grows with every change; the ETag of the view. */
  readonly version: number;
}

/** A boot's own log state: what the sinks know of its kernel log. One object per boot, alive while lines may come. */
export interface Boot {
  readonly machine: number;
  readonly number: number;
  readonly publicKey: PublicKey;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The boot's row with what is known now: seen ranges, last seq and clock. */
  op(): RegistryOp;
}

/** What is known of a machine from its events: last known, never the truth (facts/users.md E8). */
export interface MachineStatus {
  readonly stage: string | null;
  readonly ready: boolean | null;
  readonly unmetConditions: readonly { readonly name: string; readonly reason: string }[];
  readonly hostname: string | null;
  readonly addresses: readonly string[];
  /** State by service name, e.g. `RUNNING`. */
  readonly services: Readonly<
    Record<string, { readonly state: string; readonly healthy: boolean | null; readonly message: string }>
  >;
  /** The last sequence and its last action, e.g. `boot`, `START`. */
  readonly sequence: { readonly name: string; readonly action: string } | null;
  /** Milliseconds since the epoch of the last event or log line; null for never. */
  readonly lastSeen: number | null;
}

/** The whole view of a machine, as the API and `machine.*` records show it, without tags. */
export interface MachineView {
  readonly machine: Machine;
  readonly status: MachineStatus;
  readonly link: LinkState;
}

export type { LogSource, Ownership };
