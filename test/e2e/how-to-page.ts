import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Gateway } from './gateway.ts';
import { blocksByHeading, compare, type Step } from './transcript.ts';

const PAGES = new URL('../../docs/how-to/', import.meta.url);
const MAINS = { siderolinkctl: '../../src/cli/main.ts', siderolinkd: '../../src/daemon/main.ts' } as const;
/** Ends what a command says: nothing that is printed has it. */
const END = '\u0001';
/** The first word of who has failed. */
const FAILURE = /^siderolink(?:ctl|d): /m;

export interface HowToOptions {
  /** Words of the page that stand for what the daemon makes, such as the ids of tokens. */
  readonly variables?: readonly string[];
  /** Shell scripts in place of programs that are not here, by name. */
  readonly programs?: Readonly<Record<string, string>>;
}

/**
 * A page of docs/how-to, done as it is written on the host of a gateway: all that stands in its ```console blocks is
 * typed into one shell, and what is said must be what the page shows (transcript.ts). A command fails if and only if
 * the page shows it failing (`siderolinkctl: …`).
 */
export class HowToPage {
  readonly #gateway: Gateway;
  readonly #name: string;
  readonly #variables: readonly string[];
  readonly #sections: Map<string, Step[][]>;
  /** What the texts of the page that stand for something else are here. */
  readonly #known = new Map<string, string>();
  /** Files of a gateway as the page calls them. */
  readonly #paths: ReadonlyMap<string, string>;
  readonly #programs: Readonly<Record<string, string>>;
  readonly #home: string;
  #shell: ChildProcess | undefined;
  #ended: Promise<unknown> | undefined;
  #said = '';

  constructor(gateway: Gateway, name: string, { variables = [], programs = {} }: HowToOptions = {}) {
    this.#gateway = gateway;
    this.#name = name;
    this.#variables = variables;
    this.#programs = programs;
    this.#home = join(gateway.directory, 'home');
    this.#sections = blocksByHeading(readFileSync(new URL(name, PAGES), 'utf8'));
    this.#paths = new Map([
      ['/run/siderolinkd/control.sock', join(gateway.directory, 'control.sock')],
      ['/var/lib/siderolinkd', join(gateway.directory, 'state')],
    ]);
  }

  /** What a text of the page is here. @throws Error before it was shown */
  actual(text: string): string {
    const actual = this.#known.get(text);
    if (actual === undefined) throw new Error(`${this.#name}: ${text} was not shown yet`);
    return actual;
  }

  /** A file that the page has made. */
  read(name: string): string {
    return readFileSync(join(this.#home, name), 'utf8').trim();
  }

  /** Does the next block under this heading, and leaves the others for later. */
  async block(heading: string): Promise<void> {
    const [block, ...later] = this.#sections.get(heading) ?? [];
    if (block === undefined) throw new Error(`${this.#name} has nothing (more) to do under "${heading}"`);
    if (later.length > 0) this.#sections.set(heading, later);
    else this.#sections.delete(heading);
    for (const step of block) await this.#step(step);
  }

  /** Does all that is left under this heading. */
  async section(heading: string): Promise<void> {
    do await this.block(heading);
    while (this.#sections.has(heading));
  }

  /** @throws Error if anything of the page was not done */
  finish(): void {
    if (this.#sections.size > 0) throw new Error(`${this.#name}: not done: ${[...this.#sections.keys()].join(', ')}`);
  }

  async #step({ command, output }: Step): Promise<void> {
    const typed = replaceAll(replaceAll(command, this.#known), this.#paths);
    const { code, said } = await this.#run(typed);
    const printed = replaceAll(said, new Map([...this.#paths].map(([page, actual]) => [actual, page])));
    const learnt = compare(output, printed, this.#variables, this.#known);
    const failed = FAILURE.test(output.join('\n'));
    if (learnt === undefined || failed !== (code !== 0)) {
      const shown = output.map((line) => `${line}\n`).join('');
      throw new Error(
        `${this.#name}: $ ${typed}\n--- it said, with exit code ${code}:\n${printed}--- the page:\n${shown}`,
      );
    }
    for (const [text, actual] of learnt) this.#known.set(text, actual);
  }

  async #run(command: string): Promise<{ readonly code: number; readonly said: string }> {
    this.#shell ??= this.#open();
    const { stdin, stdout } = this.#shell;
    if (stdin === null || stdout === null) throw new Error('no shell');
    this.#said = '';
    stdin.write(`{ ${command}\n} </dev/null; printf '${END}%d${END}' $?\n`);
    for (;;) {
      const [said = '', code, rest] = this.#said.split(END);
      // Curl ends its answer without a new line; a terminal would begin the next prompt behind it.
      if (rest !== undefined)
        return { code: Number(code), said: said === '' || said.endsWith('\n') ? said : `${said}\n` };
      if (this.#shell.exitCode !== null) throw new Error(`the shell has ended: ${said}`);
      await Promise.race([once(stdout, 'data'), this.#ended]);
    }
  }

  /** One for the whole page, so that its files and variables stay. */
  #open(): ChildProcess {
    const { directory, namespace } = this.#gateway;
    const bin = join(directory, 'bin');
    for (const made of [bin, this.#home]) mkdirSync(made);
    const ours = Object.entries(MAINS).map(([name, main]) => {
      const file = fileURLToPath(new URL(main, import.meta.url));
      return [name, `exec '${process.execPath}' '${file}' "$@"`] as const;
    });
    for (const [name, script] of [...ours, ...Object.entries(this.#programs)]) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    const shell = namespace.spawn(['bash', '--norc', '-s'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: this.#home,
      env: {
        ...process.env,
        PATH: `${bin}:${process.env['PATH'] ?? ''}`,
        TZ: 'UTC',
        NO_COLOR: '1',
        SIDEROLINKCTL_SOCKET: join(directory, 'control.sock'),
        SIDEROLINKD__STATE_DIR: join(directory, 'state'),
      },
    });
    shell.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    shell.stdin?.write('exec 2>&1\n');
    this.#ended = once(shell, 'exit');
    this.#shell = shell;
    return shell;
  }
}

function replaceAll(text: string, replacements: ReadonlyMap<string, string>): string {
  return [...replacements].reduce((now, [from, to]) => now.replaceAll(from, to), text);
}
