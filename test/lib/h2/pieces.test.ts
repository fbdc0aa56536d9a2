import { once } from 'node:events';
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrpcEdge } from '../../../src/lib/grpc.ts';
import { FrameReader, type FrameReaderEvents } from '../../../src/lib/h2/frame-reader.ts';
import { decodeHuffman } from '../../../src/lib/h2/huffman.ts';
import { HEADERS, SETTINGS } from '../../../src/lib/h2/protocol.ts';
import {
  call,
  data,
  EchoEdge,
  END_HEADERS,
  frame,
  headers,
  message,
  PING,
  PREFACE,
  request,
  STREAM,
  settings,
} from './raw-peer.ts';

/** Bytes cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set([0, ...places.map((place) => place % bytes.length), bytes.length])].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

/** What a reader makes of these chunks; each lies in memory that is another's afterwards. */
function framesOf(chunks: readonly Buffer[]): string[] {
  const told: string[] = [];
  const events: FrameReaderEvents = {
    noPreface: () => told.push('no preface'),
    tooLong: () => told.push('too long'),
    frame: (type, flags, id, bytes, start, end) =>
      told.push(`${type} ${flags} ${id} ${bytes.subarray(start, end).toString('hex')}`),
  };
  const reader = new FrameReader(events);
  const memory = Buffer.alloc(Math.max(...chunks.map(({ length }) => length)));
  for (const chunk of chunks) {
    chunk.copy(memory);
    reader.read(memory.subarray(0, chunk.length));
    memory.fill(0xee);
  }
  expect(reader.held).toBe(0);
  return told;
}

const CONVERSATION = Buffer.concat([
  ...[PREFACE, settings([4, 70_000]), frame(PING, 0, 0, Buffer.alloc(8, 7)), call(1, 'one'), headers(3)],
  ...[data(3, message('two').subarray(0, 4), 0), data(3, message('two').subarray(4)), headers(5, request(STREAM))],
  ...[
    data(5, Buffer.concat([message('a'), message('bc'), message('')]), 0),
    data(5, Buffer.alloc(0)),
    call(7, 'x'.repeat(500)),
  ],
]);

describe('bytes that come in pieces', () => {
  it('are the same frames, wherever they are cut', () => {
    const whole = framesOf([CONVERSATION]);
    expect(whole).toHaveLength(12);
    for (let at = 1; at < CONVERSATION.length; at++) expect(framesOf(cut(CONVERSATION, [at]))).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), (places) => {
        expect(framesOf(cut(CONVERSATION, places))).toEqual(whole);
      }),
    );
  });

  it('are answered the same', async () => {
    await using echo = await EchoEdge.start();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (places) => {
        const peer = echo.peer();
        for (const piece of cut(CONVERSATION, places)) {
          await new Promise((resolve) => peer.socket.write(piece, resolve));
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(await Promise.all([1, 3, 5, 7].map((id) => peer.answer(id)))).toEqual([
          ...['0 one', '0 two', `0 ${Buffer.concat([message('a'), message('bc'), message('')]).subarray(5)}`],
          `0 ${'x'.repeat(500)}`,
        ]);
        peer.close();
      }),
      { numRuns: 30 },
    );
    expect(echo.refused).toEqual([]);
  });
});

/** A service that says what it read of a request's headers. */
async function mirror() {
  const edge = new GrpcEdge({ name: 'mirror', host: '127.0.0.1', maxMetadataBytes: 65_536 }).stream({
    path: '/mirror',
    maxOpen: 100,
    maxUnsentBytes: 1024 * 1024,
    open: (stream) => {
      const names = (stream.header('names') ?? '').split(',');
      const read = Object.fromEntries(names.map((name) => [name, stream.header(name) ?? null]));
      queueMicrotask(() => {
        stream.send(Buffer.from(JSON.stringify(read)));
        stream.end({ code: 0, details: '' });
      });
      return { message: () => {}, ended: () => {} };
    },
  });
  const { port } = await edge.listen();
  return { edge, port };
}

describe('headers as another program writes them', () => {
  const name = fc.stringMatching(/^x-[a-z0-9]{1,12}$/);
  const value = fc.oneof(
    fc.stringMatching(/^[!-~]{0,60}$/),
    // Each byte that a value may have, so each code of Huffman's but those of controls.
    fc
      .array(
        fc.integer({ min: 0x21, max: 0xff }).filter((byte) => byte !== 0x7f),
        { maxLength: 40 },
      )
      .map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  const some = fc.dictionary(name, value, { maxKeys: 12, noNullPrototype: true });

  it.each([
    ['before it knows that we want no table', false],
    ['after', true],
  ])('%s', async (_, waits) => {
    const { edge, port } = await mirror();
    await fc.assert(
      fc.asyncProperty(fc.array(some, { minLength: 1, maxLength: 6 }), async (requests) => {
        const session = connectHttp2(`http://127.0.0.1:${port}`);
        if (waits) await once(session, 'remoteSettings');
        const ask = async (sent: OutgoingHttpHeaders) => {
          const stream = session.request({
            ...{ ':method': 'POST', ':path': '/mirror', 'content-type': 'application/grpc', te: 'trailers' },
            ...sent,
            names: Object.keys(sent).join(','),
          });
          const parts: Buffer[] = [];
          stream.on('data', (part: Buffer) => parts.push(part));
          await once(stream, 'end');
          return JSON.parse(Buffer.concat(parts).subarray(5).toString()) as unknown;
        };
        const read = await Promise.all(requests.map(ask));
        expect(read).toEqual(requests.map((sent) => (Object.keys(sent).length === 0 ? { '': null } : sent)));
        session.destroy();
      }),
      { numRuns: 40 },
    );
    await edge.stop(0);
  });
});

describe('decodeHuffman', () => {
  /** What each octet's code is, as another encoder has it: too many ones make the rest of a byte. */
  it('never says more than 8/5 of what it reads, and reads nothing twice', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const text = decodeHuffman(Buffer.from(bytes), 0, bytes.length);
        if (text !== undefined) expect(text.length).toBeLessThanOrEqual((bytes.length * 8) / 5);
      }),
    );
  });

  it.each([
    // RFC 7541 appendix C.
    ['f1e3c2e5f23a6ba0ab90f4ff', 'www.example.com'],
    ['a8eb10649cbf', 'no-cache'],
    ['25a849e95ba97d7f', 'custom-key'],
    ['25a849e95bb8e8b4bf', 'custom-value'],
    ['d07abe941054d444a8200595040b8166e082a62d1bff', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['', ''],
  ])('%s', (hex, text) => {
    expect(decodeHuffman(Buffer.from(hex, 'hex'), 0, hex.length / 2)).toBe(text);
  });
});

it('writes what one turn brings in one piece: its settings, and then the answers to all calls', async () => {
  const { H2Session } = await import('../../../src/lib/h2/session.ts');
  const { EdgeConnections } = await import('../../../src/lib/edge-connections.ts');
  const { GrpcCalls } = await import('../../../src/lib/grpc-calls.ts');
  const { Wheel } = await import('../../../src/lib/h2/wheel.ts');
  const { systemClock } = await import('../../../src/lib/clock.ts');
  const wheel = new Wheel({ resolutionMs: 100 }, { clock: systemClock });
  const calls = new GrpcCalls({ name: 'one' }, { wheel, clock: systemClock });
  calls.unary<Buffer, Buffer>({ path: '/test.Echo/Say', decode: (b) => b, encode: (b) => b, handle: (b) => b });
  const written: Buffer[] = [];
  const socket = new Writable({
    write: (chunk: Buffer, _, done) => {
      written.push(chunk);
      done();
    },
  });
  const session = new H2Session(
    socket as never,
    { source: 'x', port: 1 },
    new EdgeConnections({ name: 'one' }, { calls }),
  );
  session.receive(
    Buffer.concat([PREFACE, settings(), headers(1, request(), END_HEADERS), data(1, message('x')), call(3)]),
  );
  await expect.poll(() => written.length).toBeGreaterThan(1);
  expect(written.map((piece) => piece[3])).toEqual([SETTINGS, HEADERS]);
  session.closed();
});
