import { expect, test } from 'vitest';
import type { SimulateOptions } from '../../src/simulate/options.ts';
import { Progress } from '../../src/simulate/progress.ts';
import { Simulation } from '../../src/simulate/simulation.ts';
import { ManualClock } from './manual-clock.ts';

const DAY_MS = 86_400_000;

function options(changes: Partial<SimulateOptions>): SimulateOptions {
  return {
    count: 0,
    kernelArguments: 'siderolink.api=127.0.0.1:1',
    joinToken: undefined,
    profiles: ['1.13'],
    seed: 1,
    transport: 'direct',
    gateway: undefined,
    rebootEvery: undefined,
    kexec: false,
    rate: 0,
    speed: Number.POSITIVE_INFINITY,
    duration: undefined,
    loseMeta: false,
    maintenance: false,
    configureAfter: undefined,
    talosApi: false,
    uuid: undefined,
    ca: undefined,
    json: true,
    ...changes,
  };
}

test.each([
  ['30 days', 30 * DAY_MS],
  ['a year', 365 * DAY_MS],
])('a duration of %s is not over at once: no timer waits longer than Node can', async (_, duration) => {
  const clock = new ManualClock();
  let told = '';
  const progress = new Progress({ json: true }, { write: (text) => (told += text), now: () => 0 });
  const run = new Simulation(options({ duration }), { progress, clock }).run(new AbortController().signal);
  await clock.advance(duration - 1);
  expect(told).toBe('');
  await clock.advance(1);
  await run;
  expect(told).toContain('"event":"summary"');
  expect(Math.max(...clock.waits)).toBeLessThan(2 ** 31);
});

test('without a duration it runs until it is told to end', async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const progress = new Progress({ json: true }, { write: () => {}, now: () => 0 });
  let ended = false;
  const run = new Simulation(options({}), { progress, clock }).run(stop.signal).then(() => {
    ended = true;
  });
  await clock.advance(100 * DAY_MS);
  expect(ended).toBe(false);
  stop.abort();
  await run;
});
