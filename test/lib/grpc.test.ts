import { connect } from 'node:net';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { GrpcEdge, type GrpcEdgeOptions, type RefusedReason, type UnaryMethod } from '../../src/lib/grpc.ts';

const ECHO = '/test.Echo/Say';
const edges: GrpcEdge[] = [];
const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(edges.splice(0).map((edge) => edge.stop(0)));
});

async function serve(options: Partial<GrpcEdgeOptions>, method: Partial<UnaryMethod<string, string>> = {}) {
  const edge = new GrpcEdge({ name: 'test', host: '127.0.0.1', port: 0, ...options });
  edges.push(edge);
  edge.unary<string, string>({
    path: ECHO,
    decode: (bytes) => bytes.toString(),
    encode: (text) => Buffer.from(text),
    handle: (text, { source }) => `${source} said ${text}`,
    ...method,
  });
  const { host, port } = await edge.listen();
  const client = new Client(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, credentials.createInsecure());
  clients.push(client);
  return { edge, client, host, port };
}

function say(client: Client, text: string | Buffer, path = ECHO, metadata = new Metadata()): Promise<string> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<Buffer, string>(
      path,
      (bytes) => bytes,
      (bytes) => bytes.toString(),
      Buffer.from(text),
      metadata,
      (error, value) => (error ? reject(error) : resolve(value ?? '')),
    );
  });
}

async function refusal(call: Promise<string>): Promise<{ code: number; details: string }> {
  const error = (await call.then(
    (value) => Promise.reject(new Error(`answered ${value}`)),
    (cause: unknown) => cause,
  )) as ServiceError;
  return { code: error.code, details: error.details };
}

/** A promise and its resolve function. */
function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe('GrpcEdge', () => {
  it("tells the handler the caller's address, normalised, whatever the caller's headers say", async () => {
    const { client } = await serve({ normaliseSource: (remote) => `<${remote}>` });
    const metadata = new Metadata();
    metadata.set('source', '::bad');
    metadata.set('x-forwarded-for', '::bad');
    expect(await say(client, 'hello', ECHO, metadata)).toBe('<127.0.0.1> said hello');
  });

  it('serves one IPv6 address and refuses IPv4 there', async () => {
    const { client, host, port } = await serve({ host: '::1', ipv6Only: true });
    expect(host).toBe('::1');
    expect(await say(client, 'hello')).toBe('::1 said hello');
    const v4 = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    clients.push(v4);
    expect((await refusal(say(v4, 'hello'))).code).toBe(status.UNAVAILABLE);
  });

  it('answers an empty request', async () => {
    const { client } = await serve({});
    expect(await say(client, '')).toBe('127.0.0.1 said ');
  });

  it('maps errors, sync and async, and tells strangers nothing by default', async () => {
    const fail = (text: string): string | Promise<string> => {
      if (text === 'sync') throw new Error('secret detail');
      return Promise.reject(new Error('secret detail'));
    };
    const { client } = await serve({}, { handle: fail });
    expect(await refusal(say(client, 'sync'))).toEqual({ code: status.INTERNAL, details: 'internal error' });
    expect(await refusal(say(client, 'async'))).toEqual({ code: status.INTERNAL, details: 'internal error' });
    const seen: unknown[] = [];
    const mapped = await serve(
      {
        toStatus: (error, call) => {
          seen.push((error as Error).message, call.path, call.source);
          return { code: status.PERMISSION_DENIED, details: 'unauthorized' };
        },
      },
      { handle: fail },
    );
    expect(await refusal(say(mapped.client, 'x'))).toEqual({ code: status.PERMISSION_DENIED, details: 'unauthorized' });
    expect(seen).toEqual(['secret detail', ECHO, '127.0.0.1']);
  });

  it('leaves broken requests to the method, and says INVALID_ARGUMENT otherwise', async () => {
    const decode = (): string => {
      throw new RangeError('index out of range');
    };
    const plain = await serve({}, { decode });
    expect((await refusal(say(plain.client, 'x'))).code).toBe(status.INVALID_ARGUMENT);
    const kept = await serve(
      {},
      { decode, onBroken: (bytes, _error, call) => `${call.source} sent ${bytes.length} bytes` },
    );
    expect(await say(kept.client, 'xyz')).toBe('127.0.0.1 sent 3 bytes');
  });

  it('an encoder that throws is an internal error, and the next call works', async () => {
    const { client } = await serve(
      {},
      {
        encode: (text) => {
          if (text.endsWith('bad')) throw new TypeError('cannot');
          return Buffer.from(text);
        },
      },
    );
    expect((await refusal(say(client, 'bad'))).code).toBe(status.INTERNAL);
    expect(await say(client, 'good')).toContain('good');
  });

  it('refuses large requests, large metadata, unknown methods and garbage, and goes on', async () => {
    const refused: RefusedReason[] = [];
    const { client, host, port } = await serve({ maxMessageBytes: 1000, onRefused: (reason) => refused.push(reason) });
    expect((await refusal(say(client, 'x'.repeat(1001)))).code).toBe(status.RESOURCE_EXHAUSTED);
    const metadata = new Metadata();
    metadata.set('large', 'x'.repeat(20_000));
    expect((await refusal(say(client, 'x', ECHO, metadata))).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(refused).toEqual(['metadata']);
    expect((await refusal(say(client, 'x', '/test.Echo/Other'))).code).toBe(status.UNIMPLEMENTED);
    const closed = Promise.withResolvers<void>();
    const socket = connect(port, host, () => socket.write('GET / HTTP/1.1\r\n\r\n'));
    socket.on('close', () => closed.resolve()).on('error', () => {});
    socket.resume();
    await closed.promise;
    expect(await say(client, 'still here')).toContain('still here');
  });

  it('answers UNAVAILABLE at the deadline, aborts the handler, and ignores its late answer', async () => {
    const refused: RefusedReason[] = [];
    const late = gate();
    const aborted = gate();
    const { client, edge } = await serve(
      { onRefused: (reason) => refused.push(reason) },
      {
        deadlineMs: 30,
        handle: async (text, { signal }) => {
          signal.addEventListener('abort', aborted.open);
          await late.opened;
          return text;
        },
      },
    );
    expect((await refusal(say(client, 'x'))).code).toBe(status.UNAVAILABLE);
    await aborted.opened;
    expect(edge.running).toBe(0);
    expect(refused).toEqual(['deadline']);
    late.open();
  });

  it('a request whose body never comes is answered at the deadline too', async () => {
    const { client, edge } = await serve({ deadlineMs: 30 });
    const done = Promise.withResolvers<number>();
    const call = client.makeClientStreamRequest<Buffer, string>(
      ECHO,
      (bytes) => bytes,
      (bytes) => bytes.toString(),
      (error) => done.resolve(error?.code ?? -1),
    );
    call.on('error', () => {});
    call.write(Buffer.from('half'));
    expect(await done.promise).toBe(status.UNAVAILABLE);
    expect(edge.running).toBe(0);
  });

  it('aborts the handler when the caller goes', async () => {
    const started = gate();
    const aborted = gate();
    const { client } = await serve(
      {},
      {
        handle: (_text, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted.open();
              reject(new Error('aborted'));
            });
            started.open();
          }),
      },
    );
    const ended = gate();
    const call = client.makeUnaryRequest<Buffer, string>(
      ECHO,
      (bytes) => bytes,
      (bytes) => bytes.toString(),
      Buffer.from('x'),
      () => ended.open(),
    );
    await started.opened;
    call.cancel();
    await Promise.all([aborted.opened, ended.opened]);
  });

  it('bounds the calls that run at one time', async () => {
    const refused: RefusedReason[] = [];
    const hold = gate();
    const started = gate();
    const { client } = await serve(
      { maxRunning: 1, onRefused: (reason) => refused.push(reason) },
      {
        handle: async (text) => {
          started.open();
          await hold.opened;
          return text;
        },
      },
    );
    const first = say(client, 'first');
    await started.opened;
    expect((await refusal(say(client, 'second'))).code).toBe(status.RESOURCE_EXHAUSTED);
    hold.open();
    expect(await first).toBe('first');
    expect(await say(client, 'third')).toBe('third');
    expect(refused).toEqual(['running']);
  });

  it('bounds connections at accept', async () => {
    const dropped = gate();
    const { edge, client, port } = await serve({ maxConnections: 1, onRefused: () => dropped.open() });
    await say(client, 'x');
    expect(edge.connections).toBe(1);
    const closed = Promise.withResolvers<void>();
    connect(port, '127.0.0.1')
      .on('close', () => closed.resolve())
      .on('error', () => {});
    await Promise.all([dropped.opened, closed.promise]);
    expect(edge.connections).toBe(1);
  });

  describe('stop', () => {
    it('lets running calls finish, refuses new connections, and is idempotent', async () => {
      const hold = gate();
      const started = gate();
      const { edge, client, port } = await serve(
        {},
        {
          handle: async (text) => {
            started.open();
            await hold.opened;
            return text;
          },
        },
      );
      const running = say(client, 'last words');
      await started.opened;
      const stops = [edge.stop(10_000), edge.stop(10_000)];
      const late = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
      clients.push(late);
      expect((await refusal(say(late, 'x'))).code).toBe(status.UNAVAILABLE);
      hold.open();
      expect(await running).toBe('last words');
      await Promise.all(stops);
      expect(edge.connections).toBe(0);
      await edge.stop(0);
    });

    it('cancels what does not finish in time, also connections that never spoke', async () => {
      const started = gate();
      const { edge, client, port } = await serve(
        {},
        {
          handle: () => {
            started.open();
            return new Promise<string>(() => {});
          },
        },
      );
      const running = refusal(say(client, 'x'));
      await started.opened;
      const connected = gate();
      const silent = connect(port, '127.0.0.1', connected.open);
      silent.on('error', () => {});
      await connected.opened;
      await edge.stop(20);
      expect((await running).code).not.toBe(status.OK);
      expect(edge.connections).toBe(0);
    });

    it('keeps no grace time for connections without a call: their peers may be gone without a word', async () => {
      const hold = gate();
      const started = gate();
      const { edge, client, port } = await serve(
        {},
        {
          handle: async (text) => {
            started.open();
            await hold.opened;
            return text;
          },
        },
      );
      const connected = gate();
      // It never reads, so it never learns that the other side says goodbye: like a machine that lost its power.
      const dead = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, connected.open).pause();
      dead.on('error', () => {});
      await connected.opened;
      const running = say(client, 'answered');
      await started.opened;
      const stopped = edge.stop(2 ** 30);
      hold.open();
      expect(await running).toBe('answered');
      await stopped;
      expect(edge.connections).toBe(0);
      dead.destroy();
    });

    it('before listening, and while waiting for an address', async () => {
      const idle = new GrpcEdge({ name: 'idle', host: '127.0.0.1' });
      await idle.stop(0);
      await expect(idle.listen()).rejects.toThrow('stopped');
      const waiting = new GrpcEdge({ name: 'waiting', host: 'fd00:dead::1' });
      const listening = expect(waiting.listen()).rejects.toThrow('stopped');
      await new Promise((resolve) => setImmediate(resolve));
      await waiting.stop(0);
      await listening;
    });
  });

  it('waits for an address that is missing, and gives up with its error', async () => {
    let time = 0;
    const sleeps: number[] = [];
    const edge = new GrpcEdge(
      { name: 'missing', host: 'fd00:dead::1', bindTimeoutMs: 300 },
      {
        clock: {
          now: () => time,
          monotonic: () => time,
          sleep: (ms) => {
            sleeps.push(ms);
            time += ms;
            return Promise.resolve();
          },
          after: () => () => {},
        },
      },
    );
    await expect(edge.listen()).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    expect(sleeps).toEqual([100, 100, 100]);
  });

  it('a taken port is told at once', async () => {
    const { port } = await serve({});
    const second = new GrpcEdge({ name: 'second', host: '127.0.0.1', port });
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
