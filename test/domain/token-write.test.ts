import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MACHINE_STATES } from '../../src/domain/join-types.ts';
import {
  begun,
  type MetaKey,
  maintained,
  newProgress,
  nextTokenWrite,
  type TokenWriteFacts,
  type TryResult,
  tried,
  type WritableMachine,
  type WriteProgress,
} from '../../src/domain/token-write.ts';

const machine: WritableMachine = {
  state: 'accepted',
  boot: 3,
  talosVersion: 'v1.11.0',
  uniqueToken: 'none',
  madeFor: null,
  knowsUuid: true,
};
const provisional: Partial<WritableMachine> = { state: 'provisional', madeFor: 'junk', knowsUuid: false };

interface Row {
  readonly machine?: Partial<WritableMachine>;
  readonly progress?: Partial<WriteProgress>;
  readonly stage?: string | null;
  readonly boot?: number;
  readonly linked?: boolean;
}

function facts(row: Row): TokenWriteFacts {
  return {
    machine: { ...machine, ...row.machine },
    reported: { stage: row.stage === undefined ? 'MAINTENANCE' : row.stage, boot: row.boot ?? 3 },
    linked: row.linked ?? true,
    progress: { ...newProgress(3), ...row.progress },
    now: 1_000,
  };
}

function decided(row: Row): string {
  const step = nextTokenWrite(facts(row));
  switch (step.kind) {
    case 'write':
      return `write ${step.key}`;
    case 'wait':
      return `wait until ${step.until}`;
    case 'wait_for_link':
      return 'wait for the link';
    case 'nothing':
      return step.why;
  }
}

const table: readonly [what: string, row: Row, step: string][] = [
  ['a machine in maintenance without a token', {}, 'write 16'],
  ['pending', { machine: { state: 'pending' } }, 'write 16'],
  ['provisional', { machine: provisional }, 'write 16'],
  ['pre-registered', { machine: { state: 'known' } }, 'idle'],
  ['rejected', { machine: { state: 'rejected' } }, 'idle'],
  ['removed', { machine: { state: 'removed' } }, 'idle'],
  ['offered: by a try whose answer was lost, or in a former boot', { machine: { uniqueToken: 'offered' } }, 'write 16'],
  ['bound', { machine: { uniqueToken: 'bound' } }, 'idle'],
  ['proven', { machine: { uniqueToken: 'proven' } }, 'idle'],
  ['Talos 1.5', { machine: { talosVersion: 'v1.5.3' } }, 'idle'],
  ['Talos that does not say, so older than 1.6', { machine: { talosVersion: null } }, 'idle'],
  ['Talos 1.6 beta', { machine: { talosVersion: 'v1.6.0-beta.1' } }, 'write 16'],
  ['Talos made at home', { machine: { talosVersion: 'my-build' } }, 'write 16'],
  ['running', { stage: 'RUNNING' }, 'idle'],
  ['no stage yet', { stage: null }, 'idle'],
  ['maintenance, but of the boot before', { boot: 2 }, 'idle'],
  ['no link', { linked: false }, 'wait for the link'],
  ['after a failure', { progress: { notBefore: 3_000, failures: 1, tries: 1 } }, 'wait until 3000'],
  ['after a failure, long ago', { progress: { notBefore: 1_000, failures: 1, tries: 1 } }, 'write 16'],
  ['nine tries', { progress: { tries: 9 } }, 'write 16'],
  ['ten tries', { progress: { tries: 10 } }, 'given_up'],
  ['a demand for a certificate', { progress: { halted: 'certificate_demanded' } }, 'wants_certificate'],
  ['a demand, and running now', { progress: { halted: 'certificate_demanded' }, stage: 'RUNNING' }, 'idle'],
  ['no MetaWrite', { progress: { halted: 'unimplemented' } }, 'given_up'],
  ['written, not back yet', { progress: { written: [16] }, machine: { uniqueToken: 'offered' } }, 'written'],
  ['written, and running since', { progress: { written: [16] }, stage: 'RUNNING' }, 'written'],
  ['written, and forgotten by `reset-token` since', { progress: { written: [16] } }, 'written'],
  ['an assigned UUID, after the token', { machine: provisional, progress: { written: [16] } }, 'write 15'],
  ['an assigned UUID, the token came back', { machine: { ...provisional, uniqueToken: 'bound' } }, 'write 15'],
  ['an assigned UUID, both written', { machine: provisional, progress: { written: [16, 15] } }, 'written'],
  ['an assigned UUID that it knows', { machine: { ...provisional, knowsUuid: true, uniqueToken: 'bound' } }, 'idle'],
  ['an assigned UUID, accepted', { machine: { ...provisional, state: 'accepted', uniqueToken: 'bound' } }, 'write 15'],
  ['a UUID of its own that it joins by an alias of', { machine: { knowsUuid: false, uniqueToken: 'bound' } }, 'idle'],
];

describe('what to write to a machine', () => {
  it.each(table)('%s', (_, row, step) => expect(decided(row)).toBe(step));

  it('waits from 2 s to 5 min after failures in a row, and anew after a success', () => {
    const waits: number[] = [];
    let progress = newProgress(1);
    for (let at = 0; at < 10; at += 1) {
      progress = tried(begun(progress), 16, 'failed', 0);
      waits.push(progress.notBefore / 1_000);
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect(tried(tried(progress, 16, 'written', 0), 15, 'failed', 0).notBefore).toBe(2_000);
  });

  it('does not count what could not be begun', () => {
    const progress = tried(newProgress(1), 16, 'not_tried', 0);
    expect(progress).toMatchObject({ tries: 0, notBefore: 2_000, halted: null });
  });

  it('tries again when a machine that wanted a certificate reports maintenance, but not one without MetaWrite', () => {
    const outcome = (result: TryResult) => tried(begun(newProgress(3)), 16, result, 0);
    expect(maintained(outcome('certificate_demanded'))).toMatchObject({ halted: null, tries: 1, notBefore: 2_000 });
    expect(maintained(outcome('unimplemented'))).toMatchObject({ halted: 'unimplemented' });
  });

  it('never writes outside maintenance, the UUID before the token, a value twice, or an eleventh time', () => {
    const oneOf = <T extends string | null>(...values: T[]) => fc.constantFrom(...values);
    const anyMachine: fc.Arbitrary<WritableMachine> = fc.record({
      state: fc.constantFrom(...MACHINE_STATES),
      boot: fc.integer({ min: 1, max: 3 }),
      talosVersion: oneOf('v1.5.0', 'v1.6.0', 'v1.13.0', 'x', null),
      uniqueToken: oneOf('none', 'offered', 'bound', 'proven'),
      madeFor: oneOf('junk', null),
      knowsUuid: fc.boolean(),
    });
    const step = fc.record({
      machine: anyMachine,
      stage: oneOf('MAINTENANCE', 'RUNNING', null),
      boot: fc.integer({ min: 1, max: 3 }),
      linked: fc.boolean(),
      after: fc.integer({ min: 0, max: 400_000 }),
      result: oneOf<TryResult>('written', 'failed', 'certificate_demanded', 'unimplemented', 'not_tried'),
      reports: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let progress = newProgress(1);
        let now = 0;
        const wrote: MetaKey[] = [];
        let writes = 0;
        for (const each of steps) {
          now += each.after;
          if (each.reports) progress = maintained(progress);
          const reported = { stage: each.stage, boot: each.boot };
          const next = nextTokenWrite({ ...each, reported, progress, now });
          if (next.kind === 'wait') expect(next.until).toBeGreaterThan(now);
          if (next.kind !== 'write') continue;
          expect(each).toMatchObject({ stage: 'MAINTENANCE', boot: each.machine.boot, linked: true });
          const held = each.machine.uniqueToken === 'bound' || each.machine.uniqueToken === 'proven';
          if (next.key === 15) expect(held || wrote.includes(16)).toBe(true);
          expect(wrote).not.toContain(next.key);
          if (each.result !== 'not_tried') {
            progress = begun(progress);
            writes += 1;
          }
          progress = tried(progress, next.key, each.result, now);
          if (each.result === 'written') wrote.push(next.key);
        }
        expect(writes).toBeLessThanOrEqual(10);
      }),
    );
  });
});
