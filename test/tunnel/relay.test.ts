import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { Relay } from '../../src/tunnel/relay.ts';

const ADDRESS = '127.64.77.1';
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

async function bound(address = '127.0.0.1', port = 0): Promise<Socket> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.bind({ address, port, exclusive: true });
  await once(socket, 'listening');
  return socket;
}

/** A port of `ADDRESS` that nobody has. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, ADDRESS);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

it('packets of anybody but the device do not come through', async () => {
  const [device, stranger] = [await bound(), await bound()];
  const port = await freePort();
  const relay = new Relay({ address: ADDRESS, port, devicePort: device.address().port }, { onOtherPort: () => {} });
  await relay.open();
  const came: string[] = [];
  const last = new Promise<void>((resolve) => {
    relay.onPacket = (packet) => {
      came.push(packet.toString());
      if (came.at(-1) === 'device 2') resolve();
    };
  });
  const say = (socket: Socket, text: string) =>
    new Promise<void>((resolve) => socket.send(text, port, ADDRESS, () => resolve()));
  await say(device, 'device 1');
  await say(stranger, 'stranger');
  await say(device, 'device 2');
  await last;
  expect(came).toEqual(['device 1', 'device 2']);
  relay.close();
});

it('closed while it is opened, and twice: it has nothing, and its port is free', async () => {
  const device = await bound();
  const port = await freePort();
  const taken: string[] = [];
  const options = { address: ADDRESS, port, devicePort: device.address().port };
  const relay = new Relay(options, { onOtherPort: () => taken.push('other') });
  const opening = relay.open();
  relay.close();
  relay.close();
  await opening;
  expect(relay.send(Buffer.from('x'))).toBe(false);
  expect((await bound(ADDRESS, port)).address().port).toBe(port);
  expect(taken).toEqual([]);
});

it('what the kernel would have to keep for later is not sent', async () => {
  const device = await bound();
  const options = { address: ADDRESS, port: await freePort(), devicePort: device.address().port };
  // Loopback takes everything at once: so there is less room than nothing.
  const relay = new Relay({ ...options, maxQueuedBytes: -1 }, { onOtherPort: () => {} });
  await relay.open();
  expect(relay.send(Buffer.from('x'))).toBe(false);
  relay.close();
});
