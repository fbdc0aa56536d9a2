import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT } from '../wireguard/vm/debian.ts';
import type { VirtualMachine } from '../wireguard/vm/vm.ts';

const MAIN = fileURLToPath(new URL('./kernel-story-main.ts', import.meta.url));

/** Runs a command of Node in the virtual machine, in the checkout that its disk holds; gives what it says. */
export function runNode(
  vm: VirtualMachine,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const variables = Object.entries({
    PATH: `${dirname(process.execPath)}:/usr/bin:/usr/sbin`,
    // What the first process compiles the next need not.
    NODE_COMPILE_CACHE: '/tmp/compiled',
    ...env,
  }).map(([name, value]) => `${name}=${value}`);
  return vm.runner.run(['env', '-C', PROJECT, ...variables, process.execPath, ...args]);
}

/** Tells the story there; gives for each step that was begun why it failed, or `done`. */
export async function tellStory(
  vm: VirtualMachine,
  backend: 'kernel' | 'auto',
  length: 'short' | 'long' = 'short',
): Promise<ReadonlyMap<string, string>> {
  const said = await runNode(vm, [MAIN, backend, length]);
  const steps = said.split('\n').map((line) => JSON.parse(line) as { step: string; error?: string });
  return new Map(steps.map(({ step, error }) => [step, error ?? 'done']));
}
