import fc from 'fast-check';
import { expect, it } from 'vitest';
import { provenThrough } from '../../src/publish/proof.ts';

const idOf = (record: number) => `i:${record}`;

/** A stream that has the records of all receipts below a sequence where they were acknowledged, and others behind it. */
function streamWith(receipts: readonly { sequence: number; record: number }[], lost: number, expired: number) {
  const at = new Map(receipts.map(({ sequence, record }) => [sequence, sequence < lost ? idOf(record) : 'of another']));
  const asked: number[] = [];
  const idAt = async (sequence: number) => {
    asked.push(sequence);
    return sequence <= expired ? undefined : at.get(sequence);
  };
  return { asked, idAt };
}

it('finds how far a stream has what it acknowledged, with few questions', async () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 600 });
  await fc.assert(
    fc.asyncProperty(gaps, fc.nat(12_000), fc.nat(3000), async (steps, lost, expired) => {
      let sequence = 0;
      const receipts = steps.map((step) => {
        sequence += step;
        return { sequence, record: sequence * 3 };
      });
      const { asked, idAt } = streamWith(receipts, lost, expired);
      const proven = await provenThrough(receipts, idOf, idAt);
      const isWrong = (at: number) => at >= lost && at > expired;
      if (!isWrong(sequence)) {
        expect(proven).toBe(Number.POSITIVE_INFINITY);
        expect(asked).toEqual([sequence]);
        return;
      }
      expect(proven).toBe(receipts.findLast((receipt) => !isWrong(receipt.sequence))?.sequence ?? 0);
      expect(asked.length).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(receipts.length + 1)));
    }),
  );
});

it('asks nothing where nothing was acknowledged, or it is not known what', async () => {
  const { asked, idAt } = streamWith([], 0, 0);
  for (const receipts of [[], [{ sequence: 0, record: 0 }], [{ sequence: 70, record: 0 }]]) {
    expect(await provenThrough(receipts, idOf, idAt)).toBe(Number.POSITIVE_INFINITY);
  }
  expect(asked).toEqual([]);
});
