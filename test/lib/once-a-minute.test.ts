import { expect, it } from 'vitest';
import { OnceAMinute } from '../../src/lib/once-a-minute.ts';
import { ManualClock } from '../sinks/fakes.ts';

it('lets one message a minute through, and tells how many it held back', () => {
  const clock = new ManualClock();
  const said = new OnceAMinute({}, { clock });
  expect(said.pass('a')).toBe(0);
  expect(said.pass('a')).toBeUndefined();
  expect(said.pass('a', 5)).toBeUndefined();
  expect(said.pass('b')).toBe(0);
  clock.advance(59_999);
  expect(said.pass('a')).toBeUndefined();
  clock.advance(1);
  expect(said.pass('a')).toBe(7);
  clock.advance(60_000);
  expect(said.pass('a')).toBe(0);
});

it('forgets the oldest subjects when there are too many', () => {
  const said = new OnceAMinute({ maxSubjects: 2 }, { clock: new ManualClock() });
  for (const subject of ['a', 'b', 'c']) expect(said.pass(subject)).toBe(0);
  expect(said.pass('c')).toBeUndefined();
  expect(said.pass('b')).toBeUndefined();
  expect(said.pass('a')).toBe(0);
});

it('lets no more through than it may, however many subjects are made up, and forgets none that it held back', () => {
  const clock = new ManualClock();
  const said = new OnceAMinute({ maxPasses: 2 }, { clock });
  expect(['a', 'b', 'c', 'd', 'a'].map((subject) => said.pass(subject))).toEqual([
    0,
    0,
    undefined,
    undefined,
    undefined,
  ]);
  clock.advance(60_000);
  // Of those held back, one is its own.
  expect(said.pass('a')).toBe(3);
  expect(said.pass('c')).toBe(0);
  expect(said.pass('d')).toBeUndefined();
});
