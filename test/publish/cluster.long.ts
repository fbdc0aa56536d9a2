import { setTimeout as later } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type NatsServer, startNatsCluster } from '../helpers/nats-server.ts';
import { heldBy } from './stream-files.ts';
import { type Received, received, STREAM, World } from './world.ts';

/** Three servers of which one may be lost: what they acknowledged two of them have. */
let servers: readonly NatsServer[];
let world: World;
const machines = Array.from({ length: 100 }, (_, index) => index + 1);
const urls = () => servers.map(({ url }) => url);

beforeEach(async () => {
  servers = await startNatsCluster(3);
  world = await new World().open();
});

afterEach(async () => {
  await world.dispose();
  for (const server of servers) await server.dispose();
});

/** The server that leads the stream now. */
async function leader(): Promise<NatsServer> {
  const connection = await connect({ servers: urls() });
  try {
    for (;;) {
      const { streams } = await jetstreamManager(connection, { checkAPI: false });
      const name = await streams.info(STREAM).then(
        ({ cluster }) => cluster?.leader,
        () => undefined,
      );
      const index = Number(name?.slice(1) ?? Number.NaN);
      const found = servers[index];
      if (found !== undefined) return found;
    }
  } finally {
    await connection.close();
  }
}

/** Whether all three have all of the stream. */
async function areCurrent(): Promise<boolean> {
  const connection = await connect({ servers: urls() });
  try {
    const { streams } = await jetstreamManager(connection, { checkAPI: false });
    const { cluster } = await streams.info(STREAM);
    const replicas = cluster?.replicas ?? [];
    return replicas.length === 2 && replicas.every(({ current, lag = 0 }) => current && lag === 0);
  } finally {
    await connection.close();
  }
}

/** What the stream holds. A server that was away asks the others for what it missed, which is waited for. */
async function everything(): Promise<readonly Received[]> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    try {
      if (await areCurrent()) return await received({ servers: (await leader()).url });
    } catch (error) {
      // Their own leader may still be being elected.
      if (performance.now() > deadline) throw error;
    }
    if (performance.now() > deadline) throw new Error('the servers are never current');
    await later(100);
  }
}

async function makeStream(): Promise<void> {
  const connection = await connect({ servers: urls() });
  const { streams } = await jetstreamManager(connection);
  await streams.add({ name: STREAM, subjects: ['siderolink.>'], num_replicas: 3 });
  await connection.close();
}

it('loses nothing and keeps the order while the leader of the stream is killed, again and again', async () => {
  await makeStream();
  await world.publish(urls());
  for (let round = 0; round < 8; round++) {
    const told = await world.count('records');
    await world.append(machines, 100);
    await world.untilCounted('records', told + 100);
    const killed = await leader();
    await killed.kill();
    await world.append(machines, 20);
    await world.published(120_000);
    await killed.start();
  }
  const messages = await everything();
  await world.verify(messages);
  expect(new Set(messages.map(({ seq }) => seq)).size).toBe(8 * 120 * machines.length);
});

/** Of the servers, as `2.9.10`. */
async function version(): Promise<string> {
  const connection = await connect({ servers: urls() });
  const version = connection.info?.version;
  await connection.close();
  if (version === undefined) throw new Error('a server without a version');
  return version;
}

/**
 * A leader that stands still is replaced, and then goes on with what it had half done. Servers of 2.9 come out of that with
 * different messages under the same numbers, for good, and which of them a consumer reads from is chance; no publisher mends
 * that, so of these it is shown that nothing is gone from all of them, and that publishing goes on.
 */
it('loses nothing while leaders stand still, which look alive for a while', async () => {
  await makeStream();
  const isOld = (await version()).startsWith('2.9.');
  await world.publish(urls(), { outbox: { answerMs: 1000 }, link: { pingMs: 1000, lookMs: 1000 } });
  for (let round = 0; round < 4; round++) {
    const told = await world.count('records');
    await world.append(machines, 100);
    await world.untilCounted('records', told + 100, 120_000);
    const still = await leader();
    still.pause();
    await world.append(machines, 20);
    // Two of 2.9 may wait for the third, for ever.
    const going = world.published(120_000);
    await (isOld ? going.catch(() => undefined) : going);
    still.resume();
    await world.published(300_000);
  }
  while (!(await areCurrent().catch(() => false))) await later(100);
  await world.stop();
  for (const server of servers) await server.stop();

  const held = servers.map(heldBy);
  const [first = []] = held;
  const isOneMind = held.every((messages) => isDeepStrictEqual(messages, first));
  const losses = await world.count('losses');
  if (!isOld) expect({ isOneMind, losses }).toEqual({ isOneMind: true, losses: 0 });
  if (isOneMind && losses === 0) await world.verify(first);
  // Where something was sent again, newer ones may have overtaken it.
  else await world.verify(held.flat().toSorted((a, b) => a.seq - b.seq));
});

it('publishes through a rolling restart', async () => {
  await makeStream();
  await world.publish(urls());
  for (const server of servers) {
    await world.append(machines, 50);
    await server.restart();
    await world.published(120_000);
  }
  await world.verify(await everything());
});
