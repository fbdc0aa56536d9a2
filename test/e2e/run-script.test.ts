import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/run', import.meta.url));

// A host of our own: network, mounts and processes. Whatever the script leaves behind is still there to be seen when it
// has ended, and is gone with the host.
const HOST = `
set -e
mount -t proc proc /proc
mkdir -p /run/wireguard /run/netns
mount -t tmpfs tmpfs /run/wireguard
mount -t tmpfs tmpfs /run/netns
ip link set lo up
ip link add eth9 type veth peer name eth10
ip addr add 192.0.2.10/24 dev eth9
ip link set eth9 up
ip link set eth10 up
touch "$1/up"
exec sleep infinity
`;

let directory: string;
let host: ChildProcess;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'siderolinkd-run-'));
  host = spawn(
    'unshare',
    ['-n', '-m', '-p', '-f', '--kill-child', '--propagation', 'private', 'bash', '-c', HOST, 'host', directory],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  await vi.waitFor(() => statSync(join(directory, 'up')), { timeout: 100_000 });
});
afterAll(async () => {
  const gone = once(host, 'exit');
  // Its child, the first process of the process namespace, is killed with it and takes all others along.
  host.kill('SIGKILL');
  await gone;
  rmSync(directory, { recursive: true, force: true });
});

function childOf(parent: ChildProcess): string {
  return execFileSync('pgrep', ['-P', String(parent.pid)], { encoding: 'utf8' }).trim();
}

function onHost(...argv: readonly string[]): string {
  return execFileSync('nsenter', ['-t', childOf(host), '-n', '-m', '-p', ...argv], { encoding: 'utf8' });
}

/** What a run can leave (this host's init does not reap, so the dead are left out): interfaces, namespaces, processes, firewall tables, sockets. */
function inventory(): string {
  const looks = [
    ['ip', '-br', 'link', 'show'],
    ['ip', 'netns'],
    ['nft', 'list', 'tables'],
    ['ls', '/run/wireguard'],
    ['ip', '-6', 'route', 'show', 'table', 'all', 'type', 'unreachable'],
    ['sh', '-c', 'ps -eo stat=,comm= | grep -vE "^Z|(ps|sh|grep|sleep|bash|nsenter)$" || true'],
  ] as const;
  return looks.map((argv) => onHost(...argv)).join('---\n');
}

class Run {
  output = '';
  readonly #child: ChildProcess;

  constructor(...args: readonly string[]) {
    const argv = [
      '-t',
      childOf(host),
      '-n',
      '-m',
      '-p',
      'setsid',
      SCRIPT,
      ...args,
      '--state',
      join(directory, 'state'),
    ];
    this.#child = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  async shows(text: RegExp, withinMs = 180_000): Promise<void> {
    const shown = () => {
      if (!text.test(this.output)) throw new Error(`does not show ${text}:\n${this.output.slice(-3000)}`);
    };
    const ended = once(this.#child, 'exit').then(([code]) => `ended with ${code}:\n${this.output.slice(-3000)}`);
    const early = await Promise.race([ended, vi.waitFor(shown, { timeout: withinMs, interval: 100 })]);
    if (early !== undefined) throw new Error(early);
  }

  /** Ctrl-C, which a terminal sends to all processes of the foreground group. */
  async interrupt(): Promise<number> {
    const exit = once(this.#child, 'exit') as Promise<[number]>;
    process.kill(-Number(childOf(this.#child)), 'SIGINT');
    return (await exit)[0];
  }
}

/** Cuts the power of one simulated machine; gives the beginning of its UUID. */
async function cutPower(): Promise<string> {
  const [agent] = onHost('pgrep', '-f', 'simulate/agent-worker').split('\n');
  onHost('kill', '-KILL', agent ?? '');
  const log = join(directory, 'state', 'simulate.log');
  return await vi.waitFor(
    () => {
      const gone = /^(\S+) {2}its process is gone/m.exec(readFileSync(log, 'utf8'));
      if (gone?.[1] === undefined) throw new Error('the simulator has not noticed');
      return gone[1];
    },
    { timeout: 60_000 },
  );
}

it('one command shows machines joining over real WireGuard; Ctrl-C leaves nothing; the second start is the same daemon', async () => {
  const before = inventory();
  const first = new Run('--simulate', '2');
  await first.shows(/siderolink\.api=grpc:\/\/192\.0\.2\.10:8081\?jointoken=\S+/);
  const args = /siderolink\.api=.*/.exec(first.output)?.[0];
  expect(args).toMatch(
    /talos\.events\.sink=\[fd[0-9a-f:]+::1\]:4002 talos\.logging\.kernel=tcp:\/\/\[fd[0-9a-f:]+::1\]:4001/,
  );
  // Both boot, and what they log is on the screen.
  await first.shows(/Linux version[\s\S]*Linux version/);
  await first.shows(/stage RUNNING, ready[\s\S]*stage RUNNING, ready/);
  expect(inventory()).toContain('siderolink');
  const cut = await cutPower();
  expect(await first.interrupt()).toBe(130);
  expect(inventory()).toBe(before);

  const token = join(directory, 'state', 'first-join-token');
  expect(statSync(token).mode & 0o777).toBe(0o600);
  expect(args).toContain(readFileSync(token, 'utf8').trim());

  // Who shut down has told so, and is let in again at once; of the other it is not known, and the screen says that.
  const second = new Run('--simulate', '2');
  await second.shows(/waits to join, 1?\d s at most: its boot before is asked whether it still runs/);
  expect(second.output).toContain(args);
  await second.shows(/Linux version[\s\S]*Linux version/);
  const waits = [...second.output.matchAll(/(\S+) waits to join, (\d+) s/g)];
  expect([...new Set(waits.flatMap(([, name, seconds]) => (Number(seconds) > 2 ? [name] : [])))]).toEqual([cut]);
  expect(await second.interrupt()).toBe(130);
  expect(inventory()).toBe(before);
}, 600_000);

it('simulated machines join on a host that has no address but its loopback', async () => {
  onHost('ip', 'addr', 'flush', 'dev', 'eth9');
  const before = inventory();
  const run = new Run('--simulate', '1');
  await run.shows(/this host has no network address: simulated machines dial 198\.19\.255\.253/);
  await run.shows(/siderolink\.api=grpc:\/\/198\.19\.255\.253:8081/);
  await run.shows(/Linux version/);
  expect(await run.interrupt()).toBe(130);
  expect(inventory()).toBe(before);
  expect(onHost('ip', '-4', '-br', 'addr')).not.toContain('198.19.');
}, 300_000);
