import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineApiFault } from '../../src/talos/api-error.ts';
import { Hall } from './token-writer-hall.ts';

const PROVISIONAL = { state: 'provisional', madeFor: 'junk', knowsUuid: false } as const;

type Step =
  | {
      readonly do: 'report' | 'leave' | 'late' | 'boot' | 'remove' | 'readmit' | 'bind' | 'down' | 'up';
      readonly id: number;
    }
  | { readonly do: 'end'; readonly which: number; readonly result: 'ok' | MachineApiFault }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'store' };

const id = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('report' as const), id }) },
  fc.record({ do: fc.constantFrom('leave', 'late', 'boot', 'remove', 'readmit', 'bind', 'down', 'up'), id }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(2),
      result: fc.constantFrom('ok', 'timeout', 'refused', 'certificate_demanded', 'unimplemented', 'unreachable'),
    }),
  },
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 2_000, 10_000, 400_000) }),
  fc.record({ do: fc.constant('store' as const) }),
);

function perform(hall: Hall, each: Step, gate: { resolve(): void }): void {
  switch (each.do) {
    case 'report':
      hall.report(each.id);
      return;
    case 'leave':
      hall.report(each.id, 'RUNNING');
      return;
    case 'late':
      hall.report(each.id, 'MAINTENANCE', Math.max(1, hall.machine(each.id).boot - 1));
      return;
    case 'boot':
      hall.boot(each.id);
      return;
    case 'remove':
      hall.change(each.id, { state: 'removed' }, 'removed');
      return;
    case 'readmit':
      hall.change(each.id, { state: 'accepted' });
      return;
    case 'bind':
      hall.change(each.id, { uniqueToken: 'bound' });
      return;
    case 'down':
    case 'up':
      hall.link(each.id, each.do === 'up');
      return;
    case 'end':
      [...hall.running][each.which]?.end(each.result);
      return;
    case 'store':
      gate.resolve();
      return;
    case 'wait':
      return;
  }
}

describe('whatever happens', () => {
  it('there is one write at a time for a machine, only in maintenance, and at most ten in a boot', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const hall = new Hall();
        for (const each of [1, 2]) hall.add(each);
        hall.add(3, PROVISIONAL);
        let gate = Promise.withResolvers<void>();
        hall.offerGate = gate.promise;
        const writer = hall.writer({ maxConcurrent: 2 });
        let looked = 0;
        for (const each of steps) {
          perform(hall, each, gate);
          if (each.do === 'store') {
            gate = Promise.withResolvers<void>();
            hall.offerGate = gate.promise;
          }
          // What is being written is of a machine that may be written to, as soon as anything has changed.
          for (const write of hall.running) {
            const { boot, state } = hall.machine(write.machine);
            expect([state === 'removed', boot]).toEqual([false, write.boot]);
            expect(hall.statuses.stage(write.machine)).toEqual({ stage: 'MAINTENANCE', boot });
          }
          await hall.clock.advance(each.do === 'wait' ? each.ms : 0);
          const machines = [...hall.running].map(({ machine }) => machine);
          expect(new Set(machines).size).toBe(machines.length);
          expect(machines.length).toBeLessThanOrEqual(2);
          for (const { machine, boot, key } of hall.wrote.slice(looked)) {
            expect(hall.machine(machine).boot).toBe(boot);
            expect(hall.wrote.filter((write) => write.machine === machine && write.boot === boot).length).toBeLessThan(
              11,
            );
            expect(key === 16 || machine === 3).toBe(true);
          }
          looked = hall.wrote.length;
        }
        gate.resolve();
        await writer.stop(0);
        expect(hall.running.size).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
