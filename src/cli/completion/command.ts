import { Argument, type Command } from 'commander';
import type { Machine } from '../../client/api.ts';
import type { ControlClient } from '../../client/client.ts';
import type { Io } from '../context.ts';
import { examples } from '../tree/values.ts';
import { candidatesOf, type Knows } from './candidates.ts';
import { type Candidate, readLine } from './line.ts';
import { completionScript, SHELLS, type Shell } from './scripts.ts';

/** How long a person who pressed a key waits for the daemon. What is there by then is taken. */
const PATIENCE_MS = 1_500;

/** Makes a client for the target that the program's options name, whose calls may take so long. */
export type Connect = (timeoutMs: number) => ControlClient;

/** `completion`, and what its scripts call. */
export function addCompletionCommands(program: Command, io: Io, connect: Connect): void {
  const completion = program
    .command('completion')
    .description('print a script that completes commands, options, machines, tokens and owners')
    .addArgument(new Argument('<shell>').choices([...SHELLS]))
    .action((shell: Shell) => io.out(completionScript(shell)));
  examples(
    completion,
    '# in this shell: source <(siderolinkctl completion bash)',
    'completion bash >/etc/bash_completion.d/siderolinkctl',
    'completion zsh >"$fpath[1]/_siderolinkctl"',
    'completion fish >~/.config/fish/completions/siderolinkctl.fish',
  );
  program
    .command('__complete [words...]', { hidden: true })
    .helpOption(false)
    .action((words: readonly string[]) => complete(program, words, io, connect));
}

/** Never fails and never complains: a shell would print it into the line that is typed. */
async function complete(program: Command, words: readonly string[], io: Io, connect: Connect): Promise<void> {
  const line = readLine(program, words);
  for (const [name, value] of line.options) program.setOptionValueWithSource(name, value, 'cli');
  let candidates: readonly Candidate[] = [];
  try {
    candidates = await candidatesOf(line, knowing(io, connect));
  } catch {
    // Nobody is there to ask.
  }
  const lines = candidates.map(({ value, about }) => `${value}\t${about}\n`);
  io.out(`${line.wanted.kind === 'files' ? 'files' : 'words'}\n${lines.join('')}`);
}

/** What the daemon tells within our patience: of a large fleet the first machines. */
function knowing(io: Io, connect: Connect): Knows {
  const late = () => io.clock.sleep(PATIENCE_MS);
  return {
    async machines() {
      const machines: Machine[] = [];
      const end = io.clock.monotonic() + PATIENCE_MS;
      try {
        for await (const page of connect(PATIENCE_MS).machinePages()) {
          machines.push(...page);
          if (io.clock.monotonic() > end) break;
        }
      } catch {
        // What came before it broke is better than nothing.
      }
      return machines;
    },
    tokens: async () => (await Promise.race([connect(PATIENCE_MS).tokens(), late()])) ?? [],
  };
}
