import { expect, it } from 'vitest';
import { HeldStreams } from '../../src/tunnel/held-streams.ts';
import { SLICE_MS } from '../../src/tunnel/packet-budget.ts';
import { ManualClock } from '../fleet/fakes.ts';

function world(perSlice: number) {
  const clock = new ManualClock();
  const held = new HeldStreams({ perSlice }, { clock });
  const resumed: number[] = [];
  const stream = (name: number) => ({ resume: () => void resumed.push(name) });
  return { clock, held, resumed, stream };
}

it('streams are read on in the order in which they were held, no more in a slice than there may be', () => {
  const { clock, held, resumed, stream } = world(3);
  for (let name = 0; name < 8; name += 1) held.add(stream(name));
  expect(resumed).toEqual([]);
  clock.advance(SLICE_MS);
  expect(resumed).toEqual([0, 1, 2]);
  clock.advance(SLICE_MS);
  expect(resumed).toEqual([0, 1, 2, 3, 4, 5]);
  clock.advance(5 * SLICE_MS);
  expect(resumed).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(clock.waiting).toBe(0);
});

it('one that always has more takes its turn behind the others, and not twice in a slice', () => {
  const { clock, held, resumed, stream } = world(2);
  const loud = {
    resume: () => {
      resumed.push(99);
      held.add(loud);
    },
  };
  held.add(loud);
  for (let name = 0; name < 3; name += 1) held.add(stream(name));
  clock.advance(SLICE_MS);
  expect(resumed).toEqual([99, 0]);
  clock.advance(SLICE_MS);
  expect(resumed).toEqual([99, 0, 1, 2]);
  clock.advance(2 * SLICE_MS);
  expect(resumed).toEqual([99, 0, 1, 2, 99, 99]);
});

it('one that was held in this slice waits for the next', () => {
  const { clock, held, resumed, stream } = world(2);
  held.add(stream(1));
  clock.advance(SLICE_MS - 1);
  held.add(stream(2));
  clock.advance(1);
  expect(resumed).toEqual([1, 2]);
  held.add(stream(3));
  clock.advance(1);
  held.add(stream(4));
  clock.advance(SLICE_MS - 1);
  expect(resumed).toEqual([1, 2, 3, 4]);
});

it('one that has ended is not read on, whoever ended it, and nothing waits for it', () => {
  const { clock, held, resumed, stream } = world(9);
  const [gone, other] = [stream(1), stream(2)];
  const killer = {
    resume: () => {
      resumed.push(0);
      held.delete(other);
    },
  };
  held.add(gone);
  held.delete(gone);
  held.delete(gone);
  expect(clock.waiting).toBe(0);
  held.add(killer);
  held.add(other);
  clock.advance(SLICE_MS);
  expect(resumed).toEqual([0]);
  expect(clock.waiting).toBe(0);
});
