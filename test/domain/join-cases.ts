import { randomBytes } from 'node:crypto';
import { decideJoin } from '../../src/domain/join.ts';
import type {
  JoinAsk,
  JoinDecision,
  JoinFacts,
  JoinMachine,
  JoinPolicy,
  JoinTokenFacts,
} from '../../src/domain/join-types.ts';
import { type PublicKey, parsePublicKey } from '../../src/domain/keys.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import type { UniqueTokenState } from '../../src/domain/unique-token.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';

export const newKey = (): PublicKey => parsePublicKey(randomBytes(32).toString('base64'));

export const NOW = 1_000_000;
export const UUID = parseNodeUuid('71233efd-7a07-43f8-b6ba-da90fae0e88b');
/** The UUID assigned to the identity `P`. */
export const ASSIGNED = parseNodeUuid('5e0f2a1c-9d3b-4c6e-8a7f-102030405060');
/** A former key of M, a new one, M's current one, and P's. */
export const [OLD, NEW, CURRENT, OTHER] = [newKey(), newKey(), newKey(), newKey()];

export const TOKEN: JoinTokenFacts = {
  id: 'T',
  expiresAt: null,
  revokedAt: null,
  maxUses: null,
  uses: 0,
  nodeUuid: null,
  ownership: {},
};

export const STRICT: JoinPolicy = {
  policy: 'accept',
  requireToken: true,
  uniqueTokens: 'strict',
  maxMachines: 10,
  maxProvisional: 4,
};

export const ASK: JoinAsk = {
  asked: UUID,
  uuid: UUID,
  key: NEW,
  uniqueTokenHash: null,
  knowsUniqueTokens: true,
  talosVersion: 'v1.13.0',
  tunnel: false,
};

/** A machine that joined with the token T and runs. */
export const M: JoinMachine = {
  id: 1,
  uuid: UUID,
  address: 'fd00::3' as OverlayAddress,
  state: 'accepted',
  key: CURRENT,
  uniqueTokens: [],
  firstToken: 'T',
  madeFor: null,
  knowsUuid: true,
  ownership: {},
  reportedReset: false,
  toldItsEnd: false,
  tunnelled: false,
};

/** An identity that was made for a newcomer with M's UUID. */
export const P: JoinMachine = {
  ...M,
  id: 2,
  uuid: ASSIGNED,
  address: 'fd00::4' as OverlayAddress,
  state: 'provisional',
  key: OTHER,
  madeFor: UUID,
  knowsUuid: false,
};

/** A pre-registered machine that never joined. */
export const KNOWN = { key: null, state: 'known', firstToken: null } as const;

export interface Case {
  readonly ask?: Partial<JoinAsk>;
  /** What differs from `M` in the machine with the UUID asked for; undefined for no such machine. */
  readonly m?: Partial<JoinMachine> | undefined;
  /** What differs from `P` in the identity that holds the unique token sent. */
  readonly holder?: Partial<JoinMachine>;
  /** What differs from `P` in the identity whose key was sent. */
  readonly sameKey?: Partial<JoinMachine>;
  /** What differs from `TOKEN`; null for no token. */
  readonly token?: Partial<JoinTokenFacts> | null;
  readonly facts?: Partial<JoinFacts>;
  readonly policy?: Partial<JoinPolicy>;
  /** What a probe of M (or of the holder) found out; undefined if nobody asked. */
  readonly alive?: boolean;
}

/** Facts as the ledger would gather them: the incumbent is the holder if it holds the token sent. */
export function decide({ ask, m, holder, sameKey, token, facts, policy, alive }: Case): JoinDecision {
  const incumbent = m === undefined ? undefined : { ...M, ...m };
  const sent = { ...ASK, ...ask };
  const own = incumbent?.uniqueTokens.some(({ hash }) => hash === sent.uniqueTokenHash) === true;
  const identity = holder === undefined ? undefined : { ...P, ...holder };
  const machine = (own ? incumbent : identity) ?? incumbent;
  return decideJoin(
    sent,
    {
      now: NOW,
      incumbent,
      holder: own ? incumbent : identity,
      sameKey: sameKey === undefined ? undefined : { ...P, ...sameKey },
      swapped: undefined,
      keyOwner: undefined,
      token: token === null ? undefined : { ...TOKEN, ...token },
      reserved: [],
      machines: 1,
      provisional: 0,
      ...facts,
    },
    { ...STRICT, ...policy },
    alive === undefined || machine?.key == null ? undefined : { machine: machine.id, key: machine.key, alive },
  );
}

export const nut = (hash: string, state: UniqueTokenState) => ({ hash, state });
/** A machine that holds the unique token `mine` so. */
export const held = (state: UniqueTokenState) => ({ uniqueTokens: [nut('mine', state)] });
export const mine = { uniqueTokenHash: 'mine' } as const;

/** A decision in a few words: row and kind; for refusals the code, for the others the state that follows. */
export function short(decision: JoinDecision): string {
  if (decision.kind === 'refuse') return `${decision.row} ${decision.code}`;
  if (decision.kind === 'probe') return `${decision.row} probe ${decision.withinMs}${decision.ended ? ' ended' : ''}`;
  const state = 'state' in decision && decision.state !== null ? ` ${decision.state}` : '';
  return `${decision.row} ${decision.kind}${state}`;
}
