import { CommanderError } from 'commander';
import { ERRORS, errorCode, errorMessage } from '../domain/errors.ts';
import { Ended, type Io } from './context.ts';
import { buildProgram } from './program.ts';
import { printable } from './text.ts';

/** Runs one command and resolves with its exit code; what went wrong is said on `io.err`. */
export async function execute(args: readonly string[], io: Io): Promise<number> {
  try {
    await buildProgram(io).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERRORS.invalid_argument.exit;
    if (error instanceof Ended) return error.code;
    if (!io.signal.aborted) io.err(`siderolinkctl: ${printable(errorMessage(error))}\n`);
    return ERRORS[errorCode(error)].exit;
  }
}
