import { connect, type Socket } from 'node:net';
import { GrpcEdge, type GrpcEdgeOptions, type RefusedReason } from '../../../src/lib/grpc.ts';

/** Frames by hand: nothing of ours, and no library that keeps the rules, is on the caller's side. RFC 9113. */
export const [DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
] as [number, number, number, number, number, number, number, number, number, number];
export const GOAWAY_TYPE = 7;
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITISED = 0x20;
export const CODE = {
  ...{ none: 0, protocol: 1, flow: 3, closed: 5, size: 6, refused: 7, cancel: 8, compression: 9, calm: 11 },
} as const;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(type: number, flags: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, payload]);
}

export function u32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => {
    bytes.writeUInt32BE(number, 4 * i);
  });
  return bytes;
}

export function settings(...pairs: readonly (readonly [number, number])[]): Buffer {
  const payload = pairs.map(([identifier, value]) => Buffer.concat([Buffer.of(0, identifier), u32(value)]));
  return frame(SETTINGS, 0, 0, Buffer.concat(payload));
}

/** A length of HPACK with seven bits. */
function length7(length: number): Buffer {
  if (length < 127) return Buffer.of(length);
  const bytes = [127];
  let left = length - 127;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  return Buffer.of(...bytes, left);
}

const literal = (text: string) => Buffer.concat([length7(text.length), Buffer.from(text, 'latin1')]);

/** A field that no table keeps. */
export const field = (name: string, value: string) => Buffer.concat([Buffer.of(0), literal(name), literal(value)]);
/** A field for the table. */
export const kept = (name: string, value: string) => Buffer.concat([Buffer.of(0x40), literal(name), literal(value)]);

export type Fields = readonly (readonly [string, string])[];
export const block = (fields: Fields) => Buffer.concat(fields.map(([name, value]) => field(name, value)));

export const ECHO = '/test.Echo/Say';
export const STREAM = '/test.Echo/Stream';
/** A stream of which nothing is ever read. */
export const UNREAD = '/test.Echo/Unread';
export const request = (path = ECHO): Fields => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', path],
  [':authority', 'test'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
];

export function headers(id: number, fields: Fields = request(), flags = END_HEADERS): Buffer {
  return frame(HEADERS, flags, id, block(fields));
}

export function message(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(0), u32(bytes.length), bytes]);
}

export const data = (id: number, payload: Buffer, flags = END_STREAM) => frame(DATA, flags, id, payload);

/** A whole call. */
export const call = (id: number, text = 'hello') => Buffer.concat([headers(id), data(id, message(text))]);

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** A caller that writes what it likes and keeps what it hears. */
export class RawPeer {
  readonly frames: Frame[] = [];
  /** All that came, frames or not. */
  readonly received: Buffer[] = [];
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #rest: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  send(...parts: readonly Buffer[]): this {
    this.socket.write(Buffer.concat(parts));
    return this;
  }

  /** As every client begins. */
  hello(...more: readonly (readonly [number, number])[]): this {
    return this.send(PREFACE, settings(...more), frame(SETTINGS, ACK, 0));
  }

  /** Resolves when it holds; rejects if the connection is closed before. */
  async until(holds: (frames: readonly Frame[]) => boolean): Promise<void> {
    while (!holds(this.frames)) {
      if (this.#isClosed) throw new Error(`closed after ${JSON.stringify(this.frames.map(told))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The frame of this type on this stream that comes first. */
  async first(type: number, id = 0): Promise<Frame> {
    const is = (frame: Frame) => frame.type === type && frame.id === id;
    await this.until((frames) => frames.some(is));
    return this.frames.find(is) as Frame;
  }

  /** Why the connection was ended, once it is. */
  async goodbye(): Promise<{ readonly lastId: number; readonly code: number }> {
    await this.closed;
    const { payload } = this.frames.find(({ type }) => type === GOAWAY) ?? {};
    if (payload === undefined) throw new Error(`no goodbye in ${JSON.stringify(this.frames.map(told))}`);
    return { lastId: payload.readUInt32BE(0), code: payload.readUInt32BE(4) };
  }

  /** Why a stream was ended. */
  async resetOf(id: number): Promise<number> {
    return (await this.first(RESET, id)).payload.readUInt32BE(0);
  }

  /** Bytes of data on a stream so far. */
  body(id: number): Buffer {
    const parts = this.frames.filter((frame) => frame.type === DATA && frame.id === id).map(({ payload }) => payload);
    return Buffer.concat(parts);
  }

  /** What a call was answered: its messages' bytes with `0 ` before, or its status. */
  async answer(id: number): Promise<string> {
    const isEnd = (frame: Frame) =>
      frame.id === id && ((frame.type <= HEADERS && (frame.flags & END_STREAM) !== 0) || frame.type === RESET);
    await this.until((frames) => frames.some(isEnd));
    const last = this.frames.find(isEnd) as Frame;
    if (last.type === RESET) return `reset ${last.payload.readUInt32BE(0)}`;
    const status = statusOf(last.payload);
    return status === '0' ? `0 ${this.body(id).subarray(5)}` : status;
  }

  close(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.received.push(chunk);
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9 && this.#rest.length >= 9 + this.#rest.readUIntBE(0, 3)) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      this.frames.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        id: this.#rest.readUInt32BE(5),
        payload: this.#rest.subarray(9, end),
      });
      this.#rest = this.#rest.subarray(end);
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Our own answers have literal fields only, their names in full. */
function statusOf(headerBlock: Buffer): string {
  const text = headerBlock.toString('latin1');
  const at = text.indexOf('grpc-status');
  if (at < 0) return 'no status';
  const start = at + 'grpc-status'.length;
  return text.slice(start + 1, start + 1 + headerBlock.readUInt8(start));
}

function told({ type, flags, id, payload }: Frame): string {
  return `${type} ${flags} ${id} ${payload.toString('hex').slice(0, 40)}`;
}

/** An edge with an echo, unary and as a stream, and what it refused. */
export class EchoEdge {
  readonly refused: RefusedReason[] = [];
  readonly edge: GrpcEdge;
  /** Calls that came to their handler. */
  handled = 0;
  port = 0;
  readonly #peers: RawPeer[] = [];

  constructor(options: Partial<GrpcEdgeOptions> = {}) {
    this.edge = new GrpcEdge({
      name: 'echo',
      host: '127.0.0.1',
      onRefused: (reason) => void this.refused.push(reason),
      ...options,
    })
      .unary<Buffer, Buffer>({
        path: ECHO,
        decode: (bytes) => bytes,
        encode: (bytes) => bytes,
        handle: (bytes) => {
          this.handled += 1;
          // A handler that has to wait, as most have.
          return Promise.resolve(bytes);
        },
      })
      .stream({
        path: STREAM,
        maxOpen: 100,
        maxUnsentBytes: 1024 * 1024,
        open: (stream) => {
          queueMicrotask(() => stream.resume());
          return { message: (bytes) => void stream.send(bytes), ended: () => {} };
        },
      })
      .stream({
        path: UNREAD,
        maxOpen: 100,
        maxUnsentBytes: 1024 * 1024,
        open: () => ({ message: () => {}, ended: () => {} }),
      });
  }

  static async start(options: Partial<GrpcEdgeOptions> = {}): Promise<EchoEdge> {
    const made = new EchoEdge(options);
    made.port = (await made.edge.listen()).port;
    return made;
  }

  peer(): RawPeer {
    const peer = new RawPeer(this.port);
    this.#peers.push(peer);
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.close();
    await this.edge.stop(0);
  }
}
