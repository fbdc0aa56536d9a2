import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';

const ECHO = '/test.Echo/Say';
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function say(target: string, creds = credentials.createInsecure()): Promise<string> {
  const client = new Client(target, creds);
  return new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest<Buffer, string>(
      ECHO,
      (bytes) => bytes,
      (bytes) => bytes.toString(),
      Buffer.from('hello'),
      (error, value) => (error !== null ? reject(error) : resolve(value ?? '')),
    );
  }).finally(() => client.close());
}

describe('GrpcEdge over an inherited socket', () => {
  it('serves on the descriptor that it was given', async () => {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    const program = `
      import { GrpcEdge } from ${JSON.stringify(new URL('../../src/lib/grpc.ts', import.meta.url).href)};
      const edge = new GrpcEdge({ name: 'inherited', fd: 3 }).unary({
        path: ${JSON.stringify(ECHO)},
        decode: (bytes) => bytes,
        encode: (bytes) => bytes,
        handle: (bytes) => bytes,
      });
      process.stdout.write(String((await edge.listen()).port) + '\\n');
      await new Promise((resolve) => process.stdin.on('end', resolve).resume());
      await edge.stop(1000);
      process.stdout.write('stopped');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['pipe', 'pipe', 'inherit', fd],
    });
    cleanups.push(() => void child.kill('SIGKILL'));
    if (child.stdin === null || child.stdout === null) throw new Error('no pipes');
    const output = text(child.stdout);
    const exited = once(child, 'exit');
    // The connection waits in the backlog until the child accepts; our own copy of the socket accepts nothing any more.
    listener.close();
    expect(await say(`127.0.0.1:${port}`)).toBe('hello');
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
    expect(await output).toBe(`${port}\nstopped`);
  });
});
