import { readFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { machine } from '../../src/gen/proto.js';
import { frame, unframe } from '../../src/talos/framing.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
const IDENTITY = { cert: fixture('maintenance.pem'), key: fixture('maintenance-key.pem') };

/** A server on loopback that a test made, with what it saw. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** Connections that were accepted, and how many of them are still open. */
  readonly accepted: number;
  readonly open: number;
  /** Remote address of the newest connection. */
  readonly remote: string | undefined;
  /** Resolves when no connection is open any more. */
  idle(): Promise<void>;
}

/** What a call asked for: the gRPC path and the message's bytes. */
export interface Asked {
  readonly path: string;
  readonly message: Uint8Array;
}

export type Behaviour = (stream: ServerHttp2Stream, asked: Asked) => void;

/** The API of a machine: TLS as Talos does it, and gRPC that does what the test says. */
export function apiServer(behave: Behaviour, tls: TlsOptions = {}): Promise<TestServer> {
  const server = createSecureServer({ ...IDENTITY, ...tls });
  server.on('sessionError', () => {});
  server.on('tlsClientError', () => {});
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const message = unframe(Buffer.concat(chunks));
      if (message === undefined) throw new Error('the request is not one message');
      behave(stream, { path: String(headers[':path']), message });
    });
  });
  return listen(server);
}

/** A machine in normal mode: it wants a client certificate. */
export function normalServer(version: 'TLSv1.2' | 'TLSv1.3'): Promise<TestServer> {
  const never = () => {
    throw new Error('served without a certificate');
  };
  return apiServer(never, {
    minVersion: version,
    maxVersion: version,
    requestCert: true,
    rejectUnauthorized: true,
    ca: [IDENTITY.cert],
  });
}

/** TLS with ALPN h2, and then whatever the test does with the connection. */
export function tlsServer(behave: (socket: TLSSocket) => void, protocols: string[] = ['h2']): Promise<TestServer> {
  const server = createTlsServer({ ...IDENTITY, ALPNProtocols: protocols }, (socket) => {
    socket.on('error', () => {});
    behave(socket);
    socket.resume();
  });
  server.on('tlsClientError', () => {});
  return listen(server);
}

/** No TLS at all. */
export function tcpServer(behave: (socket: Socket) => void): Promise<TestServer> {
  const server = createTcpServer((socket) => {
    behave(socket);
    // One that is not read does not notice its end.
    socket.resume();
  });
  return listen(server);
}

/** Answers OK with a message. */
export function answer(stream: ServerHttp2Stream, message: Uint8Array): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(frame(message));
}

/** Answers with a status and no message, as grpc-go does: trailers only. */
export function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status), 'grpc-message': message },
    { endStream: true },
  );
}

export function metaWritten(): Uint8Array {
  return machine.MetaWriteResponse.encode({ messages: [{}] }).finish();
}

/** An HTTP/2 frame. */
export function h2Frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

async function listen(server: Server): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  let accepted = 0;
  let remote: string | undefined;
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    remote = socket.remoteAddress;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) for (const resolve of waiting.splice(0)) resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen({ host: '::1', port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    get remote() {
      return remote;
    },
    idle: () => (sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
