import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { TidyHeap, type TidyHeapDeps } from '../../src/daemon/tidy-heap.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../sinks/fakes.ts';

const logger = createLogger('fatal', new Writable({ write: (_chunk, _encoding, done) => done() }));
const OPTIONS = { everyMs: 1000, calmShare: 0.1, grownBytes: 100, grownShare: 0.1, restMs: 5000, collectMs: 500 };

function setUp() {
  const clock = new ManualClock();
  const seen = { busy: 0, resident: 1000, collected: 0, isCollecting: false };
  const deps: TidyHeapDeps = {
    clock,
    logger,
    busyMs: () => seen.busy,
    resident: () => seen.resident,
    collect: () => {
      seen.collected += 1;
      seen.isCollecting = true;
      return () => {
        seen.isCollecting = false;
      };
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
  expect(seen).toMatchObject({ collected: 1, isCollecting: true });
  clock.advance(500);
  expect(seen.isCollecting).toBe(false);
});

it('collects again when memory has grown by enough since the least that there was, and it has rested', () => {
  const { clock, seen } = setUp();
  clock.advance(1000);
  clock.advance(500);
  expect(seen.collected).toBe(1);
  seen.resident = 1099;
  for (let second = 0; second < 10; second++) clock.advance(1000);
  expect(seen.collected).toBe(1);
  seen.resident = 900;
  clock.advance(1000);
  seen.resident = 1000;
  clock.advance(1000);
  expect(seen.collected).toBe(2);
  clock.advance(1000);
  seen.resident = 2000;
  for (let second = 0; second < 3; second++) clock.advance(1000);
  expect(seen.collected).toBe(2);
  clock.advance(1000);
  expect(seen.collected).toBe(3);
});

it('what is a lot for little memory is little for a lot', () => {
  const { clock, seen } = setUp();
  seen.resident = 10_000;
  clock.advance(1000);
  clock.advance(500);
  seen.resident = 10_999;
  for (let second = 0; second < 10; second++) clock.advance(1000);
  expect(seen.collected).toBe(1);
  seen.resident = 11_000;
  clock.advance(1000);
  expect(seen.collected).toBe(2);
});

it('looks no more once it is stopped, and ends what it began', () => {
  const { clock, seen, tidy } = setUp();
  clock.advance(1000);
  tidy.stop();
  expect(seen).toMatchObject({ collected: 1, isCollecting: false });
  seen.resident = 1e6;
  for (let second = 0; second < 10; second++) clock.advance(1000);
  expect(seen.collected).toBe(1);
});

it('tells V8, and the heap gets smaller while the event loop runs', async () => {
  const clock = new ManualClock();
  const before = process.memoryUsage().heapUsed;
  let garbage: unknown[] | undefined = Array.from({ length: 400_000 }, (_, i) => ({ i, text: `${i}` }));
  expect(garbage).toHaveLength(400_000);
  const grown = process.memoryUsage().heapUsed;
  garbage = undefined;
  const tidy = new TidyHeap({ everyMs: 1000 }, { clock, logger, busyMs: () => 0 });
  tidy.start();
  clock.advance(1000);
  const left = () => (process.memoryUsage().heapUsed - before) / (grown - before);
  try {
    await expect.poll(left, { timeout: 90_000 }).toBeLessThan(0.25);
  } finally {
    tidy.stop();
  }
});
