import { expect, test } from 'vitest';
import { Pressure } from '../../src/store/pressure.ts';

/** Two threads whose work the test tells, and a clock that it moves. */
function setUp() {
  let now = 5000;
  const threads = [
    { idle: 100, active: 900 },
    { idle: 100, active: 900 },
  ];
  const pressure = new Pressure(
    { monotonic: () => now },
    threads.map((thread) => () => ({ ...thread })),
  );
  /** Lets time pass in which each thread worked so many milliseconds. */
  const pass = (ms: number, ...worked: number[]) => {
    now += ms;
    threads.forEach((thread, i) => {
      thread.active += worked[i] ?? 0;
      thread.idle += ms - (worked[i] ?? 0);
    });
  };
  return { pressure, pass, threads };
}

test('one thread that hardly rests is enough, and what it did before does not count', () => {
  const { pressure, pass } = setUp();
  expect(pressure.look()).toBe(false);
  pass(400, 100, 100);
  expect(pressure.look()).toBe(false);
  pass(400, 100, 390);
  expect(pressure.look()).toBe(true);
  pass(400, 390, 100);
  expect(pressure.look()).toBe(true);
  pass(400, 200, 200);
  expect(pressure.look()).toBe(false);
});

test('what was found holds for a moment', () => {
  const { pressure, pass } = setUp();
  pass(300, 300, 0);
  expect(pressure.look()).toBe(true);
  pass(100, 0, 0);
  expect(pressure.look()).toBe(true);
  pass(200, 0, 0);
  expect(pressure.look()).toBe(false);
});

test('a thread of which nothing is known is not busy', () => {
  const { pressure, pass, threads } = setUp();
  for (const thread of threads) Object.assign(thread, { idle: 100, active: 900 });
  pass(300);
  for (const thread of threads) Object.assign(thread, { idle: 100, active: 900 });
  expect(pressure.look()).toBe(false);
});
