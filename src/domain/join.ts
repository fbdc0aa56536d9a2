import type {
  JoinAsk,
  JoinDecision,
  JoinFacts,
  JoinMachine,
  JoinPolicy,
  JoinTokenFacts,
  Liveness,
  MachineState,
  NewProvisional,
  ProbeFirst,
  Refusal,
  RefusalReason,
} from './join-types.ts';
import type { PublicKey } from './keys.ts';
import type { Ownership } from './record.ts';
import { isOlderThan, parseTalosVersion } from './talos-version.ts';
import { bind, holds, prove, trust, type UniqueTokens } from './unique-token.ts';
import { isJunkUuid, type NodeUuid } from './uuid.ts';

/** How long a peer is given to answer a probe. */
const PROBE_MS = 12_000;
/**
 * Where the newcomer is most likely the machine itself after a reboot: its boot told its end, or the newcomer has its
 * unique token and there is no tunnel.
 */
const PROBE_BRIEF_MS = 2_000;

const FIRST_WITH_UNIQUE_TOKENS = { major: 1, minor: 6 };

/**
 * Who may join: the table of DESIGN section 6, read from the top; the first row that matches answers. Data to data; the
 * caller applies the decision in the same synchronous step in which it gathered the facts.
 */
export function decideJoin(
  ask: JoinAsk,
  facts: JoinFacts,
  policy: JoinPolicy,
  liveness: Liveness | undefined,
): JoinDecision {
  const { machine, alias } = findMachine(ask, facts);
  // Who this key is the current one of: the machine, or the identity made for it when it came as a newcomer.
  const self = machine?.key === ask.key ? machine : facts.sameKey;
  const ownToken = machine !== undefined && holds(machine.uniqueTokens, ask.uniqueTokenHash);
  const token = admittingToken(ask, facts, machine, self);
  const free = !policy.requireToken && !isReserved(ask, facts, machine);
  const refuse = (row: number, reason: RefusalReason, told: Partial<Refusal> = {}): Refusal => ({
    kind: 'refuse',
    row,
    code: 'unauthorized',
    message: 'unauthorized',
    reason,
    machine: (self ?? machine)?.id ?? null,
    conflictWith: null,
    ...told,
  });
  const exhausted = (row: number, reason: RefusalReason, message: string) =>
    refuse(row, reason, { code: 'exhausted', message });

  if (token === undefined && !free && !ownToken) return refuse(2, 'unauthorized');
  const judged = (self ?? machine)?.state;
  if (judged === 'removed' || judged === 'rejected') return refuse(3, judged);
  if (policy.uniqueTokens === 'strict' && isTooOld(ask)) {
    const message = 'Talos 1.6 or newer is required (unique_tokens: strict)';
    return refuse(4, 'too_old', { code: 'too_old', message });
  }
  if (self !== undefined) {
    const revived = self.state === 'expired';
    if (revived && facts.provisional >= policy.maxProvisional)
      return exhausted(5, 'provisional_limit', PROVISIONAL_FULL);
    // A unique token that another machine holds is a copy: it says nothing of this one.
    const foreign = ownToken && self.id !== machine.id;
    const uniqueTokens = foreign ? self.uniqueTokens : afterRepeat(self.uniqueTokens, ask.uniqueTokenHash);
    return {
      kind: 'repeat',
      row: 5,
      machine: self.id,
      uniqueTokens: uniqueTokens === self.uniqueTokens ? null : uniqueTokens,
      state: revived ? 'provisional' : null,
      learntUuid: !self.knowsUuid && ask.uuid === self.uuid,
    };
  }
  const owner = facts.keyOwner;
  if (owner !== undefined && owner !== machine?.id) return refuse(6, 'foreign_key', { conflictWith: owner });
  if (policy.policy === 'known' && machine === undefined) {
    return refuse(7, 'not_known', policy.requireToken ? {} : { code: 'not_found', message: 'not found' });
  }
  const firstUse = token === undefined ? null : { id: token.id, takesUse: hasUsesLeft(token) };
  const provisional = (row: 8 | 10): NewProvisional | Refusal => {
    if (facts.provisional >= policy.maxProvisional) return exhausted(row, 'provisional_limit', PROVISIONAL_FULL);
    // What the present machine holds proves that machine, not its copy.
    const uniqueTokens = ask.uniqueTokenHash === null || ownToken ? [] : bind([], ask.uniqueTokenHash);
    const conflictWith = machine?.id ?? null;
    return { kind: 'provisional', row, madeFor: ask.asked, uniqueTokens, token: firstUse, conflictWith };
  };
  if (machine === undefined) {
    if (isJunkUuid(ask.asked) || ask.uuid === undefined) return provisional(8);
    if (facts.machines >= policy.maxMachines) {
      return exhausted(9, 'machine_limit', 'the limit of machines is reached (join.max_machines)');
    }
    return {
      kind: 'new',
      row: 9,
      uuid: ask.uuid,
      state: policy.policy === 'hold' ? 'pending' : 'accepted',
      uniqueTokens: ask.uniqueTokenHash === null ? [] : bind([], ask.uniqueTokenHash),
      token: firstUse,
    };
  }
  // A former key of this machine: its machine rebooted since, so whoever sends it has a copy.
  if (owner === machine.id) return provisional(10);
  // An expired identity has no peer that could answer.
  if (machine.key !== null && machine.state !== 'expired') {
    if (liveness?.machine !== machine.id || liveness.key !== machine.key) {
      return probe(machine, machine.key, ownToken);
    }
    if (liveness.alive) return provisional(10);
  }

  const asItself = ownToken && ask.uuid === machine.uuid && facts.machines < policy.maxMachines;
  const state = stateAfterRekey(machine, policy, asItself);
  if (machine.state === 'expired' && state === 'provisional' && facts.provisional >= policy.maxProvisional) {
    return exhausted(ownToken ? 11 : 12, 'provisional_limit', PROVISIONAL_FULL);
  }
  const firstJoin = machine.key === null;
  const rekey = {
    kind: 'rekey',
    machine: machine.id,
    state,
    token: token === undefined ? null : { id: token.id, takesUse: firstJoin },
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

function probe(machine: JoinMachine, key: PublicKey, ownToken: boolean): ProbeFirst {
  const { id, address, tunnelled, toldItsEnd: ended } = machine;
  const withinMs = ended || (ownToken && !tunnelled) ? PROBE_BRIEF_MS : PROBE_MS;
  return { kind: 'probe', row: 10, machine: id, key, address, withinMs, ended };
}

const PROVISIONAL_FULL = 'the limit of provisional identities is reached (join.max_provisional)';

/** *M*: whose unique token was sent, else the incumbent, else a pre-registered machine under its swapped UUID. */
function findMachine(
  ask: JoinAsk,
  { holder, incumbent, swapped }: JoinFacts,
): { readonly machine: JoinMachine | undefined; readonly alias: NodeUuid | null } {
  const machine = holder ?? incumbent;
  if (machine !== undefined) return { machine, alias: null };
  // Also one that was rejected or removed before it ever joined: under neither name may it come in.
  if (swapped !== undefined && swapped.key === null) return { machine: swapped, alias: ask.uuid ?? null };
  return { machine: undefined, alias: null };
}

/**
 * *JT*: the token sent, if it admits this join. `self` is the identity that repeats its call; what it took a use of
 * stays its own.
 */
function admittingToken(
  ask: JoinAsk,
  facts: JoinFacts,
  machine: JoinMachine | undefined,
  self: JoinMachine | undefined,
): JoinTokenFacts | undefined {
  const { token, now } = facts;
  if (token === undefined || token.revokedAt !== null) return undefined;
  if (token.expiresAt !== null && token.expiresAt <= now) return undefined;
  const gave = machine?.firstToken === token.id || self?.firstToken === token.id;
  if (!hasUsesLeft(token) && !gave) return undefined;
  const own: readonly (string | null | undefined)[] = [ask.asked, machine?.uuid, machine?.madeFor, self?.uuid];
  if (token.nodeUuid !== null && !own.includes(token.nodeUuid)) return undefined;
  if (token.nodeUuid === null && isReserved(ask, facts, machine)) return undefined;
  const joined = self ?? machine;
  return gave || joined === undefined || confersNothingElse(token.ownership, joined) ? token : undefined;
}

function hasUsesLeft({ maxUses, uses }: JoinTokenFacts): boolean {
  return maxUses === null || uses < maxUses;
}

/** While a token is bound to a machine's UUID, no other admits the machine's first join. */
function isReserved({ uuid }: JoinAsk, { reserved }: JoinFacts, machine: JoinMachine | undefined): boolean {
  if (machine !== undefined && machine.key !== null) return false;
  return reserved.some((bound) => bound === uuid || bound === machine?.uuid);
}

/** Owner and namespace of the token are the machine's, or it has none yet: a machine that joined keeps what it has. */
function confersNothingElse(conferred: Ownership, { ownership, key }: JoinMachine): boolean {
  return (['owner', 'namespace'] as const).every((field) => {
    const wanted = conferred[field];
    if (wanted === undefined || wanted === ownership[field]) return true;
    return key === null && ownership[field] === undefined;
  });
}

/**
 * A pre-registered machine is accepted by its first join. A provisional identity that comes back as itself, by its
 * assigned UUID and its unique token, has shown that it keeps both: it is accepted, where new machines are and while
 * there is room for one.
 */
function stateAfterRekey(machine: JoinMachine, { policy }: JoinPolicy, asItself: boolean): MachineState {
  if (machine.state === 'known') return 'accepted';
  if (machine.state !== 'provisional' && machine.state !== 'expired') return machine.state;
  if (!asItself) return 'provisional';
  return policy === 'accept' ? 'accepted' : 'pending';
}

function isTooOld(ask: JoinAsk): boolean {
  if (!ask.knowsUniqueTokens && ask.talosVersion === null) return true;
  const version = ask.talosVersion === null ? undefined : parseTalosVersion(ask.talosVersion);
  const { major, minor } = FIRST_WITH_UNIQUE_TOKENS;
  return version !== undefined && isOlderThan(version, major, minor);
}

/**
 * Row 5: one that was offered came back. One that the machine does not hold is not kept: whoever knows its key, which is no
 * secret, and a join token can send such a call, and what he planted so would outlive the join token. The machine's next
 * join keeps it (row 12).
 */
function afterRepeat(tokens: UniqueTokens, hash: string | null): UniqueTokens {
  return hash !== null && holds(tokens, hash) && trust(tokens) === 'offered' ? bind(tokens, hash) : tokens;
}
