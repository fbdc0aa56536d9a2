/**
 * A process that floods an API with `Provision` calls and says what came of it: started by `flood.test.ts` in a network
 * namespace, one `FloodPlan` in JSON as its argument, one `FloodReport` in JSON on its standard output.
 *
 * It writes HTTP/2 frames by hand (RFC 9113; headers as HPACK literals, RFC 7541 section 6.2.2): a caller that costs more
 * than the server floods nobody.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { sidero } from '../../src/gen/proto.js';

export interface FloodPlan {
  readonly host: string;
  readonly port: number;
  readonly callers: number;
  /** Calls of one caller that are under way at one time; 0: a connection for each call. */
  readonly inFlight: number;
  readonly seconds: number;
  /** It goes on beyond its time until so many calls were answered: a busy host takes fewer in a second. */
  readonly atLeast: number;
  readonly kind: 'wrong_token' | 'known_uuid' | 'too_old' | 'broken' | 'no_key';
  /** For `known_uuid`: of a machine that is there. */
  readonly uuid?: string;
  /** For `too_old`: a token that is right. */
  readonly token?: string;
}

export interface FloodReport {
  /** Calls that were answered, all of them with a refusal. */
  readonly refused: number;
  /** Calls that were answered with a message: there should be none. */
  readonly admitted: number;
  /** Calls that HTTP/2 itself refused: more at one time on a connection than the server wants. */
  readonly reset: number;
  /** Connections that ended before their calls were answered. */
  readonly cut: number;
}

const FRAME_HEADER = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const END_STREAM = 1;
const END_HEADERS = 4;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const MAX_STREAM = 2 ** 31 - 1;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** A string of fewer than 127 bytes, not Huffman coded. */
function literal(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}

const HEADER_BLOCK = Buffer.concat(
  [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/sidero.link.ProvisionService/Provision'],
    [':authority', 'flood'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ].map(([name = '', value = '']) => Buffer.concat([Buffer.of(0), literal(name), literal(value)])),
);

function messageOf({ kind, uuid, token }: FloodPlan): Uint8Array {
  if (kind === 'broken') return Buffer.concat([Buffer.of(0x0a, 0x7f), randomBytes(20)]);
  const version = kind === 'too_old' ? 'v1.5.0' : 'v1.13.0';
  return sidero.link.ProvisionRequest.encode({
    node_uuid: kind === 'known_uuid' ? (uuid ?? '') : randomUUID(),
    node_public_key: kind === 'no_key' ? randomUUID() : publicKey(),
    join_token: kind === 'too_old' ? (token ?? '') : `${randomBytes(9).toString('base64url')}.${randomUUID()}`,
    node_unique_token: kind === 'known_uuid' ? randomUUID() : '',
    talos_version: version,
  }).finish();
}

/** 32 bytes in canonical base64; that nobody has its private key is no matter. */
function publicKey(): string {
  return randomBytes(32).toString('base64');
}

class Flood {
  readonly #plan: FloodPlan;
  readonly #report = { refused: 0, admitted: 0, reset: 0, cut: 0 };
  readonly #end: number;

  constructor(plan: FloodPlan) {
    this.#plan = plan;
    this.#end = performance.now() + plan.seconds * 1_000;
  }

  async run(): Promise<FloodReport> {
    await Promise.all(Array.from({ length: this.#plan.callers }, () => this.#caller()));
    return this.#report;
  }

  get #isOver(): boolean {
    const { refused, admitted, reset } = this.#report;
    return performance.now() >= this.#end && refused + admitted + reset >= this.#plan.atLeast;
  }

  async #caller(): Promise<void> {
    while (!this.#isOver) await this.#connection();
  }

  /** Resolves when the connection is closed: after one call, or when the time is over and all calls are answered. */
  #connection(): Promise<void> {
    const { host, port, inFlight } = this.#plan;
    const calls = Math.max(1, inFlight);
    return new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true });
      let next = 1;
      let open = 0;
      const call = () => {
        socket.write(this.#call(next));
        next += 2;
        open += 1;
      };
      socket.once('connect', () => {
        socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0))]));
        for (let i = 0; i < calls; i += 1) call();
      });
      socket.on('error', () => {});
      socket.once('close', () => {
        if (open > 0) this.#report.cut += 1;
        resolve();
      });
      onEnds(socket, (how) => {
        open -= 1;
        this.#report[how] += 1;
        if (inFlight > 0 && !this.#isOver && next < MAX_STREAM) call();
        else if (open === 0) socket.destroy();
      });
    });
  }

  #call(stream: number): Buffer {
    const message = messageOf(this.#plan);
    const data = Buffer.alloc(5 + message.length);
    data.writeUInt32BE(message.length, 1);
    data.set(message, 5);
    return Buffer.concat([frame(HEADERS, END_HEADERS, stream, HEADER_BLOCK), frame(DATA, END_STREAM, stream, data)]);
  }
}

/** Tells of every stream that the server has ended, and how. */
function onEnds(socket: Socket, ended: (how: 'admitted' | 'refused' | 'reset') => void): void {
  let received: Buffer = Buffer.alloc(0);
  const withMessage = new Set<number>();
  socket.on('data', (part) => {
    received = received.length === 0 ? part : Buffer.concat([received, part]);
    let at = 0;
    while (received.length - at >= FRAME_HEADER) {
      const length = received.readUIntBE(at, 3);
      if (received.length - at < FRAME_HEADER + length) break;
      const type = received.readUInt8(at + 3);
      const stream = received.readUInt32BE(at + 5);
      if (type === DATA && length > 0) withMessage.add(stream);
      if ((type === HEADERS || type === DATA) && (received.readUInt8(at + 4) & END_STREAM) !== 0) {
        ended(withMessage.delete(stream) ? 'admitted' : 'refused');
      } else if (type === RST_STREAM) {
        ended('reset');
      }
      at += FRAME_HEADER + length;
    }
    received = received.subarray(at);
  });
}

const [, , text] = process.argv;
if (text !== undefined) {
  const report = await new Flood(JSON.parse(text) as FloodPlan).run();
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
