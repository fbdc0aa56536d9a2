import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Starts children on a store and kills them. */
export class Killed<Told> {
  readonly #program: string;
  #child: ChildProcess | undefined;

  /** @param name of the program, which stands in this folder */
  constructor(name: string) {
    this.#program = fileURLToPath(new URL(name, import.meta.url));
  }

  /** Runs the child until it acknowledged `count` things, kills it, and returns what it acknowledged. */
  async run(path: string, count: number): Promise<Told[]> {
    const child = spawn(process.execPath, [this.#program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const exited = once(child, 'exit');
    const told: Told[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.endsWith('}')) break;
      told.push(JSON.parse(line));
      if (told.length === count) child.kill('SIGKILL');
    }
    await exited;
    return told;
  }

  end(): void {
    this.#child?.kill('SIGKILL');
  }
}
