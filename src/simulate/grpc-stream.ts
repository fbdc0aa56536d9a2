import { type ClientHttp2Session, type ClientHttp2Stream, connect as http2Connect } from 'node:http2';
import type { Socket } from 'node:net';

const FRAME_HEADER = 5;
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

export interface StreamEnd {
  /** The gRPC status; undefined if none came: the connection was lost. */
  readonly status: number | undefined;
  readonly message: string;
}

export interface StreamEvents {
  readonly onMessage: (message: Buffer) => void;
  readonly onEnd: (end: StreamEnd) => void;
}

/** Streams of gRPC messages both ways, over one HTTP/2 connection that is made again after it was lost. */
export class GrpcStreams {
  readonly #authority: string;
  readonly #connect: () => Socket;
  #session: ClientHttp2Session | undefined;

  constructor({ authority }: { readonly authority: string }, deps: { readonly connect: () => Socket }) {
    this.#authority = authority;
    this.#connect = deps.connect;
  }

  /** Opens a stream. Never throws: a connection that cannot be made is the stream's end, before it was open. */
  open(path: string, headers: Readonly<Record<string, string>>, events: StreamEvents): ClientStream {
    const stream = this.#open().request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'grpc-go/1.79.1',
      ...headers,
    });
    return new ClientStream(stream, events);
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #open(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const socket = this.#connect();
    // It has no other listener before the session has taken it over.
    socket.on('error', () => {});
    const session = http2Connect(`http://${this.#authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    });
    session.on('error', () => {});
    session.on('close', () => {
      if (this.#session === session) this.#session = undefined;
      socket.destroy();
    });
    this.#session = session;
    return session;
  }
}

/** The caller's side of one stream. */
export class ClientStream {
  readonly #stream: ClientHttp2Stream;
  readonly #events: StreamEvents;
  #rest: Buffer = Buffer.alloc(0);
  #status: number | undefined;
  #message = '';
  #isOpen = false;

  constructor(stream: ClientHttp2Stream, events: StreamEvents) {
    this.#stream = stream;
    this.#events = events;
    // The connection stands and the call is on its way: Go's client asks no more of a stream that it has made.
    stream.on('ready', () => {
      this.#isOpen = true;
    });
    stream.on('response', (headers) => this.#noteStatus(headers));
    stream.on('trailers', (headers) => this.#noteStatus(headers));
    // The server has said all: our half goes too, or neither would ever be closed.
    stream.on('end', () => stream.close());
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', () => {});
    stream.on('close', () => events.onEnd({ status: this.#status, message: this.#message }));
  }

  /** Whether there was a connection for it. */
  get wasOpen(): boolean {
    return this.#isOpen;
  }

  send(message: Uint8Array): void {
    if (this.#stream.closed || this.#stream.destroyed) return;
    const framed = Buffer.allocUnsafe(FRAME_HEADER + message.length);
    framed.writeUInt8(0, 0);
    framed.writeUInt32BE(message.length, 1);
    framed.set(message, FRAME_HEADER);
    this.#stream.write(framed);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  cancel(): void {
    this.#stream.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= FRAME_HEADER) {
      const length = this.#rest.readUInt32BE(1);
      if (this.#rest[0] !== 0 || length > MAX_MESSAGE_BYTES) {
        this.cancel();
        return;
      }
      if (this.#rest.length < FRAME_HEADER + length) return;
      const message = this.#rest.subarray(FRAME_HEADER, FRAME_HEADER + length);
      this.#rest = this.#rest.subarray(FRAME_HEADER + length);
      this.#events.onMessage(message);
    }
  }

  #noteStatus(headers: Readonly<Record<string, unknown>>): void {
    const status = headers['grpc-status'];
    if (status === undefined) return;
    this.#status = Number(status);
    this.#message = decodeURIComponent(String(headers['grpc-message'] ?? ''));
  }
}
