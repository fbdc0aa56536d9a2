import { SiderolinkError } from '../domain/errors.ts';

/** Details of a `command_failed` of a runner. Standard output is never among them: `wg show … dump` holds the private key. */
export type CommandFailure = {
  readonly argv: string;
  /** `null` if it never ran or was killed. */
  readonly exitCode: number | null;
  /** With what a command that complains there said on its standard output. */
  readonly stderr: string;
};

/** What a command that failed said on standard error; empty for any other error. */
export function stderrOf(error: unknown): string {
  const stderr = error instanceof SiderolinkError ? error.details['stderr'] : undefined;
  return typeof stderr === 'string' ? stderr : '';
}
