import { randomInt } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import type { Report } from './fuzzer.ts';
import { chosen, runTarget, scaleOf } from './run.ts';
import { controlSocket, hostileMachine } from './targets/peers.ts';
import { TARGETS } from './targets.ts';

const SCALE = scaleOf({ seed: randomInt(2 ** 31), inputs: 1_000_000, least: 1_000 });
/** Each is a connection of its own. */
const PEER_INPUTS = Math.ceil(SCALE.inputs / 100);
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
    reports.push(await runTarget(target, SCALE, targets));
    expect(reports.at(-1)?.inputs).toBeGreaterThan(0);
  });

  test.each([
    ['a machine', hostileMachine],
    ['callers of the control socket', controlSocket],
  ] as const)('over a connection: %s', async (_, open) => {
    await using peer = await open();
    reports.push(await runTarget(peer.target, { ...SCALE, inputs: PEER_INPUTS }, [peer.target]));
  });
});
