import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PublicKey } from '../../src/domain/keys.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import {
  type DesiredPeer,
  outcome,
  type PeerStep,
  patchPeers,
  planPeers,
  type ShownPeer,
} from '../../src/domain/peer-plan.ts';

const key = fc.integer({ min: 1, max: 12 }).map((n) => `key${n}` as PublicKey);
const address = fc.integer({ min: 2, max: 14 }).map((n) => `fd00::${n}` as OverlayAddress);
const peer = fc.record({ publicKey: key, address });
const desired = fc
  .uniqueArray(peer, { selector: (each) => each.publicKey })
  .map((peers) => peers.filter((each, at) => peers.findIndex(({ address: a }) => a === each.address) === at));

/** A device: each AllowedIP belongs to one peer, and setting it takes it from the one that had it. */
function perform(before: ReadonlyMap<PublicKey, ShownPeer>, steps: Iterable<PeerStep>): Map<PublicKey, ShownPeer> {
  const device = new Map(before);
  for (const { remove, set } of steps) {
    if (remove !== undefined) device.delete(remove);
    if (set === undefined) continue;
    const taken = `${set.address}/128`;
    for (const [other, { allowedIps }] of device) {
      device.set(other, { allowedIps: allowedIps.filter((ip) => ip !== taken) });
    }
    device.set(set.publicKey, { allowedIps: [taken] });
  }
  return device;
}

const steps = fc.array(
  fc.record({ remove: key, set: peer }, { requiredKeys: [] }).map((step): PeerStep => step),
  { maxLength: 30 },
);

/** Any device that can be: made by any steps, with foreign AllowedIPs beside. */
const observed = fc
  .tuple(steps, fc.array(fc.tuple(key, fc.constantFrom('fd00::/64', '10.0.0.1/32')), { maxLength: 3 }))
  .map(([made, foreign]) => {
    const device = perform(new Map(), made);
    for (const [owner, ip] of foreign)
      device.set(owner, { allowedIps: [...(device.get(owner)?.allowedIps ?? []), ip] });
    return device;
  });

const exactly = (peers: Iterable<DesiredPeer>) =>
  new Map([...peers].map((each) => [each.publicKey, { allowedIps: [`${each.address}/128`] }]));

describe('the plan of peers', () => {
  it('ends in exactly the desired peers, from any device', () => {
    fc.assert(
      fc.property(desired, observed, (peers, device) => {
        const plan = planPeers(peers, device);
        expect(perform(device, plan.steps)).toEqual(exactly(peers));
      }),
    );
  });

  it('is empty where all is right, and never touches a peer that is right', () => {
    fc.assert(
      fc.property(desired, observed, (peers, device) => {
        expect(planPeers(peers, exactly(peers)).steps).toEqual([]);
        const touched = planPeers(peers, device).steps.flatMap(({ remove, set }) => remove ?? set?.publicKey ?? []);
        for (const each of peers) {
          const ips = device.get(each.publicKey)?.allowedIps;
          const right = ips?.length === 1 && ips[0] === `${each.address}/128`;
          expect(touched.includes(each.publicKey)).toBe(!right);
        }
      }),
    );
  });

  it('gives an endpoint only to peers that are not there', () => {
    fc.assert(
      fc.property(desired, observed, (peers, device) => {
        const located = peers.map((each) => ({ ...each, endpoint: '192.0.2.1:1' }));
        for (const { set } of planPeers(located, device).steps) {
          if (set !== undefined) expect(set.endpoint !== undefined).toBe(!device.has(set.publicKey));
        }
      }),
    );
  });

  it('counts what it does', () => {
    fc.assert(
      fc.property(desired, observed, (peers, device) => {
        const { steps: planned, added, removed, changed, empty } = planPeers(peers, device);
        expect(added + removed + changed).toBe(planned.length);
        expect(added).toBe(peers.filter(({ publicKey }) => !device.has(publicKey)).length);
        expect(device.size + added - removed).toBe(peers.length);
        expect(empty).toEqual([...device].filter(([, { allowedIps }]) => allowedIps.length === 0).map(([k]) => k));
      }),
    );
  });

  it('flags the peer that was robbed of its address, and gives it back', () => {
    const victim: DesiredPeer = { publicKey: 'key1' as PublicKey, address: 'fd00::2' as OverlayAddress };
    const device = new Map([
      [victim.publicKey, { allowedIps: [] }],
      ['thief' as PublicKey, { allowedIps: ['fd00::2/128'] }],
    ]);
    expect(planPeers([victim], device)).toEqual({
      steps: [{ remove: 'thief' }, { set: victim }],
      added: 0,
      removed: 1,
      changed: 1,
      empty: ['key1'],
    });
  });

  it('refuses two peers with one address, and two with one key: no device can show that', () => {
    const one: DesiredPeer = { publicKey: 'key1' as PublicKey, address: 'fd00::2' as OverlayAddress };
    expect(() => planPeers([one, { ...one, publicKey: 'key2' as PublicKey }], new Map())).toThrow(/share/);
    expect(() => planPeers([one, { ...one, address: 'fd00::3' as OverlayAddress }], new Map())).toThrow(/share/);
  });
});

describe('later changes', () => {
  it('are in the patched peers as they would be in the device', () => {
    fc.assert(
      fc.property(desired, steps, (peers, changes) => {
        const device = perform(exactly(peers), changes);
        const patched = exactly(patchPeers(peers, changes));
        // The one difference: a peer robbed of its address stays in a device, empty; it is not desired any more.
        for (const [owner, { allowedIps }] of device) if (allowedIps.length === 0) device.delete(owner);
        expect(patched).toEqual(device);
      }),
    );
  });

  it('leave no two peers with one address', () => {
    fc.assert(
      fc.property(desired, steps, (peers, changes) => {
        expect(() => planPeers(patchPeers(peers, changes), new Map())).not.toThrow();
      }),
    );
  });

  it('have an outcome for every key they name', () => {
    fc.assert(
      fc.property(steps, (changes) => {
        const keys = changes
          .flatMap(({ remove, set }) => [remove, set?.publicKey])
          .filter((each) => each !== undefined);
        const result = outcome(changes);
        expect(new Set(result.keys())).toEqual(new Set(keys));
        const device = perform(new Map(), changes);
        for (const [each, at] of result) expect(device.has(each)).toBe(at !== null);
      }),
    );
  });
});
