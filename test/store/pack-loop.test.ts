import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createStoreMetrics } from '../../src/store/metrics.ts';
import { PackLoop } from '../../src/store/pack-loop.ts';
import type { PackRequest } from '../../src/store/protocol.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';

const OPTIONS = { segmentRecords: 100, segmentBytes: 1 << 20, sliceRows: 10, sliceBytes: 1000, backlogBytes: 5000 };
const EMPTY = { packedThrough: 0, chunkRecords: 0, chunkBytes: 0 };

/** Series that the packer was asked to pack; it finds nothing to pack. */
let packed: string[];
/** Ends of the sleeps that the loop is in. */
let sleeps: (() => void)[];
let isBusy: boolean;
let loop: PackLoop;

beforeEach(() => {
  packed = [];
  sleeps = [];
  isBusy = true;
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      sleeps.push(resolve);
      signal?.addEventListener('abort', () => resolve());
    });
  const packer = {
    request: async (request: unknown) => {
      packed.push((request as PackRequest).series);
      return null;
    },
  };
  loop = new PackLoop(
    OPTIONS,
    {
      writer: { request: async () => ({ more: false, series: null }) },
      packer,
      pressure: { look: () => isBusy },
      damage: { note: () => {} },
      clock: { ...systemClock, sleep },
      health: new Health(() => 0),
      logger: pino({ level: 'silent' }),
      metrics: createStoreMetrics(createRegistry()),
    },
    { logs: EMPTY, others: EMPTY },
  );
});
afterEach(() => loop.stop());

const untilItWaits = () => vi.waitFor(() => expect(sleeps).toHaveLength(1));
const wake = () => sleeps.shift()?.();

test('a segment waits while ingest needs all of the host, and no longer', async () => {
  loop.added('logs', 100, 1000);
  await untilItWaits();
  wake();
  await untilItWaits();
  expect(packed).toEqual([]);
  isBusy = false;
  wake();
  await loop.idle();
  expect(packed).toEqual(['logs']);
});

test('no more bytes wait than are allowed', async () => {
  loop.added('logs', 100, 4999);
  await untilItWaits();
  loop.added('logs', 1, 1);
  wake();
  await loop.idle();
  expect(packed).toEqual(['logs']);
});

test('what is to be packed early does not wait for that', async () => {
  loop.added('logs', 100, 1000);
  await untilItWaits();
  loop.packEarly('logs');
  wake();
  await loop.idle();
  expect(packed).toEqual(['logs']);
});

test('a loop that waits ends when it is told to', async () => {
  loop.added('logs', 100, 1000);
  await untilItWaits();
  await loop.stop();
  expect(packed).toEqual([]);
});
