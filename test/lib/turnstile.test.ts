import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Turnstile } from '../../src/lib/turnstile.ts';

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
