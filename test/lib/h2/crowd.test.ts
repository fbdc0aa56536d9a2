import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { call, EchoEdge, GOAWAY_TYPE, PREFACE, settings } from './raw-peer.ts';

/** A connection from one of many addresses. */
async function from(echo: EchoEdge, localAddress: string): Promise<Socket> {
  const socket = connect({ port: echo.port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(Buffer.concat([PREFACE, settings()]));
  await once(socket, 'data');
  return socket;
}

it('a source that holds all connections gives them to others, and gets no more itself', async () => {
  await using echo = await EchoEdge.start({ maxConnections: 8 });
  const greedy: Socket[] = [];
  for (let i = 0; i < 8; i++) greedy.push(await from(echo, '127.0.0.2'));
  const [first] = greedy;
  if (first === undefined) throw new Error('unreachable');
  const goodbye: Buffer[] = [];
  first.on('data', (chunk: Buffer) => goodbye.push(chunk));
  const closed = once(first, 'close');
  const other = await from(echo, '127.0.0.3');
  await closed;
  expect(Buffer.concat(goodbye)[3]).toBe(GOAWAY_TYPE);
  expect(echo.refused.every((reason) => reason === 'crowded')).toBe(true);
  other.write(call(1));
  await once(other, 'data');
  // Until it has most again: those that were given up came back.
  let refused = 0;
  while (refused === 0) {
    const again = connect({ port: echo.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    again.on('error', () => {});
    greedy.push(again);
    again.write(Buffer.concat([PREFACE, settings()]));
    await new Promise((resolve) => again.once('data', resolve).once('close', resolve));
    refused = echo.refused.filter((reason) => reason === 'connections').length;
  }
  expect(echo.edge.connections).toBeLessThanOrEqual(8);
  expect(other.destroyed).toBe(false);
  for (const socket of [...greedy, other]) socket.destroy();
});
