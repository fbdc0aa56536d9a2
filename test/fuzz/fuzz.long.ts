import { randomInt } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import type { Report } from './fuzzer.ts';
import { chosen, runTarget, scaleOf } from './run.ts';
import { TARGETS } from './targets.ts';

const SCALE = scaleOf({ seed: randomInt(2 ** 31), inputs: 1_000_000, least: 1_000 });
const targets = chosen(TARGETS);
const reports: Report[] = [];

/** A million inputs that nobody has seen. The seed is printed; `FUZZ_SEED` gives the same again. */
describe(`seed ${SCALE.seed}`, () => {
  afterAll(() => {
    const rows = reports.map(({ target, inputs, slowest, grownBytes }) => {
      const held = `${Math.round(grownBytes / 1024)} KiB more held`;
      return `${target}: ${inputs} inputs, slowest ${slowest.ms.toFixed(1)} ms (input ${slowest.index}), ${held}\n`;
    });
    process.stdout.write(`fuzzed with FUZZ_SEED=${SCALE.seed}\n${rows.join('')}`);
  });

  test.each(targets.map((target) => [target.name, target] as const))('%s', async (_, target) => {
    const report = await runTarget(target, SCALE, targets);
    reports.push(report);
    expect(report.inputs).toBeGreaterThan(0);
  });
});
