import type { ErrorCode } from './errors.ts';
import type { PublicKey } from './keys.ts';
import type { OverlayAddress } from './overlay.ts';
import type { Ownership } from './record.ts';
import type { UniqueTokens } from './unique-token.ts';
import type { NodeUuid } from './uuid.ts';

/** How the operator lets machines in. */
export interface JoinPolicy {
  /** `hold`: new machines are pending until accepted; `known`: only pre-registered ones join. */
  readonly policy: 'accept' | 'hold' | 'known';
  readonly requireToken: boolean;
  /** `legacy`: also Talos before 1.6, which has no unique tokens. */
  readonly uniqueTokens: 'strict' | 'legacy';
  readonly maxMachines: number;
  /** Provisional identities at one time. */
  readonly maxProvisional: number;
}

/**
 * The states of DESIGN section 6, and `expired`: a provisional identity that nobody accepted and that was silent for a
 * day. It has no peer and counts against no limit; its UUID and address stay its own, and it may join again.
 */
export const MACHINE_STATES = [
  'known',
  'pending',
  'accepted',
  'rejected',
  'provisional',
  'expired',
  'removed',
] as const;
export type MachineState = (typeof MACHINE_STATES)[number];

/** What is known of a machine, as far as joining asks. */
export interface JoinMachine {
  readonly id: number;
  readonly uuid: NodeUuid;
  readonly address: OverlayAddress;
  readonly state: MachineState;
  /** Key of the current boot; null before the first join. */
  readonly key: PublicKey | null;
  readonly uniqueTokens: UniqueTokens;
  /** The join token that its first join used, by id. */
  readonly firstToken: string | null;
  /** What it asked with, if its UUID was assigned (rows 8 and 10). */
  readonly madeFor: string | null;
  /** It has called with its own UUID; only an assigned one may be unknown to it. */
  readonly knowsUuid: boolean;
  readonly ownership: Ownership;
  /** The last sequence that the machine itself reported is `reset`. */
  readonly reportedReset: boolean;
  /** Its current boot itself told the call of reboot(2) that ends it: whoever comes with its UUID is most likely its next one. */
  readonly toldItsEnd: boolean;
  /** Its packets come through our gRPC tunnel. */
  readonly tunnelled: boolean;
}

/** A join token whose secret was sent. */
export interface JoinTokenFacts {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly maxUses: number | null;
  readonly uses: number;
  /** The only UUID that may join with it. */
  readonly nodeUuid: NodeUuid | null;
  /** What it confers on a machine at its first join. */
  readonly ownership: Ownership;
}

export interface JoinAsk {
  /** The UUID sent, lower-cased; it may be none at all. */
  readonly asked: string;
  readonly uuid: NodeUuid | undefined;
  readonly key: PublicKey;
  /** HMAC of the unique token sent; null if none came. */
  readonly uniqueTokenHash: string | null;
  readonly knowsUniqueTokens: boolean;
  readonly talosVersion: string | null;
  /** It asked for WireGuard over gRPC. */
  readonly tunnel: boolean;
}

/** What the registry holds about a call, at one moment. */
export interface JoinFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The machine with the UUID asked for, or with it as an alias. */
  readonly incumbent: JoinMachine | undefined;
  /** Of the incumbent and the identities made for the UUID asked for, the one that holds the unique token sent. */
  readonly holder: JoinMachine | undefined;
  /** The identity made for the UUID asked for whose current key was sent. */
  readonly sameKey: JoinMachine | undefined;
  /** The machine whose UUID is the byte-swapped one. */
  readonly swapped: JoinMachine | undefined;
  /** The machine whose key this is or ever was. */
  readonly keyOwner: number | undefined;
  readonly token: JoinTokenFacts | undefined;
  /** Of the UUID asked for and its swapped form: those that an unexpired token is bound to. */
  readonly reserved: readonly NodeUuid[];
  /** Machines that count against `maxMachines`. */
  readonly machines: number;
  /** Identities that count against `maxProvisional`. */
  readonly provisional: number;
}

/** What a probe found out about a machine's peer; it holds for this key only. */
export interface Liveness {
  readonly machine: number;
  readonly key: PublicKey;
  readonly alive: boolean;
}

export const REFUSAL_REASONS = [
  'unauthorized',
  'removed',
  'rejected',
  'too_old',
  'foreign_key',
  'not_known',
  'machine_limit',
  'provisional_limit',
  'unique_token',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export interface Refusal {
  readonly kind: 'refuse';
  /** The row of DESIGN section 6 that answered. */
  readonly row: number;
  readonly code: ErrorCode;
  /** What the caller is told. */
  readonly message: string;
  readonly reason: RefusalReason;
  /** The machine that the refusal is about, if any. */
  readonly machine: number | null;
  /** The machine that a `machine.conflict` record is about. */
  readonly conflictWith: number | null;
}

/** The join token that a join rests on. Only the first join of a machine takes a use. */
export interface TokenUse {
  readonly id: string;
  readonly takesUse: boolean;
}

/** Ask whether the peer answers, within so long, and decide again. */
export interface ProbeFirst {
  readonly kind: 'probe';
  readonly row: 10;
  readonly machine: number;
  readonly key: PublicKey;
  readonly address: OverlayAddress;
  readonly withinMs: number;
  /** The boot told its end, so that its silence counts also where its peer was made anew and nobody knows its place. */
  readonly ended: boolean;
}

/** The key is the current one: the same answer again. */
export interface Repeat {
  readonly kind: 'repeat';
  readonly row: 5;
  readonly machine: number;
  /** Null if they did not change. */
  readonly uniqueTokens: UniqueTokens | null;
  /** Its state after the call: an expired identity is provisional again. Null if it did not change. */
  readonly state: MachineState | null;
  /** An identity whose UUID was assigned came under it for the first time: its machine has META 15. */
  readonly learntUuid: boolean;
}

export interface NewMachine {
  readonly kind: 'new';
  readonly row: 9;
  readonly uuid: NodeUuid;
  readonly state: 'accepted' | 'pending';
  readonly uniqueTokens: UniqueTokens;
  readonly token: TokenUse | null;
}

/** A newcomer that cannot have the UUID it asked with: it gets an identity of its own, under an assigned UUID. */
export interface NewProvisional {
  readonly kind: 'provisional';
  readonly row: 8 | 10;
  readonly madeFor: string;
  readonly uniqueTokens: UniqueTokens;
  readonly token: TokenUse | null;
  /** The machine that a `machine.conflict` record is about. */
  readonly conflictWith: number | null;
}

/** A machine that is known gets a new key: another boot, or its first. */
export interface NewKey {
  readonly kind: 'rekey';
  readonly row: 11 | 12;
  readonly machine: number;
  /** Its state after the join. */
  readonly state: MachineState;
  readonly uniqueTokens: UniqueTokens;
  readonly token: TokenUse | null;
  /** The UUID asked for, if the machine was found by its swapped form. */
  readonly alias: NodeUuid | null;
}

/** Decisions by which a machine gets an address. */
export type Admission = Repeat | NewMachine | NewProvisional | NewKey;

export type JoinDecision = Refusal | ProbeFirst | Admission;
