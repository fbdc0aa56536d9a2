import pino from 'pino';
import { expect, it } from 'vitest';
import { SpaceWatch } from '../../src/stream/space-watch.ts';
import { Health } from '../../src/telemetry/health.ts';
import { ManualClock } from '../sinks/fakes.ts';

const MIB = 1024 * 1024;

function world(disk: { free: number; total: number }) {
  const clock = new ManualClock();
  const health = new Health(() => 0);
  const told: boolean[] = [];
  const reserves: number[] = [];
  const deps = {
    space: () => (disk.free < 0 ? Promise.reject(new Error('no such disk')) : Promise.resolve({ ...disk })),
    onLow: (isLow: boolean) => void told.push(isLow),
    onRoom: (reserve: number) => void reserves.push(reserve),
    logger: pino({ level: 'silent' }),
    ...{ clock, health },
  };
  const watch = new SpaceWatch({ reserveBytes: 64 * MIB, spaceMs: 1000 }, deps);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const condition = () => health.conditions.find(({ name }) => name === 'store_space');
  return { watch, told, reserves, pass, condition };
}

it('logs stop below the reserve and go on with half as much more', async () => {
  const disk = { free: 1000 * MIB, total: 8000 * MIB };
  const { watch, told, pass, condition } = world(disk);
  watch.start();
  await pass(0);
  expect(condition()?.severity).toBe('ok');
  disk.free = 63 * MIB;
  await pass(1000);
  expect(told).toContain(true);
  expect(condition()).toMatchObject({ severity: 'error', message: expect.stringContaining('96 MiB are free') });
  disk.free = 95 * MIB;
  await pass(1000);
  expect(watch.isLow).toBe(true);
  expect(await watch.shortOf()).toBe(MIB);
  expect(told).not.toContain(false);
  disk.free = 96 * MIB;
  await pass(1000);
  expect(told.at(-1)).toBe(false);
  expect(condition()?.severity).toBe('ok');
  // Not again before the reserve itself is touched.
  disk.free = 65 * MIB;
  expect(await watch.shortOf()).toBe(0);
  await watch.stop();
});

it('the reserve is an eighth of a small disk', async () => {
  const disk = { free: 12 * MIB, total: 80 * MIB };
  const { watch } = world(disk);
  expect(await watch.shortOf()).toBe(0);
  disk.free = 9 * MIB;
  expect(await watch.shortOf()).toBe(6 * MIB);
});

it('near the reserve it looks more often: lines can take what is left in less than a second', async () => {
  const disk = { free: 80 * MIB, total: 8000 * MIB };
  const { watch, told, pass } = world(disk);
  watch.start();
  await pass(0);
  disk.free = 60 * MIB;
  await pass(30);
  expect(told).toEqual([]);
  await pass(40);
  expect(told[0]).toBe(true);
  await watch.stop();
});

it('a disk that cannot be looked at changes nothing', async () => {
  const disk = { free: 10 * MIB, total: 8000 * MIB };
  const { watch, pass } = world(disk);
  watch.start();
  await pass(0);
  expect(watch.isLow).toBe(true);
  disk.free = -1;
  await pass(1000);
  expect(watch.isLow).toBe(true);
  expect(await watch.shortOf()).toBe(0);
  disk.free = 1000 * MIB;
  await pass(1000);
  expect(watch.isLow).toBe(false);
  await watch.stop();
  await pass(10_000);
});

it('ample room is told once, and again after it was low', async () => {
  const disk = { free: 90 * MIB, total: 8000 * MIB };
  const { watch, reserves, pass } = world(disk);
  watch.start();
  await pass(0);
  expect(reserves).toEqual([]);
  disk.free = 96 * MIB;
  await pass(1000);
  await pass(1000);
  expect(reserves).toEqual([64 * MIB]);
  disk.free = 0;
  await pass(1000);
  disk.free = 96 * MIB;
  await pass(1000);
  await pass(1000);
  expect(reserves).toEqual([64 * MIB, 64 * MIB]);
  await watch.stop();
});
