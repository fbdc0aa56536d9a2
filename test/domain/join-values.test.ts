import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointsFromWire, wireEndpoints } from '../../src/domain/endpoints.ts';
import { type JoinFields, parseJoinRequest, swappedUuid } from '../../src/domain/join-request.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import { isOlderThan, parseTalosVersion } from '../../src/domain/talos-version.ts';
import { bind, holds, offer, prove, trust, type UniqueTokens } from '../../src/domain/unique-token.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';

const vectors = JSON.parse(readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8')) as {
  readonly wireguard_key: { readonly public: string };
};

describe('endpoints on the wire', () => {
  it('first and last change places', () => {
    expect(wireEndpoints(['A', 'B', 'C'])).toEqual(['C', 'B', 'A']);
    expect(wireEndpoints(['A', 'B', 'C', 'D'])).toEqual(['D', 'B', 'C', 'A']);
    expect(wireEndpoints(['A', 'B'])).toEqual(['B', 'A']);
    expect(wireEndpoints(['A'])).toEqual(['A']);
    expect(wireEndpoints([])).toEqual([]);
  });

  it('and back; the best travels last, for Talos up to 1.5', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (endpoints) => {
        expect(endpointsFromWire(wireEndpoints(endpoints))).toEqual(endpoints);
        expect(wireEndpoints(endpoints).at(-1)).toBe(endpoints[0]);
      }),
    );
  });
});

describe('Talos versions', () => {
  it.each([
    ['v1.13.0', 1, 13],
    ['v1.14.0-beta.1', 1, 14],
    ['1.6.0', 1, 6],
    ['v1.9.0-alpha.0-12-gabcdef0-dirty', 1, 9],
    ['v2.0', 2, 0],
  ])('%s', (text, major, minor) => {
    expect(parseTalosVersion(text)).toEqual({ major, minor });
  });

  it.each(['', 'v1', 'main', 'v1.x.0', '1.6.0 ', 'v1.6.0;rm', `v${'9'.repeat(30)}.1.0`])('%j is none', (text) => {
    expect(parseTalosVersion(text)).toBeUndefined();
  });

  it('compare by numbers', () => {
    expect(isOlderThan({ major: 1, minor: 5 }, 1, 6)).toBe(true);
    expect(isOlderThan({ major: 1, minor: 10 }, 1, 6)).toBe(false);
    expect(isOlderThan({ major: 0, minor: 14 }, 1, 6)).toBe(true);
    expect(isOlderThan({ major: 2, minor: 0 }, 1, 6)).toBe(false);
  });
});

describe('a swapped UUID', () => {
  it('has the bytes of its first three groups turned round', () => {
    const uuid = parseNodeUuid('00112233-4455-6677-8899-aabbccddeeff');
    expect(swappedUuid(uuid)).toBe('33221100-5544-7766-8899-aabbccddeeff');
  });

  it('is its own inverse', () => {
    fc.assert(
      fc.property(fc.uuid(), (text) => {
        const uuid = parseNodeUuid(text);
        expect(swappedUuid(swappedUuid(uuid))).toBe(uuid);
      }),
    );
  });
});

const SERVER_KEY = PrivateKey.generate().publicKey;

describe('a join request', () => {
  const fields: JoinFields = {
    node_uuid: '71233EFD-7A07-43F8-B6BA-DA90FAE0E88B',
    node_public_key: vectors.wireguard_key.public,
    join_token: null,
    node_unique_token: null,
    talos_version: null,
    wireguard_over_grpc: null,
  };

  it('of Talos 1.0 and of 1.13', () => {
    expect(parseJoinRequest(fields, SERVER_KEY)).toEqual({
      asked: fields.node_uuid.toLowerCase(),
      uuid: fields.node_uuid.toLowerCase(),
      key: fields.node_public_key,
      joinToken: null,
      uniqueToken: null,
      knowsUniqueTokens: false,
      talosVersion: null,
      tunnel: false,
    });
    const full = { join_token: 'foo', node_unique_token: '', talos_version: 'v1.13.0', wireguard_over_grpc: true };
    expect(parseJoinRequest({ ...fields, ...full }, SERVER_KEY)).toMatchObject({
      joinToken: 'foo',
      uniqueToken: null,
      knowsUniqueTokens: true,
      talosVersion: 'v1.13.0',
      tunnel: true,
    });
  });

  it("with the server's own key is none: no device takes that for a peer's", () => {
    expect(() => parseJoinRequest({ ...fields, node_public_key: SERVER_KEY }, SERVER_KEY)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  });

  it('a version that is no plain text is none', () => {
    for (const talos_version of ['', 'v1\n', 'x'.repeat(65), 'v1 2']) {
      expect(parseJoinRequest({ ...fields, talos_version }, SERVER_KEY).talosVersion).toBeNull();
    }
  });

  it('a UUID of 64 bytes passes, of 65 not; bytes count, not characters', () => {
    expect(parseJoinRequest({ ...fields, node_uuid: 'x'.repeat(64) }, SERVER_KEY).uuid).toBeUndefined();
    for (const node_uuid of ['x'.repeat(65), 'é'.repeat(33)]) {
      expect(() => parseJoinRequest({ ...fields, node_uuid }, SERVER_KEY)).toThrow('64 bytes');
    }
  });

  it('long secrets are refused without a word of them', () => {
    const secret = 'canary'.repeat(1_000);
    for (const name of ['join_token', 'node_unique_token']) {
      expect(() => parseJoinRequest({ ...fields, [name]: secret }, SERVER_KEY)).toThrow(
        expect.objectContaining({ code: 'invalid_argument', message: expect.not.stringContaining('canary') }),
      );
    }
  });

  it('whatever comes: a request or invalid_argument', () => {
    const text = fc.string({ unit: 'binary' });
    const arbitrary = fc.record({
      node_uuid: text,
      node_public_key: fc.oneof(text, fc.constant(fields.node_public_key)),
      join_token: fc.option(text),
      node_unique_token: fc.option(text),
      talos_version: fc.option(text),
      wireguard_over_grpc: fc.option(fc.boolean()),
    });
    fc.assert(
      fc.property(arbitrary, (sent) => {
        try {
          expect(parseJoinRequest(sent, SERVER_KEY).key).toBe(sent.node_public_key);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_argument' });
        }
      }),
    );
  });
});

describe('unique tokens of a machine', () => {
  const offeredOnly = (...hashes: string[]): UniqueTokens =>
    hashes.map((hash) => ({ hash, state: 'offered' as const }));

  it('the last four offered ones count', () => {
    const tokens = ['a', 'b', 'c', 'd', 'e'].reduce<UniqueTokens>(offer, []);
    expect(tokens).toEqual(offeredOnly('b', 'c', 'd', 'e'));
  });

  it('offered ones evict no bound and no proven one', () => {
    const settled = offer(prove([], 'p'), 'b');
    const tokens = ['1', '2', '3', '4', '5'].reduce<UniqueTokens>(offer, bind(settled, 'b'));
    expect(holds(tokens, 'p') && holds(tokens, 'b')).toBe(true);
    expect(trust(tokens)).toBe('proven');
  });

  it('what comes back under another key takes the place of older ones, not of those offered', () => {
    const tokens = prove(offer(bind(offer(prove([], 'old'), 'b'), 'b'), 'next'), 'b');
    expect(tokens).toEqual([
      { hash: 'next', state: 'offered' },
      { hash: 'b', state: 'proven' },
    ]);
  });

  it('trust never sinks by an offer or a return, and their number is bounded', () => {
    const rank = { none: 0, offered: 1, bound: 2, proven: 3 } as const;
    const step = fc.tuple(fc.constantFrom(offer, bind, prove), fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let tokens: UniqueTokens = [];
        for (const [apply, hash] of steps) {
          const next = apply(tokens, hash);
          expect(rank[trust(next)]).toBeGreaterThanOrEqual(rank[trust(tokens)]);
          expect(new Set(next.map((token) => token.hash)).size).toBe(next.length);
          expect(holds(next, hash)).toBe(true);
          tokens = next;
        }
        expect(tokens.length).toBeLessThanOrEqual(6);
      }),
    );
  });

  it('nothing holds a token that did not come', () => {
    expect(holds(offeredOnly('a'), null)).toBe(false);
    expect(trust([])).toBe('none');
  });
});
