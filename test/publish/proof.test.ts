import fc from 'fast-check';
import { expect, it } from 'vitest';
import { provenThrough } from '../../src/publish/proof.ts';

const idOf = (record: number) => `i:${record}`;

/** A stream that has the records of receipts where they were acknowledged, but for some, and those that expired. */
function streamWith(
  receipts: readonly { sequence: number; record: number }[],
  isLost: (sequence: number) => boolean,
  expired = 0,
) {
  const at = new Map(receipts.map(({ sequence, record }) => [sequence, isLost(sequence) ? 'another' : idOf(record)]));
  const asked = new Set<number>();
  const idAt = async (sequence: number) => {
    asked.add(sequence);
    return sequence <= expired ? undefined : at.get(sequence);
  };
  return { asked, idAt };
}

function receiptsOf(steps: readonly number[]) {
  let sequence = 0;
  return steps.map((step) => {
    sequence += step;
    return { sequence, record: sequence * 3 };
  });
}

const steps = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 600 });

it('finds how far a stream has what it acknowledged, with few questions', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(12_000), fc.nat(3000), fc.nat(12_000), async (gaps, lost, expired, since) => {
      const receipts = receiptsOf(gaps);
      const newest = receipts.at(-1)?.sequence ?? 0;
      const isLost = (at: number) => at >= lost && at > expired;
      const { asked, idAt } = streamWith(receipts, isLost, expired);
      const proven = await provenThrough(receipts, since, idOf, idAt);
      const held = receipts.findLast(({ sequence }) => !isLost(sequence))?.sequence ?? 0;
      expect(proven).toBe(isLost(newest) ? held : Number.POSITIVE_INFINITY);
      expect(asked).toContain(newest);
      expect(asked.size).toBeLessThanOrEqual(32 + Math.ceil(Math.log2(receipts.length + 1)) + 1);
    }),
  );
});

it('is not led astray by what the server that lost it has acknowledged itself since', async () => {
  const changes = fc.record({
    gaps: steps,
    lost: fc.nat(600),
    since: fc.nat(600),
    length: fc.integer({ min: 1, max: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(changes, async ({ gaps, lost, since, length }) => {
      const receipts = receiptsOf(gaps);
      // What is not there reaches to the change of leaders, which came not long after the last look at the one before.
      const change = Math.min(Math.max(lost, since), receipts.length - 1);
      const [from, to] = [receipts[Math.min(lost, change)]?.sequence ?? 0, receipts[change]?.sequence ?? 0];
      const known = receipts.slice(0, change + length);
      const isLost = (at: number) => at >= from && at <= to;
      const { idAt } = streamWith(known, isLost);
      const proven = await provenThrough(known, receipts[Math.min(since, change)]?.sequence ?? 0, idOf, idAt);
      const asked = Math.min(since, change);
      fc.pre(change + 1 - asked + length <= 32);
      expect(proven).toBe(known.findLast(({ sequence }) => sequence < from)?.sequence ?? 0);
    }),
  );
});

it('asks nothing where nothing was acknowledged, or it is not known what', async () => {
  const { asked, idAt } = streamWith([], () => false);
  for (const receipts of [[], [{ sequence: 0, record: 0 }], [{ sequence: 70, record: 0 }]]) {
    expect(await provenThrough(receipts, 0, idOf, idAt)).toBe(Number.POSITIVE_INFINITY);
  }
  expect(asked.size).toBe(0);
});
