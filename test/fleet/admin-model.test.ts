import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MACHINE_STATES } from '../../src/domain/join-types.ts';
import { offer } from '../../src/domain/unique-token.ts';
import { type AdminWorld, adminWorld } from './admin-world.ts';

const ACTS = ['accept', 'reject', 'claim', 'transfer', 'release', 'label', 'resetToken', 'remove', 'readmit'] as const;

interface Ask {
  readonly machine: number;
  readonly act: (typeof ACTS)[number];
  readonly owner: string;
  /** Added to the version that is there when it is asked; null names none. */
  readonly seen: number | null;
}

/** Asked for at one time, while so many commits and device steps fail. */
interface Round {
  readonly asks: readonly Ask[];
  readonly logFailures: number;
  readonly deviceFailures: number;
  readonly restart: boolean;
}

const round: fc.Arbitrary<Round> = fc.record({
  asks: fc.array(
    fc.record({
      machine: fc.integer({ min: 1, max: 3 }),
      act: fc.constantFrom(...ACTS),
      owner: fc.constantFrom('a', 'b'),
      seen: fc.constantFrom(null, null, 0, 1),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  logFailures: fc.constantFrom(0, 0, 1, 2),
  deviceFailures: fc.constantFrom(0, 0, 1),
  restart: fc.boolean(),
});

function ask({ admin, machine }: AdminWorld, { machine: id, act, owner, seen }: Ask): Promise<unknown> {
  const { uuid, version } = machine(id);
  const based = seen === null ? undefined : version + seen;
  switch (act) {
    case 'claim':
      return admin.claim(uuid, { owner }, owner);
    case 'transfer':
      return admin.claim(uuid, { owner }, owner, version);
    case 'label':
      return admin.label(uuid, { set: { owner }, unset: [] }, owner, based);
    case 'remove':
      return admin.remove(uuid, { records: owner === 'a' }, owner, based);
    default:
      return admin[act](uuid, owner, based);
  }
}

const MAY_LINK = new Set(['known', 'pending', 'accepted', 'provisional']);

it('whatever is asked at one time and whatever fails: one truth in memory, store and device', async () => {
  const property = fc.asyncProperty(
    fc.tuple(...[1, 2, 3].map(() => fc.constantFrom(...MACHINE_STATES))),
    fc.array(round, { minLength: 1, maxLength: 6 }),
    async (states, rounds) => {
      let world = adminWorld(states.map((state) => ({ state, uniqueTokens: offer([], 'aa') })));
      const addresses = [1, 2, 3].map((id) => world.machine(id).address);
      for (const { asks, logFailures, deviceFailures, restart } of rounds) {
        const before = [1, 2, 3].map((id) => world.machine(id));
        const told = () => world.log.changes.filter(({ records }) => records.length > 0).length;
        const toldBefore = told();
        world.log.failures = logFailures;
        world.device.failures = deviceFailures;
        const results = await Promise.allSettled(asks.map((one) => ask(world, one)));
        world.log.failures = 0;
        world.device.failures = 0;
        for (const result of results) {
          if (result.status === 'fulfilled') continue;
          expect(result.reason.code).toMatch(/^(stale|conflict|precondition_required|storage|command_failed)$/);
        }
        const after = [1, 2, 3].map((id) => world.machine(id));
        // Each change is one version, and told in one commit.
        const grown = after.reduce((sum, { version }, i) => sum + version - (before[i]?.version ?? 0), 0);
        expect(told() - toldBefore).toBe(grown);
        const next = world.restarted();
        expect([1, 2, 3].map((id) => next.machine(id))).toEqual(after);
        const peers = after
          .filter(({ key, state }) => key !== null && MAY_LINK.has(state))
          .map(({ key, address }) => ({ publicKey: key, address }));
        expect(world.machines.peers()).toEqual(expect.arrayContaining(peers));
        expect(world.machines.peers()).toHaveLength(peers.length);
        expect(next.machines.peers()).toHaveLength(peers.length);
        expect(after.map(({ address }) => address)).toEqual(addresses);
        // Asked again without failures, what was cut has no peer, and what was let in has its own.
        for (const { id, uuid, state, key } of after) {
          if (state === 'removed') await world.admin.remove(uuid, { records: false }, 'x');
          if (state === 'rejected') await world.admin.reject(uuid, 'x');
          if (state === 'accepted') await world.admin.accept(uuid, 'x');
          expect(world.machine(id)).toEqual(after[id - 1]);
          if (key === null || state === 'expired') continue;
          if (!MAY_LINK.has(state)) expect(world.device.peers.has(key)).toBe(false);
          if (state === 'accepted') expect(world.device.peers.get(key)).toBe(world.machine(id).address);
        }
        if (restart) world = next;
      }
    },
  );
  await fc.assert(property, { numRuns: 300 });
});
