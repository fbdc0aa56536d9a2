import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GAP_AGE, type GapReport, GapTracker } from '../../src/domain/gap.ts';
import { AHEAD, FILLED, SeenRanges } from '../../src/domain/seen.ts';

describe('GapTracker', () => {
  it('tells a hole when it is five seconds old, once', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 3, to: 7 }, 1_000);
    expect(gaps.take(1_000 + GAP_AGE - 1)).toEqual([]);
    expect(gaps.take(1_000 + GAP_AGE)).toEqual([{ from: 3, to: 7, count: 5, reason: 'missing' }]);
    expect(gaps.take(1_000 + 2 * GAP_AGE)).toEqual([]);
  });

  it('says nothing of lines that were only out of order', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 3, to: 5 }, 0);
    for (const seq of [4, 3, 5]) gaps.filled(seq, 10);
    expect(gaps.pending).toBe(false);
    expect(gaps.take(GAP_AGE)).toEqual([]);
  });

  it('closes a told hole when its lines come after all', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 3, to: 5 }, 0);
    gaps.take(GAP_AGE);
    for (const seq of [4, 3, 5]) gaps.filled(seq, 9_000);
    expect(gaps.take(9_001)).toEqual([{ from: 3, to: 5, count: 3, reason: 'filled' }]);
    expect(gaps.pending).toBe(false);
  });

  it('tells a partly filled hole after a while', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 3, to: 9 }, 0);
    gaps.take(GAP_AGE);
    gaps.filled(3, 9_000);
    gaps.filled(4, 9_100);
    expect(gaps.take(9_200)).toEqual([]);
    expect(gaps.take(9_000 + GAP_AGE)).toEqual([{ from: 3, to: 4, count: 2, reason: 'filled' }]);
  });

  it('keeps what could not be stored, and does not count it as told', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 0, to: 1 }, 0);
    const due = gaps.take(GAP_AGE);
    expect(gaps.snapshot().reported).toEqual([0, 1]);
    gaps.giveBack(due);
    expect(gaps.snapshot().reported).toEqual([]);
    expect(gaps.pending).toBe(true);
    expect(gaps.take(GAP_AGE)).toEqual(due);
    expect(gaps.snapshot().reported).toEqual([0, 1]);
  });

  it('tells a sealed hole at once, in bounded parts with an exact count', () => {
    const gaps = new GapTracker();
    for (let i = 0; i < 1_000; i += 1) {
      gaps.opened({ from: i * 10, to: i * 10 + 1 }, 0);
      gaps.sealed({ from: i * 10, to: i * 10 + 1 });
    }
    const due = gaps.take(1);
    expect(due.length).toBeLessThanOrEqual(64);
    expect(due.reduce((sum, gap) => sum + gap.count, 0)).toBe(2_000);
    expect(gaps.pending).toBe(false);
  });

  it('after a restart tells what was not told, and nothing twice', () => {
    const holes = [
      { from: 10, to: 49 },
      { from: 60, to: 69 },
    ];
    const gaps = GapTracker.restore(holes, { reported: [10, 20, 60, 69], filled: [5, 6] }, 100);
    expect(gaps.take(100)).toEqual([{ from: 5, to: 6, count: 2, reason: 'filled' }]);
    expect(gaps.take(100 + GAP_AGE)).toEqual([{ from: 21, to: 49, count: 29, reason: 'missing' }]);
    gaps.filled(60, 20_000);
    expect(gaps.take(20_000 + GAP_AGE)).toEqual([{ from: 60, to: 60, count: 1, reason: 'filled' }]);
  });

  it('accounts for every missing line: told missing minus told filled is what is missing in the end', () => {
    const step = fc.record({ seq: fc.integer({ min: 0, max: 200 }), ms: fc.integer({ min: 0, max: 8_000 }) });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 6 }),
        (steps, maxHoles) => {
          const seen = new SeenRanges([], maxHoles);
          const stored = new Set<number>();
          let gaps = new GapTracker();
          const told: GapReport[] = [];
          let now = 0;
          for (const [i, { seq, ms }] of steps.entries()) {
            now += ms;
            const last = seen.last;
            const found = seen.add(seq);
            if (found !== 0) stored.add(seq);
            if (found === AHEAD) gaps.opened({ from: last + 1, to: seq - 1 }, now);
            if (found === FILLED) gaps.filled(seq, now);
            const sealed = seen.takeSealed();
            if (sealed !== undefined) gaps.sealed(sealed);
            const due = gaps.take(now);
            if (i % 7 === 3) gaps.giveBack(due);
            else told.push(...due);
            // A restart at any moment forgets nothing that was stored.
            if (i % 11 === 5) {
              told.push(...gaps.take(now + GAP_AGE));
              gaps = GapTracker.restore(seen.holes(), gaps.snapshot(), now);
            }
          }
          told.push(...gaps.take(now + 2 * GAP_AGE));
          const sum = (reason: string) => told.filter((g) => g.reason === reason).reduce((n, g) => n + g.count, 0);
          const missing = Math.max(...stored) + 1 - stored.size;
          expect(sum('missing') - sum('filled')).toBe(missing);
        },
      ),
    );
  });
});
