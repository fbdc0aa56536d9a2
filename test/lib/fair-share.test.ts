import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairShare, type Held } from '../../src/lib/fair-share.ts';

interface Seat extends Held {
  readonly number: number;
}

function world() {
  const clock = { time: 0, now: () => 0, monotonic: () => clock.time, sleep: async () => {}, after: () => () => {} };
  const share = new FairShare({ clock });
  let looks = 0;
  const ask = (newcomer: string, held: readonly Seat[]) =>
    share.makeRoom(newcomer, () => {
      looks += 1;
      return held;
    });
  return { clock, ask, looks: () => looks };
}

const seats = (text: string): Seat[] =>
  text.split(' ').map((seat, number) => {
    const use = seat.endsWith('!') ? 'stream' : seat.endsWith('*') ? 'call' : 'idle';
    return { network: seat.slice(0, 1), use, number };
  });

describe('FairShare', () => {
  it.each([
    ['the source that has most gives its oldest', 'b', 'a a a a c', [0, 1]],
    ['as many as make both equal', 'b', 'a a a a a a b', [0, 1]],
    ['an idle one before one with a call', 'b', 'a* a! a a*', [2]],
    ['one with a call before none', 'b', 'a! a* a*', [1]],
    ['what lasts is never given', 'b', 'a! a! a!', []],
    ['who has most gets no further one', 'a', 'a a b', []],
    ['who has as many neither', 'a', 'b b a a', []],
    ['nobody gives one to who would have as many then', 'b', 'a', []],
    ['nor where all have one', 'd', 'a b c', []],
  ])('%s', (_, newcomer, held, gone) => {
    expect(
      world()
        .ask(newcomer, seats(held))
        .map(({ number }) => number),
    ).toEqual(gone);
  });

  it('looks once a second only where there is nothing to be had', () => {
    const { ask, clock, looks } = world();
    const held = seats('a a b');
    for (let i = 0; i < 100; i++) expect(ask('a', held)).toEqual([]);
    expect(looks()).toBe(1);
    // Another source has not asked yet.
    expect(ask('c', seats('a a a c'))).toHaveLength(1);
    clock.time = 1_001;
    expect(ask('a', held)).toEqual([]);
    expect(looks()).toBe(3);
    expect(ask('d', seats('a b c'))).toEqual([]);
    expect(ask('e', seats('a b c'))).toEqual([]);
    expect(looks()).toBe(4);
  });

  it('looks once for each of many sources that have as many, and once for all where each has one', () => {
    const { ask, clock, looks } = world();
    for (let i = 0; i < 100; i++) expect(ask(i % 2 === 0 ? 'a' : 'b', seats('a a b b'))).toEqual([]);
    expect(looks()).toBe(2);
    clock.time = 1_001;
    for (let i = 0; i < 100; i++) expect(ask(i % 2 === 0 ? 'a' : 'b', seats('a b'))).toEqual([]);
    expect(looks()).toBe(3);
  });

  it('never makes the source that gives the smaller one, whatever is held', () => {
    const seat = fc.record({
      network: fc.constantFrom('a', 'b', 'c'),
      use: fc.constantFrom<Held['use']>('idle', 'call', 'stream'),
    });
    fc.assert(
      fc.property(fc.array(seat, { maxLength: 60 }), fc.constantFrom('a', 'b', 'd'), (held, newcomer) => {
        const all = held.map((one, number) => ({ ...one, number }));
        const gone = world().ask(newcomer, all);
        const count = (network: string) => all.filter((one) => one.network === network).length;
        const [first] = gone;
        if (first === undefined) return;
        expect(first.network).not.toBe(newcomer);
        expect(count(first.network) - gone.length).toBeGreaterThanOrEqual(count(newcomer) + 1);
        expect(Math.max(...['a', 'b', 'c'].map(count))).toBe(count(first.network));
        expect(gone.every(({ network, use }) => network === first.network && use !== 'stream')).toBe(true);
        expect(new Set(gone).size).toBe(gone.length);
      }),
    );
  });
});
