import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A control group for a container, below that of this process, in each hierarchy that systemd keeps its units in. Two
 * containers that are started from one group share it otherwise, and with it the groups of units of the same name: systemd
 * of the one then removes what that of the other is about to start in ("Failed to attach to cgroup", status=219/CGROUP).
 */
export class OwnCgroup {
  readonly #directories: readonly string[];

  constructor(name: string) {
    const paths = hierarchies();
    if (paths.length === 0) throw new Error('systemd has no hierarchy of control groups here');
    this.#directories = paths.map((path) => join(path, name));
    for (const directory of this.#directories) mkdirSync(directory);
  }

  /** A shell's commands that put it there, for it to become what is to be there. */
  get enter(): string {
    return this.#directories.map((directory) => `echo $$ >'${directory}/cgroup.procs'\n`).join('');
  }

  /** Once nothing runs there any more. */
  dispose(): void {
    for (const directory of this.#directories) removeTree(directory);
  }
}

/** Where this process is in version 2 and in systemd's own hierarchy of version 1, as far as they are mounted. */
function hierarchies(): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, controllers, path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isOurs =
      controllers === ''
        ? (mount: string) => / - cgroup2 /.test(mount)
        : (mount: string) => controllers === 'name=systemd' && / - cgroup .*name=systemd/.test(mount);
    const [, , , root = '/', at] = mounts.find(isOurs)?.split(' ') ?? [];
    if (at === undefined) return [];
    // What is mounted there may be a group itself.
    return [join(at, root !== '/' && path.startsWith(root) ? path.slice(root.length) : path)];
  });
}

/** Groups are removed one by one, the inner ones first; what is in them are no files. */
function removeTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  rmdirSync(directory);
}
