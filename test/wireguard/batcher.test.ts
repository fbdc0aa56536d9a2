import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { PublicKey } from '../../src/domain/keys.ts';
import { ChangeBatcher } from '../../src/wireguard/batcher.ts';
import type { PeerChange } from '../../src/wireguard/types.ts';
import { ManualClock } from './manual-clock.ts';

const change = (n: number): PeerChange => ({ remove: `key${n}` as PublicKey });

/** A batcher whose batches wait until the test answers them. */
function make(maxPending = 100) {
  const clock = new ManualClock();
  const batches: { readonly changes: readonly PeerChange[]; readonly answer: (e?: Error) => void }[] = [];
  const batcher = new ChangeBatcher(
    { windowMs: 50, busyWindowMs: 250, busyFrom: 10, fullAt: 20, deadlineMs: 10_000, maxPending, toldPerTurn: 3 },
    {
      clock,
      run: (changes) =>
        new Promise((resolve, reject) => {
          batches.push({ changes, answer: (e) => (e === undefined ? resolve([]) : reject(e)) });
        }),
    },
  );
  return { clock, batches, batcher };
}

describe('batches of changes', () => {
  it('hold what was asked for within the window', async () => {
    const { clock, batches, batcher } = make();
    const first = batcher.submit(change(1));
    await clock.advance(49);
    const second = batcher.submit(change(2));
    expect(batches).toEqual([]);
    await clock.advance(1);
    expect(batches[0]?.changes).toEqual([change(1), change(2)]);
    batches[0]?.answer();
    await Promise.all([first, second]);
  });

  it('gather while one runs, and start the moment it ends if their window has', async () => {
    const { clock, batches, batcher } = make();
    const calls = [batcher.submit(change(1))];
    await clock.advance(50);
    calls.push(batcher.submit(change(2)), batcher.submit(change(3)));
    await clock.advance(500);
    expect(batches.length).toBe(1);
    batches[0]?.answer();
    await clock.advance(0);
    expect(batches[1]?.changes).toEqual([change(2), change(3)]);
    batches[1]?.answer();
    await Promise.all(calls);
    calls.push(batcher.submit(change(4)));
    await clock.advance(49);
    expect(batches.length).toBe(2);
    await clock.advance(1);
    batches[2]?.answer();
    await Promise.all(calls);
  });

  it('gather for longer once many come, and for no longer once they are full', async () => {
    const { clock, batches, batcher } = make();
    const calls = Array.from({ length: 10 }, (_, n) => batcher.submit(change(n)));
    for (let n = 0; n < 4; n++) {
      await clock.advance(50);
      calls.push(batcher.submit(change(10 + n)));
    }
    await clock.advance(49);
    expect(batches.length).toBe(0);
    await clock.advance(1);
    expect(batches[0]?.changes.length).toBe(14);
    calls.push(...Array.from({ length: 19 }, (_, n) => batcher.submit(change(20 + n))));
    batches[0]?.answer();
    await clock.advance(0);
    expect(batches.length).toBe(1);
    calls.push(batcher.submit(change(40)));
    expect(batches[1]?.changes.length).toBe(20);
    // What is full when the one before ends waits no more either.
    calls.push(...Array.from({ length: 25 }, (_, n) => batcher.submit(change(50 + n))));
    batches[1]?.answer();
    await clock.advance(0);
    expect(batches[2]?.changes.length).toBe(25);
    batches[2]?.answer();
    await Promise.all(calls);
  });

  it('gather for no longer when no more come', async () => {
    const { clock, batches, batcher } = make();
    const calls = Array.from({ length: 10 }, (_, n) => batcher.submit(change(n)));
    await clock.advance(50);
    calls.push(batcher.submit(change(10)));
    await clock.advance(50);
    await clock.advance(49);
    expect(batches.length).toBe(0);
    await clock.advance(1);
    expect(batches[0]?.changes.length).toBe(11);
    // The next ones are looked at anew when the running one ends, however many that had.
    calls.push(...Array.from({ length: 11 }, (_, n) => batcher.submit(change(20 + n))));
    batches[0]?.answer();
    await clock.advance(49);
    expect(batches.length).toBe(1);
    await clock.advance(1);
    expect(batches[1]?.changes.length).toBe(11);
    batches[1]?.answer();
    await Promise.all(calls);
  });

  it('gather for twice the time that the one before took, on a host that is that slow', async () => {
    const { clock, batches, batcher } = make();
    const first = batcher.submit(change(1));
    await clock.advance(50);
    await clock.advance(60);
    batches[0]?.answer();
    await first;
    const second = batcher.submit(change(2));
    await clock.advance(119);
    expect(batches.length).toBe(1);
    await clock.advance(1);
    expect(batches.length).toBe(2);
    batches[1]?.answer();
    await second;
  });

  it('tell a few callers in each turn of the event loop, in their order', async () => {
    const { clock, batches, batcher } = make();
    const told: number[] = [];
    const calls = Array.from({ length: 8 }, (_, n) => batcher.submit(change(n)).then(() => told.push(n)));
    await clock.advance(50);
    batches[0]?.answer();
    const seen: number[] = [];
    while (told.length < 8) {
      await nextTurn();
      if (told.length > 0) seen.push(told.length);
    }
    expect(seen).toEqual([3, 6, 8]);
    expect(told).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await Promise.all(calls);
  });

  it('that are done by the deadline are done, whenever their callers hear of it', async () => {
    const { clock, batches, batcher } = make();
    const calls = Array.from({ length: 8 }, (_, n) => batcher.submit(change(n)));
    await clock.advance(50);
    const recorder = batcher.record();
    batches[0]?.answer();
    await Promise.resolve();
    await clock.advance(10_000);
    await Promise.all(calls);
    expect(recorder.changes().length).toBe(8);
  });

  it('that fail reject each of their callers, and the next one runs', async () => {
    const { clock, batches, batcher } = make();
    const first = batcher.submit(change(1));
    await clock.advance(50);
    const second = batcher.submit(change(2));
    batches[0]?.answer(new Error('no such device'));
    await expect(first).rejects.toThrow('no such device');
    expect(batches.length).toBe(1);
    await clock.advance(50);
    batches[1]?.answer();
    await second;
  });

  it('are not waited for longer than the deadline; a change not begun by then is never done', async () => {
    const { clock, batches, batcher } = make();
    const running = expect(batcher.submit(change(1))).rejects.toMatchObject({ code: 'unavailable' });
    await clock.advance(50);
    const waiting = expect(batcher.submit(change(2))).rejects.toMatchObject({ code: 'unavailable' });
    await clock.advance(10_000);
    await Promise.all([running, waiting]);
    const next = batcher.submit(change(3));
    batches[0]?.answer();
    await clock.advance(0);
    expect(batches[1]?.changes).toEqual([change(3)]);
    batches[1]?.answer();
    await next;
  });

  it('are bounded', async () => {
    const { clock, batches, batcher } = make(2);
    const calls = [batcher.submit(change(1)), batcher.submit(change(2))];
    await expect(batcher.submit(change(3))).rejects.toMatchObject({ code: 'exhausted' });
    await clock.advance(50);
    batches[0]?.answer();
    await Promise.all(calls);
    const next = batcher.submit(change(4));
    await clock.advance(50);
    batches[1]?.answer();
    await next;
  });

  it('are recorded for a repair: what is open, what comes, not what failed', async () => {
    const { clock, batches, batcher } = make();
    const done = batcher.submit(change(1));
    await clock.advance(50);
    batches[0]?.answer();
    await done;
    const open = batcher.submit(change(2));
    const recorder = batcher.record();
    const later = batcher.submit(change(3));
    expect(recorder.changes()).toEqual([change(2), change(3)]);
    await clock.advance(50);
    batches[1]?.answer();
    await Promise.all([open, later]);
    const failing = batcher.submit(change(4));
    await clock.advance(50);
    batches[2]?.answer(new Error('no'));
    await expect(failing).rejects.toThrow('no');
    expect(recorder.changes()).toEqual([change(2), change(3)]);
    recorder.stop();
    const unseen = batcher.submit(change(5));
    expect(recorder.changes()).toEqual([change(2), change(3)]);
    await clock.advance(50);
    batches[3]?.answer();
    await unseen;
  });

  it('stop: the running one ends, what waits is refused', async () => {
    const { clock, batches, batcher } = make();
    const running = batcher.submit(change(1));
    await clock.advance(50);
    const waiting = expect(batcher.submit(change(2))).rejects.toMatchObject({ code: 'unavailable' });
    const stopped = batcher.stop();
    await waiting;
    batches[0]?.answer();
    await Promise.all([running, stopped]);
    expect(batches.length).toBe(1);
    await expect(batcher.submit(change(3))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
