import { setTimeout as later } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type NatsServer, startNatsServer } from '../helpers/nats-server.ts';
import { received, World } from './world.ts';

const MIB = 1024 * 1024;

let world: World;
let server: NatsServer;

beforeEach(async () => {
  world = await new World().open();
  server = await startNatsServer();
  await server.kill();
});

afterEach(async () => {
  await world.dispose();
  await server.dispose();
});

/** Of this process, its threads included, when it has had time to tidy up; MiB. */
async function settledRss(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++) {
    least = Math.min(least, process.memoryUsage().rss / MIB);
    await later(250);
  }
  return least;
}

/**
 * Ten minutes in which the server is not there, dialled two hundred times as often as by default: as many tries as in a day and more.
 * Every try of a client that reconnects by itself left some 11 KB behind.
 */
it('takes no memory for an outage, however long, and publishes all of it afterwards', async () => {
  const machines = Array.from({ length: 500 }, (_, index) => index + 1);
  await world.publish([server.url], { link: { dialMs: 25, dialMaxMs: 50 } });
  let records = 0;
  const fill = async (seconds: number) => {
    const until = performance.now() + seconds * 1000;
    while (performance.now() < until) {
      await world.append(machines, 2);
      records += 2 * machines.length;
      await later(1000);
    }
  };
  await fill(90);
  const before = await settledRss();
  await fill(510);
  const after = await settledRss();
  expect(after - before).toBeLessThan(40);

  await server.start();
  await world.published(300_000);
  // What waits in memory is bounded, however much is to be caught up with. Reading all of it here would take more.
  expect((await settledRss()) - after).toBeLessThan(400);
  const messages = await received({ servers: server.url });
  expect(messages).toHaveLength(records);
  await world.verify(messages);
});
