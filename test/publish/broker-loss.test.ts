import { cpSync, rmSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import { DiscardPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { laneOf } from '../../src/domain/lane.ts';
import { type NatsServer, startNatsServer } from '../helpers/nats-server.ts';
import { readAll } from '../stream/harness.ts';
import { received, STREAM, World, withConnection } from './world.ts';

interface Told {
  readonly body: { readonly server_uuid: string };
}

let world: World;
let server: NatsServer;
const machines = Array.from({ length: 30 }, (_, index) => index + 1);

beforeEach(async () => {
  world = await new World().open();
  server = await startNatsServer();
});

afterEach(async () => {
  await world.dispose();
  await server.dispose();
});

/** What the server has now is what it will have again after `comeBack`. */
async function keepCopy(): Promise<void> {
  await server.stop();
  cpSync(`${server.directory}/jetstream`, `${server.directory}/copy`, { recursive: true });
  await server.start();
}

/** As after the power failed: what was acknowledged since the copy is gone. */
async function comeBack(): Promise<void> {
  await server.kill();
  rmSync(`${server.directory}/jetstream`, { recursive: true });
  cpSync(`${server.directory}/copy`, `${server.directory}/jetstream`, { recursive: true });
  await server.start();
}

it('sends again what a server acknowledged and lost, in the order of each machine', async () => {
  await world.publish([server.url]);
  await world.append(machines, 10);
  await world.published();
  await keepCopy();
  await world.append(machines, 20);
  await world.published();
  await comeBack();
  await world.untilCounted('losses', 1);
  await world.append(machines, 5);
  await world.published();

  const messages = await received({ servers: server.url });
  expect(messages).toHaveLength(machines.length * 35);
  await world.verify(messages);
  expect(await world.count('losses')).toBe(1);
  expect(world.condition('nats_stream')).toMatch(/^warning: the stream lost messages that it had acknowledged/);
  expect(world.publisher.state.waiting).toBe(0);
});

it('sees that others have what the stream lost of ours: its sequences alone tell nothing', async () => {
  const theirs = { user: 'another', password: 'p' };
  await world.publish([server.url]);
  await world.append(machines, 10);
  await world.published();
  await keepCopy();
  await world.append(machines, 20);
  await world.published();
  await server.kill();
  rmSync(`${server.directory}/jetstream`, { recursive: true });
  cpSync(`${server.directory}/copy`, `${server.directory}/jetstream`, { recursive: true });
  // Only the other one is let in.
  await server.restart({ auth: theirs });
  await withConnection({ servers: server.url, user: theirs.user, pass: theirs.password }, async (connection) => {
    const js = jetstream(connection);
    for (let i = 0; i < machines.length * 25; i++) await js.publish('siderolink.another', `${i}`);
  });
  await server.restart({});
  await world.untilCounted('losses', 1);
  await world.append(machines, 5);
  await world.published();
  const messages = await received({ servers: server.url });
  const ours = messages.filter(({ subject }) => subject !== 'siderolink.another');
  expect(ours).toHaveLength(machines.length * 35);
  await world.verify(ours);
  expect(await world.count('losses')).toBe(1);
});

it('has the cursors stored that went back, so that our own death in between loses nothing', async () => {
  await world.publish([server.url], { keeper: { storeMs: 10, idleMs: 3_600_000 } });
  await world.append(machines, 10);
  await world.published();
  const limit = (max_msgs: number) =>
    withConnection({ servers: server.url }, async (connection) => {
      const { streams } = await jetstreamManager(connection);
      await streams.update(STREAM, { max_msgs, discard: DiscardPolicy.New });
    });
  await limit(world.log.head);
  await keepCopy();
  await limit(-1);
  await world.append(machines, 20);
  await world.published();
  // The first of each lane that the stream will have lost. A lane with nothing to send may be further than others.
  const lost = new Map<number, number>();
  for (const { seq, json } of (await readAll(world.log)).toReversed()) {
    if (seq > 10 * machines.length) lost.set(laneOf((JSON.parse(json) as Told).body.server_uuid), seq);
  }
  await comeBack();
  // The stream is full, so none of it goes out again.
  const store = new Database(world.path, { readonly: true });
  const cursors = store.prepare('select lane, seq from publish_cursor').raw();
  const tooFar = () =>
    (cursors.all() as [number, number][]).filter(([lane, seq]) => seq >= (lost.get(lane) ?? Number.POSITIVE_INFINITY));
  const deadline = performance.now() + 60_000;
  while (tooFar().length > 0 && performance.now() < deadline) await later(10);
  expect(tooFar()).toEqual([]);
  store.close();

  await limit(-1);
  await world.published();
  const messages = await received({ servers: server.url });
  expect(messages).toHaveLength(machines.length * 30);
  await world.verify(messages);
});

it('sends nothing again of a stream that was purged, which is what its owner wanted', async () => {
  await world.publish([server.url], { link: { lookMs: 50 } });
  await world.append(machines, 10);
  await world.published();
  await withConnection({ servers: server.url }, async (connection) => {
    const { streams } = await jetstreamManager(connection);
    await streams.purge(STREAM);
  });
  await server.restart();
  await world.append(machines, 5);
  await world.published();
  expect(await received({ servers: server.url })).toHaveLength(machines.length * 5);
  expect(await world.count('losses')).toBe(0);
  expect(world.condition('nats_stream')).toBe('ok: ');
});

it('sees on a connection that stays that the stream was made anew, with nothing to send', async () => {
  await withConnection({ servers: server.url }, async (connection) => {
    const { streams } = await jetstreamManager(connection);
    const wish = { name: STREAM, subjects: ['siderolink.>'] };
    await streams.add(wish);
    // One that may make it as well could be faster than we are, between the two.
    await world.publish([server.url], { createStream: false, link: { lookMs: 50 } });
    await world.append(machines, 10);
    await world.published();
    await streams.delete(STREAM);
    await streams.add(wish);
  });
  await world.untilCounted('losses', 1);
  await world.published();
  const messages = await received({ servers: server.url });
  expect(messages).toHaveLength(machines.length * 10);
  await world.verify(messages);
});
