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
    { windowMs: 50, deadlineMs: 10_000, maxPending },
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

  it('gather while one runs, and start the moment it ends', async () => {
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

  it('that fail reject each of their callers, and the next one runs', async () => {
    const { clock, batches, batcher } = make();
    const first = batcher.submit(change(1));
    await clock.advance(50);
    const second = batcher.submit(change(2));
    batches[0]?.answer(new Error('no such device'));
    await expect(first).rejects.toThrow('no such device');
    await clock.advance(0);
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
