import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestNetwork } from '../helpers/netns.ts';
import { checkout, DebianTree, host, until } from './debian.ts';
import { childOf, Image, type ImageConfig } from './image.ts';

/** The image of the Dockerfile: built, and run as a container runtime runs it. The tests are one story, in this order. */
const ADDRESS = '192.0.2.1';
const tree = new DebianTree();
const image = new Image(tree);
const network = new TestNetwork('image');
let config: ImageConfig;
let root = '';
let gateway: Awaited<ReturnType<typeof network.namespace>>;
let container: ChildProcess | undefined;
let daemon = 0;

/**
 * What `docker run --cap-add NET_ADMIN --device /dev/net/tun` does, only stricter: namespaces, a root of its own, and that
 * one capability. The network is a namespace that stands for the host's.
 */
const ENTER = `
set -e
mount --make-rprivate /
mount --rbind /dev "$0/dev"
mount -t proc proc "$0/proc"
mount -t sysfs sysfs "$0/sys"
exec chroot "$0" setpriv --bounding-set=-all,+net_admin "$@"`;

async function start(): Promise<void> {
  const env = Object.fromEntries(config.Env.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
  const started = gateway.spawn(
    [
      ...(['unshare', '--mount', '--pid', '--fork', '--kill-child', 'bash', '-c', ENTER, root] as const),
      ...config.Entrypoint,
      ...config.Cmd,
    ],
    { stdio: 'ignore', env: { ...env, SIDEROLINKD__WIREGUARD__ENDPOINTS: `["${ADDRESS}:51821"]` } },
  );
  container = started;
  await until('the container has a first process', () => {
    daemon = childOf(started.pid) ?? 0;
    return daemon !== 0;
  });
  await until('the image finds itself healthy', async () => (await healthcheck()) === 0);
}

/** Stops it as the image wants to be stopped; gives the exit code. */
async function stop(): Promise<number | null> {
  if (container === undefined) throw new Error('nothing runs');
  const ended = once(container, 'exit');
  process.kill(daemon, config.StopSignal);
  const [code] = (await ended) as [number | null];
  return code;
}

/** Runs a command in the container; its output is there whatever becomes of it. */
function inside(...argv: string[]) {
  const enter = ['--target', String(daemon), '--mount', '--pid', '--net', '--root', '--wd'];
  const env = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  return execa('nsenter', [...enter, ...argv], { stdin: 'ignore', reject: false, env, extendEnv: false });
}

async function healthcheck(): Promise<number | undefined> {
  const [kind, ...argv] = config.Healthcheck.Test;
  expect(kind).toBe('CMD');
  return (await inside(...argv)).exitCode;
}

const ctl = async (...args: string[]) => JSON.parse((await inside('siderolinkctl', ...args, '-o', 'json')).stdout);

beforeAll(async () => {
  await host('scripts/setup', '--long');
  await tree.build({ packages: false });
  await image.build();
  config = await image.config();
  root = await image.mount();
  gateway = await network.namespace('gw');
  // On none of the cables: machines reach it by their default route, as they would a gateway on the internet.
  await gateway.run(['ip', 'addr', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
}, 1_200_000);
afterAll(async () => {
  await network.dispose();
  tree.dispose();
});

describe('the image', () => {
  it('holds what runs and nothing of what builds', () => {
    const library = join(root, 'usr/lib/siderolinkd');
    expect(existsSync(join(library, 'dist/daemon/main.js'))).toBe(true);
    for (const tool of ['node_modules/typescript', 'node_modules/vitest', 'node_modules/better-sqlite3/deps']) {
      expect([tool, existsSync(join(library, tool))]).toEqual([tool, false]);
    }
    expect(existsSync(join(root, 'usr/bin/npm'))).toBe(false);
  });

  it('starts with one capability, as the first process, and is healthy', async () => {
    await start();
    expect((await inside('cat', '/proc/1/status')).stdout).toMatch(/^CapEff:\t0000000000001000$/m);
    expect((await inside('readlink', '/proc/1/exe')).stdout).toBe('/usr/lib/siderolinkd/bin/node');
    expect(await ctl('status')).toMatchObject({ ready: true, wireguard: { endpoints: [`${ADDRESS}:51821`] } });
  });

  it('joins a machine', async () => {
    const file = (name: string) => join(tree.directory, name);
    writeFileSync(file('token'), (await inside('siderolinkctl', 'token', 'create', 'first')).stdout, { mode: 0o600 });
    writeFileSync(file('args'), (await inside('siderolinkctl', 'kernel-args')).stdout);
    const simulation = execa(
      process.execPath,
      [
        ...['src/daemon/main.ts', 'simulate', '--count', '1', '--speed', 'inf', '--gateway-netns', gateway.name],
        ...['--kernel-args-file', file('args'), '--join-token-file', file('token')],
      ],
      { cwd: checkout, stdin: 'ignore', reject: false },
    );
    // The device is read every five seconds, so its link is known a little later than what it tells by itself.
    await until('the machine runs', async () => {
      const { stage, link } = await ctl('machine', 'list');
      return stage === 'RUNNING' && link.state === 'up';
    });
    expect(await ctl('machine', 'list')).toMatchObject({ state: 'accepted', link: { state: 'up', mode: 'udp' } });
    simulation.kill('SIGINT');
    expect((await simulation).exitCode).toBe(0);
  });

  it('stops cleanly', async () => {
    expect(await stop()).toBe(0);
  });

  it('starts again with what it knew', async () => {
    await start();
    expect((await ctl('status')).machines.total).toBe(1);
    expect(await stop()).toBe(0);
  });
});
