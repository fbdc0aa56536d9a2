import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AHEAD, FILLED, NEXT, SEEN, SeenRanges } from '../../src/domain/seen.ts';

const seqs = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 80 });

function holesOf(seen: ReadonlySet<number>): number[] {
  const last = Math.max(-1, ...seen);
  return Array.from({ length: last + 1 }, (_, seq) => seq).filter((seq) => !seen.has(seq));
}

const numbersOf = (ranges: readonly { from: number; to: number }[]) =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));

describe('SeenRanges', () => {
  it('is a set of numbers with holes', () => {
    fc.assert(
      fc.property(seqs, (added) => {
        const model = new Set<number>();
        const ranges = new SeenRanges([], 1_000);
        for (const seq of added) {
          const last = Math.max(-1, ...model);
          const expected = model.has(seq) ? SEEN : seq === last + 1 ? NEXT : seq > last ? AHEAD : FILLED;
          expect(ranges.add(seq)).toBe(expected);
          model.add(seq);
        }
        expect(ranges.last).toBe(Math.max(-1, ...model));
        expect(numbersOf(ranges.holes())).toEqual(holesOf(model));
        for (let seq = 0; seq <= 61; seq += 1) expect(ranges.has(seq)).toBe(model.has(seq));
        expect(new SeenRanges(ranges.toJSON(), 1_000).toJSON()).toEqual(ranges.toJSON());
      }),
    );
  });

  it('counts what was skipped as a hole, behind its last number too', () => {
    const step = fc.record({ seq: fc.nat(40), skip: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new Set<number>();
        let last = -1;
        let ranges = new SeenRanges([], 1_000);
        for (const { seq, skip } of steps) {
          if (skip) ranges.skip(seq);
          else {
            const expected = model.has(seq) ? SEEN : seq === last + 1 ? NEXT : seq > last ? AHEAD : FILLED;
            expect(ranges.add(seq)).toBe(expected);
            model.add(seq);
          }
          last = Math.max(last, seq);
          expect(ranges.last).toBe(last);
          const missing = Array.from({ length: last + 1 }, (_, n) => n).filter((n) => !model.has(n));
          expect(numbersOf(ranges.holes())).toEqual(missing);
          for (let n = 0; n <= 41; n += 1) expect(ranges.has(n)).toBe(model.has(n));
          ranges = new SeenRanges(ranges.toJSON(), 1_000);
        }
      }),
    );
  });

  it('seals the lowest hole when there are too many, and says which', () => {
    fc.assert(
      fc.property(seqs, fc.integer({ min: 1, max: 4 }), (added, maxHoles) => {
        const model = new Set<number>();
        const ranges = new SeenRanges([], maxHoles);
        for (const seq of added) {
          ranges.add(seq);
          model.add(seq);
          const sealed = ranges.takeSealed();
          if (sealed !== undefined) {
            expect(sealed.from).toBe(holesOf(model)[0]);
            for (const missing of numbersOf([sealed])) model.add(missing);
          }
          expect(ranges.holes().length).toBeLessThanOrEqual(maxHoles);
          expect(numbersOf(ranges.holes())).toEqual(holesOf(model));
        }
      }),
    );
  });

  it('counts what lies before the first line as a hole', () => {
    const ranges = new SeenRanges();
    expect(ranges.add(10)).toBe(AHEAD);
    expect(ranges.holes()).toEqual([{ from: 0, to: 9 }]);
  });

  it('takes stored ranges only as far as they make sense', () => {
    expect(new SeenRanges([0, 5, 3, 9, 20, 10, 30, 31]).toJSON()).toEqual([0, 5, 30, 31]);
    expect(new SeenRanges([1, Number.NaN, 2]).toJSON()).toEqual([]);
  });

  it('bears the largest numbers', () => {
    const ranges = new SeenRanges();
    expect(ranges.add(Number.MAX_SAFE_INTEGER)).toBe(AHEAD);
    expect(ranges.add(Number.MAX_SAFE_INTEGER)).toBe(SEEN);
    expect(ranges.holes()).toEqual([{ from: 0, to: Number.MAX_SAFE_INTEGER - 1 }]);
  });
});
