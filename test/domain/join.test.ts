import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideJoin } from '../../src/domain/join.ts';
import { swappedUuid } from '../../src/domain/join-request.ts';
import {
  type JoinAsk,
  type JoinFacts,
  type JoinMachine,
  type JoinPolicy,
  MACHINE_STATES,
} from '../../src/domain/join-types.ts';
import {
  ASK,
  ASSIGNED,
  type Case,
  CURRENT,
  decide,
  held,
  KNOWN,
  M,
  mine,
  NEW,
  NOW,
  newKey,
  nut,
  OLD,
  OTHER,
  P,
  STRICT,
  short,
  TOKEN,
  UUID,
} from './join-cases.ts';

const USED_UP = { maxUses: 1, uses: 1 } as const;
const EMPTY = { asked: '', uuid: undefined } as const;

describe('uses of join tokens', () => {
  it('the first join takes one, another boot does not, and a join without a token rests on none', () => {
    expect(decide({})).toMatchObject({ token: { id: 'T', takesUse: true } });
    expect(decide({ m: KNOWN })).toMatchObject({ token: { id: 'T', takesUse: true } });
    expect(decide({ m: {}, alive: false })).toMatchObject({ token: { id: 'T', takesUse: false } });
    expect(decide({ token: null, policy: { requireToken: false } })).toMatchObject({ token: null });
  });

  it('a newcomer takes one if there is one; if M took the last, it still remembers the token', () => {
    expect(decide({ m: {}, alive: true })).toMatchObject({ token: { id: 'T', takesUse: true } });
    expect(decide({ m: {}, alive: true, token: USED_UP })).toMatchObject({ token: { id: 'T', takesUse: false } });
  });
});

describe('the answer of a probe', () => {
  it('is asked for 12 s; 2 s if the unique token is M’s own and M is not tunnelled', () => {
    expect(decide({ m: {} })).toMatchObject({ key: CURRENT, address: M.address, withinMs: 12_000 });
    const own = { ask: mine, m: held('bound') };
    expect(decide(own)).toMatchObject({ withinMs: 2_000 });
    expect(decide({ ...own, m: { ...own.m, tunnelled: true } })).toMatchObject({ withinMs: 12_000 });
  });

  it('counts for this machine and this key only', () => {
    const facts = {
      now: NOW,
      incumbent: M,
      holder: undefined,
      sameKey: undefined,
      swapped: undefined,
      keyOwner: undefined,
      token: TOKEN,
      reserved: [],
      machines: 1,
      provisional: 0,
    };
    for (const stale of [
      { machine: 1, key: OLD, alive: false },
      { machine: 2, key: CURRENT, alive: false },
    ]) {
      expect(decideJoin(ASK, facts, STRICT, stale)).toMatchObject({ kind: 'probe', key: CURRENT });
    }
  });

  it('is not needed for a machine without a peer', () => {
    expect(short(decide({ m: KNOWN }))).toBe('12 rekey accepted');
    expect(short(decide({ m: { ...P, state: 'expired' } }))).toBe('12 rekey provisional');
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
    expect(tokensAfter({ ask: { ...EMPTY, uniqueTokenHash: 'a' } })).toEqual([nut('a', 'bound')]);
  });

  it('a newcomer keeps what came, unless it is a copy of M’s', () => {
    expect(tokensAfter({ m: held('bound'), alive: true, ask: { uniqueTokenHash: 'a' } })).toEqual([nut('a', 'bound')]);
    expect(tokensAfter({ m: held('bound'), alive: true, ask: mine })).toEqual([]);
    expect(tokensAfter({ m: held('bound'), sameKey: {}, ask: { ...mine, key: OTHER } })).toBeNull();
  });

  it('a repeat: an offered one that came back is bound; one that it does not hold is not kept', () => {
    const repeat = (uniqueTokenHash: string | null, m: Partial<JoinMachine>) =>
      tokensAfter({ ask: { key: CURRENT, uniqueTokenHash }, m });
    expect(repeat(null, held('bound'))).toBeNull();
    expect(repeat('mine', held('offered'))).toEqual([nut('mine', 'bound')]);
    expect(repeat('mine', held('bound'))).toBeNull();
    expect(repeat('mine', held('proven'))).toBeNull();
    // Whoever knows the key and a join token can say so.
    for (const m of [{}, held('offered'), held('bound'), held('proven')]) expect(repeat('a', m)).toBeNull();
    // Beside a bound one only a reboot with it makes it more than an offer.
    expect(repeat('a', { uniqueTokens: [nut('mine', 'bound'), nut('a', 'offered')] })).toBeNull();
  });

  it('a new key proves its token; the first key only binds it', () => {
    expect(tokensAfter({ ask: mine, m: held('offered'), alive: false })).toEqual([nut('mine', 'proven')]);
    expect(tokensAfter({ ask: mine, m: { ...held('offered'), ...KNOWN } })).toEqual([nut('mine', 'bound')]);
  });

  it('a new key without the token: what came is kept, else all is forgotten', () => {
    expect(tokensAfter({ m: held('bound'), alive: false })).toEqual([]);
    expect(tokensAfter({ ask: { uniqueTokenHash: 'a' }, m: held('bound'), alive: false })).toEqual([nut('a', 'bound')]);
  });
});

describe('which machine is M', () => {
  it('the one whose unique token came, else the incumbent', () => {
    const twin = { uniqueTokens: [nut('twin', 'bound')] };
    const ask = { uniqueTokenHash: 'twin', key: OTHER };
    expect(decide({ m: {}, holder: twin, ask })).toMatchObject({ row: 5, machine: 2 });
    expect(decide({ m: {}, ask: { uniqueTokenHash: 'x', key: CURRENT } })).toMatchObject({ row: 5, machine: 1 });
  });

  it('a pre-registered machine under its swapped UUID, as long as it never joined', () => {
    const swapped: JoinMachine = { ...M, ...KNOWN, id: 3, uuid: swappedUuid(UUID) };
    expect(decide({ facts: { swapped } })).toMatchObject({ kind: 'rekey', machine: 3, alias: UUID });
    expect(decide({ m: {}, ask: { key: CURRENT }, facts: { swapped } })).toMatchObject({ row: 5, machine: 1 });
    expect(decide({ facts: { swapped: { ...swapped, state: 'accepted', key: OLD } } })).toMatchObject({ kind: 'new' });
  });

  it.each(['rejected', 'removed'] as const)('one that was %s before it joined comes in under neither name', (state) => {
    const swapped: JoinMachine = { ...M, ...KNOWN, id: 3, uuid: swappedUuid(UUID), state };
    expect(decide({ facts: { swapped } })).toMatchObject({ row: 3, code: 'unauthorized', machine: 3 });
  });

  it('a token bound to the UUID that was registered admits it under the swapped one, and no other does', () => {
    const swapped: JoinMachine = { ...M, ...KNOWN, id: 3, uuid: swappedUuid(UUID) };
    const facts = { swapped, reserved: [swapped.uuid] };
    expect(short(decide({ facts, token: { nodeUuid: swapped.uuid } }))).toBe('12 rekey accepted');
    expect(short(decide({ facts }))).toBe('2 unauthorized');
  });

  it('an identity learns its UUID by the first call that has it', () => {
    expect(decide({ m: P, ask: { asked: ASSIGNED, uuid: ASSIGNED, key: OTHER } })).toMatchObject({ learntUuid: true });
    expect(decide({ m: {}, sameKey: {}, ask: { key: OTHER } })).toMatchObject({ learntUuid: false });
    const knows = { ...P, knowsUuid: true };
    expect(decide({ m: knows, ask: { asked: ASSIGNED, uuid: ASSIGNED, key: OTHER } })).toMatchObject({
      learntUuid: false,
    });
  });
});

type Call = Case & { readonly ask: JoinAsk; readonly policy: JoinPolicy; readonly facts: JoinFacts };
const HOLDERS = newKey();

describe('whatever comes', () => {
  const uniqueTokens = fc.constantFrom([], [nut('mine', 'offered')], [nut('mine', 'bound')], [nut('mine', 'proven')]);
  const machine = fc.record({
    state: fc.constantFrom(...MACHINE_STATES),
    key: fc.constantFrom(null, CURRENT),
    uniqueTokens,
    reportedReset: fc.boolean(),
    toldItsEnd: fc.boolean(),
    firstToken: fc.constantFrom(null, 'T', 'X'),
    ownership: fc.constantFrom({}, { owner: 'a' }, { owner: 'b' }),
  });
  const identity = fc.record({
    state: fc.constantFrom('provisional', 'accepted', 'expired', 'rejected'),
    uniqueTokens: fc.constantFrom([nut('mine', 'offered')], [nut('mine', 'proven')]),
  });
  const calls = fc
    .record({
      m: fc.option(machine, { nil: undefined }),
      holder: fc.option(identity, { nil: undefined }),
      sameKey: fc.option(identity, { nil: undefined }),
      ask: fc.record({
        key: fc.constantFrom(OLD, NEW, CURRENT, OTHER),
        uniqueTokenHash: fc.constantFrom(null, 'mine', 'other'),
        knowsUniqueTokens: fc.boolean(),
      }),
      alive: fc.boolean(),
      token: fc.constantFrom(null, {}, { revokedAt: 1 }, USED_UP, { ownership: { owner: 'a' } }),
      facts: fc.record({
        keyOwner: fc.constantFrom(undefined, 1, 2, 3),
        machines: fc.constantFrom(1, 10),
        provisional: fc.constantFrom(0, 4),
        reserved: fc.constantFrom([], [UUID]),
      }),
      policy: fc.record({
        requireToken: fc.boolean(),
        policy: fc.constantFrom('accept', 'hold', 'known'),
      }),
    })
    // The ledger names an identity only if it holds the token sent, or has the key sent.
    .map(({ holder, sameKey, ...call }) => ({
      ...call,
      ...(holder !== undefined && call.ask.uniqueTokenHash === 'mine' && { holder: { ...holder, key: HOLDERS } }),
      ...(sameKey !== undefined && call.ask.key === OTHER && { sameKey: { ...sameKey, id: 4 } }),
    })) as fc.Arbitrary<unknown> as fc.Arbitrary<Call>;

  /** The machine that a decision changes, as it was. */
  const changed = (call: Case, id: number): Partial<JoinMachine> =>
    id === M.id ? { ...M, ...call.m } : { ...P, ...(id === P.id ? call.holder : call.sameKey) };

  const always = (check: (call: Call) => void) => fc.assert(fc.property(calls, check), { numRuns: 2_000 });

  it('a machine that answers keeps its key', () => {
    always((call) => {
      const decision = decide({ ...call, alive: true });
      if (decision.kind !== 'rekey') return;
      const { key, state } = changed(call, decision.machine);
      expect(key === null || state === 'expired').toBe(true);
    });
  });

  it('nobody gets in without a token that counts, and whom we refuse does not at all', () => {
    always((call) => {
      const decision = decide({ ...call, policy: { ...call.policy, requireToken: true } });
      if (decision.kind === 'refuse' || decision.kind === 'probe') return;
      const own = holds(call.m?.uniqueTokens) || call.holder !== undefined;
      expect(
        (own && call.ask.uniqueTokenHash === 'mine') || (call.token !== null && !('revokedAt' in (call.token ?? {}))),
      ).toBe(true);
      if ('machine' in decision) expect(['removed', 'rejected']).not.toContain(changed(call, decision.machine).state);
    });
  });

  it('a key that is or was another’s never gets in', () => {
    always((call) => {
      const decision = decide({ ...call, facts: { ...call.facts, keyOwner: 3 } });
      expect(['refuse', 'repeat']).toContain(decision.kind);
    });
  });

  it('a call with the key that a machine has makes it hold no token that it did not hold', () => {
    always((call) => {
      const decision = decide(call);
      if (decision.kind !== 'repeat') return;
      const before = changed(call, decision.machine).uniqueTokens ?? [];
      const hashes = before.map(({ hash }) => hash);
      for (const { hash } of decision.uniqueTokens ?? []) expect(hashes).toContain(hash);
    });
  });

  it('the limits hold', () => {
    always((call) => {
      const decision = decide(call);
      const { machines, provisional } = call.facts;
      if (machines === 10) expect(decision.kind).not.toBe('new');
      const made = decision.kind === 'provisional';
      const revived =
        (decision.kind === 'repeat' || decision.kind === 'rekey') &&
        decision.state === 'provisional' &&
        changed(call, decision.machine).state === 'expired';
      if (provisional === 4) expect(made || revived).toBe(false);
    });
  });

  it('what is proven of a machine is lost only if it came back or the machine reported its reset', () => {
    always((call) => {
      const decision = decide(call);
      if (decision.kind !== 'rekey') return;
      const { uniqueTokens: before = [], reportedReset } = changed(call, decision.machine);
      if (before[0]?.state !== 'proven' || reportedReset === true) return;
      expect(decision.uniqueTokens).toEqual(before);
    });
  });

  function holds(tokens: readonly { readonly hash: string }[] | undefined): boolean {
    return tokens?.some(({ hash }) => hash === 'mine') === true;
  }
});
