import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Backlog } from '../../src/tunnel/backlog.ts';
import { ManualClock } from '../fleet/fakes.ts';

it('all streams together hold no more than the bound and what is assured to each', () => {
  const step = fc.record({
    stream: fc.nat({ max: 7 }),
    bytes: fc.integer({ min: 1, max: 1_400 }),
    taken: fc.nat({ max: 3_000 }),
    laterMs: fc.constantFrom(0, 0, 0, 1, 150),
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20_000 }), fc.array(step, { maxLength: 300 }), (maxBytes, steps) => {
      const clock = new ManualClock();
      const streams = Array.from({ length: 8 }, () => ({ unsent: 0 }));
      const backlog = new Backlog({ maxBytes, assuredBytes: 2_000 }, { streams: () => streams, clock });
      for (const { stream: index, bytes, taken, laterMs } of steps) {
        const stream = streams[index];
        if (stream === undefined) throw new Error('unreachable');
        clock.advance(laterMs);
        if (backlog.takes(stream, bytes)) stream.unsent += bytes;
        else expect(stream.unsent + bytes).toBeGreaterThan(2_000);
        const total = streams.reduce((sum, { unsent }) => sum + unsent, 0);
        expect(total).toBeLessThanOrEqual(maxBytes + 8 * 2_000);
        stream.unsent = Math.max(0, stream.unsent - taken);
      }
    }),
  );
});

it('what was taken makes room, a moment later', () => {
  const clock = new ManualClock();
  const one = { unsent: 0 };
  const backlog = new Backlog({ maxBytes: 5_000, assuredBytes: 0 }, { streams: () => [one], clock });
  const send = () => {
    const isTaken = backlog.takes(one, 1_000);
    if (isTaken) one.unsent += 1_000;
    return isTaken;
  };
  expect([1, 2, 3, 4, 5, 6].map(send)).toEqual([true, true, true, true, true, false]);
  one.unsent = 3_000;
  clock.advance(100);
  expect([1, 2, 3].map(send)).toEqual([true, true, false]);
});
