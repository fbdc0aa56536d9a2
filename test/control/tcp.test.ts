import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { newControlToken } from '../../src/domain/control-token.ts';
import { readUntil } from './harness.ts';
import { certificateFor, startTcp, type TcpHarness, tokenLine } from './tcp-harness.ts';

/** Everything until the other side ends or cuts. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  await closed(socket);
  return text;
}

/** Resolves when it is closed, with an error or without. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {});
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

function dial(tcp: TcpHarness, options: ConnectionOptions = {}): TLSSocket {
  return tlsConnect({ host: '127.0.0.1', port: tcp.port, ca: tcp.ca, servername: 'control.test', ...options });
}

const head = (tcp: TcpHarness, path = '/v1/status') =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tcp.tokens.reader}\r\n`;

describe('the TCP listener', () => {
  it('speaks TLS 1.2 and 1.3, HTTP/1.1 and nothing older', async () => {
    await using tcp = await startTcp();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = dial(tcp, { minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
      await once(socket, 'secureConnect');
      expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, 'http/1.1']);
      socket.end(`${head(tcp)}Connection: close\r\n\r\n`);
      expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    }
    const old = dial(tcp, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    await expect(once(old, 'secureConnect')).rejects.toThrow(/alert|protocol|version/i);
  });

  it('takes up another certificate for new connections and leaves the open ones', async () => {
    await using tcp = await startTcp();
    const before = dial(tcp);
    await once(before, 'secureConnect');
    const next = certificateFor('other.test');
    tcp.certificate?.replace(next);
    const after = dial(tcp, { ca: next.cert, servername: 'other.test' });
    await once(after, 'secureConnect');
    after.end('GET /v1/status HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n');
    expect(await readAll(after)).toMatch(/^HTTP\/1\.1 401 /);
    before.end(`${head(tcp)}Connection: close\r\n\r\n`);
    expect(await readAll(before)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('speaks plain HTTP without a certificate', async () => {
    await using tcp = await startTcp({ tls: false });
    expect((await tcp.ask('GET', '/v1/status', { role: 'reader' })).status).toBe(200);
    expect((await tcp.ask('GET', '/v1/status')).status).toBe(401);
  });

  it('listens on one address of a name', async () => {
    await using tcp = await startTcp({ listen: 'localhost', tls: false });
    expect((await tcp.ask('GET', '/v1/status', { role: 'reader' })).status).toBe(200);
  });

  it('answers on the socket without a token as before', async () => {
    await using tcp = await startTcp();
    const { status } = await tcp.control.call('GET', '/v1/status', { headers: { origin: 'null', host: 'x' } });
    expect(status).toBe(200);
  });

  it('tells a port that is taken as the system does', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await expect(startTcp({ port })).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' });
    taken.close();
    await once(taken, 'close');
  });
});

describe('what is no proper request', () => {
  it('gives up half a request in time', async () => {
    await using tcp = await startTcp({ requestTimeoutMs: 300 });
    const socket = dial(tcp);
    await once(socket, 'secureConnect');
    socket.write(head(tcp));
    const drip = setInterval(() => socket.write('X-A: b\r\n'), 50);
    const text = await readAll(socket);
    clearInterval(drip);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    // On a busy host a whole request may take that long too.
    const status = async () => (await tcp.ask('GET', '/v1/status', { role: 'reader' })).status;
    await expect.poll(() => status().catch(() => 0)).toBe(200);
  });

  it('refuses headers without end', async () => {
    await using tcp = await startTcp();
    const socket = dial(tcp);
    await once(socket, 'secureConnect');
    socket.write(`${head(tcp)}X-A: ${'a'.repeat(70_000)}`);
    const text = await readAll(socket);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(text).toContain('"code":"too_large"');
  });

  it('cuts off who goes on sending them', async () => {
    await using tcp = await startTcp({ tls: false, requestTimeoutMs: 300 });
    const socket = connect({ host: '127.0.0.1', port: tcp.port, allowHalfOpen: true });
    const flood = setInterval(() => socket.write('a'.repeat(1_000)), 1);
    socket.write(head(tcp));
    await readAll(socket);
    clearInterval(flood);
    expect(socket.bytesWritten).toBeGreaterThan(16_384);
  });

  it.each([
    ['late', /^HTTP\/1\.1 408 /, 300, ''],
    // On a busy host the server may come late to what was sent at once.
    ['too long', /^HTTP\/1\.1 431 /, 2_000, `X-A: ${'a'.repeat(70_000)}`],
  ])(
    'cuts off who goes on sending after the answer that his request is %s',
    async (_, answer, requestTimeoutMs, rest) => {
      await using tcp = await startTcp({ tls: false, requestTimeoutMs });
      const socket = connect({ host: '127.0.0.1', port: tcp.port, allowHalfOpen: true });
      // Cut off, it may hear of it as a reset.
      socket.on('error', () => {});
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(`${head(tcp)}${rest}`);
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first.toString()).toMatch(answer);
      socket.resume();
      const flood = setInterval(() => socket.write('a'.repeat(100)), 5);
      await closed;
      clearInterval(flood);
    },
  );

  it('drops what speaks no TLS, and says nothing', async () => {
    await using tcp = await startTcp();
    const socket = connect(tcp.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await readAll(socket)).not.toContain('HTTP/1.1');
  });

  it('closes connections beyond the bound', async () => {
    await using tcp = await startTcp({ maxConnections: 2 });
    const held = [dial(tcp), dial(tcp)];
    await Promise.all(held.map((socket) => once(socket, 'secureConnect')));
    const third = dial(tcp);
    await closed(third);
    expect(third.authorized).toBe(false);
    for (const socket of held) socket.destroy();
    const status = async () => (await tcp.ask('GET', '/v1/status', { role: 'reader' })).status;
    // The server learns a moment later that they are gone.
    await expect.poll(() => status().catch(() => 0)).toBe(200);
  });
});

describe('the stop', () => {
  it('does not wait for handshakes that nobody finishes', async () => {
    await using tcp = await startTcp();
    // One that says nothing, one that does not trust the certificate, one that stops in the middle.
    const silent = connect(tcp.port, '127.0.0.1');
    await once(silent, 'connect');
    const distrusting = dial(tcp, { ca: certificateFor('control.test').cert });
    await expect(once(distrusting, 'secureConnect')).rejects.toThrow(/self-signed|certificate/i);
    const halfway = connect(tcp.port, '127.0.0.1');
    await once(halfway, 'connect');
    halfway.write(Buffer.from('16030100ff0100', 'hex'));
    const gone = [silent, halfway].map((socket) => readAll(socket));
    // Its own deadline, and not that of the handshake.
    await tcp.control.server.stop(200);
    await Promise.all(gone);
  });

  it('ends streams', async () => {
    await using tcp = await startTcp();
    const stream = await tcp.open('/v1/stream', { role: 'reader' });
    expect(stream.statusCode).toBe(200);
    const ended = readUntil(stream, () => false);
    await tcp.control.log.untilFollowing(1);
    await tcp.control.server.stop(2_000);
    expect(await ended).toMatch(/^id: 0\n/);
  });
});

describe('a token that is taken away', () => {
  it('loses its connections, and nobody else does', async () => {
    await using tcp = await startTcp();
    const [reader, admin] = await Promise.all([
      tcp.open('/v1/stream', { role: 'reader' }),
      tcp.open('/v1/stream', { role: 'admin' }),
    ]);
    await tcp.control.log.untilFollowing(2);
    const cut = expect(readUntil(reader, () => false)).rejects.toThrow(/aborted/);
    await writeFile(tcp.tokensFile, tokenLine(tcp.tokens.admin, 'admin', 'the-admin'));
    await cut;
    tcp.control.log.append({ subject: 'siderolink._._.token.created', body: {} });
    expect(await readUntil(admin, (text) => text.includes('token.created'))).toContain('data: ');
    expect((await tcp.ask('GET', '/v1/status', { role: 'reader' })).status).toBe(401);
    admin.destroy();
  });

  it('is in force again when it is put back, beside a new one', async () => {
    await using tcp = await startTcp();
    const added = newControlToken();
    await writeFile(tcp.tokensFile, tokenLine(added, 'operator', 'new') + tokenLine(tcp.tokens.reader, 'admin', 'old'));
    const ask = (token: string) =>
      tcp.ask('POST', '/v1/join-tokens', { body: {}, headers: { authorization: `Bearer ${token}` } });
    await expect.poll(async () => (await ask(added)).status).toBe(403);
    expect((await ask(tcp.tokens.reader)).status).toBe(201);
    expect((await ask(tcp.tokens.admin)).status).toBe(401);
  });
});
