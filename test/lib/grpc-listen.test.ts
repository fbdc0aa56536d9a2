import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { Client, credentials, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { GrpcEdge } from '../../src/lib/grpc.ts';

const ECHO = '/test.Echo/Say';
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function say(target: string, creds = credentials.createInsecure()): Promise<string> {
  const client = new Client(target, creds);
  return new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest<Buffer, string>(
      ECHO,
      (bytes) => bytes,
      (bytes) => bytes.toString(),
      Buffer.from('hello'),
      (error, value) => (error !== null ? reject(error) : resolve(value ?? '')),
    );
  }).finally(() => client.close());
}

/** A certificate for 127.0.0.1, made anew: a stored one would expire some day. */
function certificate(): { cert: Buffer; key: Buffer } {
  const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-tls-'));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const name = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const { status, stderr } = spawnSync('openssl', ['req', '-x509', ...curve, ...name, '-keyout', key, '-out', cert]);
  if (status !== 0) throw new Error(stderr.toString());
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

describe('GrpcEdge over TLS', () => {
  async function serve() {
    const { cert, key } = certificate();
    const edge = new GrpcEdge({
      name: 'tls',
      host: '127.0.0.1',
      credentials: ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]),
    }).unary<Buffer, Buffer>({
      path: ECHO,
      decode: (bytes) => bytes,
      encode: (bytes) => bytes,
      handle: (bytes, { source }) => Buffer.concat([bytes, Buffer.from(` from ${source}`)]),
    });
    cleanups.push(() => edge.stop(0));
    const { port } = await edge.listen();
    return { edge, cert, port };
  }

  async function alpnOf(port: number, cert: Buffer, protocols: string[]): Promise<string | false | null> {
    const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, ca: cert, ALPNProtocols: protocols });
    await once(socket, 'secureConnect');
    const protocol = socket.alpnProtocol;
    socket.destroy();
    return protocol;
  }

  it('serves, negotiates h2, knows the caller, and survives what is no TLS', async () => {
    const { edge, cert, port } = await serve();
    expect(await say(`127.0.0.1:${port}`, credentials.createSsl(cert))).toBe('hello from 127.0.0.1');
    expect(await alpnOf(port, cert, ['h2'])).toBe('h2');
    await expect(alpnOf(port, cert, ['spdy/1'])).rejects.toThrow();
    const plain = connectHttp2(`http://127.0.0.1:${port}`);
    plain.on('error', () => {});
    await once(plain, 'close');
    expect(await say(`127.0.0.1:${port}`, credentials.createSsl(cert))).toBe('hello from 127.0.0.1');
    await edge.stop(1_000);
    expect(edge.connections).toBe(0);
  });
});

describe('GrpcEdge over an inherited socket', () => {
  it('serves on the descriptor that it was given', async () => {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    const program = `
      import { GrpcEdge } from ${JSON.stringify(new URL('../../src/lib/grpc.ts', import.meta.url).href)};
      const edge = new GrpcEdge({ name: 'inherited', fd: 3 }).unary({
        path: ${JSON.stringify(ECHO)},
        decode: (bytes) => bytes,
        encode: (bytes) => bytes,
        handle: (bytes) => bytes,
      });
      process.stdout.write(String((await edge.listen()).port) + '\\n');
      await new Promise((resolve) => process.stdin.on('end', resolve).resume());
      await edge.stop(1000);
      process.stdout.write('stopped');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['pipe', 'pipe', 'inherit', fd],
    });
    cleanups.push(() => void child.kill('SIGKILL'));
    if (child.stdin === null || child.stdout === null) throw new Error('no pipes');
    const output = text(child.stdout);
    const exited = once(child, 'exit');
    // The connection waits in the backlog until the child accepts; our own copy of the socket accepts nothing any more.
    listener.close();
    expect(await say(`127.0.0.1:${port}`)).toBe('hello');
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
    expect(await output).toBe(`${port}\nstopped`);
  });
});
