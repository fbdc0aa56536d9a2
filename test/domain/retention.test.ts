import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AgingSegment, planDrops, type RetentionLimits } from '../../src/domain/retention.ts';

const NOW = 1_000_000;

/** Neighbours, the oldest first. */
const segments = fc
  .array(fc.record({ records: fc.integer({ min: 1, max: 99 }), bytes: fc.nat(999), later: fc.nat(50_000) }), {
    maxLength: 20,
  })
  .map((parts) => {
    let seq = 1;
    let time = NOW - 500_000;
    return parts.map(({ records, bytes, later }): AgingSegment => {
      const firstSeq = seq;
      seq += records;
      time = Math.min(NOW, time + later);
      return { firstSeq, lastSeq: seq - 1, lastTime: time, records, bytes };
    });
  });

const limits = fc.record({
  maxAgeMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(600_000)),
  maxBytes: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(10_000)),
});

const plans = fc.record({ segments, limits, rest: fc.nat(2000), wanted: fc.oneof(fc.constant(0), fc.nat(5000)) });

const sum = (parts: readonly { readonly bytes: number }[]) => parts.reduce((total, { bytes }) => total + bytes, 0);

describe('a plan', () => {
  it('takes the oldest, each wholly, and tells exactly what goes', () => {
    fc.assert(
      fc.property(plans, ({ segments, limits, rest, wanted }) => {
        const drops = planDrops(segments, sum(segments) + rest, wanted, limits, NOW);
        const gone = goneOf(segments, drops.at(-1)?.lastSeq);
        expect(sum(drops)).toBe(sum(gone));
        expect(drops.reduce((count, { records }) => count + records, 0)).toBe(
          gone.reduce((count, { records }) => count + records, 0),
        );
        expect(drops.map(({ firstSeq }) => firstSeq)).toEqual(
          drops.map((_, i) => (i === 0 ? segments[0]?.firstSeq : (drops[i - 1]?.lastSeq ?? 0) + 1)),
        );
        expect(drops.every(({ reason }, i) => reason !== drops[i - 1]?.reason)).toBe(true);
      }),
    );
  });

  it('takes nothing that is young while there is room, and nothing beyond need', () => {
    fc.assert(
      fc.property(plans, ({ segments, limits, rest, wanted }) => {
        const all = sum(segments) + rest;
        const gone = goneOf(segments, planDrops(segments, all, wanted, limits, NOW).at(-1)?.lastSeq);
        for (const [i, segment] of gone.entries()) {
          const before = sum(gone.slice(0, i));
          expect(isOld(segment, limits) || all - before > limits.maxBytes || wanted > before).toBe(true);
        }
      }),
    );
  });

  it('leaves nothing that must go', () => {
    fc.assert(
      fc.property(plans, ({ segments, limits, rest, wanted }) => {
        const all = sum(segments) + rest;
        const gone = goneOf(segments, planDrops(segments, all, wanted, limits, NOW).at(-1)?.lastSeq);
        const next = segments[gone.length];
        if (next === undefined) return;
        expect(isOld(next, limits)).toBe(false);
        expect(all - sum(gone)).toBeLessThanOrEqual(limits.maxBytes);
        expect(sum(gone)).toBeGreaterThanOrEqual(wanted);
      }),
    );
  });

  it('says why: age before bytes before the disk', () => {
    const segment = (n: number, lastTime: number) => ({ firstSeq: n, lastSeq: n, lastTime, records: 1, bytes: 10 });
    const four = [segment(1, 0), segment(2, 0), segment(3, NOW), segment(4, NOW), segment(5, NOW)];
    const drops = planDrops(four, 50, 35, { maxAgeMs: 100, maxBytes: 25 }, NOW);
    expect(drops.map(({ reason, firstSeq, lastSeq }) => [reason, firstSeq, lastSeq])).toEqual([
      ['age', 1, 2],
      ['bytes', 3, 3],
      ['disk', 4, 4],
    ]);
  });
});

function goneOf(segments: readonly AgingSegment[], through = 0): readonly AgingSegment[] {
  return segments.filter(({ lastSeq }) => lastSeq <= through);
}

function isOld({ lastTime }: AgingSegment, { maxAgeMs }: RetentionLimits): boolean {
  return NOW - lastTime > maxAgeMs;
}
