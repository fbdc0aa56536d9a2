import { Writable } from 'node:stream';
import { systemClock } from '../../../src/lib/clock.ts';
import { EdgeConnections } from '../../../src/lib/edge-connections.ts';
import { GrpcCalls } from '../../../src/lib/grpc-calls.ts';
import type { RefusedReason } from '../../../src/lib/grpc-options.ts';
import { H2Session } from '../../../src/lib/h2/session.ts';
import { Wheel } from '../../../src/lib/h2/wheel.ts';
import * as raw from '../../lib/h2/raw-peer.ts';
import type { Dice } from '../dice.ts';
import { must, type Target } from '../fuzzer.ts';

const HELLO = Buffer.concat([raw.PREFACE, raw.settings()]);
const FIELDS = raw.block(raw.request());
const FLAGS = [0, 0, 1, 4, 5, 8, 0x0d, 0x20, 0x25, 0xff] as const;
const PIECES = 8;

/** What comes over a connection of the API: whatever it is, every word of ours is HTTP/2, and nothing stays behind. */
export const http2: Target = {
  name: 'http2',
  share: 60,
  words: [HELLO, raw.call(1), raw.headers(3), raw.frame(raw.WINDOW, 0, 0, raw.u32(1))].map((b) => b.toString('latin1')),
  outcomes: ['answered', 'answered, ended', 'ended', 'open'],
  seeds: () => [
    Buffer.concat([HELLO, raw.call(1), raw.call(3)]),
    Buffer.concat([raw.PREFACE, raw.settings([4, 5]), raw.call(1, 'a long answer'), raw.settings([4, 50_000])]),
    Buffer.concat([
      HELLO,
      raw.headers(1, raw.request(raw.STREAM)),
      raw.data(1, raw.message('a'), 0),
      raw.data(1, NOTHING),
    ]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  ],
  generate: (dice) => Buffer.concat([HELLO, ...dice.list(12, () => frameOf(dice))]),
  begin: () => {
    const refused: RefusedReason[] = [];
    const calls = new GrpcCalls(
      { name: 'fuzz' },
      { wheel: new Wheel({ resolutionMs: 250 }, { clock: systemClock }), clock: systemClock },
    );
    calls.unary<Buffer, Buffer>({ path: raw.ECHO, decode: (b) => b, encode: (b) => b, handle: (b) => b });
    calls.stream({
      path: raw.STREAM,
      maxOpen: 10,
      maxUnsentBytes: 10_000,
      open: (stream) => {
        queueMicrotask(() => stream.resume());
        return { message: (bytes) => void stream.send(bytes), ended: () => {} };
      },
    });
    const connections = new EdgeConnections({ name: 'fuzz', onRefused: (reason) => refused.push(reason) }, { calls });
    return async (input, dice) => {
      const written: Buffer[] = [];
      const socket = new Writable({
        write: (chunk: Buffer, _, done) => {
          written.push(chunk);
          done();
        },
      });
      const session = new H2Session(socket as never, { source: 'fuzz', port: 1 }, connections);
      for (const piece of pieces(input, dice)) {
        session.receive(piece);
        // What came is gone when the next comes.
        piece.fill(0);
      }
      // What is said in a turn is written at its end, and again what that made room for.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      session.closed();
      must(calls.running === 0, 'no call is left');
      must(!refused.splice(0).includes('internal'), 'nothing of it is an error of ours');
      return outcomeOf(Buffer.concat(written), socket.writableEnded);
    };
  },
};

const NOTHING = Buffer.alloc(0);

function pieces(input: Buffer, dice: Dice): Buffer[] {
  const cuts = Array.from({ length: dice.few(PIECES) }, () => dice.int(0, input.length)).sort((a, b) => a - b);
  return [...cuts, input.length].map((end, i) => Buffer.from(input.subarray(cuts[i - 1] ?? 0, end)));
}

function outcomeOf(said: Buffer, isEnded: boolean): string {
  if (said.toString('latin1', 0, 9) === 'HTTP/1.1 ') return 'ended';
  let answered = false;
  let first = true;
  for (let at = 0; at < said.length; ) {
    const length = said.readUIntBE(at, 3);
    const type = said.readUInt8(at + 3);
    const id = said.readUInt32BE(at + 5);
    must(length <= 16_384 && at + 9 + length <= said.length, 'a frame is whole, and of a size that all take');
    must(!first || type === raw.SETTINGS, 'our settings come first');
    must(id === 0 || id % 2 === 1, 'we open no stream');
    must(type <= raw.WINDOW && type !== raw.PUSH && type !== raw.PRIORITY, 'we say nothing that we should not');
    answered ||= type === raw.HEADERS && (said.readUInt8(at + 4) & raw.END_STREAM) !== 0;
    first = false;
    at += 9 + length;
  }
  if (answered) return isEnded ? 'answered, ended' : 'answered';
  return isEnded ? 'ended' : 'open';
}

function frameOf(dice: Dice): Buffer {
  const id = dice.pick([0, 1, 1, 3, 3, 5, 2, 2 ** 31 - 1]);
  if (dice.chance(0.3)) return raw.call(id, dice.text(dice.few(40)));
  const payload = dice.pick([
    () => FIELDS,
    () => raw.block(raw.request(raw.STREAM)),
    () => raw.message(dice.text(dice.few(40))),
    () => raw.u32(dice.int(0, 2 ** 31)),
    () =>
      Buffer.concat([Buffer.of(0, dice.int(0, 8)), raw.u32(dice.pick([0, 1, 16_384, 65_535, 2 ** 31 - 1, 2 ** 31]))]),
    () => raw.kept('x', dice.text(5).replaceAll(/[^ -~]/g, 'x')),
    () => dice.bytes(dice.few(60)),
    () => NOTHING,
  ]);
  const whole = raw.frame(dice.int(0, 10), dice.pick(FLAGS), id, payload());
  if (dice.chance(0.03)) whole.writeUIntBE(dice.int(0, 2 ** 24 - 1), 0, 3);
  return whole;
}
