import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespace } from '../helpers/netns.ts';

const PAGES = new URL('../../docs/how-to/', import.meta.url);
/** A fenced block whose info string names a file behind the language: ```ts follow.ts */
const PROGRAM = /^```\w+ (\S+)\n(.*?)^```$/gms;

/** Writes the programs of a page, as they stand there, into a directory. @returns their names */
export function writePrograms(page: string, directory: string): readonly string[] {
  mkdirSync(directory, { recursive: true });
  const text = readFileSync(new URL(page, PAGES), 'utf8');
  return [...text.matchAll(PROGRAM)].map(([, name = '', source = '']) => {
    writeFileSync(join(directory, name), source);
    return name;
  });
}

export interface ProgramOptions {
  readonly command: readonly [string, ...string[]];
  readonly namespace: Namespace;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that is killed and started again, as somebody's service manager does it. */
export class Program {
  /** What it said on stderr, in all its lives. */
  said = '';
  readonly #options: ProgramOptions;
  #child: ChildProcess | undefined;

  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  start(): this {
    const { command, namespace, cwd, env } = this.#options;
    // A group of its own: what it started ends with it.
    const child = namespace.spawn(command, {
      cwd,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said += text;
    });
    this.#child = child;
    return this;
  }

  /** Whether it has ended by itself, and how. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** SIGKILL: it has no moment to tidy up. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) throw new Error('it was not started');
    this.#child = undefined;
    if (child.exitCode !== null) throw new Error(`it has ended with ${child.exitCode}: ${this.said}`);
    const gone = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await gone;
  }

  async restart(): Promise<void> {
    await this.kill();
    this.start();
  }
}
