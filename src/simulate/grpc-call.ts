import { type ClientHttp2Session, constants, connect as http2Connect } from 'node:http2';
import type { Socket } from 'node:net';
import { SiderolinkError } from '../domain/errors.ts';

const FRAME_HEADER = 5;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface GrpcChannelOptions {
  /** `:authority`. */
  readonly authority: string;
}

export interface GrpcChannelDeps {
  /** Opens the connection; TLS, if any, is done by the socket. Called again after a connection was lost. */
  readonly connect: () => Socket;
}

/**
 * Unary gRPC calls over one HTTP/2 connection, opened at the first call and again after it was lost. Far smaller than
 * a full client, so that one process can be thousands of machines, each with a socket of its own address.
 */
export class GrpcChannel {
  readonly #authority: string;
  readonly #connect: () => Socket;
  #session: ClientHttp2Session | undefined;
  #lastError: Error | undefined;

  constructor({ authority }: GrpcChannelOptions, { connect }: GrpcChannelDeps) {
    this.#authority = authority;
    this.#connect = connect;
  }

  /**
   * One call; resolves to the answer's message. Fails fast, without a wait for a lost connection.
   * @throws SiderolinkError `unavailable` with `grpc_status` in its details
   */
  async unary(path: string, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (signal.aborted) throw new SiderolinkError('unavailable', 'the call was given up', { path });
    const session = this.#open();
    return await new Promise<Uint8Array>((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'user-agent': 'grpc-go/1.79.1',
      });
      const chunks: Buffer[] = [];
      let size = 0;
      let status: unknown;
      let statusMessage: unknown;
      let failure: Error | undefined;
      const abort = () => {
        stream.close(constants.NGHTTP2_CANCEL);
        // A stream of a connection that is still being made closes only when that is done, which may be never.
        reject(new SiderolinkError('unavailable', 'the call was given up', { path }));
      };
      signal.addEventListener('abort', abort, { once: true });
      const noteStatus = (headers: Record<string, unknown>) => {
        status ??= headers['grpc-status'];
        statusMessage ??= headers['grpc-message'];
      };
      stream.on('response', noteStatus);
      stream.on('trailers', noteStatus);
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) stream.close(constants.NGHTTP2_CANCEL);
        else chunks.push(chunk);
      });
      stream.on('error', (error: Error) => {
        failure = error;
      });
      stream.on('close', () => {
        signal.removeEventListener('abort', abort);
        const answer = status === '0' ? unframe(Buffer.concat(chunks)) : undefined;
        if (answer !== undefined) resolve(answer);
        else reject(this.#callError(path, status, statusMessage, failure));
      });
      stream.end(frame(message));
    });
  }

  /** Whether a connection is open now. */
  get connected(): boolean {
    return this.#session?.closed === false && !this.#session.connecting;
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #open(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const socket = this.#connect();
    // A socket that fails before the session has taken it over would otherwise end the process.
    socket.on('error', (error: Error) => {
      this.#lastError = error;
    });
    const session = http2Connect(`http://${this.#authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    });
    session.on('error', (error: Error) => {
      this.#lastError = error;
    });
    session.on('close', () => {
      if (this.#session === session) this.#session = undefined;
      socket.destroy();
    });
    this.#lastError = undefined;
    this.#session = session;
    return session;
  }

  #callError(path: string, status: unknown, text: unknown, failure: Error | undefined): SiderolinkError {
    const known = typeof status === 'string';
    const message = known ? decode(text) : (this.#lastError ?? failure)?.message;
    return new SiderolinkError(
      'unavailable',
      `${path} failed: ${message || 'the connection was lost'}`,
      { grpc_status: known ? Number(status) : 14 },
      { cause: failure },
    );
  }
}

function decode(text: unknown): string {
  if (typeof text !== 'string') return 'no message';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(FRAME_HEADER + message.length);
  framed.writeUInt8(0, 0);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, FRAME_HEADER);
  return framed;
}

/** The one message of a unary answer, or undefined if there is not exactly one, whole and uncompressed. */
function unframe(body: Buffer): Uint8Array | undefined {
  if (body.length < FRAME_HEADER || body[0] !== 0) return undefined;
  const length = body.readUInt32BE(1);
  return body.length === FRAME_HEADER + length ? body.subarray(FRAME_HEADER) : undefined;
}
