import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/**
 * One unary gRPC call over a connection of its own, as Talos makes it, with as little work on our side as HTTP/2
 * allows: a bench whose client costs more than the server measures the client. RFC 9113 frames; the request's headers
 * are HPACK literals (RFC 7541 section 6.2.2), the answer's are not read: a message that came is an OK.
 */
export function rawUnaryCall(url: URL, path: string, message: Uint8Array): Promise<Buffer> {
  const port = Number(url.port);
  const tls = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const socket: Socket = tls
      ? connectTls({ host: url.hostname, port, ALPNProtocols: ['h2'], rejectUnauthorized: false })
      : connectTcp({ host: url.hostname, port, noDelay: true });
    let received: Buffer = Buffer.alloc(0);
    let body: Buffer = Buffer.alloc(0);
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(request(url.host, path, message)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${path}: closed without an answer`)));
    socket.on('data', (part) => {
      received = received.length === 0 ? part : Buffer.concat([received, part]);
      while (received.length >= FRAME_HEADER) {
        const length = received.readUIntBE(0, 3);
        if (received.length < FRAME_HEADER + length) return;
        const type = received.readUInt8(3);
        const ended = (received.readUInt8(4) & END_STREAM) !== 0;
        if (type === DATA) body = Buffer.concat([body, received.subarray(FRAME_HEADER, FRAME_HEADER + length)]);
        received = received.subarray(FRAME_HEADER + length);
        if (type === HEADERS && ended) {
          if (body.length < GRPC_HEADER) reject(new Error(`${path}: refused`));
          else resolve(body.subarray(GRPC_HEADER));
          socket.destroy();
          return;
        }
      }
    });
  });
}

/** What the frame's type, flags and length say. RFC 9113 section 4.1. */
export const FRAME_HEADER = 9;
export const GRPC_HEADER = 5;
export const DATA = 0;
export const HEADERS = 1;
export const SETTINGS = 4;
export const PING = 6;
export const ACK = 1;
export const END_STREAM = 1;
const END_HEADERS = 4;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function request(authority: string, path: string, message: Uint8Array): Buffer {
  return Buffer.concat([preface(), call(authority, path, message, 1)]);
}

/** What a client says first. */
export function preface(): Buffer {
  return Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0))]);
}

/** A call with its message on a stream of its own: an odd number, higher than that of the call before. */
export function call(authority: string, path: string, message: Uint8Array, stream: number): Buffer {
  const headers = Buffer.concat(
    [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', authority],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['user-agent', 'grpc-go/1.80.0'],
    ].map(([name = '', value = '']) => Buffer.concat([Buffer.of(0), literal(name), literal(value)])),
  );
  const data = Buffer.alloc(GRPC_HEADER + message.length);
  data.writeUInt32BE(message.length, 1);
  data.set(message, GRPC_HEADER);
  return Buffer.concat([frame(HEADERS, END_HEADERS, stream, headers), frame(DATA, END_STREAM, stream, data)]);
}

/** A string of fewer than 127 bytes, not Huffman coded. */
function literal(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}
