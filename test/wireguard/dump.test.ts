import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import { parseDump } from '../../src/wireguard/dump.ts';
import { chunkChanges } from '../../src/wireguard/wg.ts';

const own = PrivateKey.generate();
const head = `${own.reveal()}\t${own.publicKey}\t51821\toff`;
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const peer = fc.record({
  publicKey: key,
  endpoint: fc.constantFrom(null, '192.0.2.1:51820', '[2001:db8::1]:1'),
  allowedIps: fc.constantFrom<string[]>([], ['fd00::2/128'], ['fd00::2/128', '10.0.0.0/8']),
  latestHandshake: counter,
  rxBytes: counter,
  txBytes: counter,
});

describe('the dump', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(peer, { selector: (each) => each.publicKey }),
        fc.constantFrom('', '\n'),
        (peers, end) => {
          const lines = peers.map((each) =>
            [
              each.publicKey,
              '(none)',
              each.endpoint ?? '(none)',
              each.allowedIps.join(',') || '(none)',
              each.latestHandshake,
              each.rxBytes,
              each.txBytes,
              'off',
            ].join('\t'),
          );
          const parsed = parseDump([head, ...lines].join('\n') + end);
          expect(parsed.publicKey).toBe(own.publicKey);
          expect(parsed.listenPort).toBe(51_821);
          expect([...parsed.peers.values()]).toEqual(peers);
        },
      ),
    );
  });

  it('of a device without a key has none', () => {
    expect(parseDump('(none)\t(none)\t33725\toff')).toEqual({ publicKey: null, listenPort: 33_725, peers: new Map() });
  });

  it('of 10,000 peers is read whole', () => {
    const line = (n: number) =>
      `${String(n).padStart(43, 'A')}=\t(none)\t(none)\tfd00::${n.toString(16)}/128\t0\t0\t0\toff`;
    const peers = Array.from({ length: 10_000 }, (_, n) => line(n));
    expect(parseDump([head, ...peers].join('\n')).peers.size).toBe(10_000);
  });

  it.each([
    ['nothing', ''],
    ['a half line', `${own.reveal()}\t`],
    ['a half peer', `${head}\n${own.publicKey}\t(none)\t`],
    ['a counter that is none', `${head}\n${own.publicKey}\t(none)\t(none)\t(none)\t0\t-1\t0\toff`],
    ['an empty line between', `${head}\n\n${own.publicKey}\t(none)\t(none)\t(none)\t0\t0\t0\toff`],
  ])('that is %s is an error, which does not show the private key', (_, text) => {
    expect(() => parseDump(text)).toThrow(/line [12] /);
    try {
      parseDump(text);
    } catch (error) {
      expect(JSON.stringify([(error as Error).message, error, (error as Error).stack])).not.toContain(own.reveal());
    }
  });
});

describe('chunks of changes', () => {
  it('keep all changes in their order, each whole, and name no more peers than allowed', () => {
    const change = fc.constantFrom({ remove: 'a' }, { set: 'b' }, { remove: 'a', set: 'b' });
    fc.assert(
      fc.property(fc.array(change), fc.integer({ min: 2, max: 9 }), (changes, size) => {
        const chunks = chunkChanges(changes as never[], size) as unknown as (typeof changes)[];
        expect(chunks.flat()).toEqual(changes);
        for (const chunk of chunks) {
          expect(chunk.reduce((sum, each) => sum + Object.keys(each).length, 0)).toBeLessThanOrEqual(size);
        }
      }),
    );
  });
});
