import { type ClientHttp2Session, connect as http2Connect, type IncomingHttpHeaders } from 'node:http2';
import type { SecureContext } from 'node:tls';
import { type Clock, systemClock } from '../lib/clock.ts';
import { MachineApiError } from './api-error.ts';
import { type ConnectionTarget, MachineConnection } from './connection.ts';
import { frame, unframe } from './framing.ts';

export interface ExchangeOptions extends ConnectionTarget {
  /** From the first packet to the closed connection's last answer, milliseconds. */
  readonly deadlineMs: number;
  /** A longer answer is `broken`. */
  readonly maxAnswerBytes: number;
}

/** Beside the answer: handshake, certificate, settings, headers, trailers. */
const MAX_OVERHEAD_BYTES = 128 * 1024;
/** How often what came is held against what may come, milliseconds: frames that carry no data tell nobody of them. */
const WATCH_MS = 50;
const MAX_HEADER_PAIRS = 64;
const MAX_SETTINGS = 16;
/** Mebibytes that HTTP/2 may hold for this session; the smallest that Node takes. */
const MAX_SESSION_MEMORY = 1;
const UNIMPLEMENTED = 12;
const MAX_MESSAGE_TEXT = 200;
/** What may be a token, or most of one. */
const SECRET = /[A-Za-z0-9+/_-]{28,}/g;

/**
 * One unary call over a connection of its own, which is closed when this settles. Costs no more than `deadlineMs` and
 * some `maxAnswerBytes`, whatever the peer does.
 * @throws MachineApiError
 */
export async function exchange(
  path: string,
  request: Uint8Array,
  options: ExchangeOptions,
  deps: { readonly secureContext: SecureContext; readonly clock?: Clock },
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (signal.aborted) throw aborted();
  const connection = new MachineConnection(options, deps.secureContext);
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const abort = () => reject(aborted());
  signal.addEventListener('abort', abort, { once: true });
  const cancelWatch = watch(connection, options, deps.clock ?? systemClock, reject);
  const call = new UnaryCall(connection, options.maxAnswerBytes, { resolve, reject });
  connection.tls.once('secureConnect', () => call.start(path, request, options));
  connection.tls.on('error', (error: Error) => call.lost(error));
  connection.tls.on('close', () => call.lost(undefined));
  try {
    return await promise;
  } finally {
    cancelWatch();
    signal.removeEventListener('abort', abort);
    call.end();
    await connection.close();
  }
}

/** Calls `fail` when the deadline has passed or more came than an answer takes. Returns what ends it. */
function watch(
  connection: MachineConnection,
  { deadlineMs, maxAnswerBytes }: ExchangeOptions,
  clock: Clock,
  fail: (error: MachineApiError) => void,
): () => void {
  const until = clock.monotonic() + deadlineMs;
  let cancel = () => {};
  const look = () => {
    const left = until - clock.monotonic();
    if (left <= 0) fail(new MachineApiError('timeout', `no answer from the machine's API within ${deadlineMs} ms`));
    else if (connection.bytesRead > maxAnswerBytes + MAX_OVERHEAD_BYTES) fail(tooMuch());
    else cancel = clock.after(Math.min(left, WATCH_MS), look);
  };
  look();
  return () => cancel();
}

interface Outcome {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: MachineApiError) => void;
}

/** The HTTP/2 side of an exchange. Whatever comes after the first outcome changes nothing. */
class UnaryCall {
  readonly #connection: MachineConnection;
  readonly #maxAnswerBytes: number;
  readonly #outcome: Outcome;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #http: string | undefined;
  #status: string | undefined;
  #message = '';
  /** The peer spoke HTTP/2 to us, so it let us in. */
  #welcome = false;
  #session: ClientHttp2Session | undefined;

  constructor(connection: MachineConnection, maxAnswerBytes: number, outcome: Outcome) {
    this.#connection = connection;
    this.#maxAnswerBytes = maxAnswerBytes;
    this.#outcome = outcome;
  }

  start(path: string, request: Uint8Array, { address, port }: ConnectionTarget): void {
    const { tls } = this.#connection;
    if (tls.alpnProtocol !== 'h2') {
      this.#broken('it does not speak HTTP/2');
      return;
    }
    const authority = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    const session = http2Connect(`https://${authority}`, {
      createConnection: () => tls,
      settings: { enablePush: false },
      maxHeaderListPairs: MAX_HEADER_PAIRS,
      maxSettings: MAX_SETTINGS,
      maxSessionMemory: MAX_SESSION_MEMORY,
    });
    this.#session = session;
    session.on('error', (error: Error) => this.lost(error));
    session.once('remoteSettings', () => {
      this.#welcome = true;
    });
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('response', (headers) => {
      this.#http = String(headers[':status']);
      this.#note(headers);
    });
    stream.on('trailers', (headers) => this.#note(headers));
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', (error: Error) => this.lost(error));
    stream.on('close', () => this.#finish());
    stream.end(frame(request));
  }

  /** The connection is gone, for this reason. */
  lost(error: Error | undefined): void {
    if (this.#welcome) this.#broken(errorName(error));
    else this.#outcome.reject(this.#connection.faultOf(error));
  }

  /** Ends it at once. */
  end(): void {
    this.#session?.destroy();
  }

  #note(headers: IncomingHttpHeaders): void {
    const { 'grpc-status': status, 'grpc-message': message } = headers;
    if (typeof status === 'string') this.#status ??= status;
    if (typeof message === 'string') this.#message ||= message;
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxAnswerBytes) this.#outcome.reject(tooMuch());
    else this.#chunks.push(chunk);
  }

  #finish(): void {
    if (this.#status === undefined) {
      if (this.#http === undefined) this.lost(undefined);
      else this.#broken(this.#http === '200' ? 'no gRPC status' : `HTTP status ${this.#http.slice(0, 3)}`);
      return;
    }
    const status = /^\d{1,3}$/.test(this.#status) ? Number(this.#status) : 2;
    if (status !== 0) {
      const text = readable(this.#message);
      const fault = status === UNIMPLEMENTED ? 'unimplemented' : 'refused';
      this.#outcome.reject(
        new MachineApiError(fault, `the machine's API answered with gRPC status ${status}: ${text}`, status),
      );
      return;
    }
    const answer = unframe(Buffer.concat(this.#chunks));
    if (answer === undefined) this.#broken('its answer is not one whole message');
    else this.#outcome.resolve(answer);
  }

  #broken(why: string): void {
    this.#outcome.reject(new MachineApiError('broken', `the exchange with the machine's API failed: ${why}`));
  }
}

function aborted(): MachineApiError {
  return new MachineApiError('aborted', "the exchange with the machine's API was given up");
}

function tooMuch(): MachineApiError {
  return new MachineApiError('broken', "the machine's API sent more than an answer takes");
}

function errorName(error: Error | undefined): string {
  return error !== undefined && 'code' in error ? String(error.code) : 'the connection was closed';
}

/** A gRPC message, percent-decoded, as one short line of printable ASCII: a machine may send anything, also our own value. */
function readable(text: string): string {
  const bare = text.slice(0, MAX_MESSAGE_TEXT).replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
  return (
    bare
      .replace(/[^ -~]+/g, ' ')
      .replace(SECRET, '[redacted]')
      .trim() || 'no message'
  );
}
