import { afterEach, expect, test } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { parseBootArguments } from '../../src/simulate/boot-args.ts';
import { SimulatedFleet } from '../../src/simulate/fleet.ts';
import { talosProfile } from '../../src/simulate/profile.ts';
import { FakeGateway } from './fake-gateway.ts';

const serverKey = PrivateKey.generate().publicKey;
let gateway: FakeGateway;
let fleet: SimulatedFleet | undefined;

afterEach(async () => {
  await fleet?.stop();
  await gateway.stop();
});

async function startGateway(): Promise<string> {
  let next = 10;
  gateway = new FakeGateway(() => ({
    server_endpoint: ['127.0.0.1:51820'],
    server_public_key: serverKey,
    // One loopback address per machine stands for the overlay: the source address tells machines apart.
    node_address_prefix: `127.7.0.${next++}/64`,
    server_address: '127.0.0.1',
  }));
  await gateway.start();
  return (
    `console=ttyS0 siderolink.api=grpc://127.0.0.1:${gateway.apiPort}?jointoken=canary-token ` +
    `talos.events.sink=127.0.0.1:${gateway.apiPort} talos.logging.kernel=tcp://127.0.0.1:${gateway.kmsgPort}`
  );
}

test('a fleet joins, sends whole boots from its own addresses, and reboots with new keys', async () => {
  const profile = talosProfile('1.13');
  const args = parseBootArguments(await startGateway(), profile);
  fleet = new SimulatedFleet({ count: 3, profile, args });
  await fleet.start();
  const { machines } = fleet;
  const written = () => machines.reduce((sum, m) => sum + m.state.nextSeq, 0);
  await gateway.until(() => gateway.lines.length > 1500 && gateway.lines.length === written());
  // An event counts as pending until its answer has come back, which is after the gateway has seen it.
  const published = () => machines.reduce((sum, m) => sum + m.counters.eventsSent + m.state.eventsPending, 0);
  await gateway.until(() => gateway.events.length > 400 && gateway.events.length === published());

  expect(new Set(gateway.provisions.map((p) => p.node_uuid)).size).toBe(3);
  expect(new Set(gateway.kmsgSockets.map((s) => s.remoteAddress))).toEqual(
    new Set(machines.map((m) => m.state.address)),
  );
  expect(fleet.counters()).toMatchObject({ boots: 3, links: 3, kmsgLost: 0, eventsLost: 0 });
  expect(gateway.events.map((e) => e.type)).toEqual(
    expect.arrayContaining(['AddressEvent', 'SequenceEvent', 'PhaseEvent', 'TaskEvent', 'ServiceStateEvent']),
  );

  const [machine] = machines;
  if (machine === undefined) throw new Error('no machine');
  const before = machine.state.publicKey;
  const linesBefore = gateway.lines.length;
  await machine.reboot({ mode: 'kexec' });
  await gateway.until(() => machine.state.nextSeq > 500 && gateway.lines.length > linesBefore + machine.state.nextSeq);
  expect(machine.state).toMatchObject({ boot: 2 });
  expect(machine.state.publicKey).not.toBe(before);
  expect(gateway.provisions.filter((p) => p.node_uuid === machine.uuid).map((p) => p.node_public_key)).toEqual([
    before,
    machine.state.publicKey,
  ]);
});

test('a quiet machine joins and says only what the link causes', async () => {
  const profile = talosProfile('1.13');
  const args = parseBootArguments(await startGateway(), profile);
  fleet = new SimulatedFleet({ count: 2, profile, args, quiet: true });
  await fleet.start();
  await gateway.until(() => gateway.lines.length === 2 && gateway.events.length === 2);
  expect(gateway.lines.every((line) => line.includes('siderolink connection configured'))).toBe(true);
  expect(gateway.lines.every((line) => line.includes('jointoken=canary-token'))).toBe(true);
  expect(gateway.events.map(({ type }) => type)).toEqual(['AddressEvent', 'AddressEvent']);
});

test('the clock of the lines never goes back, also when timers are late', async () => {
  const profile = talosProfile('1.13');
  const args = parseBootArguments(await startGateway(), profile);
  let late = 0;
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + late };
  fleet = new SimulatedFleet({ count: 1, profile, args, speed: 1 }, { clock });
  await fleet.start();
  const [machine] = fleet.machines;
  // Lines of the boot are due that no timer has written yet.
  late = 5_000;
  const seq = machine?.log('a line of its own') ?? 0;
  await gateway.until(() => gateway.lines.length > seq);
  const clocks = gateway.lines.map((line) => (JSON.parse(line) as { clock: number }).clock);
  const before = clocks[seq - 1] ?? 0;
  expect(before).toBeGreaterThan(0);
  expect(clocks).toEqual(clocks.toSorted((a, b) => a - b));
  // What was due by then stands before it.
  late = 60_000;
  await machine?.reboot({ mode: 'kexec' });
  const all = gateway.lines.map((line) => JSON.parse(line) as { clock: number; seq: number });
  const first = all.slice(
    0,
    all.findIndex((line, index) => index > 0 && line.seq === 0),
  );
  expect(first.map((line) => line.clock)).toEqual(first.map((line) => line.clock).toSorted((a, b) => a - b));
  expect(first.at(-1)?.seq).toBeGreaterThan(seq + 10);
});
