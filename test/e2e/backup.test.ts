import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NamespacedMachine } from '../../src/simulate/namespaced-machine.ts';
import { Gateway } from './gateway.ts';

const DAEMON = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));
const CTL = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const run = promisify(execFile);

const gateway = new Gateway();
let before: NamespacedMachine;
let after: NamespacedMachine;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  before = await gateway.machine({ linesPerSecond: 20 });
  after = await gateway.machine({ linesPerSecond: 20 });
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

/** Everything that the host had is gone, and so is its device. */
async function loseHost(): Promise<void> {
  await gateway.end('SIGKILL');
  await daemon('down');
  rmSync(gateway.stateDir, { recursive: true });
}

async function daemon(...args: string[]): Promise<string> {
  return await gateway.namespace.run([
    'env',
    `SIDEROLINKD__STATE_DIR=${gateway.stateDir}`,
    `SIDEROLINKD__OVERLAY__INTERFACE=${gateway.interface}`,
    process.execPath,
    DAEMON,
    ...args,
  ]);
}

async function known() {
  const found = new Map<string, string>();
  for await (const { server_uuid, address } of gateway.client.machines()) found.set(server_uuid, address);
  return found;
}

async function lines(uuid: string): Promise<number> {
  return (await gateway.records({ machine: uuid, filter: ['*.*.*.kmsg.>'] })).length;
}

async function isUp(uuid: string): Promise<boolean> {
  return (await gateway.client.machine(uuid)).link.state === 'up';
}

it('is all that a new host needs: machines come back by themselves, with their addresses and records', async () => {
  await Promise.all([before.start(), after.start()]);
  await gateway.until('both are linked and have told of themselves', async () => {
    const all = [...(await known()).keys()];
    if (all.length < 2) return false;
    return (await Promise.all(all.map(async (uuid) => (await isUp(uuid)) && (await lines(uuid)) > 10))).every(Boolean);
  });
  const told = await known();
  const uuids = [...told.keys()];
  const [steady, rebooting] = [(await before.state()).uuid, (await after.state()).uuid];
  const status = await gateway.client.status();
  // Who can read a line before a backup is asked for finds it in there; machines talk on meanwhile.
  const stored = await Promise.all(uuids.map(lines));
  const stands = (await gateway.client.records({ tail: 1 })).records[0]?.seq ?? Number.POSITIVE_INFINITY;
  const file = join(gateway.directory, 'backup');
  const socket = join(gateway.directory, 'control.sock');
  const { stdout, stderr } = await run(process.execPath, [CTL, '--socket', socket, 'backup', file]);
  expect(stdout).toMatch(/MiB {2}sha256 [0-9a-f]{64}\n$/);
  expect(stderr).toContain('private keys');
  const head = (await gateway.client.records({ tail: 1 })).records[0]?.seq ?? 0;

  // The backup knows nothing of this boot and its key.
  await after.reboot();
  await loseHost();
  const report = await daemon('restore', file);
  expect(report).toContain(status.overlay.prefix);
  expect(report).toContain(status.wireguard.public_key);
  await gateway.start();

  const restored = await gateway.client.status();
  expect(restored).toMatchObject({
    overlay: status.overlay,
    wireguard: { public_key: status.wireguard.public_key },
    installation: `${status.installation}.1`,
  });
  expect(await known()).toEqual(told);
  const [gap] = await gateway.records({ filter: ['siderolink._._.gap.restore'] });
  expect(gap).toMatchObject({ body: { count: null, reason: 'restore' } });
  expect(gap?.seq).toBeGreaterThan(10 ** 12);
  expect(Number(gap?.body['from'])).toBeGreaterThan(stands);
  expect(Number(gap?.body['from'])).toBeLessThanOrEqual(head + 1);
  for (const [index, uuid] of uuids.entries()) {
    expect(await lines(uuid)).toBeGreaterThanOrEqual(stored[index] ?? Number.POSITIVE_INFINITY);
  }

  // A machine's own packets bring the link back, or its next call, which is row 5.
  await gateway.until('one is back by itself', () => isUp(steady), 180_000);
  // The other comes with a key that nobody here has seen, and is what it was. For two minutes nobody can know that its
  // last boot is not there any more: the peers of a device that was made anew have yet to be heard of.
  await after.reboot();
  await gateway.until(
    'the other is back, and talks',
    async () => {
      const since = await gateway.records({ machine: rebooting, filter: ['*.*.*.kmsg.>'], after: 10 ** 12 });
      return since.length > 10 && (await isUp(rebooting));
    },
    300_000,
  );
  expect(await known()).toEqual(told);
  expect((await gateway.client.tokens()).length).toBe(1);
}, 600_000);
