import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Turnstile } from '../../src/lib/turnstile.ts';
import { ManualClock } from '../sinks/fakes.ts';

test('so many pass in a turn, in their order, and what comes meanwhile waits behind them', async () => {
  const passed: number[] = [];
  const perTurn: number[] = [];
  const turnstile = new Turnstile<number>(
    { perTurn: 3 },
    {
      pass: (item) => {
        passed.push(item);
        if (item === 2) turnstile.add(8);
      },
    },
  );
  for (let item = 1; item <= 7; item++) turnstile.add(item);
  expect(passed).toEqual([]);
  expect(turnstile.waiting).toBe(7);
  while (turnstile.waiting > 0) {
    const before = passed.length;
    await nextTurn();
    perTurn.push(passed.length - before);
  }
  expect(passed).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(perTurn).toEqual([3, 3, 2]);
});

test('after it was empty it works as before', async () => {
  const passed: string[] = [];
  const turnstile = new Turnstile<string>(
    { perTurn: 1 },
    {
      pass: (item) => {
        passed.push(item);
      },
    },
  );
  turnstile.add('a');
  await nextTurn();
  turnstile.add('b');
  turnstile.add('c');
  await nextTurn();
  expect(passed).toEqual(['a', 'b']);
  expect(turnstile.waiting).toBe(1);
  await nextTurn();
  expect(passed).toEqual(['a', 'b', 'c']);
  expect(turnstile.waiting).toBe(0);
});

test('in a crowd one waits for others, until there are enough or the time is over', async () => {
  const clock = new ManualClock();
  const passed: number[] = [];
  let isCrowded = false;
  const turnstile = new Turnstile<number>(
    { perTurn: 3, gatherMs: 5 },
    { pass: (item) => void passed.push(item), isCrowded: () => isCrowded, clock },
  );
  turnstile.add(1);
  await nextTurn();
  expect(passed).toEqual([1]);
  isCrowded = true;
  turnstile.add(2);
  clock.advance(4);
  turnstile.add(3);
  await nextTurn();
  expect(passed).toEqual([1]);
  clock.advance(1);
  await nextTurn();
  expect(passed).toEqual([1, 2, 3]);
  for (const item of [4, 5, 6]) turnstile.add(item);
  await nextTurn();
  expect(passed).toEqual([1, 2, 3, 4, 5, 6]);
  // The time of those is over with them: the next one has its own.
  clock.advance(1);
  turnstile.add(7);
  clock.advance(4);
  await nextTurn();
  expect(passed.length).toBe(6);
  // Who waits goes with who need not.
  isCrowded = false;
  turnstile.add(8);
  await nextTurn();
  expect(passed).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  clock.advance(10);
  await nextTurn();
  expect(passed.length).toBe(8);
});

test('what has passed is not kept, though it is never empty', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const turnstile: Turnstile<object> = new Turnstile<object>({ perTurn: 10 }, { pass: () => turnstile.add({}) });
  const first = new WeakRef(
    (() => {
      const item = {};
      turnstile.add(item);
      return item;
    })(),
  );
  for (let i = 0; i < 19; i++) turnstile.add({});
  const isKept = () => {
    collect();
    return first.deref() !== undefined;
  };
  await expect.poll(isKept).toBe(false);
  expect(turnstile.waiting).toBe(20);
});
