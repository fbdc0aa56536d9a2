import { describe, expect, it } from 'vitest';
import { bootSummary } from '../../src/domain/boot-summary.ts';
import type { PublicKey } from '../../src/domain/keys.ts';

const row = (doc: string) => bootSummary({ machine: 1, boot: 3, publicKey: 'key' as PublicKey, doc });

describe('the summary of a boot', () => {
  it('names holes, and those that filled up since they were told', () => {
    const doc = { started_at: 5, seen: [2, 4, 8, 9], seq: 9, clock: 1, reported: [4, 7] };
    expect(row(JSON.stringify(doc))).toEqual({
      number: 3,
      publicKey: 'key',
      startedAt: 5,
      lastSeq: 9,
      lastClock: 1,
      gaps: [
        { from: 0, to: 1, filled: false },
        { from: 4, to: 4, filled: true },
        { from: 5, to: 7, filled: false },
      ],
    });
  });

  it('of a boot that has said nothing is empty', () => {
    const doc = { started_at: 5, seen: [], seq: null, clock: null };
    expect(row(JSON.stringify(doc))).toMatchObject({ lastSeq: null, lastClock: null, gaps: [] });
  });

  it('of a row that cannot be read is an error of the store', () => {
    expect(() => row('{')).toThrow(expect.objectContaining({ code: 'storage' }));
  });
});
