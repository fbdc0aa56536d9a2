import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideJoin,
  type JoinAsk,
  type JoinDecision,
  type JoinFacts,
  type JoinMachine,
  type JoinPolicy,
  type JoinTokenFacts,
  type Liveness,
} from '../../src/domain/join.ts';
import { type PublicKey, parsePublicKey } from '../../src/domain/keys.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import type { UniqueTokenState } from '../../src/domain/unique-token.ts';
import { type NodeUuid, parseNodeUuid } from '../../src/domain/uuid.ts';

const newKey = (): PublicKey => parsePublicKey(randomBytes(32).toString('base64'));

const NOW = 1_000_000;
const UUID = parseNodeUuid('71233efd-7a07-43f8-b6ba-da90fae0e88b');
const [OLD, NEW, CURRENT] = [newKey(), newKey(), newKey()];
const TOKEN: JoinTokenFacts = { id: 'T', expiresAt: null, revokedAt: null, maxUses: null, uses: 0 };
const STRICT: JoinPolicy = { policy: 'accept', requireToken: true, uniqueTokens: 'strict', maxMachines: 10 };
const ASK: JoinAsk = {
  asked: UUID,
  uuid: UUID,
  key: NEW,
  uniqueTokenHash: null,
  knowsUniqueTokens: true,
  talosVersion: 'v1.13.0',
};
const M: JoinMachine = {
  id: 1,
  uuid: UUID,
  address: 'fd00::3' as OverlayAddress,
  state: 'accepted',
  key: CURRENT,
  uniqueTokens: [],
  firstToken: 'T',
  reportedReset: false,
  tunnelled: false,
};

interface Case {
  readonly ask?: Partial<JoinAsk>;
  /** The machine with the UUID asked for; undefined for none. */
  readonly m?: Partial<JoinMachine> | undefined;
  readonly facts?: Partial<JoinFacts>;
  readonly policy?: Partial<JoinPolicy>;
  readonly alive?: boolean;
}

function decide({ ask, m, facts, policy, alive }: Case): JoinDecision {
  const machine = m === undefined ? undefined : { ...M, ...m };
  const liveness: Liveness | undefined =
    alive === undefined || machine?.key == null ? undefined : { machine: machine.id, key: machine.key, alive };
  return decideJoin(
    { ...ASK, ...ask },
    {
      now: NOW,
      candidates: machine === undefined ? [] : [machine],
      swapped: undefined,
      keyOwner: undefined,
      token: TOKEN,
      machines: 1,
      ...facts,
    },
    { ...STRICT, ...policy },
    liveness,
  );
}

const nut = (hash: string, state: UniqueTokenState) => ({ hash, state });
const held = (state: UniqueTokenState) => ({ uniqueTokens: [nut('mine', state)] });

/** A decision in a few words: `row kind`, and for refusals the code. */
function short(decision: JoinDecision): string {
  return decision.kind === 'refuse' ? `${decision.row} ${decision.code}` : `${decision.row} ${decision.kind}`;
}

const TABLE: readonly (readonly [string, Case, string])[] = [
  ['2: no token at all', { facts: { token: undefined } }, '2 unauthorized'],
  ['2: a revoked token', { facts: { token: { ...TOKEN, revokedAt: 5 } } }, '2 unauthorized'],
  ['2: an expired token', { facts: { token: { ...TOKEN, expiresAt: NOW } } }, '2 unauthorized'],
  ['2: a token without uses left', { facts: { token: { ...TOKEN, maxUses: 1, uses: 1 } } }, '2 unauthorized'],
  [
    '2: no uses left, and M took another one',
    { m: { firstToken: 'X' }, facts: { token: { ...TOKEN, maxUses: 1, uses: 1 } } },
    '2 unauthorized',
  ],
  [
    '2: a unique token that M does not hold',
    { ask: { uniqueTokenHash: 'other' }, m: held('proven'), facts: { token: undefined } },
    '2 unauthorized',
  ],
  ['2 comes before 3', { m: { state: 'removed' }, facts: { token: undefined } }, '2 unauthorized'],
  ['3: removed', { m: { state: 'removed' } }, '3 unauthorized'],
  ['3: rejected, also with its key', { m: { state: 'rejected' }, ask: { key: CURRENT } }, '3 unauthorized'],
  ['4: Talos without the field and a version', { ask: { knowsUniqueTokens: false, talosVersion: null } }, '4 too_old'],
  ['4: a version that says so', { ask: { talosVersion: 'v1.5.5' } }, '4 too_old'],
  ['4: not before 2', { ask: { talosVersion: 'v1.5.5' }, facts: { token: undefined } }, '2 unauthorized'],
  [
    '4: legacy lets it pass',
    { ask: { knowsUniqueTokens: false, talosVersion: null }, policy: { uniqueTokens: 'legacy' } },
    '9 new',
  ],
  ['4: 1.6 passes', { ask: { talosVersion: 'v1.6.0-alpha.0' } }, '9 new'],
  ['5: the current key', { m: {}, ask: { key: CURRENT } }, '5 repeat'],
  ['5: also when the peer is alive', { m: {}, ask: { key: CURRENT }, alive: true }, '5 repeat'],
  [
    '5: no use left but M took one',
    { m: {}, ask: { key: CURRENT }, facts: { token: { ...TOKEN, maxUses: 1, uses: 1 } } },
    '5 repeat',
  ],
  [
    '5: by the unique token alone',
    { m: held('bound'), ask: { key: CURRENT, uniqueTokenHash: 'mine' }, facts: { token: undefined } },
    '5 repeat',
  ],
  ['6: the key of another machine', { m: {}, facts: { keyOwner: 2 } }, '6 unauthorized'],
  ['6: also for a UUID that nobody has', { facts: { keyOwner: 2 } }, '6 unauthorized'],
  ['6: also with junk', { ask: { asked: '', uuid: undefined }, facts: { keyOwner: 2 } }, '6 unauthorized'],
  ['7: policy known, no M', { policy: { policy: 'known' } }, '7 unauthorized'],
  ['7: without token: NOT_FOUND', { policy: { policy: 'known', requireToken: false } }, '7 not_found'],
  ['7: M is known', { m: { state: 'known', key: null, firstToken: null }, policy: { policy: 'known' } }, '12 rekey'],
  ['8: no UUID', { ask: { asked: '', uuid: undefined } }, '8 unauthorized'],
  ['8: zeros', { ask: junk('00000000-0000-0000-0000-000000000000') }, '8 unauthorized'],
  ['9: nobody has the UUID', {}, '9 new'],
  ['9: hold', { policy: { policy: 'hold' } }, '9 new'],
  ['9: full', { facts: { machines: 10 } }, '9 exhausted'],
  ['9: full, but M is known', { m: {}, facts: { machines: 10 }, alive: false }, '12 rekey'],
  ['10: a former key of M', { m: {}, ask: { key: OLD }, facts: { keyOwner: 1 } }, '10 unauthorized'],
  [
    '10: a former key, M silent, own token',
    { m: held('proven'), ask: { key: OLD, uniqueTokenHash: 'mine' }, facts: { keyOwner: 1 }, alive: false },
    '10 unauthorized',
  ],
  ['10: asks first', { m: {} }, '10 probe'],
  ['10: M is alive', { m: {}, alive: true }, '10 unauthorized'],
  [
    '10: M is alive, a cloned disk',
    { m: held('proven'), ask: { uniqueTokenHash: 'mine' }, alive: true },
    '10 unauthorized',
  ],
  ['11: its unique token, offered', { m: held('offered'), ask: { uniqueTokenHash: 'mine' }, alive: false }, '11 rekey'],
  [
    '11: no join token needed',
    { m: held('bound'), ask: { uniqueTokenHash: 'mine' }, facts: { token: undefined }, alive: false },
    '11 rekey',
  ],
  ['12: no unique token on either side', { m: {}, alive: false }, '12 rekey'],
  ['12: a bound one was lost', { m: held('bound'), alive: false }, '12 rekey'],
  ['12: another one came', { m: held('bound'), ask: { uniqueTokenHash: 'other' }, alive: false }, '12 rekey'],
  ['13: a proven one is missing', { m: held('proven'), alive: false }, '13 unauthorized'],
  [
    '13: another than the proven one',
    { m: held('proven'), ask: { uniqueTokenHash: 'other' }, alive: false },
    '13 unauthorized',
  ],
  ['13: but M reported its reset', { m: { ...held('proven'), reportedReset: true }, alive: false }, '12 rekey'],
];

function junk(uuid: string): Partial<JoinAsk> {
  return { asked: uuid, uuid: parseNodeUuid(uuid) };
}

describe('decideJoin: the table of DESIGN section 6', () => {
  it.each(TABLE)('%s', (_name, given, expected) => {
    expect(short(decide(given))).toBe(expected);
  });

  it('refusals look alike, and say to us what they are', () => {
    for (const [, given] of TABLE) {
      const decision = decide(given);
      if (decision.kind !== 'refuse' || decision.code !== 'unauthorized') continue;
      expect(decision.message).toBe('unauthorized');
      expect(decision.conflictWith !== null).toBe(decision.row === 6 || decision.row === 10);
    }
    expect(decide({ m: {}, facts: { keyOwner: 2 } })).toMatchObject({ machine: 1, conflictWith: 2 });
  });
});

describe('the answer of a probe', () => {
  it('is asked for 12 s; 2 s if the unique token is M’s own and M is not tunnelled', () => {
    expect(decide({ m: {} })).toMatchObject({ key: CURRENT, address: M.address, withinMs: 12_000 });
    const own = { ask: { uniqueTokenHash: 'mine' }, m: held('bound') };
    expect(decide(own)).toMatchObject({ withinMs: 2_000 });
    expect(decide({ ...own, m: { ...own.m, tunnelled: true } })).toMatchObject({ withinMs: 12_000 });
  });

  it('counts for this machine and this key only', () => {
    const facts = { now: NOW, candidates: [M], swapped: undefined, keyOwner: undefined, token: TOKEN, machines: 1 };
    for (const stale of [
      { machine: 1, key: OLD, alive: false },
      { machine: 2, key: CURRENT, alive: false },
    ]) {
      expect(decideJoin(ASK, facts, STRICT, stale)).toMatchObject({ kind: 'probe', key: CURRENT });
    }
  });

  it('is not needed for a machine that never joined', () => {
    expect(decide({ m: { key: null, state: 'known', firstToken: null } })).toMatchObject({
      kind: 'rekey',
      row: 12,
      state: 'accepted',
      token: { id: 'T', takesUse: true },
    });
  });
});

describe('unique tokens', () => {
  const tokensAfter = (given: Case) => {
    const decision = decide(given);
    if (decision.kind === 'refuse' || decision.kind === 'probe') throw new Error(short(decision));
    return decision.uniqueTokens;
  };

  it('a first join keeps what came', () => {
    expect(tokensAfter({})).toEqual([]);
    expect(tokensAfter({ ask: { uniqueTokenHash: 'a' } })).toEqual([nut('a', 'bound')]);
  });

  it('a repeat: none came, nothing changes; a new one is offered; an offered one that came back is bound', () => {
    const repeat = (uniqueTokenHash: string | null, m: Partial<JoinMachine>) =>
      tokensAfter({ ask: { key: CURRENT, uniqueTokenHash }, m });
    expect(repeat(null, held('bound'))).toBeNull();
    expect(repeat('a', {})).toEqual([nut('a', 'offered')]);
    expect(repeat('mine', held('offered'))).toEqual([nut('mine', 'bound')]);
    expect(repeat('mine', held('bound'))).toBeNull();
    expect(repeat('mine', held('proven'))).toBeNull();
    expect(repeat('a', held('proven'))).toBeNull();
    expect(repeat('a', held('bound'))).toEqual([nut('mine', 'bound'), nut('a', 'offered')]);
  });

  it('a new key proves its token; the first key only binds it', () => {
    const ask = { uniqueTokenHash: 'mine' };
    expect(tokensAfter({ ask, m: held('offered'), alive: false })).toEqual([nut('mine', 'proven')]);
    const known = { key: null, state: 'known', firstToken: null } as const;
    expect(tokensAfter({ ask, m: { ...held('offered'), ...known } })).toEqual([nut('mine', 'bound')]);
  });

  it('a new key without the token: what came is kept, else all is forgotten', () => {
    expect(tokensAfter({ m: held('bound'), alive: false })).toEqual([]);
    expect(tokensAfter({ ask: { uniqueTokenHash: 'a' }, m: held('bound'), alive: false })).toEqual([nut('a', 'bound')]);
  });
});

describe('which machine is M', () => {
  const twin: JoinMachine = {
    ...M,
    id: 2,
    uuid: randomUUID() as NodeUuid,
    key: OLD,
    uniqueTokens: [nut('twin', 'bound')],
  };

  it('the identity whose unique token came, else the incumbent', () => {
    const facts = { candidates: [M, twin] };
    expect(decide({ ask: { uniqueTokenHash: 'twin', key: OLD }, facts })).toMatchObject({ row: 5, machine: 2 });
    expect(decide({ ask: { uniqueTokenHash: 'x', key: CURRENT }, facts })).toMatchObject({ row: 5, machine: 1 });
  });

  it('a pre-registered machine under its swapped UUID, as long as it never joined', () => {
    const swapped: JoinMachine = { ...M, id: 3, state: 'known', key: null, firstToken: null };
    expect(decide({ facts: { swapped } })).toMatchObject({ kind: 'rekey', machine: 3, alias: UUID });
    expect(decide({ facts: { swapped: { ...swapped, state: 'accepted', key: OLD } } })).toMatchObject({ kind: 'new' });
  });
});

describe('whatever comes', () => {
  const hash = fc.constantFrom(null, 'mine', 'other');
  const state = fc.constantFrom('known', 'pending', 'accepted', 'rejected', 'removed') as fc.Arbitrary<
    JoinMachine['state']
  >;
  const machine = fc.record({
    state,
    key: fc.constantFrom(null, CURRENT),
    uniqueTokens: fc.constantFrom([], [nut('mine', 'offered')], [nut('mine', 'bound')], [nut('mine', 'proven')]),
    reportedReset: fc.boolean(),
  });
  const given = fc.record({
    m: fc.option(machine, { nil: undefined }),
    ask: fc.record({ key: fc.constantFrom(OLD, NEW, CURRENT), uniqueTokenHash: hash, knowsUniqueTokens: fc.boolean() }),
    alive: fc.option(fc.boolean(), { nil: undefined }),
    token: fc.constantFrom(undefined, TOKEN, { ...TOKEN, revokedAt: 1 }),
    keyOwner: fc.constantFrom(undefined, 1, 2),
    requireToken: fc.boolean(),
  });
  const run = ({
    m,
    ask,
    alive,
    token,
    keyOwner,
    requireToken,
  }: typeof given extends fc.Arbitrary<infer T> ? T : never) =>
    decide({ m, ask, facts: { token, keyOwner }, policy: { requireToken }, ...(alive !== undefined && { alive }) });

  it('a machine that answers keeps its key', () => {
    fc.assert(
      fc.property(given, (call) => {
        const decision = run({ ...call, alive: true });
        if (call.m?.key != null) expect(decision.kind).not.toBe('rekey');
      }),
    );
  });

  it('nobody gets in without a token that counts, and a removed machine not at all', () => {
    fc.assert(
      fc.property(given, (call) => {
        const decision = run({ ...call, requireToken: true });
        if (decision.kind === 'refuse' || decision.kind === 'probe') return;
        const own = call.m?.uniqueTokens.some((token) => token.hash === call.ask.uniqueTokenHash) === true;
        expect(own || call.token === TOKEN).toBe(true);
        expect(['removed', 'rejected']).not.toContain(call.m?.state);
      }),
    );
  });

  it('a key that was another’s never gets in', () => {
    fc.assert(
      fc.property(given, (call) => {
        const decision = run({ ...call, keyOwner: 2 });
        expect(['refuse', 'repeat']).toContain(decision.kind);
      }),
    );
  });
});
