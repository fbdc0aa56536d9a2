import { readFile } from 'node:fs/promises';
import { SiderolinkError } from '../domain/errors.ts';
import type { CommandFailure } from './command-failure.ts';
import { type ProcessEnd, runProcess } from './process.ts';

export interface RunOptions {
  /** After so many milliseconds the command is killed and the run fails. */
  readonly timeoutMs?: number;
  /** Starts the command in a session of its own, so that what it leaves running outlives us and our terminal. */
  readonly detached?: boolean;
  /** The command complains on its standard output, and no secret can be there: an error may show it. */
  readonly complainsOnStdout?: boolean;
  /**
   * Where a runner may put the standard output as UTF-8, instead of giving it as its answer, which is empty then. For what
   * is long and comes again and again: no string is made of it here.
   */
  readonly into?: OutputMemory;
}

export interface OutputMemory {
  /** Has as many bytes written there, from its beginning. */
  take(length: number, write: (memory: Uint8Array) => void): void;
}

/**
 * Runs one command of the system (`ip`, `wg`, `nft`, …) and gives its standard output. All our effects on the network go
 * through it, so a test can put a model of the system, or another network namespace, in its place.
 *
 * @throws SiderolinkError `command_failed`; `details` are those of {@link CommandFailure}
 */
export interface Runner {
  run(argv: readonly [string, ...string[]], options?: RunOptions): Promise<string>;
}

const MAX_ARGV_TEXT = 400;
const MAX_STDERR_TEXT = 2000;
/** A dump of 100,000 peers is 30 MB. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Runs commands of this host. No secret may be in an argv: other users read it. */
export class CommandRunner implements Runner {
  readonly #timeoutMs: number;

  /** `timeoutMs`: deadline of a command that names none. */
  constructor(options: { readonly timeoutMs?: number } = {}) {
    this.#timeoutMs = options.timeoutMs ?? 10_000;
  }

  async run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<string> {
    const [file, ...args] = argv;
    const timeout = options.timeoutMs ?? this.#timeoutMs;
    // No process for what needs none: each join looks at a file.
    if (file === 'cat' && args.length === 1) return await fileText(argv, args[0] ?? '');
    const end = await runProcess(file, args, {
      // A closed environment: translated messages and wireguard-go's LOG_LEVEL, with which it never lets go of our
      // pipes (facts/feasibility.md section 0), stay out.
      env: environment(),
      timeoutMs: timeout,
      maxBytes: MAX_OUTPUT_BYTES,
      detached: options.detached === true,
    });
    if (end.exitCode === 0) return end.stdout;
    throw commandFailed(argv, end, timeout, options.complainsOnStdout === true);
  }
}

async function fileText(argv: readonly [string, ...string[]], path: string): Promise<string> {
  try {
    // As of a command: without the last line feed.
    return (await readFile(path, 'utf8')).replace(/\n$/, '');
  } catch (error) {
    const stderr = error instanceof Error ? error.message : String(error);
    const details: CommandFailure = { argv: shorten(argv.join(' ')), exitCode: 1, stderr };
    throw new SiderolinkError('command_failed', `cat: ${stderr}`, details);
  }
}

function environment(): Record<string, string> {
  // Debian keeps ip and nft in sbin, which an ordinary user's PATH lacks.
  return { LC_ALL: 'C', PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin` };
}

function commandFailed(
  argv: readonly [string, ...string[]],
  end: ProcessEnd,
  timeoutMs: number,
  withStdout: boolean,
): SiderolinkError {
  const stderr = complaint([end.stderr, ...(withStdout ? [end.stdout] : [])].join('\n'));
  const details: CommandFailure = { argv: shorten(argv.join(' ')), exitCode: end.exitCode, stderr };
  return new SiderolinkError('command_failed', `${argv[0]}: ${reason(end, stderr, timeoutMs)}`, details);
}

/** Without the box that wireguard-go draws wherever a kernel could do its work: it is no error. */
function complaint(text: string): string {
  const lines = text.split('\n').filter((line) => !/^[┌│└]/.test(line));
  return lines.join('\n').trim().slice(0, MAX_STDERR_TEXT);
}

function reason({ problem, exitCode }: ProcessEnd, stderr: string, timeoutMs: number): string {
  if (problem === 'ENOENT') return 'this program is not installed';
  if (problem === 'timeout') return `gave no answer within ${timeoutMs} ms`;
  if (stderr !== '') return stderr.split('\n', 1)[0] ?? stderr;
  if (problem === 'too much') return `said more than ${MAX_OUTPUT_BYTES} bytes`;
  if (exitCode !== null) return `exit code ${exitCode}`;
  return problem ?? 'was ended by a signal';
}

function shorten(text: string): string {
  return text.length <= MAX_ARGV_TEXT ? text : `${text.slice(0, MAX_ARGV_TEXT)}… (${text.length} characters)`;
}
