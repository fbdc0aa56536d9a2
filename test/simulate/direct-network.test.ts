import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { parseBootArguments } from '../../src/simulate/boot-args.ts';
import { BootScripts } from '../../src/simulate/boot-scripts.ts';
import { DirectNetwork } from '../../src/simulate/direct-network.ts';
import { type MachineNotice, SimulatedMachine } from '../../src/simulate/machine.ts';
import type { LinkConfig } from '../../src/simulate/network.ts';
import { talosProfile } from '../../src/simulate/profile.ts';
import { FakeGateway } from './fake-gateway.ts';
import { ManualClock } from './manual-clock.ts';

/** Two addresses that no other run uses at the same time. */
const SUBNET = `127.${192 + ((process.pid >> 16) & 31)}.${(process.pid >> 8) & 255}`;
const [HOST, OTHER] = [0, 1].map((n) => `${SUBNET}.${((process.pid & 127) << 1) + n}`) as [string, string];
const ports: { close(): void }[] = [];
const networks: DirectNetwork[] = [];

afterEach(async () => {
  for (const { close } of ports.splice(0)) close();
  for (const network of networks.splice(0)) await network.close();
});

function made(clock = new ManualClock()): DirectNetwork {
  const network = new DirectNetwork({ clock });
  networks.push(network);
  return network;
}

function link(privateKey = PrivateKey.generate()): LinkConfig {
  const serverPublicKey = PrivateKey.generate().publicKey;
  const address = `${HOST}/64`;
  return { privateKey, address, serverPublicKey, serverAddress: '127.0.0.1', endpoint: '192.0.2.1:1', mtu: 1280 };
}

test('a link that is made in an outage has had no handshake until the outage ends', async () => {
  const clock = new ManualClock();
  const network = made(clock);
  expect(await network.latestHandshake()).toBeUndefined();
  await network.setOutage('udp');
  await network.configureLink(link());
  await clock.advance(60_000);
  expect(await network.latestHandshake()).toBe(0);
  await network.setOutage('none');
  expect(await network.latestHandshake()).toBe(clock.now());
  const seen = clock.now();
  await network.setOutage('all');
  await clock.advance(300_000);
  expect(await network.latestHandshake()).toBe(seen);
});

test('another key is another session, the same one is not', async () => {
  const clock = new ManualClock();
  const network = made(clock);
  const first = link();
  await network.configureLink(first);
  const seen = clock.now();
  await network.setOutage('udp');
  await clock.advance(1_000);
  await network.configureLink({ ...first, endpoint: '192.0.2.2:1' });
  expect(await network.latestHandshake()).toBe(seen);
  await network.configureLink(link());
  expect(await network.latestHandshake()).toBe(0);
});

test('an outage of UDP cuts what goes over the link and leaves the rest', async () => {
  const network = made();
  await network.configureLink(link());
  const there = made();
  await there.configureLink({ ...link(), address: `${OTHER}/64` });
  const accepted: string[] = [];
  const both = Promise.withResolvers<void>();
  ports.push(
    await there.listenOverlay(50_100, (socket) => {
      socket.on('error', () => {});
      if (accepted.push(socket.remoteAddress ?? '') === 2) both.resolve();
    }),
  );
  const target = { host: OTHER, port: 50_100 };
  const [world, overlay] = [network.connectWorld(target), network.connectOverlay(target)];
  await Promise.all([once(world, 'connect'), once(overlay, 'connect'), both.promise]);
  const cut = once(overlay, 'close');
  await network.setOutage('udp');
  await cut;
  expect(world.destroyed).toBe(false);
  expect(accepted).toContain(HOST);
  const later = network.connectWorld(target);
  await once(later, 'connect');
});

test('who connects to a machine in an outage waits, and is dropped at its end', async () => {
  const network = made();
  await network.configureLink(link());
  let served = 0;
  ports.push(
    await network.listenOverlay(50_101, () => {
      served += 1;
    }),
  );
  await network.setOutage('udp');
  const caller = connect(50_101, HOST);
  await once(caller, 'connect');
  caller.resume();
  const dropped = once(caller, 'close');
  await network.setOutage('none');
  await dropped;
  expect(served).toBe(0);
});

const serverKey = PrivateKey.generate().publicKey;

async function machine(scheme: 'grpc' | 'https'): Promise<{
  it: SimulatedMachine;
  gateway: FakeGateway;
  linked: Promise<void>;
  failed: Promise<void>;
}> {
  const gateway = new FakeGateway(() => ({
    server_endpoint: ['127.0.0.1:51820'],
    server_public_key: serverKey,
    node_address_prefix: `${HOST}/64`,
    server_address: '127.0.0.1',
  }));
  await gateway.start();
  const profile = talosProfile('1.6');
  const args = parseBootArguments(
    `siderolink.api=${scheme}://127.0.0.1:${gateway.apiPort} talos.events.sink=127.0.0.1:${gateway.apiPort}`,
    profile,
  );
  const [linked, failed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const it = new SimulatedMachine(
    { profile, args, quiet: true, speed: Number.POSITIVE_INFINITY, darkMs: 0 },
    {
      network: new DirectNetwork({ clock: new ManualClock() }),
      scripts: new BootScripts(),
      // The 10 s in which it tries to send its last words are soon over.
      clock: { ...systemClock, monotonic: () => systemClock.monotonic() * 1000 },
      onNotice: ({ kind }: MachineNotice) => {
        if (kind === 'linked') linked.resolve();
        if (kind === 'provision_failed') failed.resolve();
      },
    },
  );
  return { it, gateway, linked: linked.promise, failed: failed.promise };
}

test.each(['grpc', 'https'] as const)(
  'a machine that calls into an outage over %s can be powered off',
  async (scheme) => {
    const { it, gateway } = await machine(scheme);
    await it.setOutage('all');
    await it.start();
    await it.stop();
    expect(it.state.power).toBe('off');
    await it.close();
    await gateway.stop();
  },
);

test('what a machine began in an outage fails at its end, and is tried again', async () => {
  const { it, gateway, linked, failed } = await machine('grpc');
  await it.setOutage('all');
  // Talos 1.6 has no deadline for Provision.
  await it.start();
  await it.setOutage('none');
  await failed;
  await linked;
  await gateway.until(() => gateway.events.length > 0);
  await it.close();
  await gateway.stop();
});
