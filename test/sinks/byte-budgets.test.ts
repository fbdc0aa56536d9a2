import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteBudgets } from '../../src/sinks/byte-budgets.ts';
import { ManualClock } from './fakes.ts';

function budgets(bytesPerSecond: number, burstBytes?: number) {
  const clock = new ManualClock();
  return {
    clock,
    all: new ByteBudgets({ bytesPerSecond, ...(burstBytes !== undefined && { burstBytes }) }, { clock }),
  };
}

describe('ByteBudgets', () => {
  it('lets a burst through, then waits for four seconds’ worth', () => {
    const { clock, all } = budgets(1_000, 50_000);
    all.charge(1, 49_999);
    expect(all.isOpen(1)).toBe(true);
    all.charge(1, 10_001);
    expect(all.isOpen(1)).toBe(false);
    // 10,000 over: fourteen seconds until 4,000 are there.
    clock.advance(13_999);
    expect(all.isOpen(1)).toBe(false);
    clock.advance(1);
    expect(all.isOpen(1)).toBe(true);
    expect(all.isOpen(2)).toBe(true);
  });

  it('waits for no more than a burst, where four seconds’ worth are more', () => {
    const { clock, all } = budgets(1_000, 2_000);
    all.charge(1, 2_000);
    clock.advance(1_999);
    expect(all.isOpen(1)).toBe(false);
    clock.advance(1);
    expect(all.isOpen(1)).toBe(true);
  });

  it('is no limit at 0', () => {
    const { all } = budgets(0);
    for (let i = 0; i < 100; i += 1) all.charge(1, 2 ** 40);
    expect(all.isOpen(1)).toBe(true);
  });

  it('forgets a machine that is gone', () => {
    const { all } = budgets(1, 10);
    all.charge(1, 100);
    expect(all.isOpen(1)).toBe(false);
    all.forget(1);
    expect(all.isOpen(1)).toBe(true);
  });

  it('lets through what rate and burst allow and one block more, at most, and all of it in the long run', () => {
    const step = fc.record({ ms: fc.nat(3_000), block: fc.integer({ min: 1, max: 5_000 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
        const [rate, burst] = [1_000, 20_000];
        const { clock, all } = budgets(rate, burst);
        let taken = 0;
        for (const { ms, block } of steps) {
          clock.advance(ms);
          if (!all.isOpen(1)) continue;
          taken += block;
          all.charge(1, block);
          expect(taken).toBeLessThanOrEqual(burst + (clock.monotonic() * rate) / 1_000 + 5_000);
        }
        clock.advance(60_000);
        expect(all.isOpen(1)).toBe(true);
      }),
    );
  });
});
