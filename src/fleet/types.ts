import type { PublicKey } from '../domain/keys.ts';
import type { OverlayAddress } from '../domain/overlay.ts';
import type { Tags } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { LinkState, PeerSpec } from '../wireguard/types.ts';

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
  /** The kernel's own seq of the boot's newest line, and its clock in microseconds; null before the first line. */
  readonly lastSeq?: number | null;
  readonly lastClock?: number | null;
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

/** What happened to a machine, told synchronously after the change is committed and, for keys, in the device. */
export type FleetEvent =
  /** First join or a new key: `machine.boot` is current now; connections of `previousBoot` are read empty and closed. */
  | { readonly kind: 'boot'; readonly machine: Machine; readonly previousBoot: Boot | undefined }
  | { readonly kind: 'changed'; readonly machine: Machine }
  /** Removed or rejected: its connections are closed at once. */
  | { readonly kind: 'removed'; readonly machine: Machine };

/** The machines: a memory image of the registry. Reads are synchronous and cost no I/O. */
export interface Machines {
  get(uuid: NodeUuid): Machine | undefined;
  byId(id: number): Machine | undefined;
  /** The machine that owns an overlay address and may send: known key, not removed or rejected. */
  bySource(address: string): Machine | undefined;
  all(): Iterable<Machine>;
  readonly size: number;
  /** What the device should have. */
  peers(): readonly PeerSpec[];
  view(machine: Machine): MachineView;
  onEvent(listener: (event: FleetEvent) => void): void;
}

/** A join token without its secret. Times are milliseconds since the epoch. */
export interface JoinToken {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly maxUses: number | null;
  readonly uses: number;
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
}

export interface NewJoinToken {
  readonly name: string;
  readonly expiresAt?: number;
  readonly maxUses?: number;
}

export interface JoinTokens {
  /** Makes a token. `secret` (`<id>.<secret>` in base64url) is shown here and never again. `by`: who asked, for the record. */
  create(token: NewJoinToken, by: string): Promise<{ readonly token: JoinToken; readonly secret: string }>;
  list(): readonly JoinToken[];
  get(id: string): JoinToken | undefined;
  /** Idempotent. @throws SiderolinkError `not_found` */
  revoke(id: string, by: string): Promise<JoinToken>;
  /** Once revoked or expired. @throws SiderolinkError `not_found`, `conflict` */
  delete(id: string, by: string): Promise<void>;
}

/** Which boots there are, by machine and by key. */
export interface Boots {
  /** The boot whose key the device has: what comes from the machine's address now is of this boot. */
  current(machine: number): Boot | undefined;
  /** The boot that this key is or was the key of. */
  ofKey(publicKey: PublicKey): { readonly machine: number; readonly number: number } | undefined;
  /**
   * Makes the next boot of a machine and its row. It becomes current by `activate`, once the device has its key; if the
   * commit that holds `op` fails, `undo` takes it back. Joins of one machine go one after the other.
   */
  begin(machine: number, publicKey: PublicKey): { readonly boot: Boot; readonly op: RegistryOp; undo(): void };
  /** Makes the boot that was begun last the current one. Idempotent. */
  activate(machine: number): void;
}

/** The folded status of each machine. */
export interface Statuses {
  get(machine: number): MachineStatus;
}
