import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface ProcessOptions {
  /** All that it is given. */
  readonly env: Readonly<Record<string, string>>;
  /** After so many milliseconds it is killed. */
  readonly timeoutMs: number;
  /** Nor may it say more than so many bytes, on either stream. */
  readonly maxBytes: number;
  /** In a session of its own, in `/`: it outlives us. Any other is killed when this process exits. */
  readonly detached: boolean;
}

/** How a process ended. What it said is text without its last line feed. */
export interface ProcessEnd {
  readonly stdout: string;
  readonly stderr: string;
  /** Null if it never ran or a signal ended it. */
  readonly exitCode: number | null;
  /** Why we ended it, or the system's code of why it did not run: `ENOENT`. */
  readonly problem: 'timeout' | 'too much' | string | undefined;
}

/** Those that are to end with us. */
const running = new Set<ChildProcess>();

/**
 * Runs a program to its end, which is when both of its streams are closed too. Node's own means and no library: the process
 * that runs our commands is started with each of us, and a library that does this well took two thirds of its start.
 */
export function runProcess(file: string, args: readonly string[], options: ProcessOptions): Promise<ProcessEnd> {
  const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
  const { detached, env, timeoutMs, maxBytes } = options;
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    child = spawn(file, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'], ...(detached && { detached, cwd: '/' }) });
  } catch (error) {
    // Such as arguments that are too long.
    resolve({ stdout: '', stderr: '', exitCode: null, problem: codeOf(error) });
    return promise;
  }
  const said: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  const end = (exitCode: number | null, problem?: string): void => {
    clearTimeout(deadline);
    forget(child);
    resolve({ stdout: textOf(said.stdout), stderr: textOf(said.stderr), exitCode, problem });
  };
  // What it started itself may have its streams for as long as it likes: nobody waits for that.
  const giveUp = (problem: string): void => {
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
    end(null, problem);
  };
  const deadline = setTimeout(giveUp, timeoutMs, 'timeout');
  if (!detached) remember(child);
  for (const name of ['stdout', 'stderr'] as const) {
    let bytes = 0;
    child[name].on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) giveUp('too much');
      else said[name].push(part);
    });
  }
  // Also of a kill that fails, as for a program that became another user's.
  child.on('error', (error) => end(null, codeOf(error)));
  child.once('close', (exitCode) => end(exitCode));
  return promise;
}

function remember(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', killAll);
  running.add(child);
}

function forget(child: ChildProcess): void {
  if (running.delete(child) && running.size === 0) process.off('exit', killAll);
}

function killAll(): void {
  for (const child of running) child.kill();
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

function textOf(parts: readonly Buffer[]): string {
  return Buffer.concat(parts)
    .toString()
    .replace(/\r?\n$/, '');
}
