import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PublicKey } from '../../src/domain/keys.ts';
import { LinkTable } from '../../src/wireguard/link-table.ts';
import type { ObservedPeer } from '../../src/wireguard/types.ts';

const EPOCH = Date.UTC(2026, 0, 1);
const SECOND = 1000;
const K = 'key' as PublicKey;

function table(told: ReadonlyMap<PublicKey, 'up' | 'down'> = new Map()) {
  const lastTold = (key: PublicKey) => told.get(key);
  const links = new LinkTable({ upWindowMs: 75 * SECOND, forgetAfterMs: 3600 * SECOND, lastTold });
  let at = 0;
  return {
    links,
    /** A reading `seconds` after the one before; gives the kinds of its events. */
    read(seconds: number, ...peers: readonly Partial<ObservedPeer>[]) {
      at += seconds * SECOND;
      const device = {
        publicKey: null,
        listenPort: 1,
        peers: new Map(peers.map((each) => [each.publicKey ?? K, peer(each)])),
      };
      return links.take({ device, at, wall: EPOCH + at }).events.map(({ kind }) => kind);
    },
  };
}

/** Seconds since the epoch, `ago` seconds before the first reading. */
const handshake = (ago: number) => EPOCH / SECOND - ago;

function peer(given: Partial<ObservedPeer>): ObservedPeer {
  return {
    publicKey: K,
    endpoint: '192.0.2.1:51820',
    allowedIps: ['fd00::2/128'],
    latestHandshake: handshake(10),
    rxBytes: 0,
    txBytes: 0,
    ...given,
  };
}

describe('the state of a link', () => {
  it('is never without a handshake, then up with its first bytes, down 75 s after its last', () => {
    const { read, links } = table();
    expect(read(0, { latestHandshake: 0 })).toEqual([]);
    expect(links.state(K).state).toBe('never');
    expect(read(5, { rxBytes: 148 })).toEqual(['up']);
    expect(links.state(K)).toMatchObject({ state: 'up', rxBytes: 148, lastRx: EPOCH + 5 * SECOND });
    expect(read(5, { rxBytes: 180 })).toEqual([]);
    expect(read(75, { rxBytes: 180 })).toEqual([]);
    expect(read(1, { rxBytes: 180 })).toEqual(['down']);
    expect(read(100, { rxBytes: 180 })).toEqual([]);
    expect(read(5, { rxBytes: 181 })).toEqual(['up']);
  });

  it('of a peer that is not known is never', () => {
    expect(table().links.state(K)).toMatchObject({ state: 'never', endpoint: null, latestHandshake: 0, lastRx: null });
  });

  it('is up by growth only: a fresh handshake does not keep it up', () => {
    const { read } = table();
    read(0, { rxBytes: 10 });
    expect(read(5, { rxBytes: 20 })).toEqual(['up']);
    expect(read(76, { rxBytes: 20, latestHandshake: handshake(-81) })).toEqual(['down']);
  });

  it('says moved when the endpoint changes, not when it is learnt', () => {
    const { read } = table();
    read(0, { endpoint: null });
    expect(read(5, { endpoint: 'a:1' })).toEqual([]);
    expect(read(5, { endpoint: 'a:2' })).toEqual(['moved']);
    expect(read(5, { endpoint: null })).toEqual([]);
    expect(read(5, { endpoint: 'a:2' })).toEqual([]);
    expect(read(5, { endpoint: 'b:2', rxBytes: 5 })).toEqual(['up', 'moved']);
    // Its peer was made anew in between, and nobody knew where it was.
    read(5, { endpoint: null, rxBytes: 5 });
    expect(read(5, { endpoint: 'c:3', rxBytes: 9 })).toEqual(['moved']);
  });
});

describe('after a restart', () => {
  it('nothing is called down before a whole window has passed', () => {
    const { read, links } = table();
    expect(read(0, { rxBytes: 1_000_000 })).toEqual([]);
    expect(links.state(K)).toMatchObject({ state: 'up', lastRx: null, rxBytes: 1_000_000 });
    expect(read(75, { rxBytes: 1_000_000 })).toEqual([]);
    expect(read(1, { rxBytes: 1_000_000 })).toEqual(['down']);
  });

  it('what speaks is told up once', () => {
    const { read } = table();
    read(0, { rxBytes: 1_000_000 });
    expect(read(5, { rxBytes: 1_000_032 })).toEqual(['up']);
    expect(read(5, { rxBytes: 1_000_064 })).toEqual([]);
  });

  it('what was down for long is not told down again', () => {
    const { read, links } = table();
    read(0, { rxBytes: 500, latestHandshake: handshake(3600) });
    expect(links.state(K).state).toBe('down');
    expect(read(100, { rxBytes: 500, latestHandshake: handshake(3600) })).toEqual([]);
    expect(read(5, { rxBytes: 648 })).toEqual(['up']);
  });

  it('what went down while nobody watched is told down, once', () => {
    const { read } = table(new Map([[K, 'up' as const]]));
    const gone = { rxBytes: 500, latestHandshake: handshake(3600) };
    expect(read(0, gone)).toEqual([]);
    expect(read(75, gone)).toEqual([]);
    expect(read(5, gone)).toEqual(['down']);
    expect(read(5, gone)).toEqual([]);
  });

  it('what was up is not shown down for a window, though the clock was set forward and its handshake looks old', () => {
    const { read, links } = table(new Map([[K, 'up' as const]]));
    const old = { rxBytes: 500, latestHandshake: handshake(3600) };
    for (const seconds of [0, 5, 70]) {
      read(seconds, old);
      expect(links.state(K).state).toBe('up');
      expect(links.census()).toEqual({ up: 1, down: 0, never: 0 });
    }
    read(1, old);
    expect(links.state(K).state).toBe('down');
  });

  it('what was down is not shown up because its handshake is fresh, but as soon as it is heard', () => {
    const { read, links } = table(new Map([[K, 'down' as const]]));
    const silent = { rxBytes: 500, latestHandshake: handshake(100) };
    expect(read(0, silent)).toEqual([]);
    expect(links.state(K)).toMatchObject({ state: 'down', lastRx: null });
    expect(read(80, silent)).toEqual([]);
    expect(links.state(K).state).toBe('down');
    expect(read(5, { ...silent, rxBytes: 532 })).toEqual(['up']);
    expect(links.state(K)).toMatchObject({ state: 'up', lastRx: EPOCH + 85 * SECOND });
  });

  it('with a device that was made anew, what was up is presumed up, and told down after a whole window of silence', () => {
    const { read, links } = table(new Map([[K, 'up' as const]]));
    const anew = { latestHandshake: 0 };
    expect(read(0, anew)).toEqual([]);
    expect(links.state(K).state).toBe('up');
    expect(read(75, anew)).toEqual([]);
    expect(read(5, anew)).toEqual(['down']);
    expect(read(5, { rxBytes: 148 })).toEqual(['up']);
  });

  it('with a device that was made anew, what was down is down, and what nobody knew is never', () => {
    const { read, links } = table(new Map([[K, 'down' as const]]));
    const stranger = 'stranger' as PublicKey;
    const peers = [{ latestHandshake: 0 }, { publicKey: stranger, latestHandshake: 0, allowedIps: ['fd00::3/128'] }];
    expect([...read(0, ...peers), ...read(100, ...peers)]).toEqual([]);
    expect([links.state(K).state, links.state(stranger).state]).toEqual(['down', 'never']);
  });

  it('what was told before is not told again', () => {
    const { read } = table(new Map([[K, 'up' as const]]));
    read(0, { rxBytes: 500 });
    expect(read(5, { rxBytes: 600 })).toEqual([]);
    expect(read(80, { rxBytes: 600 })).toEqual(['down']);
  });
});

describe('counters', () => {
  it('go on when the peer is reset', () => {
    const { read, links } = table();
    read(0, { rxBytes: 100, txBytes: 10 });
    read(5, { rxBytes: 150, txBytes: 20 });
    read(5, { rxBytes: 0, txBytes: 0, latestHandshake: 0 });
    expect(links.state(K)).toMatchObject({ rxBytes: 150, txBytes: 20 });
    read(5, { rxBytes: 30, txBytes: 3 });
    expect(links.state(K)).toMatchObject({ rxBytes: 180, txBytes: 23 });
  });

  it('go on under a new key of the same address', () => {
    const { read, links } = table();
    const next = 'next' as PublicKey;
    read(0, { rxBytes: 100 });
    expect(read(5, { publicKey: next, rxBytes: 20 })).toEqual(['up']);
    expect(links.state(next).rxBytes).toBe(120);
    expect(links.state(K).state).toBe('never');
    expect(links.history(K)).toBeUndefined();
    // Growth is the new key's own: what its machine sent before proves nothing of it.
    expect(links.history(next)?.received).toBe(20);
  });

  it('go on when the device was away for a while', () => {
    const { read, links } = table();
    read(0, { rxBytes: 100 });
    expect(read(5, { rxBytes: 120 })).toEqual(['up']);
    expect(read(5)).toEqual([]);
    expect(links.census()).toEqual({ up: 0, down: 0, never: 0 });
    expect(read(5, { rxBytes: 5 })).toEqual([]);
    expect(links.state(K)).toMatchObject({ state: 'up', rxBytes: 125 });
  });

  it('are kept for an hour without the peer, and then forgotten', () => {
    const { read, links } = table();
    read(0, { rxBytes: 90 });
    for (let minutes = 0; minutes < 59; minutes++) read(60);
    const next = 'next' as PublicKey;
    read(59, { publicKey: next, rxBytes: 10 });
    expect(links.state(next).rxBytes).toBe(100);
    read(3601);
    read(5, { rxBytes: 7 });
    expect(links.state(K).rxBytes).toBe(7);
  });

  it('never run backwards, whatever the device shows', () => {
    const shown = fc.record({
      rxBytes: fc.nat(1000),
      txBytes: fc.nat(1000),
      publicKey: fc.constantFrom('a' as PublicKey, 'b' as PublicKey),
    });
    fc.assert(
      fc.property(fc.array(fc.option(shown)), (readings) => {
        const { read, links } = table();
        let before = { rxBytes: 0, txBytes: 0 };
        for (const reading of readings) {
          read(5, ...(reading === null ? [] : [reading]));
          if (reading === null) continue;
          const now = links.state(reading.publicKey);
          expect(now.rxBytes).toBeGreaterThanOrEqual(before.rxBytes);
          expect(now.txBytes).toBeGreaterThanOrEqual(before.txBytes);
          before = now;
        }
      }),
    );
  });
});

describe('a reading in which peers are the same objects as in the one before', () => {
  it('tells what one of copies tells', () => {
    const shown = fc.record({
      publicKey: fc.constantFrom('a' as PublicKey, 'b' as PublicKey),
      rxBytes: fc.constantFrom(0, 5, 9),
      endpoint: fc.constantFrom(null, 'x:1', 'y:1'),
      latestHandshake: fc.constantFrom(0, handshake(10)),
    });
    const reading = fc.tuple(
      fc.constantFrom(5, 40, 80),
      fc.uniqueArray(shown, { selector: ({ publicKey }) => publicKey }),
    );
    fc.assert(
      fc.property(fc.array(reading), (readings) => {
        const [same, copied] = [table(), table()].map(({ links }) => links);
        const before = new Map<string, ObservedPeer>();
        let at = 0;
        for (const [seconds, peers] of readings) {
          at += seconds * SECOND;
          const full = peers.map((each) => peer({ allowedIps: [`${each.publicKey}/128`], ...each }));
          const kept = full.map((each) => {
            const text = JSON.stringify(each);
            before.set(text, before.get(text) ?? each);
            return before.get(text) ?? each;
          });
          const [one, other] = [kept, full.map((each) => ({ ...each }))].map((all, n) =>
            [same, copied][n]?.take({
              device: { publicKey: null, listenPort: 1, peers: new Map(all.map((each) => [each.publicKey, each])) },
              at,
              wall: EPOCH + at,
            }),
          );
          expect(one).toEqual(other);
          expect(same?.census()).toEqual(copied?.census());
        }
      }),
    );
  });
});
