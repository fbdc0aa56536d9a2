import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sidero } from '../../src/gen/proto.js';
import { TunnelRelay } from '../../src/simulate/tunnel-relay.ts';
import { ManualClock } from './manual-clock.ts';

// Against grpc-js' own server: nothing of ours is on its side.

type Call = grpc.ServerDuplexStream<Buffer, Buffer>;

const VIRTUAL = '[fdae:41e4:649b:9304::7]:50888';
let clock: ManualClock;
let server: grpc.Server;
let port: number;
let calls: Call[];
let got: number[];
let waiting: (() => void)[];
let device: Socket;
let delivered: number[];
let relay: TunnelRelay;
let ends: (number | undefined)[];

/** Resolves when it holds; looked at whenever something happens. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
}

function happened(): void {
  for (const wake of waiting.splice(0)) wake();
}

async function serve(at = 0): Promise<void> {
  const bytes = (value: Buffer): Buffer => value;
  server = new grpc.Server();
  server.register(
    '/sidero.link.WireGuardOverGRPCService/CreateStream',
    (call: Call) => {
      calls.push(call);
      call.sendMetadata(new grpc.Metadata());
      call.on('data', (message: Buffer) => {
        got.push(Buffer.from(sidero.link.PeerPacket.decode(message).Data ?? []).readUInt32BE());
        happened();
      });
      call.on('error', () => {});
      happened();
    },
    bytes,
    bytes,
    'bidi',
  );
  port = await new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${at}`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
}

beforeEach(async () => {
  clock = new ManualClock();
  [calls, got, waiting, delivered, ends] = [[], [], [], [], []];
  await serve();
  device = createSocket('udp4');
  device.on('message', (packet) => {
    delivered.push(packet.readUInt32BE());
    happened();
  });
  device.bind(0, '127.0.0.1');
  await once(device, 'listening');
  relay = new TunnelRelay(
    { authority: 'gateway:1', virtual: VIRTUAL },
    {
      clock,
      connect: () => connect(port, '127.0.0.1'),
      onEnd: ({ status }) => {
        ends.push(status);
        happened();
      },
    },
  );
});

afterEach(() => {
  relay.close();
  device.close();
  server.forceShutdown();
});

function packet(number: number): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** Begins; gives what sends a packet as the device does. */
async function start(): Promise<(number: number) => Promise<void>> {
  const at = Number((await relay.start()).split(':')[1]);
  await until(() => calls.length === 1);
  return (number) => new Promise((resolve) => device.send(packet(number), at, '127.0.0.1', () => resolve()));
}

/** Resolves when connections are refused: a server that was shut down takes them for a moment more. */
async function nobodyListens(): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const [what] = await Promise.race([
      once(socket, 'connect').then(() => ['connected']),
      new Promise<string[]>((resolve) => socket.once('error', () => resolve(['refused']))),
    ]);
    socket.destroy();
    if (what === 'refused') return;
  }
}

const send = (call: Call | undefined, number: number) =>
  call?.write(Buffer.from(sidero.link.PeerPacket.encode({ Data: packet(number) }).finish()));

test('it names its machine by the address it was told, and opens its stream before there is anything to send', async () => {
  await start();
  expect(calls[0]?.metadata.get('x-siderolink-ipv6-addr')).toEqual([VIRTUAL]);
  expect(got).toEqual([]);
});

test('packets go both ways; what came before the device said anything waits for it', async () => {
  const fromDevice = await start();
  send(calls[0], 1);
  send(calls[0], 2);
  void fromDevice(10);
  await until(() => got.length === 1 && delivered.length === 2);
  send(calls[0], 3);
  await until(() => delivered.length === 3);
  expect([got, delivered]).toEqual([[10], [1, 2, 3]]);
});

test.each([
  [grpc.status.ABORTED, 'peer replaced'],
  [grpc.status.PERMISSION_DENIED, 'peer not allowed'],
])('%s "%s" ends the relay: it comes again after 5 s, on another connection', async (code, details) => {
  const fromDevice = await start();
  calls[0]?.emit('error', { code, details });
  await until(() => ends.length === 1);
  void fromDevice(1);
  await clock.advance(4_999);
  expect(calls).toHaveLength(1);
  await clock.advance(1);
  await until(() => calls.length === 2);
  expect(calls[1]?.getPeer()).not.toBe(calls[0]?.getPeer());
  expect(calls[1]?.metadata.get('x-siderolink-ipv6-addr')).toEqual([VIRTUAL]);
});

test.each([
  [grpc.status.UNAVAILABLE, 'stopping'],
  [grpc.status.ABORTED, 'Peer replaced'],
  [grpc.status.OK, ''],
])('%s "%s" is no such end: it comes again with the next packet, which is lost', async (code, details) => {
  const fromDevice = await start();
  if (code === grpc.status.OK) calls[0]?.end();
  else calls[0]?.emit('error', { code, details });
  await until(() => ends.length === 1);
  await clock.advance(60_000);
  expect(calls).toHaveLength(1);
  void fromDevice(1);
  await until(() => calls.length === 2);
  void fromDevice(2);
  await until(() => got.length === 1);
  expect(got).toEqual([2]);
});

test('where nobody listens it tries again after 10 s, and keeps the last hundred packets', async () => {
  const fromDevice = await start();
  server.forceShutdown();
  await nobodyListens();
  await until(() => ends.length === 1);
  void fromDevice(0);
  await until(() => ends.length === 2);
  expect(ends).toEqual([undefined, undefined]);
  await Promise.all(Array.from({ length: 150 }, (_, i) => fromDevice(i + 1)));
  // They are in its socket, from which it takes some in each turn.
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  await serve(port);
  await clock.advance(9_999);
  expect(calls).toHaveLength(1);
  await clock.advance(1);
  await until(() => got.length === 100);
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => 51 + i));
});
