import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { systemClock } from '../../src/lib/clock.ts';
import { OwnCgroup } from './own-cgroup.ts';

export const checkout = fileURLToPath(new URL('../..', import.meta.url));
const SUITE = 'bookworm';
/** What docs/install.md names, and what a Debian with systemd consists of. */
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'procps', 'iproute2', 'netbase', 'nftables'];
const WIREGUARD = ['wireguard-tools', 'wireguard-go'];

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A command of this host; throws with what it said. */
export async function host(file: string, ...args: string[]): Promise<string> {
  const { stdout } = await execa(file, args, { cwd: checkout, stdin: 'ignore' });
  return stdout;
}

/** Asks until the condition holds; what is waited for is another process, so there is nothing to be told by. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      if (await condition()) return;
    } catch (error) {
      last = error;
    }
    await systemClock.sleep(100);
  }
  throw new Error(`not within ${withinMs} ms: ${what}`, { cause: last });
}

export interface Outcome {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The file system of a small Debian of its own, in memory: on a disk that others keep busy its ten thousands of small files
 * take minutes to come and to go. Needs root, debootstrap and a Debian mirror.
 */
export class DebianTree {
  /** Of everything that belongs to it. */
  readonly directory = mkdtempSync(join(tmpdir(), 'siderolinkd-packaging-'));
  readonly root = join(this.directory, 'root');
  #mounted = false;

  /** Takes about 40 s and 270 MB; `packages: false` leaves a bare system. */
  async build({ packages = true } = {}): Promise<void> {
    const include = packages ? [`--include=${[...PACKAGES, ...WIREGUARD].join(',')}`] : [];
    // nspawn's container must be able to enter it.
    chmodSync(this.directory, 0o755);
    mkdirSync(this.root);
    await host('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', this.root);
    this.#mounted = true;
    await host('debootstrap', '--variant=minbase', ...include, SUITE, this.root);
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, 0o644);
  }

  dispose(): void {
    if (this.#mounted) execFileSync('umount', ['--lazy', this.root]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A tree that was booted with systemd-nspawn, with a network of its own in which there is nobody. */
export class BootedDebian {
  readonly #tree: DebianTree;
  readonly #machine = `siderolinkd-test-${process.pid}`;
  #cgroup: OwnCgroup | undefined;
  #container: ChildProcess | undefined;
  #leader = '';

  constructor(tree: DebianTree) {
    this.#tree = tree;
  }

  /** Resolves when systemd has started all that it is to start, with its word for how that went. */
  async boot(): Promise<string> {
    this.#tree.write('etc/machine-id', '');
    const cgroup = new OwnCgroup(this.#machine);
    this.#cgroup = cgroup;
    const container = spawn(
      'bash',
      [
        ...['-ec', `${cgroup.enter}exec systemd-nspawn "$@"`, 'bash'],
        ...['--quiet', '--directory', this.#tree.root, `--machine=${this.#machine}`],
        // Works where the host has no systemd of its own.
        ...['--register=no', '--keep-unit', '--console=pipe', '--private-network', '--bind=/dev/net/tun'],
        ...['--boot', 'systemd.log_target=journal', 'systemd.show_status=0'],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    this.#container = container;
    await until('the container has an init', () => {
      if (container.exitCode !== null) throw new Error(`systemd-nspawn ended with ${container.exitCode}`);
      this.#leader = readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').trim();
      // Before that it is a child that makes the container, and ends when another has become its first process.
      return readFileSync(`/proc/${this.#leader}/comm`, 'utf8').trim() === 'systemd';
    });
    let state = '';
    await until('the system has started', async () => {
      state = (await this.try('systemctl is-system-running --wait')).stdout;
      return state === 'running' || state === 'degraded';
    });
    return state;
  }

  /** Runs a shell command in it as root, whatever becomes of it. */
  async try(command: string): Promise<Outcome> {
    // An environment of its own: this host's is none of its business.
    const inside = ['env', '-i', `PATH=${PATH}`, 'HOME=/root', 'NO_COLOR=1', 'SYSTEMD_PAGER=', 'bash', '-c', command];
    const { exitCode, stdout, stderr } = await execa('nsenter', ['--target', this.#leader, '--all', ...inside], {
      stdin: 'ignore',
      reject: false,
      timeout: 120_000,
    });
    return { exitCode, stdout, stderr };
  }

  /** The same, and its output; throws if it fails. */
  async run(command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.try(command);
    if (exitCode !== 0) throw new Error(`${command}: exit code ${exitCode}\n${stdout}\n${stderr}`);
    return stdout;
  }

  async dispose(): Promise<void> {
    const container = this.#container;
    if (container !== undefined && container.exitCode === null && container.signalCode === null) {
      await this.#end(container);
    }
    this.#cgroup?.dispose();
  }

  async #end(container: ChildProcess): Promise<void> {
    const ended = once(container, 'exit');
    // For systemd in it this is the order to power off.
    container.kill('SIGTERM');
    const killed = setTimeout(() => container.kill('SIGKILL'), 30_000);
    await ended;
    clearTimeout(killed);
  }
}
