import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Answer, Deed } from './canary-worker.ts';

const WORKER = fileURLToPath(new URL('./canary-worker.ts', import.meta.url));

/** Does these in the namespace of that name, one after the other. */
export async function act(namespace: string, deeds: readonly Deed[]): Promise<readonly Answer[]> {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, WORKER], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(deeds));
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`the worker ended with ${code}`);
  return JSON.parse(said) as Answer[];
}

const PROGRAMS = ['ip', 'nft', 'wg', 'wireguard-go'] as const;

/**
 * Programs of the system in a directory for the front of `PATH`: each writes down its arguments and its environment before it becomes the
 * real one. Looking at `/proc` would miss those that live for a millisecond.
 */
export function spyOnPrograms(directory: string): { readonly bin: string; readonly seen: string } {
  const bin = join(directory, 'bin');
  const seen = join(directory, 'programs-seen');
  mkdirSync(bin);
  for (const program of PROGRAMS) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
    const real = stdout.trim();
    if (real === '') throw new Error(`${program} is not installed`);
    const file = join(bin, program);
    const note = `{ echo "${program} $*"; tr '\\0' '\\n' </proc/$$/environ; } >>'${seen}'`;
    writeFileSync(file, `#!/bin/sh\n${note}\nexec ${real} "$@"\n`);
    chmodSync(file, 0o755);
  }
  return { bin, seen };
}

/** Arguments and environments of a process and all that descend from it, as anybody and as their user may read them. */
function processesOf(root: number): string {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const [, , parent] = /^(\d+) \(.*\) . (\d+)/s.exec(read(`/proc/${name}/stat`)) ?? [];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const isOurs = (pid: number): boolean => pid === root || (parents.has(pid) && isOurs(parents.get(pid) ?? 0));
  return [...parents.keys()]
    .filter(isOurs)
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`)}\n${read(`/proc/${pid}/environ`)}`)
    .join('\n');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // It has ended since we listed it.
    return '';
  }
}

/** Looks at the processes again and again until told to stop; gives what was seen. */
export class ProcessWatch {
  readonly #seen = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(root: number) {
    const look = () => this.#seen.add(processesOf(root));
    look();
    this.#timer = setInterval(look, 50);
  }

  stop(): string {
    clearInterval(this.#timer);
    return [...this.#seen].join('\n');
  }
}

/** Runs a program of ours in a namespace; gives all that it said. */
export async function run(
  namespace: string,
  argv: readonly string[],
): Promise<{ readonly code: number; readonly said: string }> {
  const child: ChildProcess = spawn('ip', ['netns', 'exec', namespace, process.execPath, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (part) => {
      said += part;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, said };
}
