import { describe, expect, it } from 'vitest';
import type { JoinAsk } from '../../src/domain/join-types.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
import {
  ASSIGNED,
  type Case,
  CURRENT,
  decide,
  held,
  KNOWN,
  mine,
  NOW,
  OLD,
  OTHER,
  P,
  short,
  UUID,
} from './join-cases.ts';

type Row = readonly [what: string, given: Case, expected: string];

const OLD_TALOS = { knowsUniqueTokens: false, talosVersion: null } as const;
const USED_UP = { maxUses: 1, uses: 1 } as const;
/** The call of an identity that knows its assigned UUID and holds its token. */
const AS_ITSELF = { ...mine, asked: ASSIGNED, uuid: ASSIGNED } as const;
const EMPTY = { asked: '', uuid: undefined } as const;

const junk = (uuid: string): Partial<JoinAsk> => ({ asked: uuid, uuid: parseNodeUuid(uuid) });

/** What makes a token valid for a join: each line takes one thing away, or gives it back. */
const JT: readonly Row[] = [
  ['known', { token: null }, '2 unauthorized'],
  ['not expired', { token: { expiresAt: NOW } }, '2 unauthorized'],
  ['not expired yet', { token: { expiresAt: NOW + 1 } }, '9 new accepted'],
  ['not revoked', { token: { revokedAt: 5 } }, '2 unauthorized'],
  ['uses left', { token: { maxUses: 2, uses: 1 } }, '9 new accepted'],
  ['no uses left', { token: USED_UP }, '2 unauthorized'],
  ['no uses left, but M took one', { m: {}, token: USED_UP, alive: false }, '12 rekey accepted'],
  ['no uses left, and M took another’s', { m: { firstToken: 'X' }, token: USED_UP }, '2 unauthorized'],
  ['no uses left, but the identity took one', { m: { firstToken: 'X' }, sameKey: {}, token: USED_UP }, '5 repeat'],
  ['bound to this UUID', { token: { nodeUuid: UUID } }, '9 new accepted'],
  ['bound to another UUID', { token: { nodeUuid: ASSIGNED } }, '2 unauthorized'],
  ['bound to the UUID that M was made for', { m: P, ask: { key: OTHER }, token: { nodeUuid: UUID } }, '5 repeat'],
  [
    'bound to the UUID that M was made for, and M comes by its own',
    { m: P, ask: { asked: ASSIGNED, uuid: ASSIGNED, key: OTHER }, token: { nodeUuid: UUID } },
    '5 repeat',
  ],
  [
    'bound to the UUID assigned to the one that repeats its call',
    { m: {}, sameKey: {}, ask: { key: OTHER }, token: { nodeUuid: ASSIGNED } },
    '5 repeat',
  ],
  [
    'conferring the owner of the one that repeats its call, which M has not',
    {
      m: {},
      sameKey: { firstToken: null, ownership: { owner: 'a' } },
      ask: { key: OTHER },
      token: { id: 'U', ownership: { owner: 'a' } },
    },
    '5 repeat',
  ],
  [
    'conferring the owner of M, which the one that repeats its call has not',
    {
      m: { ownership: { owner: 'a' } },
      sameKey: {},
      ask: { key: OTHER },
      token: { id: 'U', ownership: { owner: 'a' } },
    },
    '2 unauthorized',
  ],
  ['confers an owner on a new machine', { token: { ownership: { owner: 'a' } } }, '9 new accepted'],
  [
    'confers M’s own owner',
    { m: { firstToken: 'X', ownership: { owner: 'a' } }, token: { ownership: { owner: 'a' } }, alive: false },
    '12 rekey accepted',
  ],
  [
    'confers another owner than M’s',
    { m: { firstToken: 'X', ownership: { owner: 'b' } }, token: { ownership: { owner: 'a' } } },
    '2 unauthorized',
  ],
  [
    'confers another namespace than M’s',
    {
      m: { firstToken: 'X', ownership: { owner: 'a', namespace: 'p' } },
      token: { ownership: { owner: 'a', namespace: 'q' } },
    },
    '2 unauthorized',
  ],
  [
    'confers an owner, and M joined without one',
    { m: { firstToken: 'X' }, token: { ownership: { owner: 'a' } } },
    '2 unauthorized',
  ],
  [
    'confers another owner than M’s now, but gave M its first',
    { m: { ownership: { owner: 'b' } }, token: { ownership: { owner: 'a' } }, alive: false },
    '12 rekey accepted',
  ],
  [
    'confers an owner on a pre-registered machine without one',
    { m: KNOWN, token: { ownership: { owner: 'a' } } },
    '12 rekey accepted',
  ],
  [
    'confers another owner than a pre-registered machine has',
    { m: { ...KNOWN, ownership: { owner: 'b' } }, token: { ownership: { owner: 'a' } } },
    '2 unauthorized',
  ],
  [
    'confers another cluster: that is no matter',
    { token: { ownership: { cluster: 'c' } }, m: {}, alive: false },
    '12 rekey accepted',
  ],
  ['nobody needs one', { token: null, policy: { requireToken: false } }, '9 new accepted'],
  ['a bad one where nobody needs one', { token: { revokedAt: 5 }, policy: { requireToken: false } }, '9 new accepted'],
  ['another one is bound to the UUID', { facts: { reserved: [UUID] } }, '2 unauthorized'],
  [
    'another one is bound to it, and M joined',
    { m: {}, facts: { reserved: [UUID] }, alive: false },
    '12 rekey accepted',
  ],
  ['another one is bound to it, M is known', { m: KNOWN, facts: { reserved: [UUID] } }, '2 unauthorized'],
  [
    'another one is bound to it, M is known and its unique token came',
    { m: { ...KNOWN, ...held('offered') }, ask: mine, facts: { reserved: [UUID] } },
    '11 rekey accepted',
  ],
  [
    'one is bound to it, and nobody needs one',
    { token: null, facts: { reserved: [UUID] }, policy: { requireToken: false } },
    '2 unauthorized',
  ],
  ['it is the one that is bound', { token: { nodeUuid: UUID }, facts: { reserved: [UUID] } }, '9 new accepted'],
];

const TABLE: readonly Row[] = [
  ['2: neither a JT nor a NUT', { m: {}, token: null }, '2 unauthorized'],
  [
    '2: a NUT that M does not hold',
    { m: held('proven'), ask: { uniqueTokenHash: 'x' }, token: null },
    '2 unauthorized',
  ],
  ['2: M’s NUT is enough', { m: held('offered'), ask: mine, token: null, alive: false }, '11 rekey accepted'],
  ['2 comes before 3', { m: { state: 'removed' }, token: null }, '2 unauthorized'],
  ['2 comes before 4', { ask: OLD_TALOS, token: null }, '2 unauthorized'],
  ['3: removed', { m: { state: 'removed' } }, '3 unauthorized'],
  [
    '3: removed, with its NUT and its key',
    { m: { ...held('proven'), state: 'removed' }, ask: { ...mine, key: CURRENT } },
    '3 unauthorized',
  ],
  ['3: rejected, also with its key', { m: { state: 'rejected' }, ask: { key: CURRENT } }, '3 unauthorized'],
  [
    '3: a rejected identity with its key, M is well',
    { m: {}, sameKey: { state: 'rejected' }, ask: { key: OTHER } },
    '3 unauthorized',
  ],
  ['3: M was removed, its newcomer was not', { m: { state: 'removed' }, sameKey: {}, ask: { key: OTHER } }, '5 repeat'],
  ['3 comes before 4', { m: { state: 'removed' }, ask: OLD_TALOS }, '3 unauthorized'],
  ['4: Talos without the field and a version', { ask: OLD_TALOS }, '4 too_old'],
  ['4: a version that says so', { ask: { talosVersion: 'v1.5.5' } }, '4 too_old'],
  ['4: 1.6 passes', { ask: { talosVersion: 'v1.6.0-alpha.0' } }, '9 new accepted'],
  ['4: legacy lets it pass', { ask: OLD_TALOS, policy: { uniqueTokens: 'legacy' } }, '9 new accepted'],
  ['4 comes before 5', { m: {}, ask: { ...OLD_TALOS, key: CURRENT } }, '4 too_old'],
  ['5: M’s current key', { m: {}, ask: { key: CURRENT } }, '5 repeat'],
  ['5: also when the peer is alive', { m: {}, ask: { key: CURRENT }, alive: true }, '5 repeat'],
  ['5: by the NUT alone', { m: held('bound'), ask: { ...mine, key: CURRENT }, token: null }, '5 repeat'],
  ['5: the key of the identity made for asked', { m: {}, sameKey: {}, ask: { key: OTHER } }, '5 repeat'],
  ['5: of one made for junk', { sameKey: { madeFor: '' }, ask: { ...EMPTY, key: OTHER } }, '5 repeat'],
  ['5: of one that was accepted', { m: {}, sameKey: { state: 'accepted' }, ask: { key: OTHER } }, '5 repeat'],
  ['5: of one that expired', { sameKey: { state: 'expired' }, ask: { key: OTHER } }, '5 repeat provisional'],
  ['5: of one that expired, no room', { sameKey: { state: 'expired' }, facts: { provisional: 4 } }, '5 exhausted'],
  ['5: as itself, of one that expired', { m: { ...P, state: 'expired' }, ask: { key: OTHER } }, '5 repeat provisional'],
  ['5: no room for others is no matter', { sameKey: {}, facts: { provisional: 4, machines: 10 } }, '5 repeat'],
  ['5 comes before 6', { m: {}, ask: { key: CURRENT }, facts: { keyOwner: 1 } }, '5 repeat'],
  ['6: the key is or was another machine’s', { m: {}, facts: { keyOwner: 3 } }, '6 unauthorized'],
  ['6: also for a UUID that nobody has', { facts: { keyOwner: 3 } }, '6 unauthorized'],
  ['6: also with junk', { ask: EMPTY, facts: { keyOwner: 3 } }, '6 unauthorized'],
  ['6: also with M’s NUT', { m: held('proven'), ask: mine, facts: { keyOwner: 3 }, alive: false }, '6 unauthorized'],
  ['6 comes before 7', { facts: { keyOwner: 3 }, policy: { policy: 'known', requireToken: false } }, '6 unauthorized'],
  ['7: policy known, no M', { policy: { policy: 'known' } }, '7 unauthorized'],
  ['7: where no token is required', { policy: { policy: 'known', requireToken: false } }, '7 not_found'],
  ['7: also junk', { ask: EMPTY, policy: { policy: 'known' } }, '7 unauthorized'],
  ['7: M is known', { m: KNOWN, policy: { policy: 'known' } }, '12 rekey accepted'],
  ['7: a newcomer beside M', { m: {}, alive: true, policy: { policy: 'known' } }, '10 provisional'],
  ['8: no UUID', { ask: EMPTY }, '8 provisional'],
  ['8: no UUID at all', { ask: { asked: 'not specified', uuid: undefined } }, '8 provisional'],
  ['8: zeros', { ask: junk('00000000-0000-0000-0000-000000000000') }, '8 provisional'],
  ['8: all f', { ask: junk('ffffffff-ffff-ffff-ffff-ffffffffffff') }, '8 provisional'],
  ['8: a vendor’s constant', { ask: junk('03000200-0400-0500-0006-000700080009') }, '8 provisional'],
  ['8: no room', { ask: EMPTY, facts: { provisional: 4 } }, '8 exhausted'],
  ['8: also on hold', { ask: EMPTY, policy: { policy: 'hold' } }, '8 provisional'],
  [
    '8: its NUT came back, META 15 was not written: itself',
    { ask: { ...EMPTY, ...mine }, holder: { ...held('offered'), madeFor: '' }, alive: false },
    '11 rekey provisional',
  ],
  ['9: nobody has the UUID', {}, '9 new accepted'],
  ['9: hold', { policy: { policy: 'hold' } }, '9 new pending'],
  ['9: full', { facts: { machines: 10 } }, '9 exhausted'],
  ['9: full of provisional ones is no matter', { facts: { provisional: 4 } }, '9 new accepted'],
  ['9: full, but M is known', { m: {}, facts: { machines: 10 }, alive: false }, '12 rekey accepted'],
  ['10: a former key of M', { m: {}, ask: { key: OLD }, facts: { keyOwner: 1 } }, '10 provisional'],
  [
    '10: a former key, M silent, M’s NUT',
    { m: held('proven'), ask: { ...mine, key: OLD }, facts: { keyOwner: 1 }, alive: false },
    '10 provisional',
  ],
  ['10: asks first', { m: {} }, '10 probe 12000'],
  ['10: M is alive', { m: {}, alive: true }, '10 provisional'],
  ['10: M is alive, a cloned disk', { m: held('proven'), ask: mine, alive: true }, '10 provisional'],
  ['10: M is pending and alive', { m: { state: 'pending' }, alive: true }, '10 provisional'],
  ['10: no room', { m: {}, alive: true, facts: { provisional: 4 } }, '10 exhausted'],
  [
    '10: an identity is alive, and its clone comes',
    { m: {}, holder: held('bound'), ask: mine, alive: true },
    '10 provisional',
  ],
  ['11: its NUT, offered', { m: held('offered'), ask: mine, alive: false }, '11 rekey accepted'],
  ['11: no JT needed', { m: held('bound'), ask: mine, token: { revokedAt: 5 }, alive: false }, '11 rekey accepted'],
  [
    '11: pending stays pending',
    { m: { ...held('bound'), state: 'pending' }, ask: mine, alive: false },
    '11 rekey pending',
  ],
  [
    '11: pre-registered, under every policy',
    { m: { ...KNOWN, ...held('offered') }, ask: mine, token: null, policy: { policy: 'hold' } },
    '11 rekey accepted',
  ],
  ['11: an identity as itself', { m: { ...P, ...held('offered') }, ask: AS_ITSELF, alive: false }, '11 rekey accepted'],
  [
    '11: as itself, hold',
    { m: { ...P, ...held('offered') }, ask: AS_ITSELF, alive: false, policy: { policy: 'hold' } },
    '11 rekey pending',
  ],
  [
    '11: as itself, no room for a machine',
    { m: { ...P, ...held('offered') }, ask: AS_ITSELF, alive: false, facts: { machines: 10 } },
    '11 rekey provisional',
  ],
  [
    '11: as itself after it expired',
    { m: { ...P, ...held('bound'), state: 'expired' }, ask: AS_ITSELF },
    '11 rekey accepted',
  ],
  [
    '11: an identity keeps its place while there is none for another',
    { m: {}, holder: held('bound'), ask: mine, facts: { provisional: 4 }, alive: false },
    '11 rekey provisional',
  ],
  [
    '12: and also without its token',
    { m: P, ask: { asked: ASSIGNED, uuid: ASSIGNED }, facts: { provisional: 4 }, alive: false },
    '12 rekey provisional',
  ],
  ['11: under the UUID that M has', { m: {}, holder: held('bound'), ask: mine, alive: false }, '11 rekey provisional'],
  [
    '11: under it, expired, no room',
    { m: {}, holder: { ...held('bound'), state: 'expired' }, ask: mine, facts: { provisional: 4 } },
    '11 exhausted',
  ],
  ['10: M told its end, and is asked all the same', { m: { toldItsEnd: true } }, '10 probe 2000 ended'],
  ['10: its end by a tunnel', { m: { toldItsEnd: true, tunnelled: true } }, '10 probe 2000 ended'],
  ['10: M told its end and answers', { m: { toldItsEnd: true }, alive: true }, '10 provisional'],
  [
    '13: M told its end, but not who comes',
    { m: { ...held('proven'), toldItsEnd: true }, alive: false },
    '13 unauthorized',
  ],
  ['12: no NUT on either side', { m: {}, alive: false }, '12 rekey accepted'],
  ['12: an offered one was lost', { m: held('offered'), alive: false }, '12 rekey accepted'],
  ['12: a bound one was lost', { m: held('bound'), alive: false }, '12 rekey accepted'],
  ['12: another one came', { m: held('bound'), ask: { uniqueTokenHash: 'x' }, alive: false }, '12 rekey accepted'],
  ['12: an identity without its NUT', { m: P, alive: false }, '12 rekey provisional'],
  ['12: expired', { m: { ...P, state: 'expired' } }, '12 rekey provisional'],
  ['13: a proven one is missing', { m: held('proven'), alive: false }, '13 unauthorized'],
  [
    '13: another than the proven one',
    { m: held('proven'), ask: { uniqueTokenHash: 'x' }, alive: false },
    '13 unauthorized',
  ],
  [
    '13: but M reported its reset',
    { m: { ...held('proven'), reportedReset: true }, alive: false },
    '12 rekey accepted',
  ],
];

describe('decideJoin: a token valid for this join', () => {
  it.each(JT)('%s', (_what, given, expected) => {
    const call = given.sameKey === undefined ? given : { ...given, ask: { key: OTHER, ...given.ask } };
    expect(short(decide(call))).toBe(expected);
  });
});

describe('decideJoin: the table of DESIGN section 6', () => {
  it.each(TABLE)('%s', (_what, given, expected) => {
    const call = given.sameKey === undefined ? given : { ...given, ask: { key: OTHER, ...given.ask } };
    expect(short(decide(call))).toBe(expected);
  });

  it('refusals look alike, and say to us what they are', () => {
    for (const [, given] of [...JT, ...TABLE]) {
      const decision = decide(given);
      if (decision.kind !== 'refuse' || decision.code !== 'unauthorized') continue;
      expect(decision.message).toBe('unauthorized');
      expect(decision.conflictWith !== null).toBe(decision.row === 6);
    }
    expect(decide({ m: {}, facts: { keyOwner: 2 } })).toMatchObject({ machine: 1, conflictWith: 2 });
  });

  it('a newcomer is a conflict with the machine whose UUID it has; with junk it is with nobody', () => {
    expect(decide({ m: {}, alive: true })).toMatchObject({ madeFor: UUID, conflictWith: 1 });
    expect(decide({ ask: EMPTY })).toMatchObject({ madeFor: '', conflictWith: null });
  });
});
