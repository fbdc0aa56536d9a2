import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { untilClosed } from '../helpers/sockets.ts';
import { startTcp } from './tcp-harness.ts';

it('who has no token holds only so many connections, and those who have one are served', async () => {
  await using tcp = await startTcp({ maxStrangers: 3 });
  const agent = new Agent({ keepAlive: true });
  // A connection on which a token was used is no stranger's: it counts no more.
  expect((await tcp.ask('GET', '/v1/status', { role: 'reader', agent })).status).toBe(200);
  const silent: Socket[] = [];
  for (let index = 0; index < 3; index++) {
    const socket = connect({ host: '127.0.0.1', port: tcp.port });
    await once(socket, 'connect');
    silent.push(socket);
  }
  const turnedAway = connect({ host: '127.0.0.1', port: tcp.port });
  turnedAway.on('error', () => {});
  await untilClosed(turnedAway);
  expect((await tcp.ask('GET', '/v1/status', { role: 'reader', agent })).status).toBe(200);
  // One that goes makes room.
  const [first] = silent;
  first?.destroy();
  await expect
    .poll(async () => (await tcp.ask('GET', '/v1/status', { role: 'reader' }).catch(() => undefined))?.status)
    .toBe(200);
  agent.destroy();
  for (const socket of silent) socket.destroy();
});
