import { describe, expect, it } from 'vitest';
import * as raw from './raw-peer.ts';
import {
  block,
  CODE,
  call,
  data,
  EchoEdge,
  field,
  frame,
  headers,
  message,
  request,
  settings,
  u32,
} from './raw-peer.ts';

const { ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITISED } = raw;
const { PRIORITY, PUSH, RESET, SETTINGS, WINDOW } = raw;
const NOTHING = Buffer.alloc(0);
const fields = block(request());
const without = (name: string) => request().filter(([other]) => other !== name);

/** What ends a connection, section by section of RFC 9113. Each is sent after the hello. */
const FATAL: readonly (readonly [string, readonly Buffer[], number])[] = [
  ['4.2 a frame larger than allowed', [frame(DATA, 0, 1, Buffer.alloc(16_385))], CODE.size],
  ['4.2 the length alone is enough', [Buffer.from('ffffff000000000001', 'hex')], CODE.size],
  ['4.3 a block of headers that cannot be read', [frame(HEADERS, END_HEADERS, 1, Buffer.of(0xff))], CODE.compression],
  ['4.3 another frame inside a block', [frame(HEADERS, 0, 1, fields), frame(PING, 0, 0, Buffer.alloc(8))], 1],
  ['4.3 another stream inside a block', [frame(HEADERS, 0, 1, fields), frame(CONTINUATION, END_HEADERS, 3)], 1],
  ['5.1 data of a stream that is idle', [data(1, message('x'))], CODE.protocol],
  ['5.1 a reset of a stream that is idle', [frame(RESET, 0, 1, u32(8))], CODE.protocol],
  ['5.1 room of a stream that is idle', [frame(WINDOW, 0, 1, u32(1))], CODE.protocol],
  [
    '5.1 headers of a stream that was answered',
    [headers(1, request('/no'), END_HEADERS | END_STREAM), headers(1)],
    CODE.closed,
  ],
  ['5.1.1 a stream with an even number', [headers(2)], CODE.protocol],
  ['5.1.1 headers on the connection', [headers(0)], CODE.protocol],
  ['5.1.1 a number that was passed over', [call(5), headers(3)], CODE.closed],
  ['5.1.1 data of a stream that only we could open', [data(2, message('x'))], CODE.protocol],
  ['6.1 data on the connection', [data(0, message('x'))], CODE.protocol],
  ['6.1 more padding than there is', [headers(1), frame(DATA, PADDED, 1, Buffer.of(2, 0))], CODE.protocol],
  ['6.1 padding without its length', [headers(1), frame(DATA, PADDED, 1)], CODE.size],
  ['6.2 more padding than headers', [frame(HEADERS, END_HEADERS | PADDED, 1, Buffer.of(9, 0))], CODE.protocol],
  ['6.2 a priority that is cut off', [frame(HEADERS, END_HEADERS | PRIORITISED, 1, u32(0))], CODE.size],
  ['6.3 the priority of the connection', [frame(PRIORITY, 0, 0, Buffer.alloc(5))], CODE.protocol],
  ['6.3 a priority of no size, of a stream that nobody opened', [frame(PRIORITY, 0, 2, Buffer.alloc(4))], CODE.size],
  ['6.4 a reset of the connection', [frame(RESET, 0, 0, u32(8))], CODE.protocol],
  ['6.4 a reset of no size', [headers(1), frame(RESET, 0, 1, Buffer.alloc(3))], CODE.size],
  ['6.5 settings of a stream', [frame(SETTINGS, 0, 1)], CODE.protocol],
  ['6.5 settings that are cut off', [frame(SETTINGS, 0, 0, Buffer.alloc(5))], CODE.size],
  ['6.5 an acknowledgement with settings', [frame(SETTINGS, ACK, 0, Buffer.alloc(6))], CODE.size],
  ['6.5.2 neither push nor no push', [settings([2, 2])], CODE.protocol],
  ['6.5.2 a window that is too large', [settings([4, 2 ** 31])], CODE.flow],
  ['6.5.2 frames that are too small', [settings([5, 16_383])], CODE.protocol],
  ['6.5.2 frames that are too large', [settings([5, 2 ** 24])], CODE.protocol],
  ['6.6 a promise', [frame(PUSH, END_HEADERS, 1, u32(2))], CODE.protocol],
  ['6.7 a ping of a stream', [frame(PING, 0, 1, Buffer.alloc(8))], CODE.protocol],
  ['6.7 a ping of no size', [frame(PING, 0, 0, Buffer.alloc(7))], CODE.size],
  ['6.8 a goodbye of a stream', [frame(GOAWAY, 0, 1, Buffer.alloc(8))], CODE.protocol],
  ['6.8 a goodbye that is cut off', [frame(GOAWAY, 0, 0, Buffer.alloc(7))], CODE.size],
  ['6.9 room of no size', [frame(WINDOW, 0, 0, Buffer.alloc(5))], CODE.size],
  ['6.9 no room for the connection', [frame(WINDOW, 0, 0, u32(0))], CODE.protocol],
  ['6.9.1 too much room for the connection', [frame(WINDOW, 0, 0, u32(2 ** 31 - 1))], CODE.flow],
  [
    '6.9.2 a window that makes that of an open stream too large',
    [headers(1, request(raw.STREAM)), frame(WINDOW, 0, 1, u32(2 ** 31 - 65_536)), settings([4, 65_536])],
    CODE.flow,
  ],
  ['6.10 the continuation of nothing', [headers(1), frame(CONTINUATION, END_HEADERS, 1)], CODE.protocol],
  ['6.10 the continuation of the connection', [frame(CONTINUATION, END_HEADERS, 0)], CODE.protocol],
];

/** What ends a stream, and leaves its connection as it is. */
const STREAM_FAULTS: readonly (readonly [string, readonly Buffer[], number])[] = [
  ['5.1 data after its end', [headers(1), data(1, message('x')), data(1, NOTHING)], CODE.closed],
  ['5.1 trailers after its end', [headers(1, request(raw.STREAM), END_HEADERS | END_STREAM), headers(1)], CODE.closed],
  ['6.3 a priority of no size', [headers(1), frame(PRIORITY, 0, 1, Buffer.alloc(4))], CODE.size],
  ['6.9 no room for a stream', [headers(1), frame(WINDOW, 0, 1, u32(0))], CODE.protocol],
  ['6.9.1 too much room for a stream', [headers(1), frame(WINDOW, 0, 1, u32(2 ** 31 - 1))], CODE.flow],
  ['8.1 trailers that are not the end', [headers(1), headers(1, [['x', 'y']])], CODE.protocol],
  ['8.1 trailers with a path', [headers(1), headers(1, [[':path', '/']], END_HEADERS | END_STREAM)], CODE.protocol],
  ['8.1.1 less than was announced', [headers(1, [...request(), ['content-length', '9']]), data(1, message('x'))], 1],
  ['8.1.1 more than was announced', [headers(1, [...request(), ['content-length', '5']]), data(1, message('x'))], 1],
  ['8.1.1 a length that is none', [headers(1, [...request(), ['content-length', '-5']])], CODE.protocol],
  ['8.1.1 two lengths', [headers(1, [...request(), ['content-length', '5'], ['content-length', '5']])], CODE.protocol],
  ['8.2.1 a name with capitals', [headers(1, [...request(), ['X-Test', 'y']])], CODE.protocol],
  ['8.2.1 an empty name', [headers(1, [...request(), ['', 'y']])], CODE.protocol],
  ['8.2.1 a line end in a value', [headers(1, [...request(), ['x', 'y\r\nz: 1']])], CODE.protocol],
  ['8.2.1 a zero in a value', [headers(1, [...request(), ['x', 'y\0']])], CODE.protocol],
  ['8.2.1 a space around a value', [headers(1, [...request(), ['x', ' y']])], CODE.protocol],
  ['8.2.2 a field of connections', [headers(1, [...request(), ['connection', 'close']])], CODE.protocol],
  ['8.2.2 te, other than trailers', [headers(1, [...without('te'), ['te', 'gzip']])], CODE.protocol],
  ['8.3 a pseudo-field after others', [headers(1, [...without(':path'), [':path', raw.ECHO]])], CODE.protocol],
  ['8.3 a pseudo-field that there is not', [headers(1, [[':x', 'y'], ...request()])], CODE.protocol],
  ['8.3 a pseudo-field of answers', [headers(1, [[':status', '200'], ...request()])], CODE.protocol],
  ['8.3.1 two paths', [headers(1, [[':path', '/'], ...request()])], CODE.protocol],
  ['8.3.1 no path', [headers(1, without(':path'))], CODE.protocol],
  ['8.3.1 an empty path', [headers(1, request(''))], CODE.protocol],
  ['8.3.1 no method', [headers(1, without(':method'))], CODE.protocol],
  ['8.3.1 no scheme', [headers(1, without(':scheme'))], CODE.protocol],
];

/** What changes nothing. */
const HARMLESS: readonly (readonly [string, readonly Buffer[]])[] = [
  ['4.1 a frame of a type that nobody knows', [frame(0x42, 0xff, 7, Buffer.alloc(30))]],
  ['4.1 flags that mean nothing', [frame(PING, 0xfe, 0, Buffer.alloc(8))]],
  ['4.1 the bit that is reserved', [frame(SETTINGS, 0, 0x80000000)]],
  ['5.3 priorities, also of streams that are not there', [frame(PRIORITY, 0, 9, Buffer.alloc(5))]],
  ['5.1 room for a stream that is over', [call(1), frame(WINDOW, 0, 1, u32(1))]],
  ['5.1 a reset of a stream that is over', [call(1), frame(RESET, 0, 1, u32(8))]],
  ['5.1 data of a stream that we ended and its caller did not', [headers(1, request('/no')), data(1, message('x'))]],
  ['5.1 trailers of such a stream', [headers(1, request('/no')), headers(1, [['x', 'y']], END_HEADERS | END_STREAM)]],
  ['6.1 data with padding', [headers(1), frame(DATA, PADDED | END_STREAM, 1, padded(message('x')))]],
  ['6.2 headers with padding and priority', [frame(HEADERS, END_HEADERS | PADDED | PRIORITISED, 1, prioritised())]],
  ['6.5.2 settings that nobody knows', [settings([0x7f, 5], [3, 0], [6, 1])]],
  [
    '6.10 headers in pieces',
    [frame(HEADERS, 0, 1, fields.subarray(0, 9)), frame(CONTINUATION, 4, 1, fields.subarray(9))],
  ],
  ['8.1 trailers', [headers(1), data(1, message('x'), 0), headers(1, [['x', 'y']], END_HEADERS | END_STREAM)]],
  ['8.1.1 a length that is right', [headers(1, [...request(), ['content-length', '6']]), data(1, message('x'))]],
];

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(3), bytes, Buffer.alloc(3)]);
}

function prioritised(): Buffer {
  return Buffer.concat([Buffer.of(2), Buffer.alloc(5), fields, Buffer.alloc(2)]);
}

describe('a connection ends, with its reason', () => {
  it.each(FATAL)('%s', async (_, frames, code) => {
    await using echo = await EchoEdge.start();
    const peer = echo
      .peer()
      .hello()
      .send(...frames);
    expect((await peer.goodbye()).code).toBe(code);
    expect(echo.refused).toEqual(['protocol']);
    expect(echo.edge.running).toBe(0);
    expect(await echo.peer().hello().send(call(1)).answer(1)).toBe('0 hello');
  });
});

describe('a stream ends, and nothing else', () => {
  it.each(STREAM_FAULTS)('%s', async (_, frames, code) => {
    await using echo = await EchoEdge.start();
    const peer = echo
      .peer()
      .hello()
      .send(...frames);
    expect(await peer.resetOf(1)).toBe(code);
    expect(echo.refused).toEqual(['protocol']);
    expect(await peer.send(call(11)).answer(11)).toBe('0 hello');
    expect(echo.edge.running).toBe(0);
  });
});

describe('a connection goes on', () => {
  it.each(HARMLESS)('%s', async (_, frames) => {
    await using echo = await EchoEdge.start();
    const peer = echo
      .peer()
      .hello()
      .send(...frames);
    expect(await peer.send(call(11)).answer(11)).toBe('0 hello');
    expect(echo.refused).toEqual([]);
  });
});

describe('the first words', () => {
  it('are our settings, with theirs acknowledged', async () => {
    await using echo = await EchoEdge.start({ maxConcurrentStreams: 7 });
    const peer = echo.peer().hello();
    const isAck = ({ type, flags }: raw.Frame) => type === SETTINGS && flags === ACK;
    await peer.until((frames) => frames.some(isAck));
    const [first] = peer.frames;
    expect(first).toMatchObject({ type: SETTINGS, flags: 0, id: 0 });
    // No table for headers, and so many streams.
    expect(first?.payload.toString('hex')).toBe('000100000000000300000007');
    expect(peer.frames).toHaveLength(2);
  });

  it('to a caller that begins with something else are also why it is cut off', async () => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().send(PREFACE, frame(PING, 0, 0, Buffer.alloc(8)));
    expect((await peer.goodbye()).code).toBe(CODE.protocol);
    expect(peer.frames.map(({ type }) => type)).toEqual([SETTINGS, GOAWAY]);
  });

  it.each([
    ['no HTTP', 'hello\r\n'],
    ['the wrong preface', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'],
  ])('are none for %s', async (_, text) => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().send(Buffer.from(text));
    await peer.closed;
    expect(Buffer.concat(peer.received).toString()).toBe(text.startsWith('PRI') ? HTTP1 : '');
    expect(echo.refused).toEqual(['protocol']);
  });

  it('are understood by a caller of another time', async () => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    await peer.closed;
    expect(Buffer.concat(peer.received).toString()).toBe(HTTP1);
  });
});

const HTTP1 = 'HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

it('answers a ping with what it said, before all else that waits for its turn', async () => {
  await using echo = await EchoEdge.start();
  const peer = echo
    .peer()
    .hello()
    .send(frame(PING, 0, 0, Buffer.from('12345678')));
  const { flags, payload } = await peer.first(PING);
  expect([flags, payload.toString()]).toEqual([ACK, '12345678']);
});

it('begins nothing after a goodbye of its caller, finishes what runs, and goes', async () => {
  await using echo = await EchoEdge.start();
  const goodbye = frame(GOAWAY, 0, 0, Buffer.alloc(8));
  const peer = echo
    .peer()
    .hello()
    .send(headers(1), goodbye, headers(3), data(1, message('last')));
  expect(await peer.answer(1)).toBe('0 last');
  expect(await peer.resetOf(3)).toBe(CODE.refused);
  expect(await peer.goodbye()).toEqual({ lastId: 1, code: CODE.none });
});

it('takes a field that nobody knows, and the same one twice', async () => {
  await using echo = await EchoEdge.start();
  const more = Buffer.concat([fields, field('x-test', 'a'), field('x-test', 'b')]);
  const peer = echo
    .peer()
    .hello()
    .send(frame(HEADERS, END_HEADERS, 1, more), data(1, message('x')));
  expect(await peer.answer(1)).toBe('0 x');
});
