import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { hashText } from '../../src/simulate/random.ts';
import { keptSeeds, seedLine } from './corpus.ts';
import { Dice } from './dice.ts';
import { MAX_INPUT, mutate } from './mutate.ts';

/** Looks at one input: throws if what is under test breaks its promise, else says what became of the input. */
export type Check = (input: Buffer, dice: Dice) => string | Promise<string>;

export interface Target {
  readonly name: string;
  /** How many inputs it gets, in proportion to others. */
  readonly share: number;
  /** What its language is made of. */
  readonly words: readonly string[];
  /** What an input can come to: each must happen, else the inputs are no good. */
  readonly outcomes: readonly string[];
  /** Inputs besides the kept ones. */
  readonly seeds?: () => readonly Buffer[];
  /** A nearly valid input. */
  readonly generate: (dice: Dice) => Buffer;
  /** A check with state of its own; it is given up after `GENERATION` inputs. */
  readonly begin: () => Check;
}

export interface Report {
  readonly target: string;
  readonly inputs: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Milliseconds of the slowest input, and which it was. */
  readonly slowest: { readonly ms: number; readonly index: number; readonly bytes: number };
  /** Bytes that are held longer, from the middle of the run to its end. */
  readonly grownBytes: number;
}

const GENERATION = 1_024;
/** Inputs between two turns of the event loop, in which codecs that failed give back what they hold. */
const BREATH = 64;
/** What no input of `MAX_INPUT` bytes may take, even on a busy machine: the best of several tries counts. */
const MAX_MS = 1_000;
const TRIES = 4;
/** What one input may leave behind before the collector comes. */
const MAX_INPUT_BYTES = 256 * 1024 * 1024;

/** Runs a target on its seeds and on so many inputs more. @throws Error that says how to see the failure again */
export async function fuzz(target: Target, seed: number, inputs: number): Promise<Report> {
  const seeds = seedsOf(target);
  const total = Math.max(inputs, seeds.length);
  const outcomes: Record<string, number> = {};
  let slowest = { ms: 0, index: -1, bytes: 0 };
  let check = target.begin();
  let held = 0;
  for (let index = 0; index < total; index += 1) {
    if (index % GENERATION === 0) check = target.begin();
    if (index % BREATH === 0) await breathe();
    if (index === Math.floor(total / 2)) held = await heldBytes();
    const input = inputOf(target, seeds, seed, index);
    const diceOf = () => new Dice(seed, hashText(target.name), index, 2);
    const before = usedBytes();
    const started = performance.now();
    try {
      const outcome = check(Buffer.from(input), diceOf());
      const label = typeof outcome === 'string' ? outcome : await outcome;
      outcomes[label] = (outcomes[label] ?? 0) + 1;
    } catch (error) {
      throw failure(target, seed, index, input, error);
    }
    const ms = performance.now() - started;
    if (ms > slowest.ms) slowest = { ms, index, bytes: input.length };
    if (ms > MAX_MS && (await bestOf(target, input, diceOf)) > MAX_MS) {
      throw failure(target, seed, index, input, new Error(`it took ${Math.round(ms)} ms`));
    }
    const used = usedBytes() - before;
    if (used > MAX_INPUT_BYTES) throw failure(target, seed, index, input, new Error(`it took ${used} bytes`));
  }
  const grownBytes = (await heldBytes()) - held;
  return { target: target.name, inputs: total, outcomes, slowest, grownBytes };
}

/** What a run comes to for one index: the same for the same seed, whatever ran before. */
function inputOf(target: Target, seeds: readonly Buffer[], seed: number, index: number): Buffer {
  const kept = seeds[index];
  if (kept !== undefined) return kept;
  const dice = new Dice(seed, hashText(target.name), index, 1);
  const made = seeds.length === 0 || dice.chance(0.5);
  const input = made ? target.generate(dice) : (dice.pick(seeds) ?? Buffer.alloc(0));
  if (made && dice.chance(0.5)) return input.subarray(0, MAX_INPUT);
  return mutate(input, dice, dice.pick(seeds) ?? input, target.words);
}

function seedsOf(target: Target): Buffer[] {
  return [...keptSeeds(target.name), ...(target.seeds?.() ?? [])];
}

/** The shortest time of several tries, each from the start. */
async function bestOf(target: Target, input: Buffer, diceOf: () => Dice): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let left = TRIES; left > 0; left -= 1) {
    const check = target.begin();
    const started = performance.now();
    await check(Buffer.from(input), diceOf());
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

function failure(target: Target, seed: number, index: number, input: Buffer, cause: unknown): Error {
  const line = seedLine(input);
  const shown = line.length <= 4_000 ? line : `${line.slice(0, 4_000)}… (${input.length} bytes)`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `${target.name}: input ${index} of seed ${seed}: ${reason}\n` +
      `again: FUZZ_SEED=${seed} FUZZ_TARGET=${target.name} npm run test:long -- test/fuzz\nkeep it in test/fuzz/seeds/${target.name}.txt:\n${shown}`,
    { cause },
  );
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is held after everything that can go has gone. */
async function heldBytes(): Promise<number> {
  collect();
  await breathe();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Runs a decoder whose only exceptions are errors of ours; tells what came, or `undefined` for a refusal. */
export function orRefused<T>(decode: () => T, onRefusal?: (error: SiderolinkError) => void): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof SiderolinkError)) throw error;
    onRefusal?.(error);
    return undefined;
  }
}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
