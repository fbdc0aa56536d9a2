import { Client, credentials, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { type ByteStream, GrpcEdge, type GrpcEdgeOptions, type StreamMethod } from '../../src/lib/grpc.ts';

const STREAM = '/test.Echo/Stream';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An edge with one streaming method, and what calls it. */
async function serve(method: Partial<StreamMethod>, options: Partial<GrpcEdgeOptions> = {}) {
  const edge = new GrpcEdge({ name: 'test', host: '127.0.0.1', ...options }).stream({
    path: STREAM,
    maxOpen: 10,
    maxUnsentBytes: 1_000,
    open: (stream) => {
      queueMicrotask(() => stream.resume());
      return { message: (bytes) => void stream.send(bytes), ended: () => {} };
    },
    ...method,
  });
  cleanups.push(() => edge.stop(0));
  const { port } = await edge.listen();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  cleanups.push(() => client.close());
  const call = (metadata = new Metadata(), deadline?: Date) => {
    const bytes = (value: Buffer): Buffer => value;
    const stream = client.makeBidiStreamRequest(STREAM, bytes, bytes, metadata, deadline && { deadline });
    stream.on('error', () => {});
    const heard: string[] = [];
    stream.on('data', (message: Buffer) => heard.push(message.toString()));
    const ended = new Promise<StatusObject>((resolve) => stream.once('status', resolve));
    const opened = new Promise((resolve) => stream.once('metadata', resolve));
    const echo = (text: string) =>
      new Promise((resolve) => {
        stream.once('data', resolve);
        stream.write(Buffer.from(text));
      });
    return { stream, heard, ended, opened, echo };
  };
  return { edge, call };
}

describe('a stream of the edge', () => {
  it('carries messages both ways for as long as it likes, and is no running call', async () => {
    const { edge, call } = await serve({}, { deadlineMs: 1, maxRunning: 0 });
    const { heard, echo, stream, ended } = call();
    for (const text of ['a', 'b', 'c']) await echo(text);
    expect(heard).toEqual(['a', 'b', 'c']);
    expect(edge.running).toBe(0);
    stream.end();
    expect((await ended).code).toBe(status.OK);
  });

  it('what its owner throws when it is opened is told as of any call', async () => {
    const opened: string[] = [];
    const { call } = await serve(
      {
        open: ({ source }) => {
          opened.push(source);
          throw new Error('no');
        },
      },
      {
        toStatus: (error, { path, source }) => ({ code: 9, details: `${(error as Error).message} ${path} ${source}` }),
      },
    );
    expect(await call().ended).toMatchObject({ code: 9, details: `no ${STREAM} 127.0.0.1` });
    expect(opened).toEqual(['127.0.0.1']);
  });

  it('nothing is read before its owner asks, and nothing after it paused', async () => {
    const streams: ByteStream[] = [];
    const read: string[] = [];
    const { call } = await serve({
      open: (stream) => {
        streams.push(stream);
        return {
          message: (bytes) => {
            read.push(bytes.toString());
            stream.pause();
            stream.send(bytes);
          },
          ended: () => {},
        };
      },
    });
    const { stream, opened, heard } = call();
    const next = () => new Promise((resolve) => stream.once('data', resolve));
    await opened;
    for (const text of ['a', 'b']) stream.write(Buffer.from(text));
    expect(read).toEqual([]);
    for (const expected of [['a'], ['a', 'b']]) {
      const answered = next();
      streams[0]?.resume();
      await answered;
      expect([read, heard]).toEqual([expected, expected]);
    }
  });

  it('one that ends in any way is told so once, and takes nothing more', async () => {
    const ends: string[] = [];
    const streams = new Map<string, ByteStream>();
    const all = Promise.withResolvers<void>();
    const { call } = await serve({
      open: (stream) => {
        const name = stream.header('name') ?? '';
        streams.set(name, stream);
        queueMicrotask(() => stream.resume());
        return {
          message: () => {},
          ended: () => {
            ends.push(name);
            if (ends.length === 4) all.resolve();
          },
        };
      },
    });
    const named = (name: string, deadline?: Date) => {
      const metadata = new Metadata();
      metadata.set('name', name);
      return call(metadata, deadline);
    };
    const [ours, theirs, cut, late] = [
      named('ours'),
      named('theirs'),
      named('cut'),
      named('late', new Date(Date.now() + 3_000)),
    ];
    await Promise.all([ours, theirs, cut, late].map(({ opened }) => opened));
    streams.get('ours')?.end({ code: 10, details: 'peer replaced' });
    streams.get('ours')?.end({ code: 7, details: 'too late' });
    theirs.stream.end();
    cut.stream.cancel();
    expect(await ours.ended).toMatchObject({ code: 10, details: 'peer replaced' });
    expect((await late.ended).code).toBe(status.DEADLINE_EXCEEDED);
    await all.promise;
    expect(ends.toSorted()).toEqual(['cut', 'late', 'ours', 'theirs']);
    for (const stream of streams.values()) expect(stream.send(Buffer.from('x'))).toBe(false);
  });

  it('what does not fit its queue is dropped whole', async () => {
    const sent: boolean[] = [];
    const { call } = await serve({
      maxUnsentBytes: 10,
      open: (stream) => {
        queueMicrotask(() => {
          for (const text of ['12345678', '123', '12']) sent.push(stream.send(Buffer.from(text)));
          stream.end({ code: 0, details: '' });
        });
        return { message: () => {}, ended: () => {} };
      },
    });
    const { heard, ended } = call();
    await ended;
    expect(sent).toEqual([true, false, true]);
    expect(heard).toEqual(['12345678', '12']);
  });
});
