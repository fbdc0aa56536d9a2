import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type NatsServer, startNatsServer } from '../helpers/nats-server.ts';
import type { FromChild, ToChild } from './outage-child.ts';
import { received, World } from './world.ts';

const CHILD = fileURLToPath(new URL('./outage-child.ts', import.meta.url));
const MIB = 1024 * 1024;
/** Half of what a day has, once a publisher waits ten seconds between two. */
const TRIES = 6000;
/** A client of the library that is not given up properly leaves 7 to 11 KiB behind: at least 42 MiB in so many tries. */
const MOST_GROWTH_MIB = 28;

let world: World;
let server: NatsServer;
let child: ChildProcess;
let last: Extract<FromChild, { state: unknown }> | undefined;
let machines: readonly number[];

beforeEach(async () => {
  machines = Array.from({ length: 500 }, (_, index) => index + 1);
  world = await new World().open();
  server = await startNatsServer();
  await server.kill();
  last = undefined;
  // What this process takes (a writer, its caches, all that was appended) would hide what the publisher does.
  // With the daemon's own settings, or the allocator's steps of some MiB would.
  const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
  child = fork(CHILD, [world.path, server.url], { env, execArgv: ['--max-semi-space-size=4'] });
  child.on('message', (message: FromChild) => {
    if ('state' in message) last = message;
    else void store(message.change);
  });
  world.log.onCommit(() => tell({ head: world.log.head }));
});

afterEach(async () => {
  child.kill('SIGKILL');
  await world.dispose();
  await server.dispose();
});

function tell(message: ToChild): void {
  if (child.connected) child.send(message);
}

async function store(change: Extract<FromChild, { change: unknown }>['change']): Promise<void> {
  const isStored = await world.log.commit(change).then(
    () => true,
    () => false,
  );
  tell({ stored: isStored });
}

/** The next word of the publisher's process. */
async function word(): Promise<Extract<FromChild, { state: unknown }>> {
  last = undefined;
  while (last === undefined) {
    if (child.exitCode !== null) throw new Error(`the publisher ended with ${child.exitCode}`);
    await later(20);
  }
  return last;
}

/** What the publisher's process takes when it has had time to tidy up; MiB. */
async function settled(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 40; i++) least = Math.min(least, (await word()).bytes / MIB);
  return least;
}

/** Records come all the time, a thousand at once. */
async function fillUntil(isEnough: () => boolean): Promise<void> {
  while (!isEnough()) {
    await world.append(machines, 2);
    await later(1000);
  }
}

/** Takes the server's place and hangs up on whoever comes, as a balancer does that has nobody behind it. */
async function hangUp(port: number): Promise<{ server: Server; tries: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
    socket.end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // Each try looks whether somebody is there first.
  return { server, tries: () => connections / 2 };
}

/** The server is dialled a thousand times as often as by default; what waits is much more than may wait in memory. */
it('takes no memory for an outage, however long, and publishes all of it afterwards', async () => {
  await fillUntil(() => (last?.state.waiting ?? 0) > 50_000);
  const before = await settled();
  const until = performance.now() + 90_000;
  await fillUntil(() => performance.now() > until);
  expect(last?.state.problem).toBe('connection refused');
  expect((await settled()) - before).toBeLessThan(MOST_GROWTH_MIB);

  const stranger = await hangUp(server.port);
  await fillUntil(() => stranger.tries() >= TRIES && last?.state.problem === 'whoever is there hung up at once');
  expect((await settled()) - before).toBeLessThan(MOST_GROWTH_MIB);
  stranger.server.close();

  await server.start();
  let most = 0;
  for (;;) {
    const { state, bytes } = await word();
    most = Math.max(most, bytes / MIB);
    if (state.server !== null && state.waiting === 0 && state.head === world.log.head) break;
  }
  // However much is to be caught up with, what is in memory of it is bounded.
  expect(most - before).toBeLessThan(100);
  const messages = await received({ servers: server.url });
  expect(messages).toHaveLength(world.log.head);
  await world.verify(messages);
});
