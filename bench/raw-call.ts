import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What all plaintext sockets read into, one after the other: Node would take 64 KiB for each read of each. */
const MEMORY = Buffer.allocUnsafeSlow(65_536);
const NOTHING = Buffer.alloc(0);

/**
 * One unary gRPC call over a connection of its own, as Talos makes it, with as little work on our side as HTTP/2
 * allows: a bench whose client costs more than the server measures the client. RFC 9113 frames; the request's headers
 * are HPACK literals (RFC 7541 section 6.2.2), the answer's are not read: a message that came is an OK.
 * @param bytes all that is said, of `firstWords`
 */
export function rawUnaryCall(url: URL, bytes: Buffer): Promise<Buffer> {
  const port = Number(url.port);
  const host = url.hostname;
  return new Promise((resolve, reject) => {
    const answer = new Answer();
    let isAnswered = false;
    const take = (part: Buffer): void => {
      const message = answer.take(part);
      if (message === undefined) return;
      isAnswered = true;
      if (message === 'refused') reject(new Error(`${url.href}: refused`));
      else resolve(message);
      socket.destroy();
    };
    const socket: Socket =
      url.protocol === 'https:'
        ? connectTls({ host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false }).on('data', take)
        : connectTcp({ host, port, onread: { buffer: MEMORY, callback: (length) => taken(take, length) } });
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => socket.write(bytes));
    socket.on('error', reject);
    socket.on('close', () => {
      // An error is a tenth of what a call costs here.
      if (!isAnswered) reject(new Error(`${url.href}: closed without an answer`));
    });
  });
}

function taken(take: (part: Buffer) => void, length: number): true {
  take(MEMORY.subarray(0, length));
  return true;
}

/** What comes in answer to a call that is the only one of its connection. */
class Answer {
  #left: Buffer = NOTHING;
  #body: Buffer = NOTHING;

  /** @param part valid until it returns */
  take(part: Buffer): Buffer | 'refused' | undefined {
    const bytes = this.#left.length === 0 ? part : Buffer.concat([this.#left, part]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER) {
      const end = at + FRAME_HEADER + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      const type = bytes.readUInt8(at + 3);
      const ended = (bytes.readUInt8(at + 4) & END_STREAM) !== 0;
      if (type === DATA) this.#body = Buffer.concat([this.#body, bytes.subarray(at + FRAME_HEADER, end)]);
      if (type === HEADERS && ended)
        return this.#body.length < GRPC_HEADER ? 'refused' : this.#body.subarray(GRPC_HEADER);
      at = end;
    }
    this.#left = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
    return undefined;
  }
}

/** What the frame's type, flags and length say. RFC 9113 section 4.1. */
export const FRAME_HEADER = 9;
const GRPC_HEADER = 5;
const DATA = 0;
export const HEADERS = 1;
export const SETTINGS = 4;
export const PING = 6;
export const ACK = 1;
export const END_STREAM = 1;
const END_HEADERS = 4;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** All that a client says that makes one call. */
export function firstWords(authority: string, path: string, message: Uint8Array): Buffer {
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
