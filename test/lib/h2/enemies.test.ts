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
  kept,
  message,
  request,
  settings,
  u32,
} from './raw-peer.ts';

const { ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, PRIORITY } = raw;
const { RESET, SETTINGS, WINDOW } = raw;
const fields = block(request());
const times = (count: number, make: (i: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));

/** What a caller may do for ever, if nobody counts. */
const FLOODS: readonly (readonly [string, Buffer])[] = [
  [
    'calls that are taken back (CVE-2023-44487)',
    times(300, (i) => Buffer.concat([headers(2 * i + 1), reset(2 * i + 1)])),
  ],
  [
    'calls that we have to end (CVE-2025-8671)',
    times(300, (i) => Buffer.concat([headers(2 * i + 1), nothing(2 * i + 1)])),
  ],
  ['pings', times(2_000, () => frame(PING, 0, 0, Buffer.alloc(8)))],
  ['settings', times(2_000, () => settings())],
  ['empty data', Buffer.concat([headers(1), times(2_000, () => frame(DATA, 0, 1))])],
  ['priorities', times(2_000, () => frame(PRIORITY, 0, 1, Buffer.alloc(5)))],
  ['frames that nobody knows', times(2_000, () => frame(0x42, 0, 0))],
  [
    'pieces of headers',
    Buffer.concat([frame(HEADERS, 0, 1), times(100, () => frame(CONTINUATION, 0, 1, Buffer.of(0x82)))]),
  ],
  [
    'headers without end',
    Buffer.concat([frame(HEADERS, 0, 1), times(5, () => frame(CONTINUATION, 0, 1, Buffer.alloc(16_000)))]),
  ],
  ['calls of nothing', times(2_000, (i) => headers(2 * i + 1, [[':method', 'GET']]))],
];

function reset(id: number): Buffer {
  return frame(RESET, 0, id, u32(CODE.cancel));
}

function nothing(id: number): Buffer {
  return frame(WINDOW, 0, id, u32(0));
}

describe('a flood ends its connection, and no other', () => {
  it.each(FLOODS)('%s', async (_, bytes) => {
    await using echo = await EchoEdge.start({ maxConcurrentStreams: 1_000 });
    const other = echo.peer().hello();
    const peer = echo.peer().hello().send(bytes);
    await peer.closed;
    const goodbye = peer.frames.find(({ type }) => type === GOAWAY);
    // A peer that still sends may not hear it.
    if (goodbye !== undefined) expect(goodbye.payload.readUInt32BE(4)).toBe(CODE.calm);
    expect(echo.refused.at(-1)).toBe('flood');
    expect(await other.send(call(1)).answer(1)).toBe('0 hello');
    expect(echo.handled).toBe(1);
    expect(echo.edge.running).toBe(0);
  });

  it('streams that last outlive calls that others of a proxy take back, and no new ones begin beside them', async () => {
    await using echo = await EchoEdge.start();
    const lasts = headers(1, request(raw.STREAM));
    const peer = echo
      .peer()
      .hello()
      .send(lasts, data(1, message('a'), 0));
    await peer.until(() => peer.body(1).length === 6);
    peer.send(times(300, (i) => Buffer.concat([headers(2 * i + 3), reset(2 * i + 3)])));
    expect((await peer.first(GOAWAY)).payload.readUInt32BE(4)).toBe(CODE.none);
    expect(echo.refused.filter((reason) => reason === 'flood')).toHaveLength(1);
    // Whoever does not hear that has nothing of it.
    peer.send(
      times(300, (i) => Buffer.concat([headers(2 * i + 603), reset(2 * i + 603)])),
      call(2_001),
    );
    expect(await peer.resetOf(2_001)).toBe(CODE.refused);
    peer.send(data(1, message('b'), 0));
    await peer.until(() => peer.body(1).length === 12);
    expect(echo.refused.filter((reason) => reason === 'flood')).toHaveLength(1);
    // What serves nobody ends it all the same.
    peer.send(times(2_000, () => frame(PRIORITY, 0, 1, Buffer.alloc(5))));
    await peer.closed;
    expect(echo.edge.running).toBe(0);
  });

  it('answers that nobody takes', async () => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().hello();
    peer.socket.pause();
    const closed = new Promise((resolve) => peer.socket.once('close', resolve));
    const some = times(200, () => frame(PING, 0, 0, Buffer.alloc(8)));
    const flood = () => void peer.socket.write(some, (error) => error ?? flood());
    flood();
    await closed;
    expect(echo.refused).toEqual(['flood']);
    await expect.poll(() => echo.edge.connections).toBe(0);
  });

  it('leaves who pings now and then alone', async () => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().hello();
    for (let i = 1; i <= 2_000; i++) {
      peer.send(frame(PING, 0, 0, Buffer.alloc(8)));
      if (i % 100 === 0) await peer.until((frames) => frames.filter(({ type }) => type === PING).length === i);
    }
    expect(await peer.send(call(1)).answer(1)).toBe('0 hello');
  });
});

describe('headers', () => {
  const table = (size: number) =>
    Buffer.of(0x3f, ...(size < 31 + 128 ? [size - 31] : [((size - 31) % 128) | 128, Math.floor((size - 31) / 128)]));
  const FATAL: readonly (readonly [string, Buffer])[] = [
    ['a field that there is not', Buffer.of(0x80 | 62)],
    ['field number zero', Buffer.of(0x80)],
    ['a number without end', Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)],
    ['a number that is cut off', Buffer.of(0xff, 0x80)],
    ['a text that is cut off', Buffer.of(0x00, 0x05, 0x61)],
    ['a text longer than all', Buffer.of(0x00, 0x7f, 0xff, 0xff, 0xff, 0x07)],
    ['padding that is no ones', Buffer.of(0x00, 0x81, 0b00011_000, 0x00)],
    ['padding of a byte', Buffer.of(0x00, 0x82, 0b00011_111, 0xff, 0x00)],
    ['the end of a string inside it', Buffer.of(0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00)],
    ['a table larger than allowed', table(4_097)],
    ['a table size after a field', Buffer.concat([fields, Buffer.of(0x20)])],
  ];

  it.each(FATAL)('%s: nothing can be read after it', async (_, bytes) => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().send(PREFACE, settings(), frame(HEADERS, END_HEADERS, 1, bytes));
    expect((await peer.goodbye()).code).toBe(CODE.compression);
    expect(echo.refused).toEqual(['protocol']);
  });

  it('may be kept in a table by a caller that has not heard that we want none, and by no other', async () => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().send(PREFACE, settings());
    const [first = ['', ''], ...others] = request();
    const rest = Buffer.concat(others.map(([name, value]) => kept(name, value)));
    const again = Buffer.concat([
      field(...first),
      ...others.map((_, i) => Buffer.of(0x80 | (62 + others.length - 1 - i))),
    ]);
    peer.send(frame(HEADERS, END_HEADERS, 1, Buffer.concat([field(...first), rest])), data(1, message('a')));
    peer.send(frame(HEADERS, END_HEADERS, 3, again), data(3, message('b')));
    expect([await peer.answer(1), await peer.answer(3)]).toEqual(['0 a', '0 b']);
    // nginx keeps none and says so nowhere; Go says so with the first headers after.
    peer.send(frame(SETTINGS, ACK, 0), call(5, 'c'));
    peer.send(frame(HEADERS, END_HEADERS, 7, Buffer.concat([Buffer.of(0x20), fields])), data(7, message('d')));
    expect([await peer.answer(5), await peer.answer(7)]).toEqual(['0 c', '0 d']);
    peer.send(frame(HEADERS, END_HEADERS, 9, again));
    expect((await peer.goodbye()).code).toBe(CODE.compression);
  });

  it('that say the same large field a thousand times are refused, and kept nowhere', async () => {
    await using echo = await EchoEdge.start();
    const bomb = Buffer.concat([fields, kept('x', 'y'.repeat(4_000)), Buffer.alloc(8_000, 0x80 | 62)]);
    const peer = echo.peer().send(PREFACE, settings(), frame(HEADERS, END_HEADERS, 1, bomb));
    expect(await peer.answer(1)).toBe('8');
    expect(await peer.send(call(3)).answer(3)).toBe('0 hello');
    expect(echo.refused).toEqual(['metadata']);
  });

  it('of as much as proxies pass on are refused alone', async () => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().hello().send(headers(1));
    const large = Buffer.concat([fields, ...Array.from({ length: 6 }, (_, i) => field(`x-${i}`, 'x'.repeat(9_900)))]);
    const pieces = [0, 1, 2, 3].map((i) => large.subarray(16_000 * i, 16_000 * (i + 1)));
    const types = pieces.map((piece, i) =>
      frame(i === 0 ? HEADERS : CONTINUATION, i === 3 ? END_HEADERS : 0, 3, piece),
    );
    expect(await peer.send(...types).answer(3)).toBe('8');
    expect(await peer.send(data(1, message('others'))).answer(1)).toBe('0 others');
    expect(echo.refused).toEqual(['metadata']);
  });

  it('of many fields are refused too', async () => {
    await using echo = await EchoEdge.start();
    const many = Array.from({ length: 300 }, (_, i): [string, string] => [`x${i}`, '']);
    expect(
      await echo
        .peer()
        .hello()
        .send(headers(1, [...request(), ...many]))
        .answer(1),
    ).toBe('8');
  });
});

describe('time', () => {
  it('ends who never speaks', async () => {
    await using echo = await EchoEdge.start({ handshakeTimeoutMs: 30 });
    await echo.peer().closed;
    await echo.peer().send(PREFACE.subarray(0, 10)).closed;
    expect(echo.refused).toEqual(['silent', 'silent']);
  });

  it('ends who has nothing to ask, with a goodbye', async () => {
    await using echo = await EchoEdge.start({ maxConnectionIdleMs: 50 });
    const peer = echo.peer().hello().send(call(1));
    expect(await peer.answer(1)).toBe('0 hello');
    expect(await peer.goodbye()).toEqual({ lastId: 1, code: CODE.none });
    expect(echo.refused).toEqual([]);
  });

  it('ends who answers no ping, and nobody who does', async () => {
    await using echo = await EchoEdge.start({ keepalive: { timeMs: 40, timeoutMs: 200 } });
    const living = echo.peer().hello();
    const dead = echo.peer().hello();
    const answerAll = async () => {
      for (let seen = 0; ; seen++) {
        await living.until((frames) => frames.filter(({ type }) => type === PING).length > seen);
        living.send(frame(PING, ACK, 0, Buffer.alloc(8)));
      }
    };
    answerAll().catch(() => {});
    await dead.closed;
    expect(await living.send(call(1)).answer(1)).toBe('0 hello');
  });

  it('takes any word for an answer to a ping', async () => {
    // Where data queues, the answer itself is late.
    await using echo = await EchoEdge.start({ keepalive: { timeMs: 40, timeoutMs: 60_000 } });
    const peer = echo.peer().hello();
    for (const seen of [1, 2, 3]) {
      await peer.until((frames) => frames.filter(({ type }) => type === PING).length >= seen);
      peer.send(frame(WINDOW, 0, 0, u32(1)));
    }
    expect(await peer.send(call(1)).answer(1)).toBe('0 hello');
  });

  it('ends a call whose caller takes no answer', async () => {
    await using echo = await EchoEdge.start({ deadlineMs: 60 });
    const peer = echo.peer().hello([4, 0]).send(call(1, 'never'));
    expect(await peer.resetOf(1)).toBe(CODE.cancel);
    expect(echo.refused).toEqual([]);
    expect(echo.edge.running).toBe(0);
    peer.send(settings([4, 65_535]));
    expect(await peer.send(call(3)).answer(3)).toBe('0 hello');
  });
});

describe('windows', () => {
  it('a stream that is not read holds its sender back, and no other stream', async () => {
    await using echo = await EchoEdge.start();
    const peer = echo
      .peer()
      .hello()
      .send(headers(1, request(raw.UNREAD)));
    const quarter = Buffer.alloc(16_384);
    for (let i = 0; i < 3; i++) peer.send(frame(DATA, 0, 1, quarter));
    peer.send(frame(DATA, 0, 1, quarter.subarray(1)));
    expect(await peer.send(call(3)).answer(3)).toBe('0 hello');
    // The connection has room again, the stream has not.
    expect(peer.frames.filter(({ type, id }) => type === WINDOW && id === 1)).toEqual([]);
    expect(peer.frames.some(({ type, id }) => type === WINDOW && id === 0)).toBe(true);
    peer.send(frame(DATA, 0, 1, Buffer.alloc(1)));
    expect(await peer.resetOf(1)).toBe(CODE.flow);
  });

  it('an answer comes as far as there is room, whoever gives it', async () => {
    await using echo = await EchoEdge.start();
    const peer = echo.peer().hello([4, 10]);
    const text = 'x'.repeat(100_000);
    peer.send(headers(1), ...parts(1, message(text)));
    await peer.until(() => peer.body(1).length === 10);
    // Of the stream by itself, of all streams, and taken back: then it must give more than it took.
    peer.send(frame(WINDOW, 0, 1, u32(20)));
    await peer.until(() => peer.body(1).length === 30);
    peer.send(settings([4, 40]));
    await peer.until(() => peer.body(1).length === 60);
    peer.send(settings([4, 0]), frame(WINDOW, 0, 1, u32(50)));
    await peer.until(() => peer.body(1).length === 70);
    peer.send(frame(WINDOW, 0, 1, u32(1_000_000)));
    await peer.until(() => peer.body(1).length === 65_535);
    expect(await peer.send(frame(WINDOW, 0, 0, u32(1_000_000))).answer(1)).toBe(`0 ${text}`);
    expect(peer.frames.every(({ payload }) => payload.length <= 16_384)).toBe(true);
  });

  it('more streams than allowed are refused, and may come again', async () => {
    await using echo = await EchoEdge.start({ maxConcurrentStreams: 2 });
    const peer = echo.peer().hello().send(headers(1), headers(3), call(5));
    expect(await peer.resetOf(5)).toBe(CODE.refused);
    peer.send(data(1, message('a')), data(3, message('b')));
    expect([await peer.answer(1), await peer.answer(3)]).toEqual(['0 a', '0 b']);
    expect(await peer.send(call(7)).answer(7)).toBe('0 hello');
    expect(echo.refused).toEqual([]);
  });

  it('a proxy that sends all that it has at once is no flood', async () => {
    await using echo = await EchoEdge.start({ maxConcurrentStreams: 1 });
    const peer = echo.peer().hello().send(headers(1));
    peer.send(times(2_000, (i) => headers(2 * i + 3)));
    expect(await peer.resetOf(4_001)).toBe(CODE.refused);
    // Their messages may be on the way before it hears that.
    peer.send(times(1_000, (i) => data(2 * i + 2_003, message('x'))));
    expect(await peer.send(data(1, message('still'))).answer(1)).toBe('0 still');
    expect(echo.refused).toEqual([]);
  });

  it('who has not heard how many streams it may open may open more', async () => {
    await using echo = await EchoEdge.start({ maxConcurrentStreams: 1, maxUntoldStreams: 3 });
    const peer = echo.peer().send(PREFACE, settings(), headers(1), headers(3), headers(5), headers(7));
    expect(await peer.resetOf(7)).toBe(CODE.refused);
    expect(await peer.send(data(1, message('a'))).answer(1)).toBe('0 a');
    peer.send(frame(SETTINGS, ACK, 0), headers(9));
    expect(await peer.resetOf(9)).toBe(CODE.refused);
    peer.send(data(3, message('b')), data(5, message('c')));
    expect([await peer.answer(3), await peer.answer(5)]).toEqual(['0 b', '0 c']);
  });
});

function parts(id: number, body: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; at += 16_384) {
    const isLast = at + 16_384 >= body.length;
    frames.push(frame(DATA, isLast ? END_STREAM : 0, id, body.subarray(at, at + 16_384)));
  }
  return frames;
}
