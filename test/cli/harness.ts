import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command as a user starts it. */
export function start(socket: string, ...args: string[]) {
  const env = { PATH: process.env['PATH'], TZ: 'UTC', SIDEROLINKCTL_SOCKET: socket };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const done: Promise<Result> = once(child, 'close').then(([code]) => ({ code, out, err }));
  return {
    child,
    done,
    untilOut: (text: string) => until(child.stdout, () => out, text),
    untilErr: (text: string) => until(child.stderr, () => err, text),
  };

  /** Resolves when what the stream gave so far holds the text. */
  async function until(stream: Readable, soFar: () => string, text: string): Promise<void> {
    while (!soFar().includes(text)) {
      if (child.exitCode !== null) throw new Error(`ended without ${text}: ${out}${err}`);
      await Promise.race([once(stream, 'data'), once(child, 'close')]);
    }
  }
}

export function ctl(socket: string, ...args: string[]): Promise<Result> {
  return start(socket, ...args).done;
}
