import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrivateKey, type PublicKey } from '../../src/domain/keys.ts';
import type { WireGuardDevice } from '../../src/wireguard/device.ts';
import type { PeerSpec } from '../../src/wireguard/types.ts';
import { FakeSystem } from './fake-system.ts';
import { World } from './world.ts';

const DEV = 'siderolink';
const OTHER_KEY = PrivateKey.generate();
const MACHINES = 2;
const KEYS_EACH = 3;

/** What machines ask for, and what others do to the device meanwhile. */
const action = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      machine: fc.nat(MACHINES - 1),
      key: fc.nat(KEYS_EACH - 1),
    }),
    weight: 4,
  },
  { arbitrary: fc.record({ kind: fc.constant('leave' as const), machine: fc.nat(MACHINES - 1) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('observe' as const) }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('reconcile' as const) }), weight: 1 },
  // Of others.
  { arbitrary: fc.record({ kind: fc.constant('remake' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('delete' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('rekey' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('remove' as const), machine: fc.nat(MACHINES - 1) }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('rob' as const), machine: fc.nat(MACHINES - 1) }), weight: 2 },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** The device over the model of the system, and what it has answered for. */
class Run {
  readonly system = new FakeSystem();
  readonly world = new World(this.system, DEV, 51_002);
  readonly device: WireGuardDevice = this.world.device({ batchWindowMs: 0, busyWindowMs: 0 });
  readonly machines = Array.from({ length: MACHINES }, () => ({
    address: this.world.peer().address,
    keys: Array.from({ length: KEYS_EACH }, () => PrivateKey.generate().publicKey),
  }));
  /** What each machine was last told that it has; nothing for one that was told that it failed. */
  readonly promised = new Map<number, PeerSpec>();
  /** What should be, as the registry would have it: also what failed after its commit. */
  readonly desired = new Map<number, PeerSpec>();
  /** Promises since the last reading that was believed. */
  readonly unread = new Set<number>();
  /** Whether others touched the device since then; and whether they made it anew since its repair. */
  touched = false;
  foreign = false;

  shown(publicKey: PublicKey): readonly string[] | undefined {
    return this.system.links.get(DEV)?.wireguard?.peers.get(publicKey)?.allowedIps;
  }

  async change(machine: number, set: PeerSpec | undefined): Promise<void> {
    const before = this.desired.get(machine);
    this.promised.delete(machine);
    this.unread.delete(machine);
    if (set === undefined) this.desired.delete(machine);
    else this.desired.set(machine, set);
    const remove = before !== undefined && before.publicKey !== set?.publicKey ? before.publicKey : undefined;
    if (set === undefined && remove === undefined) return;
    try {
      await this.device.apply({ ...(remove !== undefined && { remove }), ...(set !== undefined && { set }) });
    } catch {
      return;
    }
    // Law 1: it is in the device when that is said; and never said of a device that is not known to be ours.
    expect(this.foreign).toBe(false);
    if (set !== undefined) {
      expect(this.shown(set.publicKey)).toEqual([`${set.address}/128`]);
      this.promised.set(machine, set);
      this.unread.add(machine);
    }
    if (remove !== undefined) expect(this.shown(remove)).toBeUndefined();
  }

  async observe(): Promise<void> {
    let peers: ReadonlyMap<PublicKey, { readonly allowedIps: readonly string[] }>;
    try {
      ({ peers } = await this.device.observe());
    } catch {
      expect(this.touched || this.foreign).toBe(true);
      return;
    }
    // Law 5: who believes a reading must not miss a machine in it that was promised its link since the one before.
    for (const machine of this.unread) {
      const promise = this.promised.get(machine);
      if (promise === undefined) continue;
      expect(peers.get(promise.publicKey)?.allowedIps).toEqual([`${promise.address}/128`]);
    }
    this.unread.clear();
    this.touched = false;
  }

  async reconcile(): Promise<void> {
    const desired = [...this.desired.values()];
    await this.device.reconcile(desired);
    this.touched = false;
    this.foreign = false;
    this.unread.clear();
    const { peers } = await this.device.observe();
    const shown = [...peers].map(([key, { allowedIps }]) => `${key} ${allowedIps.join(',')}`).sort();
    expect(shown).toEqual(desired.map(({ publicKey, address }) => `${publicKey} ${address}/128`).sort());
  }

  async do(step: Action): Promise<void> {
    const link = this.system.links.get(DEV);
    switch (step.kind) {
      case 'join': {
        const { address, keys } = this.machines[step.machine] ?? { keys: [] };
        const publicKey = keys[step.key];
        if (address !== undefined && publicKey !== undefined) await this.change(step.machine, { publicKey, address });
        return;
      }
      case 'leave':
        return this.change(step.machine, undefined);
      case 'observe':
        return this.observe();
      case 'reconcile':
        return this.reconcile();
      case 'remake':
      case 'delete':
        this.foreign = true;
        if (link !== undefined) await this.system.run(['ip', 'link', 'del', 'dev', DEV]);
        if (step.kind === 'remake') await this.system.run(['ip', 'link', 'add', 'dev', DEV, 'type', 'wireguard']);
        return;
      case 'rekey':
        this.touched = true;
        if (link?.wireguard !== undefined) link.wireguard.privateKey = OTHER_KEY;
        return;
      case 'remove':
      case 'rob': {
        this.touched = true;
        const key = this.desired.get(step.machine)?.publicKey;
        const peer = key === undefined ? undefined : link?.wireguard?.peers.get(key);
        if (peer !== undefined && step.kind === 'rob') peer.allowedIps = [];
        if (key !== undefined && step.kind === 'remove') link?.wireguard?.peers.delete(key);
        return;
      }
    }
  }
}

describe('changes that are not read back', () => {
  it('hold whatever others do to the device meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 14 }), async (steps) => {
        const run = new Run();
        try {
          await run.device.start();
          await run.reconcile();
          for (const step of steps) await run.do(step);
          await run.reconcile();
        } finally {
          await run.device.stop();
          run.world.close();
        }
      }),
      { numRuns: 100 },
    );
  });
});
