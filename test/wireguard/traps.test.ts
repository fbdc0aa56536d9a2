import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FakeSystem } from './fake-system.ts';
import { World } from './world.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/**
 * What users of such systems suffered of their WireGuard devices (facts/users.md sections B, C and I), and the tests that
 * would show it here. `contract.ts` runs on the model, on wireguard-go and on the kernel's WireGuard.
 */
const TRAPS: readonly (readonly [trap: string, file: string, test: string])[] = [
  [
    'A5 a key for each boot',
    'wireguard/contract.ts',
    'does changes of one peer in the order in which they were asked for',
  ],
  [
    'B1 a restart loses endpoints',
    'wireguard/sessions.test.ts',
    'survives kill -9 of the process that made the device',
  ],
  ['B1 the same, kernel', 'wireguard/kernel-sessions.ts', 'survive the process that made them, under traffic'],
  ['B2 endpoints restored', 'wireguard/kernel-sessions.ts', 'the gateway reaches the machine at once'],
  ['B2 endpoints restored', 'e2e/device-gone.test.ts', 'the machine has its last endpoint back'],
  ['B2 can be switched off', 'e2e/device-gone.test.ts', 'not where that is switched off'],
  ['B3 the interface loses its key', 'wireguard/contract.ts', 'its private key'],
  ['B4, B8 the private key in argv or logs', 'wireguard/contract.ts', 'never shows the private key'],
  ['B5 the limit of argv', 'wireguard/contract.ts', 'in few calls, each with at most 500 peers'],
  ['B6 truncated lists', 'wireguard/dump.test.ts', 'of 10,000 peers is read whole'],
  ['B7 AllowedIPs move', 'wireguard/contract.ts', 'gets exactly the peers that it should have'],
  ['B7 AllowedIPs move', 'domain/peer-plan.test.ts', 'flags the peer that was robbed of its address'],
  ['B9 clock going backwards', 'join/walks.test.ts', 'its peer is made anew, once'],
  ['B9 clock going backwards', 'wireguard/sessions.test.ts', 'a peer that is reset makes a new session'],
  ['B10 address and routes deleted', 'wireguard/contract.ts', 'repairs what others did to it, keeping its peers'],
  [
    'B12 everybody down after a restart',
    'wireguard/link-table.test.ts',
    'nothing is called down before a whole window',
  ],
  ['B12 the same, device made anew', 'wireguard/link-table.test.ts', 'what was up is presumed up'],
  [
    'B13 removal skipped',
    'wireguard/contract.ts',
    'shows a change when apply resolves: add, swap of keys, reset, removal',
  ],
  ['B14 half-created device', 'wireguard/contract.ts', 'starts after a crash at any step of the start before'],
  ['B15 storms of joins', 'wireguard/device-real.test.ts', 'takes 10,000 machines that join at once'],
  ['B19 counters run backwards', 'wireguard/link-table.test.ts', 'never run backwards, whatever the device shows'],
  ['C9 MTU', 'wireguard/contract.ts', "['mtu', (dev) =>"],
  ['C9 the path drops large packets', 'domain/link-hint.test.ts', 'a link that is up and brings nothing'],
  ['C11 IPv6 disabled', 'wireguard/contract.ts', 'says that IPv6 is disabled'],
  [
    'I1 neighbours reach machines',
    'wireguard/isolation.test.ts',
    'a neighbour reaches neither a machine nor the sinks',
  ],
  ['I1 without forwarding', 'wireguard/isolation.test.ts', 'all that holds without forwarding too'],
  ['I1 local users', 'wireguard/isolation.test.ts', 'root and the group reach a machine, other local users do not'],
  ['I2 machine to machine and gateway', 'wireguard/isolation.test.ts', 'reaches none of our other services'],
  ['I3 weak host model', 'wireguard/isolation.test.ts', 'a neighbour does not take the place of machines'],
  ['law 5 while the device is made anew', 'wireguard/contract.ts', 'is not believed when another made it anew'],
  [
    'law 5 while the device is made anew',
    'wireguard/link-monitor.test.ts',
    'is not known of one that a repair made anew',
  ],
];

describe('each trap has its test', () => {
  it.each(TRAPS)('%s: %s', (_, file, title) => {
    expect(text(`test/${file}`)).toContain(title);
  });
});

describe('traps that no run would show', () => {
  it('B3: nothing of ours resends all peers', () => {
    for (const name of readdirSync(join(ROOT, 'src/wireguard'))) {
      expect(text(`src/wireguard/${name}`), name).not.toMatch(/['"](syncconf|setconf)['"]/);
    }
  });

  it('B10: systemd-networkd is told to leave the interface and its routes alone', () => {
    expect(text('systemd/networkd/10-siderolinkd.network')).toMatch(/^Unmanaged=yes$/m);
    expect(text('systemd/networkd/siderolinkd.conf')).toMatch(/^ManageForeignRoutes=no$/m);
  });

  it('B17: what wireguard-go takes is bounded', () => {
    expect(text('systemd/siderolinkd-wg.service')).toMatch(/^MemoryMax=1G$/m);
  });

  it('B11: no peer is given a keepalive of ours, which would go to dead ones for ever', async () => {
    const world = new World(new FakeSystem(), 'siderolink', 51_002);
    const device = world.device();
    await device.start();
    await device.reconcile([{ ...world.peer(), endpoint: '192.0.2.1:1' }]);
    await device.apply({ set: world.peer() });
    expect(world.commands.filter((command) => command.startsWith('wg set'))).toHaveLength(4);
    expect(world.commands.join('\n')).not.toContain('keepalive');
    world.close();
  });
});
