import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorDetails, SiderolinkError } from '../domain/errors.ts';
import { MemoryFile } from './memory-file.ts';
import type { OutputMemory, Runner, RunOptions } from './runner.ts';

export interface RunnerRequest {
  readonly id: number;
  readonly argv: readonly [string, ...string[]];
  readonly options: RunOptions;
  /** Whether the output should go into the file that both processes have, and not into the answer. */
  readonly toFile: boolean;
}

/** The number of that file in the process that runs commands: behind its standard streams and the channel to us. */
export const OUTPUT_FILE = 4;

/** `stored`: so many bytes of output are in the file. */
type RunnerResult = { readonly id: number; readonly stdout: string } | { readonly id: number; readonly stored: number };

export type RunnerAnswer =
  | RunnerResult
  | { readonly id: number; readonly failure: { readonly message: string; readonly details: ErrorDetails } };

interface Waiting {
  readonly resolve: (result: RunnerResult) => void;
  readonly reject: (error: SiderolinkError) => void;
}

/**
 * Runs commands from a small process of its own. Starting a process means copying the page tables of the one that
 * starts it, on its main thread: tens of milliseconds for a daemon of some hundred megabytes, and a storm of joins needs
 * some hundred commands. Forked from a small process, they cost the daemon nothing.
 */
export class SeparateRunner implements Runner {
  readonly #waiting = new Map<number, Waiting>();
  readonly #memory: string | undefined;
  #child: ChildProcess | undefined;
  /** The process's own: one that is ended late writes into a file that nobody reads. */
  #file: MemoryFile | undefined;
  /** The file is for one command after the other. */
  #filing: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #stopped = false;

  /**
   * `memory`: a directory on a file system in memory, where long output is put. Default: that of the system. Where there is
   * none, it comes as all other does.
   */
  constructor(options: { readonly memory?: string } = {}) {
    this.#memory = options.memory;
  }

  /** Starts the process, so that the first command does not wait for it. */
  start(): void {
    this.#child ??= this.#fork();
  }

  /** @throws SiderolinkError `command_failed`, `unavailable` if the process ended */
  async run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<string> {
    const { into, ...others } = options;
    if (into === undefined) return outputOf(await this.#ask(argv, others, false));
    const turn = this.#filing.then(() => this.#runInto(into, argv, others));
    this.#filing = turn.catch(() => undefined);
    return await turn;
  }

  async #runInto(into: OutputMemory, argv: RunnerRequest['argv'], options: RunOptions): Promise<string> {
    if (!this.#stopped) this.start();
    const file = this.#file;
    const result = await this.#ask(argv, options, file !== undefined);
    if (!('stored' in result) || file === undefined) return outputOf(result);
    into.take(result.stored, (memory) => file.read(memory));
    // What was said may be secret.
    file.empty();
    return '';
  }

  #ask(argv: RunnerRequest['argv'], options: RunOptions, toFile: boolean): Promise<RunnerResult> {
    if (this.#stopped) return Promise.reject(ended());
    this.#child ??= this.#fork();
    const child = this.#child;
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const request: RunnerRequest = { id, argv, options, toFile };
      child.send(request, (error) => {
        if (error !== null && this.#waiting.delete(id)) reject(ended());
      });
    });
  }

  /** Ends the process, by force after `deadlineMs`; commands that still run go on without us. Idempotent. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    child.disconnect();
    await gone;
    clearTimeout(late);
  }

  #fork(): ChildProcess {
    const file = fileURLToPath(new URL(`./runner-process${extname(import.meta.url)}`, import.meta.url));
    const output = MemoryFile.open(this.#memory);
    this.#file = output;
    const child = fork(file, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', ...(output === undefined ? [] : [output.fd])],
      serialization: 'advanced',
      execArgv: [],
    });
    child.on('message', (answer: RunnerAnswer) => this.#settle(answer));
    child.on('error', () => this.#lost(child));
    child.on('exit', () => this.#lost(child));
    return child;
  }

  #settle(answer: RunnerAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('failure' in answer) {
      waiting?.reject(new SiderolinkError('command_failed', answer.failure.message, answer.failure.details));
    } else waiting?.resolve(answer);
  }

  /** The next command starts a new one. */
  #lost(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#file?.close();
    this.#file = undefined;
    for (const { reject } of this.#waiting.values()) reject(ended());
    this.#waiting.clear();
  }
}

function outputOf(result: RunnerResult): string {
  return 'stdout' in result ? result.stdout : '';
}

function ended(): SiderolinkError {
  return new SiderolinkError('unavailable', 'the process that runs system commands ended');
}
