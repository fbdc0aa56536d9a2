import { expect, it } from 'vitest';
import { Pacer } from '../../src/lib/pacer.ts';
import { ManualClock } from '../wireguard/manual-clock.ts';

const never = () => new AbortController().signal;

/** How many milliseconds each of so many askers at one time waits. */
async function delays(pacer: Pacer, clock: ManualClock, askers: number): Promise<number[]> {
  const asked = clock.monotonic();
  const waited: number[] = [];
  const all = Array.from({ length: askers }, async () => {
    await pacer.turn(never);
    waited.push(clock.monotonic() - asked);
  });
  await clock.advance(60_000);
  await Promise.all(all);
  return waited;
}

it('lets those go at once who come seldom, and makes a crowd come one after the other', async () => {
  const clock = new ManualClock();
  const pacer = new Pacer({ perSecond: 10, maxDelayMs: 1_000, maxWaiting: 100 }, { clock });
  // The rest of a second is ten turns; the eleventh is due at once as well.
  expect(await delays(pacer, clock, 14)).toEqual([...Array(11).fill(0), 100, 200, 300]);
  expect(await delays(pacer, clock, 1)).toEqual([0]);
});

it('lets nobody wait longer than it may', async () => {
  const clock = new ManualClock();
  const pacer = new Pacer({ perSecond: 10, maxDelayMs: 250, maxWaiting: 100 }, { clock });
  const waited = await delays(pacer, clock, 20);
  expect(waited.slice(11)).toEqual([100, 200, 250, 250, 250, 250, 250, 250, 250]);
});

it('lets those go at once who would be too many, and says so', async () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  const pacer = new Pacer(
    { perSecond: 1, maxDelayMs: 10_000, maxWaiting: 2, onWaiting: (waiting) => seen.push(waiting) },
    { clock },
  );
  const turns = Array.from({ length: 5 }, () => pacer.turn(never));
  expect(await turns[4]).toBe(false);
  await clock.advance(10_000);
  expect(await Promise.all(turns)).toEqual([true, true, true, true, false]);
  expect(seen).toEqual([1, 2, 1, 0]);
});

it('holds nobody whose call has ended, and nobody once it is released', async () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  const pacer = new Pacer(
    { perSecond: 1, maxDelayMs: 10_000, maxWaiting: 9, onWaiting: (waiting) => seen.push(waiting) },
    { clock },
  );
  await pacer.turn(never);
  await pacer.turn(never);
  const call = new AbortController();
  const gone = pacer.turn(() => call.signal);
  const waiting = pacer.turn(never);
  call.abort();
  expect(await gone).toBe(true);
  pacer.release();
  expect(await waiting).toBe(true);
  expect(await pacer.turn(() => call.signal)).toBe(true);
  expect(seen.at(-1)).toBe(0);
});
