import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type NatsServer, startNatsServer } from '../helpers/nats-server.ts';
import { received, STREAM, World, withConnection } from './world.ts';

let world: World;
let server: NatsServer;
const machines = Array.from({ length: 40 }, (_, index) => index + 1);

beforeEach(async () => {
  world = await new World().open();
  server = await startNatsServer();
});

afterEach(async () => {
  await world.dispose();
  await server.dispose();
});

it('publishes what is kept, from the oldest, and then what comes', async () => {
  await world.append(machines, 20);
  await world.publish([server.url]);
  await world.published();
  await world.append(machines, 5);
  await world.published();

  const messages = await received({ servers: server.url });
  expect(messages).toHaveLength(machines.length * 25);
  await world.verify(messages);
  expect(messages[0]?.headers).toMatchObject({
    'Nats-Expected-Stream': STREAM,
    'Siderolink-Boot': '1',
    'Siderolink-Received-At': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
  expect(await world.count('records')).toBe(messages.length);
  expect(await world.count('duplicates')).toBe(0);
  expect(world.condition('nats')).toBe('ok: ');
  expect(world.condition('nats_stream')).toBe('ok: ');
});

it('goes on where it stopped: a record is sent once', async () => {
  await world.append(machines, 20);
  await world.publish([server.url]);
  await world.published();
  await world.reopen();
  await world.append(machines, 3);
  await world.publish([server.url]);
  await world.published();

  await world.verify(await received({ servers: server.url }));
  expect(await world.count('records')).toBe(machines.length * 23);
  expect(await world.count('duplicates')).toBe(0);
});

it('starts without a server and publishes when there is one', async () => {
  await server.kill();
  await world.append(machines, 10);
  await world.publish([server.url]);
  await world.until(({ problem }) => problem?.includes('refused') === true);
  expect(world.condition('nats')).toMatch(/^warning: not connected: connection refused; the oldest/);
  await world.append(machines, 10);
  await server.start();
  await world.published();
  await world.verify(await received({ servers: server.url }));
});

it('stops at once while a server that says nothing is being dialled', async () => {
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const dialled = once(silent, 'connection');
  const publisher = await world.publish([`nats://127.0.0.1:${port}`]);
  await dialled;
  const began = performance.now();
  await publisher.stop(8000);
  // A try takes ten seconds, the thread is ended by force after eight.
  expect(performance.now() - began).toBeLessThan(6000);
  silent.close();
});

it('loses nothing and keeps the order of each machine while the server is killed again and again', async () => {
  await world.publish([server.url]);
  for (let round = 0; round < 5; round++) {
    const told = await world.count('records');
    await world.append(machines, 100);
    // In the middle of what is in flight.
    await world.untilCounted('records', told + 1);
    await server.kill();
    await world.until(({ server: at }) => at === null);
    await server.start();
  }
  await world.published();
  await world.verify(await received({ servers: server.url }));
});

it('sends again what is not answered in time, with the same id and in the same order', async () => {
  await world.publish([server.url], { outbox: { answerMs: 200 } });
  await world.until(({ server: at }) => at !== null);
  await world.append(machines, 1);
  await world.published();
  server.pause();
  await world.append(machines, 20);
  await world.until(({ refusal }) => refusal?.startsWith('timeout') === true);
  server.resume();
  await world.published();
  await world.verify(await received({ servers: server.url }));
  expect(await world.count('refused', { reason: 'timeout' })).toBeGreaterThan(0);
});

it('leaves a server that is there and says nothing', async () => {
  await world.publish([server.url], { link: { pingMs: 100 } });
  await world.until(({ server: at }) => at !== null);
  server.pause();
  await world.append(machines, 2);
  await world.until(({ server: at }) => at === null);
  server.resume();
  await world.published();
  await world.verify(await received({ servers: server.url }));
});

it('waits for room in a stream that is full, and tells why', async () => {
  await withConnection({ servers: server.url }, async (connection) => {
    const { streams } = await jetstreamManager(connection);
    const full = { name: STREAM, subjects: ['siderolink.>'], max_msgs: 100, discard: 'new' as const };
    await streams.add(full);
    await world.append(machines, 5);
    await world.publish([server.url], { lateMs: 0 });
    await world.until(({ refusal }) => refusal?.startsWith('full: maximum messages exceeded') === true);
    expect(world.condition('nats')).toMatch(/^warning: behind; the oldest .* last refusal: full/);
    const first = await received({ servers: server.url });
    expect(first).toHaveLength(100);
    await streams.update(STREAM, { max_msgs: -1 });
    await world.published();
    await world.verify(await received({ servers: server.url }));
  });
});

it('makes the stream anew where it vanished, and goes on', async () => {
  await world.publish([server.url]);
  await world.append(machines, 2);
  await world.published();
  const first = await received({ servers: server.url });
  await withConnection({ servers: server.url }, async (connection) => {
    await (await jetstreamManager(connection)).streams.delete(STREAM);
  });
  await world.append(machines, 2);
  await world.untilCounted('losses', 1);
  await world.published();
  // What the last minutes brought the new one has too.
  const second = await received({ servers: server.url });
  expect(second).toHaveLength(2 * first.length);
  await world.verify(second);
  expect(world.condition('nats_stream')).toMatch(/^warning: the stream lost messages/);
});

it('makes no stream where it may not, and says what to do', async () => {
  await world.append(machines, 1);
  await world.publish([server.url], { createStream: false });
  await world.until(({ streamProblem }) => streamProblem !== null);
  expect(world.condition('nats_stream')).toBe(
    'error: there is no stream SIDEROLINK: make it, or set publish.nats.create_stream',
  );
  await withConnection({ servers: server.url }, async (connection) => {
    const { streams } = await jetstreamManager(connection);
    await streams.add({ name: STREAM, subjects: ['other.>'] });
    await world.until(({ streamProblem }) => streamProblem?.includes('other.>') === true);
    expect(world.condition('nats_stream')).toMatch(/^error: .*add siderolink\.> to its subjects/);
    await streams.update(STREAM, { subjects: ['other.>', 'siderolink.>'] });
    await world.published();
    const { config } = await streams.info(STREAM);
    expect(config.subjects).toEqual(['other.>', 'siderolink.>']);
  });
  await world.verify(await received({ servers: server.url }));
  expect(world.condition('nats_stream')).toBe('ok: ');
});

it('sends a marker where a record is larger than the server or the stream takes', async () => {
  await server.restart({ maxPayload: 8192 });
  await world.append([1], 1);
  await world.append([1], 1, 20_000);
  await world.append([1], 1);
  await world.publish([server.url]);
  await world.published();
  const [before, marker, after] = await received({ servers: server.url });
  expect(before?.seq).toBe(1);
  expect(JSON.parse(marker?.body ?? '')).toEqual({
    ...{ truncated: true, seq: 2, server_uuid: '00000000-0000-4000-8000-000000000001' },
    original_bytes: Number(marker?.headers['Siderolink-Truncated']),
  });
  expect(after?.seq).toBe(3);
  expect(await world.count('truncated')).toBe(1);

  // The stream's own limit may become smaller while we are connected.
  await withConnection({ servers: server.url }, async (connection) => {
    await (await jetstreamManager(connection)).streams.update(STREAM, { max_msg_size: 5000 });
  });
  await world.append([1], 1, 6000);
  await world.published();
  expect(await world.count('truncated')).toBe(2);
});

it('sees that a server takes larger messages than when it came to know it', async () => {
  await server.restart({ maxPayload: 2048 });
  await world.append([1, 2], 3);
  await world.publish([server.url], { link: { unseenMs: 300 } });
  await world.until(({ streamProblem }) => streamProblem?.includes('set its max_payload to 4096 or more') === true);
  expect(world.condition('nats_stream')).toMatch(/^error: the server takes messages of 2048 bytes/);
  // It tells that to new connections only, and ours would stay.
  await server.reload({ maxPayload: 8192 });
  await world.published();
  await world.verify(await received({ servers: server.url }));
});

it('publishes subjects that are allowed while one is forbidden, and tells of it', async () => {
  const permissions = { publish: { deny: ['siderolink.*.00000000-0000-4000-8000-000000000001.>'] } };
  await server.restart({ auth: { user: 'u', password: 'p', permissions } });
  const access = { user: 'u', password: 'p' };
  await world.append([1, 2, 3], 5);
  await world.publishAs(access, [server.url]);
  await world.until(({ streamProblem, waiting }) => streamProblem !== null && waiting === 5);
  expect(world.condition('nats_stream')).toMatch(/^error: may not publish to siderolink\._\.0{8}-/);
  await server.restart({ auth: access });
  await world.published();
  await world.verify(await received({ servers: server.url, user: 'u', pass: 'p' }));
});
