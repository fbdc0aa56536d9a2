import { Client, credentials } from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { GrpcEdge } from '../../src/lib/grpc.ts';
import { ManualClock } from '../sinks/fakes.ts';

const PATH = '/test.Door/Knock';

/** An edge whose time stands, and whose calls are not answered until they are let go. */
async function door() {
  const clock = new ManualClock();
  const inside: (() => void)[] = [];
  const edge = new GrpcEdge({ name: 'test', host: '127.0.0.1', port: 0 }, { clock });
  edge.unary<null, null>({
    path: PATH,
    decode: () => null,
    encode: () => Buffer.alloc(0),
    handle: () => new Promise((resolve) => inside.push(() => resolve(null))),
  });
  const { host, port } = await edge.listen();
  const clients: Client[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.close();
    await edge.stop(0);
  });
  const knock = (): Promise<void> => {
    // A connection of its own.
    const client = new Client(`${host}:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    clients.push(client);
    return new Promise((resolve, reject) => {
      const take = (error: Error | null) => (error === null ? resolve() : reject(error));
      client.makeUnaryRequest<Buffer, Buffer>(
        PATH,
        (bytes) => bytes,
        (bytes) => bytes,
        Buffer.alloc(0),
        take,
      );
    });
  };
  return { clock, inside, knock };
}

const until = (isSo: () => boolean) => expect.poll(isSo, { timeout: 30_000, interval: 5 }).toBe(true);

it('whoever comes alone, or among a few, is served at once; in a crowd one waits for others, a few milliseconds', async () => {
  const { clock, inside, knock } = await door();
  const answers: Promise<void>[] = [];
  /** Milliseconds until one more is inside. */
  const entering = async () => {
    const [before, count] = [clock.monotonic(), inside.length + 1];
    answers.push(knock());
    await until(() => {
      clock.advance(1);
      return inside.length === count;
    });
    return clock.monotonic() - before;
  };
  // Time stands: nobody of these waits for a timer.
  for (let count = 1; count <= 64; count++) {
    answers.push(knock());
    await until(() => inside.length === count);
  }
  // Of a crowd a call waits, and of one that was there before it the connection too.
  expect(await entering()).toBeGreaterThanOrEqual(5);
  expect(await entering()).toBeGreaterThanOrEqual(15);
  for (const answer of inside) answer();
  await Promise.all(answers);
});
