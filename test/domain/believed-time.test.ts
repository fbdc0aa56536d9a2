import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BELIEVED_AFTER_MS, type BelievedTime, believe, LEAP_MS } from '../../src/domain/believed-time.ts';

const NOW = Date.UTC(2026, 10, 21);
const YEAR = 365 * 24 * 3_600_000;
const fresh: BelievedTime = { time: NOW, at: 0, leaptAt: null };

/** What is believed after each look at a clock that is so far off, so much later than the one before. */
function looks(offsets: readonly { readonly after: number; readonly offset: number }[]) {
  let believed = fresh;
  let monotonic = 0;
  return offsets.map(({ after, offset }) => {
    monotonic += after;
    believed = believe(believed, NOW + monotonic + offset, monotonic);
    return { ...believed, monotonic };
  });
}

test('a clock that is set by less than a day is followed', () => {
  const small = fc.record({ after: fc.nat(100_000), offset: fc.integer({ min: -LEAP_MS / 2, max: LEAP_MS / 2 }) });
  fc.assert(
    fc.property(fc.array(small), (offsets) => {
      for (const [i, { time, monotonic, leaptAt }] of looks(offsets).entries()) {
        expect(time).toBe(NOW + monotonic + (offsets[i]?.offset ?? Number.NaN));
        expect(leaptAt).toBe(null);
      }
    }),
  );
});

test('however far it leaps, time goes on as before until it has stayed there for hours, and from then on with it', () => {
  const far = fc.integer({ min: LEAP_MS + 1, max: 100 * YEAR });
  fc.assert(
    fc.property(
      far,
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: BELIEVED_AFTER_MS }), { minLength: 1 }),
      (by, isBack, waits) => {
        const offset = isBack ? -by : by;
        let sinceLeap = 0;
        for (const [i, { time, monotonic }] of looks(waits.map((after) => ({ after, offset }))).entries()) {
          if (i > 0) sinceLeap += waits[i] ?? 0;
          expect(time).toBe(NOW + monotonic + (sinceLeap >= BELIEVED_AFTER_MS ? offset : 0));
        }
      },
    ),
  );
});

test('one that comes back is believed at once, and the next leap is a new one', () => {
  const hours = BELIEVED_AFTER_MS - 1;
  const found = looks([
    { after: 10, offset: 50 * YEAR },
    { after: hours, offset: 50 * YEAR },
    { after: 10, offset: 1000 },
    { after: 10, offset: 50 * YEAR },
    { after: hours, offset: 50 * YEAR },
    { after: 1, offset: 50 * YEAR },
  ]);
  const offsets = found.map(({ time, monotonic }) => time - NOW - monotonic);
  expect(offsets).toEqual([0, 0, 1000, 1000, 1000, 50 * YEAR]);
});
