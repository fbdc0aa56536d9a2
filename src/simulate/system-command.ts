import { ExecaError, execa } from 'execa';
import { SiderolinkError } from '../domain/errors.ts';

const DEADLINE_MS = 15_000;

/**
 * Runs a command of the system and gives its output. No secret may be among the arguments.
 * @throws SiderolinkError `command_failed` with the command and what it said
 */
export type SystemCommand = (file: string, ...args: readonly string[]) => Promise<string>;

export const systemCommand: SystemCommand = async (file, ...args) => {
  try {
    const { stdout } = await execa(file, args, {
      env: { LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
      extendEnv: false,
      stdin: 'ignore',
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
    });
    return stdout;
  } catch (error) {
    const failure = error instanceof ExecaError ? error : undefined;
    const stderr: unknown = failure?.stderr;
    const said = typeof stderr === 'string' ? stderr.trim().slice(0, 500) : '';
    const reason = failure?.code === 'ENOENT' ? 'is not installed' : said || (failure?.shortMessage ?? 'failed');
    throw new SiderolinkError('command_failed', `${file}: ${reason}`, {
      argv: [file, ...args].join(' ').slice(0, 400),
    });
  }
};
