import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { execute } from '../../src/cli/execute.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { NOW } from '../control/fakes.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command as a user starts it. */
export function start(socket: string, ...args: string[]) {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, TZ: 'UTC', SIDEROLINKCTL_SOCKET: socket };
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
    sofar: () => ({ out, err }),
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

export interface Person {
  /** Instead of the system's, which stands still only for `now`. */
  readonly clock?: Partial<Clock>;
  /** What the person at the terminal answers; without it nobody can be asked. */
  readonly answer?: string;
  /** Whether the output goes to a terminal. */
  readonly tty?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** How wide the terminal is. */
  readonly columns?: number;
  /** Sees what is printed. */
  readonly onOut?: (text: string) => void;
  /** Ends what follows. */
  readonly signal?: AbortSignal;
}

export interface Asked extends Result {
  readonly questions: readonly string[];
}

/** The command in this process, with a person who answers. */
export async function ctlHere(socket: string, args: readonly string[], person: Person = {}): Promise<Asked> {
  let out = '';
  let err = '';
  const questions: string[] = [];
  const { answer, tty = false } = person;
  const clock: Clock = { ...systemClock, now: () => NOW, ...person.clock };
  const code = await execute(['--socket', socket, ...args], {
    out: (text) => {
      out += text;
      person.onOut?.(text);
    },
    err: (text) => {
      err += text;
    },
    env: { NO_COLOR: '1', ...person.env },
    outIsTty: tty,
    errIsTty: tty,
    ask:
      answer === undefined
        ? undefined
        : async (question) => {
            questions.push(question);
            return answer;
          },
    clock,
    columns: () => person.columns,
    signal: person.signal ?? new AbortController().signal,
  });
  return { code, out, err, questions };
}
