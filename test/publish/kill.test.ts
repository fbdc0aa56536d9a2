import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type NatsServer, startNatsServer } from '../helpers/nats-server.ts';
import { received, STREAM, World } from './world.ts';

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
const KILLS = 4;

let server: NatsServer;
let world: World;

beforeEach(async () => {
  server = await startNatsServer();
  world = new World();
});

afterEach(async () => {
  await world.dispose();
  await server.dispose();
});

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

it('loses nothing, and repeats little, when our own process is killed in the middle', async () => {
  const connection = await connect({ servers: server.url });
  const stored = async () => {
    const { streams } = await jetstreamManager(connection);
    return await streams.info(STREAM).then(
      ({ state }) => state.messages,
      () => 0,
    );
  };
  for (let round = 0; round < KILLS; round++) {
    const child = spawn(process.execPath, [CHILD, world.path, server.url], { stdio: ['pipe', 'pipe', 'inherit'] });
    const before = await stored();
    child.stdin.write('400\n');
    await once(createInterface({ input: child.stdout }), 'line');
    // Somewhere in the middle of what it sends: the kill comes while messages, answers and cursors are under way.
    while ((await stored()) <= before + 23 * round);
    await kill(child);
  }
  await connection.close();

  await world.open();
  await world.publish([server.url]);
  await world.published();
  const messages = await received({ servers: server.url });
  await world.verify(messages);
  expect(messages).toHaveLength(KILLS * 400);
  // One in flight a lane, and what was acknowledged since cursors were last stored.
  expect(await world.count('duplicates')).toBeLessThan(400);
});
