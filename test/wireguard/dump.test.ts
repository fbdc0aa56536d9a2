import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import { DumpReader, parseDump } from '../../src/wireguard/dump.ts';
import type { ObservedPeer } from '../../src/wireguard/types.ts';
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
          const parsed = parseDump(dumpOf(peers as unknown as ObservedPeer[]) + end);
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
    ['a key that is longer', `${head}\n${own.publicKey}=\t(none)\t(none)\t(none)\t0\t0\t0\toff`],
    ['a field too many', `${head}\n${own.publicKey}\t(none)\t(none)\t(none)\t0\t0\t0\toff\t`],
    ['a number of 21 digits', `${head}\n${own.publicKey}\t(none)\t(none)\t(none)\t0\t${'9'.repeat(21)}\t0\toff`],
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

/** A peer's line, as `wg` writes it. */
function lineOf({ publicKey, endpoint, allowedIps, latestHandshake, rxBytes, txBytes }: ObservedPeer): string {
  const ips = allowedIps.join(',') || '(none)';
  return [publicKey, '(none)', endpoint ?? '(none)', ips, latestHandshake, rxBytes, txBytes, 'off'].join('\t');
}

const dumpOf = (peers: readonly ObservedPeer[]) => [head, ...peers.map(lineOf)].join('\n');

describe('dumps that are read one after the other', () => {
  const publicKeys = Array.from({ length: 6 }, () => PrivateKey.generate().publicKey);
  const small = fc.record({
    publicKey: fc.constantFrom(...publicKeys),
    endpoint: fc.constantFrom(null, '192.0.2.1:51820', '192.0.2.1:5182', '[2001:db8::1]:1'),
    allowedIps: fc.constantFrom<string[]>([], ['fd00::2/128'], ['fd00::3/128'], ['fd00::2/128', '10.0.0.0/8']),
    latestHandshake: fc.constantFrom(0, 7, 1_790_000_000),
    rxBytes: fc.constantFrom(0, 9, 10, Number.MAX_SAFE_INTEGER),
    txBytes: fc.constantFrom(0, 148),
  });
  const broken = fc.constantFrom('', `${head}\n`, `${head}\n${publicKeys[0]}\t(none)`, dumpOf([]).slice(0, 20));
  const readings = fc.array(
    fc.oneof(fc.uniqueArray(small, { selector: ({ publicKey }) => publicKey }), fc.array(small), broken),
  );

  it('show each what it says, whatever was read before, and what was read before stays', () => {
    fc.assert(
      fc.property(readings, (all) => {
        const reader = new DumpReader();
        const seen: (readonly [shown: ReadonlyMap<string, ObservedPeer>, said: ReadonlyMap<string, ObservedPeer>])[] =
          [];
        for (const reading of all) {
          if (typeof reading === 'string') {
            try {
              reader.read(reading);
            } catch {
              // As every dump that is not whole.
            }
            continue;
          }
          // Of a key that is said twice the last counts, as it always has.
          const said = new Map(reading.map((each) => [each.publicKey, each]));
          seen.push([reader.read(dumpOf(reading)).peers, said]);
        }
        for (const [shown, said] of seen) {
          expect(shown.size).toBe(said.size);
          for (const [publicKey, each] of said) expect(shown.get(publicKey)).toEqual(each);
        }
      }),
    );
  });

  it('give peers that did not change as the same objects, in whatever order, and the same map if none did', () => {
    const of = (n: number, rxBytes: number): ObservedPeer => ({
      publicKey: publicKeys[n] ?? own.publicKey,
      endpoint: `192.0.2.${n}:51820`,
      allowedIps: [`fd00::${n}/128`],
      latestHandshake: 1_790_000_000,
      rxBytes,
      txBytes: 0,
    });
    const reader = new DumpReader();
    const first = reader.read(dumpOf([of(0, 1), of(1, 1), of(2, 1)])).peers;
    const second = reader.read(dumpOf([of(2, 1), of(0, 1), of(1, 2)])).peers;
    const at = (n: number) => of(n, 0).publicKey;
    expect(second.get(at(0))).toBe(first.get(at(0)));
    expect(second.get(at(2))).toBe(first.get(at(2)));
    expect([first.get(at(1))?.rxBytes, second.get(at(1))?.rxBytes]).toEqual([1, 2]);
    expect(second.get(at(1))?.allowedIps).toBe(first.get(at(1))?.allowedIps);
    expect(reader.read(`${dumpOf([of(1, 2), of(2, 1), of(0, 1)])}\n`).peers).toBe(second);
  });

  it('of a fleet that grows and shrinks by hundreds are whole', () => {
    const line = (n: number) =>
      `${String(n).padStart(43, 'B')}=\t(none)\t(none)\tfd00::${n.toString(16)}/128\t0\t${n}\t0\toff`;
    const reader = new DumpReader();
    for (const [from, to] of [
      [0, 50],
      [0, 1_000],
      [900, 1_300],
      [0, 3_000],
      [2_999, 3_000],
      [0, 0],
      [5, 700],
    ] as const) {
      const { peers } = reader.read([head, ...Array.from({ length: to - from }, (_, n) => line(from + n))].join('\n'));
      expect([...peers.values()].map(({ rxBytes }) => rxBytes).sort((a, b) => a - b)).toEqual(
        Array.from({ length: to - from }, (_, n) => from + n),
      );
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
