import type { ErrorCode } from './errors.ts';
import type { PublicKey } from './keys.ts';
import type { OverlayAddress } from './overlay.ts';
import { isOlderThan, parseTalosVersion } from './talos-version.ts';
import { bind, holds, offer, prove, trust, type UniqueTokens } from './unique-token.ts';
import { isJunkUuid, type NodeUuid } from './uuid.ts';

/** How the operator lets machines in. */
export interface JoinPolicy {
  /** `hold`: new machines are pending until accepted; `known`: only pre-registered ones join. */
  readonly policy: 'accept' | 'hold' | 'known';
  readonly requireToken: boolean;
  /** `legacy`: also Talos before 1.6, which has no unique tokens. */
  readonly uniqueTokens: 'strict' | 'legacy';
  readonly maxMachines: number;
}

/** What is known of a machine, as far as joining asks. */
export interface JoinMachine {
  readonly id: number;
  readonly uuid: NodeUuid;
  readonly address: OverlayAddress;
  readonly state: 'known' | 'pending' | 'accepted' | 'rejected' | 'provisional' | 'removed';
  /** Key of the current boot; null before the first join. */
  readonly key: PublicKey | null;
  readonly uniqueTokens: UniqueTokens;
  /** The join token that its first join used, by id. */
  readonly firstToken: string | null;
  /** The last sequence that the machine itself reported is `reset`. */
  readonly reportedReset: boolean;
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
}

export interface JoinAsk {
  readonly asked: string;
  readonly uuid: NodeUuid | undefined;
  readonly key: PublicKey;
  /** HMAC of the unique token sent; null if none came. */
  readonly uniqueTokenHash: string | null;
  readonly knowsUniqueTokens: boolean;
  readonly talosVersion: string | null;
}

/** What the registry holds about a call, at one moment. */
export interface JoinFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The machine with the UUID asked for (or with it as an alias), then identities made for it. */
  readonly candidates: readonly JoinMachine[];
  /** The machine whose UUID is the byte-swapped one. */
  readonly swapped: JoinMachine | undefined;
  /** The machine whose key this is or ever was. */
  readonly keyOwner: number | undefined;
  readonly token: JoinTokenFacts | undefined;
  /** Machines that count against `maxMachines`. */
  readonly machines: number;
}

/** What a probe found out about a machine's peer; it holds for this key only. */
export interface Liveness {
  readonly machine: number;
  readonly key: PublicKey;
  readonly alive: boolean;
}

export type RefusalReason =
  | 'unauthorized'
  | 'removed'
  | 'rejected'
  | 'too_old'
  | 'foreign_key'
  | 'not_known'
  | 'junk_uuid'
  | 'machine_limit'
  | 'conflict'
  | 'unique_token';

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
}

/** The key is the current one: the same answer again. */
export interface Repeat {
  readonly kind: 'repeat';
  readonly row: 5;
  readonly machine: number;
  /** Null if they did not change. */
  readonly uniqueTokens: UniqueTokens | null;
}

export interface NewMachine {
  readonly kind: 'new';
  readonly row: 9;
  readonly uuid: NodeUuid;
  readonly state: 'accepted' | 'pending';
  readonly uniqueTokens: UniqueTokens;
  readonly token: TokenUse | null;
}

/** A machine that is known gets a new key: another boot, or its first. */
export interface NewKey {
  readonly kind: 'rekey';
  readonly row: 11 | 12;
  readonly machine: number;
  /** Its state after the join. */
  readonly state: JoinMachine['state'];
  readonly uniqueTokens: UniqueTokens;
  readonly token: TokenUse | null;
  /** The UUID asked for, if the machine was found by its swapped form. */
  readonly alias: NodeUuid | null;
}

/** Decisions by which a machine gets an address. */
export type Admission = Repeat | NewMachine | NewKey;

export type JoinDecision = Refusal | ProbeFirst | Admission;

/** How long a peer is given to answer a probe. */
const PROBE_MS = 12_000;
/** With the machine's own unique token and no tunnel, which makes the newcomer most likely the machine itself. */
const PROBE_OWN_TOKEN_MS = 2_000;

const FIRST_WITH_UNIQUE_TOKENS = { major: 1, minor: 6 };

/**
 * Who may join: the table of DESIGN section 6, read from the top; the first row that matches answers. Data to data; the
 * caller applies the decision in the same synchronous step in which it gathered the facts.
 *
 * Junk UUIDs and conflicting newcomers are refused as unauthorized (rows 8 and 10) until provisional identities exist.
 */
export function decideJoin(
  ask: JoinAsk,
  facts: JoinFacts,
  policy: JoinPolicy,
  liveness: Liveness | undefined,
): JoinDecision {
  const { machine, alias } = findMachine(ask, facts);
  const ownToken = machine !== undefined && holds(machine.uniqueTokens, ask.uniqueTokenHash);
  const joinToken = usableToken(facts, machine);
  const allowed = joinToken !== undefined || !policy.requireToken;
  const refuse = (row: number, reason: RefusalReason, told: Partial<Refusal> = {}): Refusal => ({
    kind: 'refuse',
    row,
    code: 'unauthorized',
    message: 'unauthorized',
    reason,
    machine: machine?.id ?? null,
    conflictWith: null,
    ...told,
  });

  if (!allowed && !ownToken) return refuse(2, 'unauthorized');
  if (machine?.state === 'removed' || machine?.state === 'rejected') return refuse(3, machine.state);
  if (policy.uniqueTokens === 'strict' && isTooOld(ask)) {
    const message = 'Talos 1.6 or newer is required (unique_tokens: strict)';
    return refuse(4, 'too_old', { code: 'too_old', message });
  }
  if (machine !== undefined && machine.key === ask.key) {
    const uniqueTokens = afterRepeat(machine.uniqueTokens, ask.uniqueTokenHash);
    const changed = uniqueTokens !== machine.uniqueTokens;
    return { kind: 'repeat', row: 5, machine: machine.id, uniqueTokens: changed ? uniqueTokens : null };
  }
  const owner = facts.keyOwner;
  if (owner !== undefined && owner !== machine?.id) return refuse(6, 'foreign_key', { conflictWith: owner });
  if (policy.policy === 'known' && machine === undefined) {
    return refuse(7, 'not_known', policy.requireToken ? {} : { code: 'not_found', message: 'not found' });
  }
  if (isJunkUuid(ask.asked) || ask.uuid === undefined) return refuse(8, 'junk_uuid');
  if (machine === undefined) {
    if (facts.machines >= policy.maxMachines) {
      const message = 'the limit of machines is reached';
      return refuse(9, 'machine_limit', { code: 'exhausted', message });
    }
    return {
      kind: 'new',
      row: 9,
      uuid: ask.uuid,
      state: policy.policy === 'hold' ? 'pending' : 'accepted',
      uniqueTokens: ask.uniqueTokenHash === null ? [] : bind([], ask.uniqueTokenHash),
      token: joinToken === undefined ? null : { id: joinToken.id, takesUse: true },
    };
  }
  // A former key of this machine: its machine rebooted since, so whoever sends it has a copy of an old call.
  if (owner === machine.id) return refuse(10, 'conflict', { conflictWith: machine.id });
  if (machine.key !== null) {
    if (liveness?.machine !== machine.id || liveness.key !== machine.key) {
      const withinMs = ownToken && !machine.tunnelled ? PROBE_OWN_TOKEN_MS : PROBE_MS;
      return { kind: 'probe', row: 10, machine: machine.id, key: machine.key, address: machine.address, withinMs };
    }
    if (liveness.alive) return refuse(10, 'conflict', { conflictWith: machine.id });
  }

  const firstJoin = machine.key === null;
  const rekey = {
    kind: 'rekey',
    machine: machine.id,
    state: machine.state === 'known' ? 'accepted' : machine.state,
    token: joinToken === undefined ? null : { id: joinToken.id, takesUse: firstJoin },
    alias,
  } as const;
  if (ownToken && ask.uniqueTokenHash !== null) {
    const confirm = firstJoin ? bind : prove;
    return { ...rekey, row: 11, uniqueTokens: confirm(machine.uniqueTokens, ask.uniqueTokenHash) };
  }
  if (trust(machine.uniqueTokens) !== 'proven' || machine.reportedReset) {
    return { ...rekey, row: 12, uniqueTokens: ask.uniqueTokenHash === null ? [] : bind([], ask.uniqueTokenHash) };
  }
  return refuse(13, 'unique_token');
}

/** *M*: whose unique token was sent, else the incumbent, else a pre-registered machine under its swapped UUID. */
function findMachine(
  ask: JoinAsk,
  facts: JoinFacts,
): { readonly machine: JoinMachine | undefined; readonly alias: NodeUuid | null } {
  const byToken = facts.candidates.find((candidate) => holds(candidate.uniqueTokens, ask.uniqueTokenHash));
  const machine = byToken ?? facts.candidates[0];
  if (machine !== undefined) return { machine, alias: null };
  const { swapped } = facts;
  if (swapped?.state === 'known' && swapped.key === null) return { machine: swapped, alias: ask.uuid ?? null };
  return { machine: undefined, alias: null };
}

/** *JT*: the token sent, if it admits this join. Only the first join of a machine takes a use. */
function usableToken(facts: JoinFacts, machine: JoinMachine | undefined): JoinTokenFacts | undefined {
  const { token, now } = facts;
  if (token === undefined || token.revokedAt !== null) return undefined;
  if (token.expiresAt !== null && token.expiresAt <= now) return undefined;
  const usesLeft = token.maxUses === null || token.uses < token.maxUses;
  return usesLeft || machine?.firstToken === token.id ? token : undefined;
}

function isTooOld(ask: JoinAsk): boolean {
  if (!ask.knowsUniqueTokens && ask.talosVersion === null) return true;
  const version = ask.talosVersion === null ? undefined : parseTalosVersion(ask.talosVersion);
  const { major, minor } = FIRST_WITH_UNIQUE_TOKENS;
  return version !== undefined && isOlderThan(version, major, minor);
}

/** Row 5: one seen before came back; a new one counts as offered, unless one is proven. */
function afterRepeat(tokens: UniqueTokens, hash: string | null): UniqueTokens {
  if (hash === null) return tokens;
  if (holds(tokens, hash)) return bind(tokens, hash);
  return trust(tokens) === 'proven' ? tokens : offer(tokens, hash);
}
