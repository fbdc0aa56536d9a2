import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { TidyHeap, type TidyHeapDeps } from '../../src/daemon/tidy-heap.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../sinks/fakes.ts';

const logger = createLogger('fatal', new Writable({ write: (_chunk, _encoding, done) => done() }));
const OPTIONS = { everyMs: 1000, calmShare: 0.1, spareBytes: 100, restMs: 5000 };

function setUp() {
  const clock = new ManualClock();
  const seen = { busy: 0, total: 1000, used: 500, collected: 0 };
  const deps: TidyHeapDeps = {
    clock,
    logger,
    busyMs: () => seen.busy,
    heap: () => ({ total: seen.total, used: seen.used }),
    collect: () => {
      seen.collected += 1;
      seen.total = seen.used;
    },
  };
  const tidy = new TidyHeap(OPTIONS, deps);
  tidy.start();
  return { clock, seen, tidy };
}

it('collects once it was calm, and not while there is work', () => {
  const { clock, seen } = setUp();
  seen.busy += 101;
  clock.advance(1000);
  expect(seen.collected).toBe(0);
  seen.busy += 100;
  clock.advance(1000);
  expect(seen.collected).toBe(1);
});

it('leaves a heap alone that holds little that nothing is in', () => {
  const { clock, seen } = setUp();
  seen.used = 901;
  clock.advance(1000);
  expect(seen.collected).toBe(0);
});

it('does not collect again before it has rested', () => {
  const { clock, seen } = setUp();
  clock.advance(1000);
  expect(seen.collected).toBe(1);
  seen.total = 900;
  clock.advance(4000);
  expect(seen.collected).toBe(1);
  for (let second = 0; second < 2; second++) clock.advance(1000);
  expect(seen.collected).toBe(2);
});

it('looks no more once it is stopped', () => {
  const { clock, seen, tidy } = setUp();
  tidy.stop();
  clock.advance(10_000);
  expect(seen.collected).toBe(0);
});

it('tells V8, and the heap gets smaller', () => {
  const clock = new ManualClock();
  const before = process.memoryUsage().heapUsed;
  let garbage: unknown[] | undefined = Array.from({ length: 400_000 }, (_, i) => ({ i, text: `${i}` }));
  expect(garbage).toHaveLength(400_000);
  const grown = process.memoryUsage().heapUsed;
  garbage = undefined;
  new TidyHeap({ everyMs: 1000, calmShare: 1, spareBytes: -1e9 }, { clock, logger, busyMs: () => 0 }).start();
  clock.advance(1000);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan((grown - before) / 4);
});
