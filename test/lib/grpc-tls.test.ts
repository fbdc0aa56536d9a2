import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, DEFAULT_CIPHERS } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { CertificateHolder } from '../../src/lib/certificate.ts';
import { GrpcEdge, type GrpcEdgeOptions, type UnaryCall, type UnaryMethod } from '../../src/lib/grpc.ts';
import { type HandshakeFailure, handshakeFailure } from '../../src/lib/grpc-tls.ts';
import { untilClosed } from '../helpers/sockets.ts';
import { TestAuthority } from './certificates.ts';

const ECHO = '/test.Echo/Say';
const cleanups: (() => unknown)[] = [];
const authority = new TestAuthority();

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const greet = (bytes: Buffer, { source, port }: UnaryCall): Buffer =>
  Buffer.concat([bytes, Buffer.from(` from ${source}${port === 0 ? ' without a port' : ''}`)]);

async function serve(options: Partial<GrpcEdgeOptions> = {}, handle: UnaryMethod<Buffer, Buffer>['handle'] = greet) {
  const { chain, key } = authority.leaf();
  const certificate = new CertificateHolder({ cert: chain, key });
  const failures: HandshakeFailure[] = [];
  const failed = Promise.withResolvers<string>();
  const edge = new GrpcEdge({
    name: 'tls',
    host: '127.0.0.1',
    certificate,
    onHandshakeFailed: (failure, source) => {
      failures.push(failure);
      failed.resolve(source);
    },
    ...options,
  }).unary<Buffer, Buffer>({
    path: ECHO,
    decode: (bytes) => bytes,
    encode: (bytes) => bytes,
    handle,
  });
  cleanups.push(() => edge.stop(0));
  const { port } = await edge.listen();
  return { edge, certificate, port, failures, failed: failed.promise };
}

function client(port: number, ca = authority.root.cert): Client {
  const made = new Client(`127.0.0.1:${port}`, credentials.createSsl(Buffer.from(ca)));
  cleanups.push(() => made.close());
  return made;
}

function say(caller: Client): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    caller.makeUnaryRequest<Buffer, string>(
      ECHO,
      (bytes) => bytes,
      (bytes) => bytes.toString(),
      Buffer.from('hello'),
      (error, value) => (error !== null ? reject(error) : resolve(value ?? '')),
    );
  });
}

/** What a handshake as Talos makes it (h2, TLS 1.2 or newer) agrees on, with what is to be different. */
async function handshake(port: number, options: ConnectionOptions = {}) {
  const socket = connectTls({ host: '127.0.0.1', port, ca: authority.root.cert, ALPNProtocols: ['h2'], ...options });
  try {
    await once(socket, 'secureConnect');
    const { fingerprint256, subject } = socket.getPeerCertificate();
    const agreed = { alpn: socket.alpnProtocol, version: socket.getProtocol(), suite: socket.getCipher().standardName };
    return { ...agreed, fingerprint256, subject };
  } finally {
    socket.destroy();
  }
}

describe('the API over TLS', () => {
  it('serves who knows the root and is given the intermediate, and knows the caller', async () => {
    const { edge, port } = await serve();
    expect(await say(client(port))).toBe('hello from 127.0.0.1');
    await edge.stop(1_000);
    expect(edge.connections).toBe(0);
  });

  it('agrees on h2 and TLS 1.3, or 1.2 where the caller has no more', async () => {
    const { port } = await serve();
    expect(await handshake(port)).toMatchObject({ alpn: 'h2', version: 'TLSv1.3' });
    expect(await handshake(port, { maxVersion: 'TLSv1.2' })).toMatchObject({ alpn: 'h2', version: 'TLSv1.2' });
    expect(await handshake(port, { ALPNProtocols: ['http/1.1', 'h2'] })).toMatchObject({ alpn: 'h2' });
  });

  it.each(['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'])(
    'takes %s, as Go offers it',
    async (ciphers) => {
      const { port } = await serve();
      expect(await handshake(port, { maxVersion: 'TLSv1.2', ciphers })).toMatchObject({ version: 'TLSv1.2' });
    },
  );

  it.each<[string, ConnectionOptions, HandshakeFailure]>([
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` }, 'version'],
    ['CBC suites only', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }, 'version'],
    ['HTTP/1.1 only', { ALPNProtocols: ['http/1.1'] }, 'alpn'],
  ])('refuses %s, counts it, and serves the next', async (_, options, failure) => {
    const { port, failures, failed } = await serve();
    await expect(handshake(port, options)).rejects.toThrow();
    expect(await failed).toBe('127.0.0.1');
    expect(failures).toEqual([failure]);
    expect(await say(client(port))).toBe('hello from 127.0.0.1');
  });

  it('names a caller that does not trust the certificate and says so, as Go does', async () => {
    const { port, failures, failed } = await serve();
    const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-tls-'));
    cleanups.push(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'other-root.pem');
    writeFileSync(file, new TestAuthority().root.cert);
    const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', file, '-verify_return_error', '-alpn', 'h2'];
    const [code] = await once(spawn('openssl', args, { stdio: 'ignore' }), 'exit');
    expect(code).toBe(1);
    expect(await failed).toBe('127.0.0.1');
    expect(failures).toEqual(['untrusted']);
  });

  it('closes a caller without ALPN, which could not have sent gRPC', async () => {
    const { port, failures } = await serve();
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.root.cert });
    await untilClosed(socket.resume());
    expect(failures).toEqual(['alpn']);
  });

  it('survives plaintext HTTP/2, and names it', async () => {
    const { port, failures } = await serve();
    const plain = connectHttp2(`http://127.0.0.1:${port}`);
    plain.on('error', () => {});
    await once(plain, 'close');
    expect(failures).toEqual(['plaintext']);
    expect(await say(client(port))).toBe('hello from 127.0.0.1');
  });

  it('closes who says nothing', async () => {
    const { edge, port, failures } = await serve({ handshakeTimeoutMs: 50 });
    const silent = connectTcp(port, '127.0.0.1');
    await untilClosed(silent.resume());
    expect(failures).toEqual(['timeout']);
    await edge.stop(0);
    expect(edge.connections).toBe(0);
  });

  it('lets a running call finish before it stops', async () => {
    const { promise: running, resolve: begun } = Promise.withResolvers<void>();
    const { promise: answer, resolve: answerNow } = Promise.withResolvers<void>();
    const { edge, port } = await serve({}, async (bytes) => {
      begun();
      await answer;
      return bytes;
    });
    const call = say(client(port));
    await running;
    const stopped = edge.stop(5_000);
    answerNow();
    expect(await call).toBe('hello');
    await stopped;
    expect(edge.connections).toBe(0);
  });

  it('stops in time while a handshake hangs', async () => {
    const { edge, port } = await serve();
    const silent = connectTcp(port, '127.0.0.1');
    await once(silent, 'connect');
    const closed = untilClosed(silent.resume());
    await edge.stop(10);
    await closed;
    expect(edge.connections).toBe(0);
  });
});

describe('another certificate', () => {
  it('serves new connections and leaves open ones as they are', async () => {
    const { edge, certificate, port } = await serve();
    const old = client(port);
    expect(await say(old)).toBe('hello from 127.0.0.1');
    const before = await handshake(port);

    const other = new TestAuthority();
    const { chain, key } = other.leaf();
    certificate.replace({ cert: chain, key });

    const after = await handshake(port, { ca: other.root.cert });
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect(after).toMatchObject({ alpn: 'h2', version: 'TLSv1.3' });
    await expect(handshake(port)).rejects.toThrow(/certificate/);
    // The client that trusts only the former authority still has its connection.
    expect(await say(old)).toBe('hello from 127.0.0.1');
    expect(await say(client(port, other.root.cert))).toBe('hello from 127.0.0.1');
    await edge.stop(1_000);
    expect(edge.connections).toBe(0);
  });

  it('keeps the floor of TLS 1.2', async () => {
    const { certificate, port } = await serve();
    const { chain, key } = authority.leaf();
    certificate.replace({ cert: chain, key });
    const old: ConnectionOptions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: `ALL:@SECLEVEL=0` };
    await expect(handshake(port, old)).rejects.toThrow();
    expect(await handshake(port, { maxVersion: 'TLSv1.2' })).toMatchObject({ version: 'TLSv1.2' });
  });

  it('is no business of an edge that has stopped', async () => {
    const { edge, certificate } = await serve();
    await edge.stop(0);
    const { chain, key } = authority.leaf();
    expect(() => certificate.replace({ cert: chain, key })).not.toThrow();
  });
});

describe('handshakeFailure', () => {
  it.each([
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'untrusted'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'untrusted'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'untrusted'],
    ['ERR_SSL_HTTP_REQUEST', 'plaintext'],
    ['ECONNRESET', 'closed'],
    ['ERR_SSL_DECRYPT_ERROR', 'other'],
    [undefined, 'other'],
  ])('tells %s as %s', (code, expected) => {
    expect(handshakeFailure({ code })).toBe(expected);
  });
});
