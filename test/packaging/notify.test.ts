import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Namespace, TestNetwork } from '../helpers/netns.ts';

interface Receiver {
  bind(path: string): void;
  close(): void;
}
const dgram = createRequire(import.meta.url)('unix-dgram') as {
  createSocket(type: 'unix_dgram', listener: (message: Buffer) => void): Receiver;
};
const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));

let network: TestNetwork;
let host: Namespace;
let directory: string;
let systemd: Receiver;
const heard: string[] = [];
let arrived = () => {};

beforeEach(async () => {
  network = new TestNetwork('notify');
  host = await network.namespace('host');
  directory = mkdtempSync(join(tmpdir(), 'siderolinkd-notify-'));
  systemd = dgram.createSocket('unix_dgram', (message) => {
    heard.push(message.toString());
    arrived();
  });
  systemd.bind(join(directory, 'notify'));
});
afterEach(async () => {
  systemd.close();
  await network.dispose();
  rmSync(directory, { recursive: true });
});

// The socket to systemd once stayed open: the daemon had stopped, but its process went on until systemd killed it.
it('tells systemd how it fares, and its process ends when it has stopped', async () => {
  const daemon = host.spawn([process.execPath, MAIN, 'run'], {
    stdio: 'ignore',
    env: {
      ...process.env,
      NOTIFY_SOCKET: join(directory, 'notify'),
      SIDEROLINKD__STATE_DIR: join(directory, 'state'),
      SIDEROLINKD__CONTROL__SOCKET: join(directory, 'control.sock'),
      SIDEROLINKD__OVERLAY__INTERFACE: network.interfaceName(),
    },
  });
  const ended = once(daemon, 'exit');
  while (!heard.includes('STATUS=Serving machines')) {
    await Promise.race([
      new Promise<void>((resolve) => {
        arrived = resolve;
      }),
      ended.then(([code]) => Promise.reject(new Error(`the daemon ended with ${code}`))),
    ]);
  }
  expect(heard).toContain('READY=1');
  daemon.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(heard).toContain('STOPPING=1');
});
