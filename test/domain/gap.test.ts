import { describe, expect, it } from 'vitest';
import { GAP_AGE, GapTracker } from '../../src/domain/gap.ts';

describe('GapTracker', () => {
  it('tells a hole when it is five seconds old, once', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 3, to: 7 }, 1_000);
    expect(gaps.take(1_000 + GAP_AGE - 1)).toEqual([]);
    expect(gaps.take(1_000 + GAP_AGE)).toEqual([{ from: 3, to: 7, count: 5, reason: 'missing' }]);
    gaps.told();
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
    gaps.told();
    for (const seq of [4, 3, 5]) gaps.filled(seq, 9_000);
    expect(gaps.take(9_001)).toEqual([{ from: 3, to: 5, count: 3, reason: 'filled' }]);
    expect(gaps.pending).toBe(false);
  });

  it('tells a partly filled hole after a while', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 3, to: 9 }, 0);
    gaps.take(GAP_AGE);
    gaps.told();
    gaps.filled(3, 9_000);
    gaps.filled(4, 9_100);
    expect(gaps.take(9_200)).toEqual([]);
    expect(gaps.take(9_000 + GAP_AGE)).toEqual([{ from: 3, to: 4, count: 2, reason: 'filled' }]);
  });

  it('keeps what could not be stored, and does not count it as told', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 0, to: 1 }, 0);
    const due = gaps.take(GAP_AGE);
    expect(gaps.toldDoc().reported).toEqual([0, 1]);
    expect(gaps.take(GAP_AGE)).toEqual([]);
    gaps.giveBack();
    expect(gaps.toldDoc().reported).toEqual([]);
    expect(gaps.pending).toBe(true);
    expect(gaps.take(GAP_AGE)).toEqual(due);
    gaps.told();
    expect(gaps.toldDoc().reported).toEqual([0, 1]);
  });

  it('says nothing of lines that came while the record that tells them missing failed', () => {
    const gaps = new GapTracker();
    gaps.opened({ from: 0, to: 3 }, 0);
    gaps.take(GAP_AGE);
    for (const seq of [1, 2]) gaps.filled(seq, GAP_AGE);
    gaps.giveBack();
    expect(gaps.take(GAP_AGE)).toEqual([
      { from: 0, to: 0, count: 1, reason: 'missing' },
      { from: 3, to: 3, count: 1, reason: 'missing' },
    ]);
  });

  it('tells a hole again that was given up while the record of it failed, and not if that was stored', () => {
    for (const isStored of [true, false]) {
      const gaps = new GapTracker();
      gaps.opened({ from: 0, to: 1 }, 0, 'rate');
      const due = gaps.take(GAP_AGE);
      gaps.sealed({ from: 0, to: 1 });
      expect(gaps.lostDoc()).toEqual({ lost: [[0, 1, 2, 'rate']], sealed_to: 1, came: [] });
      if (isStored) gaps.told();
      else gaps.giveBack();
      expect(gaps.take(GAP_AGE)).toEqual(isStored ? [] : due);
    }
  });

  it('keeps lost and refused lines apart, as far as there are not too many', () => {
    const gaps = new GapTracker();
    for (let seq = 0; seq < 1_000; seq += 1) gaps.opened({ from: seq, to: seq }, 0, seq % 2 === 0 ? 'missing' : 'rate');
    const due = gaps.take(GAP_AGE);
    expect(due.slice(0, 2)).toEqual([
      { from: 0, to: 0, count: 1, reason: 'missing' },
      { from: 1, to: 1, count: 1, reason: 'rate' },
    ]);
    expect(due.length).toBeLessThanOrEqual(128);
    expect(due.at(-1)).toMatchObject({ to: 999, reason: 'missing' });
    expect(due.reduce((sum, gap) => sum + gap.count, 0)).toBe(1_000);
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
    // What is on its way stays as it is, and memory bounded, while no answer comes.
    for (let i = 1_000; i < 2_000; i += 1) {
      gaps.opened({ from: i * 10, to: i * 10 + 1 }, 0);
      gaps.sealed({ from: i * 10, to: i * 10 + 1 });
    }
    expect(gaps.lostDoc().lost.length).toBeLessThanOrEqual(128);
    gaps.told();
    const rest = gaps.take(2);
    expect(rest.reduce((sum, gap) => sum + gap.count, 0)).toBe(2_000);
    expect(rest[0]?.from).toBe(10_000);
    gaps.told();
    expect(gaps.pending).toBe(false);
  });

  it('after a restart tells what was not told, and nothing twice', () => {
    const holes = [
      { from: 10, to: 49 },
      { from: 60, to: 69 },
    ];
    const gaps = GapTracker.restore(holes, { reported: [5, 6, 10, 20, 60, 69] }, 100);
    expect(gaps.take(100)).toEqual([{ from: 5, to: 6, count: 2, reason: 'filled' }]);
    gaps.told();
    expect(gaps.take(100 + GAP_AGE)).toEqual([{ from: 21, to: 49, count: 29, reason: 'missing' }]);
    gaps.told();
    gaps.filled(60, 20_000);
    expect(gaps.take(20_000 + GAP_AGE)).toEqual([{ from: 60, to: 60, count: 1, reason: 'filled' }]);
  });
});
