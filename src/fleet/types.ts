import type { ConditionState, ConditionType } from '../domain/conditions.ts';
import type { MachineState } from '../domain/join-types.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { OverlayAddress } from '../domain/overlay.ts';
import type { Ownership, Tags } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import type { EventStatus } from '../domain/status.ts';
import type { TunnelSetting } from '../domain/tunnel.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { LinkState, PeerSpec } from '../wireguard/types.ts';
import type { JoinWait } from './join-waits.ts';
import type { LastRefusal } from './refusals.ts';
import type { TokenWrite } from './token-writes.ts';

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
  /** What it asked with, if its UUID was assigned; null for all others. */
  readonly madeFor: string | null;
  /** It has called with its own UUID; only an assigned one may be unknown to it. */
  readonly knowsUuid: boolean;
  /** Other UUIDs under which it joins: the byte-swapped one of a pre-registered machine. */
  readonly aliases: readonly NodeUuid[];
  /** Its own setting of `join.tunnel`; null inherits. It counts from its next call of Provision on. */
  readonly tunnel: TunnelSetting | null;
  /** It was told to come through the gRPC tunnel. */
  readonly tunnelled: boolean;
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
  /** Lines before the newest one that did not come. */
  readonly missing?: number;
  /** It began before our start; undefined where nobody knows. */
  readonly restored?: boolean;
  /** The boot's row with what is known now: seen ranges, last seq and clock. */
  op(): RegistryOp;
}

/** A machine that went to another boot and has not been heard of since. */
export interface LostMachine {
  /** When it was heard last, milliseconds since the epoch. */
  readonly since: number;
  /** What it went with: `reboot`, `upgrade`, `reset`, … */
  readonly sequence: string;
}

/** What is known of a machine from its events: last known, never the truth (facts/users.md E8). */
export interface MachineStatus extends EventStatus {
  /** Milliseconds since the epoch of the first and the last event or log line; null for never. */
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
  /** Silent after it said that it goes to another boot; null while nothing is wrong. */
  readonly lost: LostMachine | null;
}

/** A machine's link, whichever way its packets come. `endpoint` is where the machine is, never one of our own relays. */
export interface MachineLink extends LinkState {
  readonly mode: 'udp' | 'tunnel';
}

/** The whole view of a machine, as the API and `machine.*` records show it, without tags. */
export interface MachineView {
  readonly machine: Machine;
  readonly status: MachineStatus;
  readonly link: MachineLink;
  /** What to look at where its link is up and nothing comes; null where nothing is wrong. */
  readonly linkHint: string | null;
  /** How writing its unique token (and UUID) to it goes; null while nothing was tried. */
  readonly tokenWrite: TokenWrite | null;
  /** Kernel lines of the current boot that are missing; null before its first join. */
  readonly missingLines: number | null;
  /** Null if it was not refused since it was let in last. */
  readonly lastRefusal: LastRefusal | null;
  /** Null where no newcomer waits until it is known whether this machine answers. */
  readonly joinWait: JoinWait | null;
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
  /** In the order of their numbers. */
  all(): Iterable<Machine>;
  readonly size: number;
  /** What the device should have. */
  peers(): readonly PeerSpec[];
  view(machine: Machine): MachineView;
  onEvent(listener: (event: FleetEvent) => void): void;
}

/** What a change is based on: the version that the caller saw (`If-Match`); undefined for whatever is there. */
export type SeenVersion = number | undefined;

/** A machine that has never booted, as the control plane knows it. */
export interface Registration {
  readonly ownership: Ownership;
  readonly labels: Readonly<Record<string, string>>;
  /** Make a unique token for its machine configuration; it is shown once. */
  readonly uniqueToken: boolean;
}

/**
 * What a control plane does to machines. `by` says who asks, for the record. Every change is committed with its record,
 * and for those that concern the device applied to it, before the promise resolves. A change that would change nothing
 * commits nothing and makes no record.
 *
 * All throw SiderolinkError `not_found`, `stale` (a version was given and it is another one now), `conflict` where the
 * state forbids it, `invalid_argument`, `storage`, `unavailable`; what concerns the device also `command_failed`: the
 * change stands then, and repair finishes it.
 */
export interface MachineAdmin {
  /**
   * Makes a machine known before it ever booted; one that is known and never joined is brought to what is wanted, with
   * a new unique token if one is asked for.
   * @throws SiderolinkError also `conflict` for one that joined, `exhausted`
   */
  register(
    uuid: NodeUuid,
    wanted: Registration,
    by: string,
    seen?: SeenVersion,
  ): Promise<{ readonly machine: Machine; readonly created: boolean; readonly uniqueToken: string | null }>;
  /** Pending, provisional and rejected machines are let in. */
  accept(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine>;
  /** Its link and connections go at once, and it may not join until it is accepted. */
  reject(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine>;
  /**
   * Gives it an owner. Another owner's machine only with the version seen.
   * @throws SiderolinkError also `conflict` if another owner has it and no version was given
   */
  claim(uuid: NodeUuid, ownership: Ownership, by: string, seen?: SeenVersion): Promise<Machine>;
  /** Takes its ownership away. @throws SiderolinkError also `precondition_required` without a version */
  release(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine>;
  label(
    uuid: NodeUuid,
    change: { readonly set: Readonly<Record<string, string>>; readonly unset: readonly string[] },
    by: string,
    seen?: SeenVersion,
  ): Promise<Machine>;
  /** Sets the condition that only a control plane knows. */
  setProvider(uuid: NodeUuid, state: ConditionState, by: string, seen?: SeenVersion): Promise<Machine>;
  /** Whether it is to come through the gRPC tunnel; null: as `join.tunnel` says. */
  setTunnel(uuid: NodeUuid, setting: TunnelSetting | null, by: string, seen?: SeenVersion): Promise<Machine>;
  /** Forgets its unique tokens, for a machine that was installed anew. */
  resetToken(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine>;
  /**
   * Decommissions it: link and connections go at once; UUID and address stay reserved. With `records`, what is stored of
   * it is deleted too.
   */
  remove(uuid: NodeUuid, options: { readonly records: boolean }, by: string, seen?: SeenVersion): Promise<Machine>;
  /**
   * A removed machine may join again, with its address: known if it never joined, else accepted. An identity that nobody
   * had accepted is expired until it does.
   */
  readmit(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine>;
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
  /** The only UUID that may join with it. */
  readonly nodeUuid: NodeUuid | null;
  /** What a machine gets at its first join with it. */
  readonly ownership: Ownership;
  readonly labels: Readonly<Record<string, string>>;
  /** The token that it takes the place of, by id. */
  readonly rotates: string | null;
}

export interface NewJoinToken {
  readonly name: string;
  readonly expiresAt?: number;
  readonly maxUses?: number;
  readonly nodeUuid?: NodeUuid;
  readonly ownership?: Ownership;
  readonly labels?: Readonly<Record<string, string>>;
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
  /**
   * Makes a token like this one and lets this one expire in `overlapMs`, or when it would have before.
   * @throws SiderolinkError `not_found`, `conflict` for one that is revoked or expired
   */
  rotate(
    id: string,
    options: { readonly overlapMs: number; readonly expiresAt?: number },
    by: string,
  ): Promise<{ readonly token: JoinToken; readonly secret: string; readonly rotated: JoinToken }>;
}

/** Which boots there are, by machine and by key. */
export interface Boots {
  /** The boot whose key the device has: what comes from the machine's address now is of this boot. */
  current(machine: number): Boot | undefined;
  /** The boot that this key is or was the key of. */
  ofKey(publicKey: PublicKey): { readonly machine: number; readonly number: number } | undefined;
  /**
   * Makes the next boot of a machine and its row. It becomes current by `activate`, once the device has its key; if the
   * commit that holds `ops` fails, `undo` takes it back. Joins of one machine go one after the other. `wasSilent`: nothing
   * ever came from the boot that ends with this. Of such boots a machine has a bounded number; the oldest is forgotten.
   */
  begin(
    machine: number,
    publicKey: PublicKey,
    wasSilent?: boolean,
  ): { readonly boot: Boot; readonly ops: readonly RegistryOp[]; undo(): void };
  /** Makes the boot that was begun last the current one. Idempotent. */
  activate(machine: number): void;
}

/** The folded status of each machine. */
export interface Statuses {
  /** @param boot the boot that the machine is in; without it that of its last event */
  get(machine: number, boot?: number): MachineStatus;
  /**
   * Sets a condition that only the control plane knows; null if it says so already. `undo` takes it back if `op` could
   * not be stored.
   */
  setCondition(
    machine: number,
    type: ConditionType,
    state: ConditionState,
  ): { readonly op: RegistryOp; undo(): void } | null;
  /** Nothing is known of a machine any more. To be stored: its row goes. */
  forget(machine: number): RegistryOp;
  /** The stage reported last, and the boot that stage and sequence are of: 0 before the first event. */
  stage(machine: number): { readonly stage: string | null; readonly boot: number };
}
