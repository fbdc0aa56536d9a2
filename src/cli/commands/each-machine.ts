import type { Machine } from '../../client/api.ts';
import { type ErrorCode, errorCode, errorMessage, SiderolinkError } from '../../domain/errors.ts';
import { type Context, printJson } from '../context.ts';
import { nameOf, resolveMachines } from '../resolve.ts';
import { printable } from '../text.ts';

/** What is said of a machine after a change: where it was different before, and where it was not. */
export interface Words {
  readonly done: string;
  readonly before: string;
}

/**
 * Changes each machine, one after the other. Nothing is changed if one of them is nobody. One that fails does not keep
 * the others from their turn; the error tells how many did.
 */
export async function eachMachine(
  context: Context,
  texts: readonly string[],
  change: (machine: Machine) => Promise<Machine>,
  words: Words | ((machine: Machine) => Words),
): Promise<void> {
  const machines = await resolveMachines(context.client, texts);
  await changeEach(context, machines, change, words);
}

export async function changeEach(
  context: Context,
  machines: readonly Machine[],
  change: (machine: Machine) => Promise<Machine>,
  words: Words | ((machine: Machine) => Words),
): Promise<void> {
  const failures: unknown[] = [];
  for (const machine of machines) {
    if (context.signal.aborted) return;
    try {
      const after = await hinting(machine, change(machine));
      tell(context, machine, after, typeof words === 'function' ? words(after) : words);
    } catch (error) {
      if (machines.length === 1) throw error;
      context.err(`siderolinkctl: ${nameOf(machine)}: ${printable(errorMessage(error))}\n`);
      failures.push(error);
    }
  }
  if (failures.length === 0) return;
  const total = `${failures.length} of ${machines.length} machines could not be changed`;
  throw new SiderolinkError(errorCode(failures[0]), total);
}

/** Says what became of a machine; a repetition says so. A change is seen by the version, which grows with each. */
export function tell(context: Context, before: Machine, after: Machine, words: Words): void {
  if (context.format === 'json') printJson(context, after);
  else context.out(`${nameOf(after)} ${after.version === before.version ? words.before : words.done}\n`);
}

/** What to do next about an error, behind what is wrong. */
const NEXT: Partial<Record<ErrorCode, (machine: Machine) => string>> = {
  stale: ({ server_uuid }) =>
    `somebody changed it meanwhile: look at it with \`siderolinkctl machine get ${server_uuid}\`, and try again if you still want to`,
  conflict: ({ server_uuid }) => `\`siderolinkctl machine get ${server_uuid}\` shows what it is now`,
};

export async function hinting<T>(machine: Machine, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const next = NEXT[errorCode(error)];
    if (next === undefined) throw error;
    throw withHint(error, next(machine));
  }
}

export function withHint(error: unknown, hint: string): SiderolinkError {
  return new SiderolinkError(errorCode(error), `${errorMessage(error)}; ${hint}`, {}, { cause: error });
}
