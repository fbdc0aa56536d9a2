import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { CallFailure, STATUS } from './machine-service.ts';

const FRAME_HEADER = 5;
/** The limit of grpc-go servers. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** One unary call as it came in. */
export interface UnaryCall {
  readonly path: string;
  readonly message: Uint8Array;
}

/**
 * Reads a unary gRPC call off an HTTP/2 stream.
 * @throws CallFailure for what grpc-go would refuse itself; undefined if the caller went away, or was told on the spot
 */
export async function readCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<UnaryCall | undefined> {
  const path = headers[':path'] ?? '';
  if (headers[':method'] !== 'POST' || headers['content-type']?.startsWith('application/grpc') !== true) {
    stream.respond({ ':status': headers[':method'] === 'POST' ? 415 : 405 }, { endStream: true });
    stream.close(constants.NGHTTP2_NO_ERROR);
    return undefined;
  }
  const body = await readBody(stream);
  if (body === undefined) return undefined;
  if (body.length < FRAME_HEADER) throw new CallFailure(STATUS.internal, 'no message in the request');
  if (body[0] !== 0) throw new CallFailure(STATUS.unimplemented, 'no decompressor is installed for the request');
  const message = body.subarray(FRAME_HEADER);
  if (body.readUInt32BE(1) !== message.length) throw new CallFailure(STATUS.internal, 'unexpected EOF');
  return { path, message };
}

/** Answers OK with one message. */
export function answer(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.destroyed) return;
  const framed = Buffer.alloc(FRAME_HEADER + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, FRAME_HEADER);
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(framed);
}

/** Answers with a status that is not OK. */
export function refuse(stream: ServerHttp2Stream, { status, message }: CallFailure): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(status),
      'grpc-message': percentEncoded(message),
    },
    { endStream: true },
  );
}

/** As gRPC wants it: bytes outside of printable ASCII, and the percent sign itself. */
function percentEncoded(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]+/gu, (found) =>
    [...Buffer.from(found, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

/** The body, or undefined if the stream ended before it did. */
function readBody(stream: ServerHttp2Stream): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_MESSAGE_BYTES) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(new CallFailure(STATUS.resourceExhausted, `received message larger than ${MAX_MESSAGE_BYTES} bytes`));
      }
    });
    stream.once('end', () => resolve(Buffer.concat(chunks)));
    stream.once('close', () => resolve(undefined));
  });
}
