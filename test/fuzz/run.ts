import { expect } from 'vitest';
import { fuzz, type Report, type Target } from './fuzzer.ts';

/** What may be held longer after the second half of a run than after the first: caches that fill, compiled code. */
const MAX_GROWN_BYTES = 16 * 1024 * 1024;

export interface Scale {
  readonly seed: number;
  /** Over all targets; each gets its share, but `least` at the least. */
  readonly inputs: number;
  readonly least: number;
}

/** `FUZZ_SEED`, `FUZZ_INPUTS` and `FUZZ_TARGET` say otherwise, to see a failure again or to look for long. */
export function scaleOf(usual: Scale): Scale {
  const { FUZZ_SEED, FUZZ_INPUTS } = process.env;
  return { ...usual, seed: Number(FUZZ_SEED ?? usual.seed), inputs: Number(FUZZ_INPUTS ?? usual.inputs) };
}

export function chosen(targets: readonly Target[]): readonly Target[] {
  const { FUZZ_TARGET } = process.env;
  return FUZZ_TARGET === undefined ? targets : targets.filter(({ name }) => name === FUZZ_TARGET);
}

/** Fuzzes one target and expects that its inputs came to everything that they can, and nothing stayed of them. */
export async function runTarget(
  target: Target,
  { seed, inputs, least }: Scale,
  among: readonly Target[],
): Promise<Report> {
  const shares = among.reduce((sum, { share }) => sum + share, 0);
  const report = await fuzz(target, seed, Math.max(least, Math.round((inputs * target.share) / shares)));
  expect(Object.keys(report.outcomes).toSorted()).toEqual([...target.outcomes].toSorted());
  expect(report.grownBytes, `${target.name} holds what it was given`).toBeLessThan(MAX_GROWN_BYTES);
  return report;
}
