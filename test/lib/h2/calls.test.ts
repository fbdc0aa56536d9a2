import { expect, it } from 'vitest';
import * as raw from './raw-peer.ts';
import { data, EchoEdge, frame, headers, message, request } from './raw-peer.ts';

const { DATA, END_HEADERS, END_STREAM, ECHO, HEADERS } = raw;
const but = (name: string, value: string) => request().map(([n, v]): [string, string] => [n, n === name ? value : v]);
const compressed = Buffer.concat([Buffer.of(1), message('x').subarray(1)]);

/** gRPC over HTTP/2: what a call is answered, by its number. */
const CALLS: readonly (readonly [string, readonly Buffer[], string])[] = [
  ['a method that there is not', [headers(1, request('/test.Echo/No')), data(1, message('x'))], '12'],
  ['a GET', [headers(1, but(':method', 'GET'))], 'no status'],
  ['another content', [headers(1, but('content-type', 'text/html'))], 'no status'],
  [
    'gRPC with its encoding named',
    [headers(1, but('content-type', 'application/grpc+proto')), data(1, message('x'))],
    '0 x',
  ],
  ['an empty message', [headers(1), data(1, message(''))], '0 '],
  ['no message', [headers(1), data(1, Buffer.alloc(0))], '12'],
  ['no body', [headers(1, request(), END_HEADERS | END_STREAM)], '12'],
  ['half a message', [headers(1), data(1, message('hello').subarray(0, 7))], '12'],
  ['two messages', [headers(1), data(1, Buffer.concat([message('a'), message('b')]))], '12'],
  [
    'a message byte by byte',
    [headers(1), ...[...message('hey')].map((b) => data(1, Buffer.of(b), 0)), data(1, Buffer.alloc(0))],
    '0 hey',
  ],
  ['a message that is too large', [headers(1), data(1, Buffer.from('00000003e9', 'hex'), 0)], '8'],
  ['the largest', [headers(1), data(1, message('y'.repeat(1_000)))], `0 ${'y'.repeat(1_000)}`],
  ['a compressed message', [headers(1, [...request(), ['grpc-encoding', 'gzip']]), data(1, compressed)], '12'],
  ['one that says so alone', [headers(1), data(1, compressed)], '13'],
  ['no message as gRPC has them', [headers(1), data(1, Buffer.from('0700000000', 'hex'))], '13'],
  ['a time that is none', [headers(1, [...request(), ['grpc-timeout', 'soon']])], '13'],
  ['a time that is over', [headers(1, [...request(), ['grpc-timeout', '1n']])], '4'],
  ['much time', [headers(1, [...request(), ['grpc-timeout', '99999999H']]), data(1, message('x'))], '0 x'],
  ['a stream whose time is over', [headers(1, [...request(raw.STREAM), ['grpc-timeout', '10m']])], '4'],
  ['a stream with a compressed message', [headers(1, request(raw.STREAM)), data(1, compressed)], '12'],
  [
    'a stream with a message that is too large',
    [headers(1, request(raw.STREAM)), data(1, Buffer.from('00000003e9', 'hex'), 0)],
    '8',
  ],
  ['a stream that ends at once', [headers(1, request(raw.STREAM), END_HEADERS | END_STREAM)], '0 '],
];

it.each(CALLS)('%s', async (_, frames, answer) => {
  await using echo = await EchoEdge.start({ maxMessageBytes: 1_000 });
  const peer = echo
    .peer()
    .hello()
    .send(...frames);
  expect(await peer.answer(1)).toBe(answer);
  expect(await peer.send(raw.call(3)).answer(3)).toBe('0 hello');
  expect(echo.edge.running).toBe(0);
});

it('says 405 and 415 to who does not speak gRPC', async () => {
  await using echo = await EchoEdge.start();
  const peer = echo
    .peer()
    .hello()
    .send(headers(1, but(':method', 'GET')), headers(3, but('content-type', 'text/html')));
  await Promise.all([peer.answer(1), peer.answer(3)]);
  const said = peer.frames.filter(({ type }) => type === HEADERS).map(({ payload }) => payload.toString('latin1'));
  expect(said).toEqual(['\x08\x03405', '\x08\x03415']);
});

it('ends what its caller has not ended: the answer first, then why no more is wanted', async () => {
  await using echo = await EchoEdge.start({ maxMessageBytes: 10 });
  const peer = echo
    .peer()
    .hello()
    .send(headers(1), data(1, message('x'.repeat(11)).subarray(0, 8), 0));
  expect(await peer.answer(1)).toBe('8');
  expect(await peer.resetOf(1)).toBe(0);
  // What was on its way is no fault.
  peer.send(data(1, Buffer.alloc(100), 0), frame(DATA, END_STREAM, 1));
  expect(await peer.send(raw.call(3)).answer(3)).toBe('0 hello');
  expect(echo.refused).toEqual([]);
});

it('writes what strangers read in printable letters', async () => {
  await using echo = await EchoEdge.start();
  const peer = echo
    .peer()
    .hello()
    .send(headers(1, request('/ä%/\u00ff')));
  expect(await peer.answer(1)).toBe('12');
  const [said] = peer.frames.filter(({ type }) => type === HEADERS);
  expect(said?.payload.toString('latin1')).toMatch(/there is no method \/%C3%A4%25\/%C3%BF$/);
});

it('hands out one call after the other on one connection, a thousand times', async () => {
  await using echo = await EchoEdge.start({ maxConcurrentStreams: 4 });
  const peer = echo.peer().hello();
  for (let i = 0; i < 1_000; i++)
    expect(await peer.send(raw.call(2 * i + 1, `${ECHO} ${i}`)).answer(2 * i + 1)).toBe(`0 ${ECHO} ${i}`);
  expect(echo.handled).toBe(1_000);
});
