import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { CommandRunner, type OutputFile } from './runner.ts';
import type { RunnerAnswer, RunnerRequest } from './separate-runner.ts';

/** The process of `SeparateRunner`: runs what it is told and ends with the one that told it. */
const runner = new CommandRunner();
const OUTPUT_FILE: OutputFile = 4;

// A terminal's Ctrl-C reaches the whole process group, but the daemon still needs commands in order to stop.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());

process.on('message', ({ id, argv, options, toFile }: RunnerRequest) => {
  void runner
    .run(argv, options, toFile ? OUTPUT_FILE : undefined)
    .then((stdout): RunnerAnswer => ({ id, stdout }))
    .catch((error: unknown): RunnerAnswer => {
      const details = error instanceof SiderolinkError ? error.details : {};
      return { id, failure: { message: errorMessage(error), details } };
    })
    .then((answer) => process.send?.(answer));
});
