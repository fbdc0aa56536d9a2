import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import type { WireGuardDevice } from '../../src/wireguard/device.ts';
import type { Knock } from '../../src/wireguard/knock.ts';
import { PollingLinkMonitor, type PollingLinkMonitorOptions } from '../../src/wireguard/link-monitor.ts';
import type { LinkEvent } from '../../src/wireguard/types.ts';
import { type Namespace, TestNetwork } from '../helpers/netns.ts';
import { Machine } from './machine.ts';
import { listen, PATIENT, tryTcp, untilOpen } from './traffic.ts';
import { World } from './world.ts';

const PORT = 51_002;
const STARTER = fileURLToPath(new URL('./starter.ts', import.meta.url));
const KNOCK = new URL('../../src/wireguard/knock.ts', import.meta.url).href;

describe('sessions over real WireGuard', () => {
  const net = new TestNetwork('wgses');
  let gateway: Namespace;
  let machine: Machine;
  let world: World;
  let device: WireGuardDevice;
  let uplink: string;

  beforeAll(async () => {
    gateway = await net.namespace('gw');
    const m1 = await net.namespace('m1');
    [, uplink] = await net.connect(gateway, '10.78.1.1/24', m1, '10.78.1.2/24');
    world = new World(gateway.runner, net.interfaceName(), PORT);
    device = world.device();
    await device.start();
    // No keepalive: the machine says nothing of itself, so a sign of life is an answer.
    machine = await Machine.boot(m1, world, {
      interface: net.interfaceName(),
      endpoint: `10.78.1.1:${PORT}`,
      keepalive: 0,
      join: (spec) => device.apply({ set: spec }),
    });
    await listen(gateway, [4001]);
    await untilOpen(m1, { address: world.overlay.server, port: 4001 });
  });
  afterAll(async () => {
    await net.dispose();
    world.close();
    machine.close();
  });

  const speak = () => tryTcp(machine.namespace, { address: world.overlay.server, port: 4001, ...PATIENT });

  /** Knocks from inside the gateway, as the daemon does. */
  const knock: Knock = (address, port) => {
    const source = `import { tcpKnock } from '${KNOCK}'; tcpKnock('${address}', ${port}); setTimeout(() => {}, 60000);`;
    const child = gateway.spawn([process.execPath, '--input-type=module', '-e', source]);
    return () => void child.kill('SIGKILL');
  };

  function monitor(options: PollingLinkMonitorOptions = {}): PollingLinkMonitor {
    const { health, metrics } = world;
    const logger = createLogger('silent');
    return new PollingLinkMonitor(
      { pollMs: 50, probePollMs: 50, ...options },
      { device, clock: systemClock, logger, health, metrics, knock },
    );
  }

  function next(links: PollingLinkMonitor, kind: LinkEvent['kind']): Promise<LinkEvent> {
    return new Promise((resolve) => links.onEvent((event) => event.kind === kind && resolve(event)));
  }

  it('a link that speaks comes up, with its endpoint and counters', async () => {
    const links = monitor();
    const up = next(links, 'up');
    links.start();
    await firstReading(links);
    expect(await speak()).toBe('open');
    expect(await up).toEqual({
      kind: 'up',
      publicKey: machine.spec.publicKey,
      link: {
        state: 'up',
        endpoint: expect.stringMatching(/^10\.78\.1\.2:\d+$/),
        latestHandshake: expect.any(Number),
        lastRx: expect.any(Number),
        rxBytes: expect.any(Number),
        txBytes: expect.any(Number),
      },
    });
    await links.stop();
  });

  it('a link comes up by keepalives alone', async () => {
    const { namespace } = machine;
    const keepalive = (seconds: string) =>
      namespace.run(['wg', 'set', machine.interface, 'peer', world.key.publicKey, 'persistent-keepalive', seconds]);
    const links = monitor();
    const up = next(links, 'up');
    links.start();
    await firstReading(links);
    await keepalive('1');
    expect((await up).publicKey).toBe(machine.spec.publicKey);
    await keepalive('off');
    await links.stop();
  });

  it('a machine whose firewall drops what we send is alive: WireGuard itself answers within 10 s', async () => {
    const { namespace } = machine;
    await namespace.run([
      'nft',
      'table inet block { chain input { type filter hook input priority 0; tcp dport 50000 drop; }; }',
    ]);
    const links = monitor();
    expect(await links.isAlive(machine.spec, PATIENT.patience)).toBe(true);
    await namespace.run(['nft', 'delete', 'table', 'inet', 'block']);
    await links.stop();
  });

  it('a link that falls silent goes down, and is asked nothing more', async () => {
    const links = monitor({ upWindowMs: 300, silentMs: 300 });
    const down = next(links, 'down');
    links.start();
    await firstReading(links);
    expect((await down).link.state).toBe('down');
    expect(await links.isAlive(machine.spec, 5_000)).toBe(false);
    await links.stop();
  });

  it('a machine that answers is alive; one whose cable is cut is not, however fresh its handshake', async () => {
    const links = monitor();
    expect(await links.isAlive(machine.spec, PATIENT.patience)).toBe(true);
    await machine.namespace.run(['ip', 'link', 'set', 'dev', uplink, 'down']);
    const { peers } = await device.observe();
    expect(Date.now() / 1000 - (peers.get(machine.spec.publicKey)?.latestHandshake ?? 0)).toBeLessThan(275);
    expect(await links.isAlive(machine.spec, 1_000)).toBe(false);
    await machine.namespace.run(['ip', 'link', 'set', 'dev', uplink, 'up']);
    await untilOpen(machine.namespace, { address: world.overlay.server, port: 4001 });
    expect(await links.isAlive(machine.spec, PATIENT.patience)).toBe(true);
    expect(await links.isAlive(world.peer(), 5_000)).toBe(false);
    await links.stop();
  });

  it('a reboot swaps the key: the new one gets a session at once, and the counters of the machine go on', async () => {
    const links = monitor();
    const old = machine.spec;
    await links.isAlive(old, 5_000);
    const before = links.state(old.publicKey);
    expect(before.rxBytes).toBeGreaterThan(0);
    const renewed = await machine.newKey();
    await device.apply({ remove: old.publicKey, set: renewed });
    expect([...(await device.observe()).peers.keys()]).toEqual([renewed.publicKey]);
    await untilOpen(machine.namespace, { address: world.overlay.server, port: 4001 });
    expect(await links.isAlive(renewed, PATIENT.patience)).toBe(true);
    expect(links.state(renewed.publicKey).rxBytes).toBeGreaterThan(before.rxBytes);
    expect(links.state(old.publicKey).state).toBe('never');
    await links.stop();
  });

  it('a peer that is reset makes a new session', async () => {
    const { spec } = machine;
    await device.apply({ remove: spec.publicKey, set: spec });
    expect((await device.observe()).peers.get(spec.publicKey)?.latestHandshake).toBe(0);
    await machine.relink();
    await untilOpen(machine.namespace, { address: world.overlay.server, port: 4001 });
  });

  it('survives kill -9 of the process that made the device: the next one adopts it with its sessions', async () => {
    await device.down();
    const options = {
      interface: world.interface,
      backend: 'auto',
      publicKey: world.key.publicKey,
      privateKeyFile: world.keyFile,
      listenPort: PORT,
      overlay: world.overlay,
      firewall: true,
      allowGroup: '',
      kmsgPort: 4001,
      eventsPort: 4002,
    };
    const peers = [machine.spec];
    const starter = gateway.spawn([process.execPath, STARTER, JSON.stringify({ options, peers })], { detached: true });
    await once(starter.stdout ?? starter, 'data');
    await machine.relink();
    await untilOpen(machine.namespace, { address: world.overlay.server, port: 4001 });
    const successor = world.device();
    const before = (await successor.observe()).peers.get(machine.spec.publicKey);
    expect(before?.latestHandshake).toBeGreaterThan(0);
    // The whole process group, as a terminal's Ctrl-C or a shell that is closed would reach it.
    const gone = once(starter, 'exit');
    process.kill(-(starter.pid ?? 0), 'SIGKILL');
    await gone;
    world.commands.length = 0;
    await successor.start();
    expect(await successor.reconcile(peers)).toEqual({ added: 0, removed: 0, changed: 0 });
    const after = (await successor.observe()).peers.get(machine.spec.publicKey);
    expect(after?.latestHandshake).toBe(before?.latestHandshake);
    expect(after?.endpoint).toBe(before?.endpoint);
    expect(after?.rxBytes).toBeGreaterThanOrEqual(before?.rxBytes ?? Number.NaN);
    expect(await speak()).toBe('open');
    expect((await successor.observe()).peers.get(machine.spec.publicKey)?.latestHandshake).toBe(
      before?.latestHandshake,
    );
    await successor.stop();
  });

  it('gives no session to the key of the gateway itself, and no harm to those asked for with it', async () => {
    await device.down();
    const fresh = world.device();
    await fresh.start();
    const own = { ...world.peer(), publicKey: world.key.publicKey };
    const other = world.peer();
    const [refused, taken] = await Promise.allSettled([fresh.apply({ set: own }), fresh.apply({ set: other })]);
    expect([refused.status, taken.status]).toEqual(['rejected', 'fulfilled']);
    expect([...(await fresh.observe()).peers.keys()]).toEqual([other.publicKey]);
    await fresh.stop();
  });

  it('after wireguard-go itself was killed, its leavings are no device: a new one is made', async () => {
    const successor = world.device();
    const pid = await wireguardGoPid(gateway, world.interface);
    process.kill(pid, 'SIGKILL');
    // The kernel takes the interface away with the process; the socket file stays.
    while ((await gateway.run(['ip', '-j', 'link', 'show'])).includes(world.interface));
    await successor.start();
    expect(await successor.reconcile([machine.spec])).toEqual({ added: 1, removed: 0, changed: 0 });
    await successor.down();
  });

  /** A question is answered after a reading of its own; growth counts from there. */
  async function firstReading(links: PollingLinkMonitor): Promise<void> {
    expect(await links.isAlive(world.peer(), 5_000)).toBe(false);
  }
});

/** The process that listens on the interface's socket, found by the interface's name in its command line. */
async function wireguardGoPid(namespace: Namespace, name: string): Promise<number> {
  const sockets = await namespace.run(['ss', '-xlpH']);
  const pid = sockets
    .split('\n')
    .find((line) => line.includes(`/${name}.sock`))
    ?.match(/pid=(\d+)/)?.[1];
  if (pid === undefined) throw new Error(`no process listens for ${name}`);
  return Number(pid);
}
