import { Duplex, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { EdgeConnections } from '../../../src/lib/edge-connections.ts';
import { GrpcCalls } from '../../../src/lib/grpc-calls.ts';
import { Outbox } from '../../../src/lib/h2/outbox.ts';
import { H2Session } from '../../../src/lib/h2/session.ts';
import { Wheel } from '../../../src/lib/h2/wheel.ts';
import * as raw from './raw-peer.ts';

it('answers to pings count while they wait, however long the connection is busy', async () => {
  let taken: () => void = () => {};
  const socket = new Writable({
    write: (_chunk, _, done) => {
      taken = done;
    },
  });
  let through: () => void = () => {};
  const outbox = new Outbox(socket, { roomMade: () => through() });
  const pong = Buffer.alloc(17);
  outbox.add(Buffer.alloc(100));
  outbox.flush();
  for (let i = 0; i < 1_000; i++) {
    outbox.addControl(pong);
    outbox.add(Buffer.alloc(100));
    expect(outbox.isFlooded).toBe(false);
    await new Promise<void>((resolve) => {
      through = resolve;
      taken();
    });
  }
  for (let i = 0; i < 1_000; i++) outbox.addControl(pong);
  expect(outbox.isFlooded).toBe(true);
});

it('a stream that always has more to send leaves some of a slow connection to others', async () => {
  const wheel = new Wheel({ resolutionMs: 100 }, { clock: systemClock });
  const calls = new GrpcCalls({ name: 'slow' }, { wheel, clock: systemClock });
  calls.stream({
    path: raw.STREAM,
    maxOpen: 2,
    maxUnsentBytes: 2 ** 21,
    open: (stream) => {
      for (let i = 0; i < 64; i++) stream.send(Buffer.alloc(16_000));
      return { message: () => {}, ended: () => {} };
    },
  });
  const written: Buffer[] = [];
  const pieces: (() => void)[] = [];
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, done) => {
      written.push(chunk);
      pieces.push(done);
    },
  });
  const session = new H2Session(socket, { source: 'x', port: 1 }, new EdgeConnections({ name: 'slow' }, { calls }));
  session.receive(
    Buffer.concat([raw.PREFACE, raw.settings([4, 2 ** 30]), raw.frame(raw.WINDOW, 0, 0, raw.u32(2 ** 30))]),
  );
  session.receive(Buffer.concat([raw.headers(1, raw.request(raw.STREAM)), raw.headers(3, raw.request(raw.STREAM))]));
  for (let piece = 0; piece < 4; piece++) {
    await expect.poll(() => pieces.length).toBeGreaterThan(0);
    pieces.shift()?.();
  }
  const sent = dataOf(Buffer.concat(written));
  expect(Math.min(sent(1), sent(3))).toBeGreaterThan(32_000);
  session.closed();
});

/** Bytes of data on each stream. */
function dataOf(bytes: Buffer): (id: number) => number {
  const sums = new Map<number, number>();
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const id = bytes.readUInt32BE(at + 5);
    if (bytes[at + 3] === raw.DATA) sums.set(id, (sums.get(id) ?? 0) + bytes.readUIntBE(at, 3));
  }
  return (id) => sums.get(id) ?? 0;
}
