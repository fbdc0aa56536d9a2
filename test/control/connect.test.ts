import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/client/client.ts';
import { openConnection } from '../../src/client/connect.ts';
import type { Target } from '../../src/client/transport.ts';
import type { Dial } from '../../src/control/connect.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { uuidOf } from './fakes.ts';
import { startTcp, type TcpHarness, type TcpOptions } from './tcp-harness.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A machine's service on loopback. */
async function service(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    closers.push(() => socket.destroy());
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return server;
}

const echo = (socket: Socket) => void socket.pipe(socket);

interface Overlay {
  /** What was dialled. */
  readonly dialled: { host: string; port: number; from: string }[];
  readonly dial: Dial;
}

/** The overlay without WireGuard: whatever is dialled leads to `server`, or nowhere. */
function overlayTo(server: Server | undefined): Overlay {
  const dialled: Overlay['dialled'] = [];
  return {
    dialled,
    dial: (to) => {
      dialled.push(to);
      // TEST-NET-1 as a machine that never answers would take the system's own time; this takes none.
      const port = server === undefined ? 1 : (server.address() as AddressInfo).port;
      return netConnect({ host: '127.0.0.1', port, allowHalfOpen: true });
    },
  };
}

async function start(server: Server | undefined, options: TcpOptions = {}) {
  const overlay = overlayTo(server);
  const tcp = await startTcp(options, { dial: overlay.dial });
  tcp.control.machines.add(
    { id: 1 },
    { id: 2, state: 'removed' },
    { id: 3, link: 'never' },
    { id: 4, state: 'rejected' },
  );
  return { tcp, dialled: overlay.dialled };
}

const socketOf = (tcp: TcpHarness): Target => ({ socket: tcp.control.socket });
const remote = (tcp: TcpHarness, token = tcp.tokens.operator): Target => ({
  url: tcp.url,
  token,
  ...(tcp.ca !== undefined && { ca: tcp.ca, serverName: 'control.test' }),
});

function open(target: Target, machine = 1, port = 50_000): Promise<Socket> {
  return openConnection(target, { uuid: uuidOf(machine), port, timeoutMs: 5_000 });
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Resolves when the other side has ended, or broken, what this one only reads. */
function gone(socket: Socket): Promise<unknown> {
  socket.once('end', () => socket.end()).resume();
  return new Promise((resolve) => socket.once('close', resolve));
}

async function metric(tcp: TcpHarness, line: string): Promise<number> {
  const text = await tcp.control.metrics.metrics();
  const found = text.split('\n').find((each) => each.startsWith(`siderolinkd_control_${line} `));
  return Number(found?.split(' ').at(-1) ?? 0);
}

describe.each([
  ['the socket', { tls: true }, socketOf],
  ['TCP with TLS', { tls: true }, remote],
  ['TCP without', { tls: false }, remote],
] as const)('a byte stream to a machine over %s', (_, options, target) => {
  it('carries bytes both ways and each end on its own', async () => {
    const { tcp, dialled } = await start(
      // Answers only when the caller has ended, with what he sent: half-close is carried both ways.
      await service((socket) => void readAll(socket).then((all) => socket.end(all.reverse()))),
      options,
    );
    await using _tcp = tcp;
    const socket = await open(target(tcp));
    socket.write('abc');
    socket.end('def');
    expect(String(await readAll(socket))).toBe('fedcba');
    const { machines } = tcp.control;
    expect(dialled).toEqual([
      { host: machines.byId(1)?.address, port: 50_000, from: expect.stringMatching(/^fd.*::1$/) },
    ]);
    await expect.poll(() => metric(tcp, 'connect_ends_total{reason="closed"}')).toBe(1);
    expect(await metric(tcp, 'connections')).toBe(0);
    expect(await metric(tcp, 'connect_bytes_total{direction="to_machine"}')).toBe(6);
  });

  it('goes on one way when the machine has ended the other', async () => {
    let got: Promise<Buffer> | undefined;
    const { tcp } = await start(
      await service((socket) => {
        socket.end('hello');
        got = readAll(socket);
      }),
      options,
    );
    await using _tcp = tcp;
    const socket = await open(target(tcp));
    expect(String(await readAll(socket))).toBe('hello');
    socket.end('and more');
    expect(String(await got)).toBe('and more');
  });

  it('carries what comes before anybody reads', async () => {
    const { tcp } = await start(await service((socket) => void socket.end('banner')), options);
    await using _tcp = tcp;
    const socket = await open(target(tcp));
    expect(String(await readAll(socket))).toBe('banner');
    socket.destroy();
  });

  it('ends when the machine is removed, and others stay', async () => {
    const { tcp } = await start(await service(echo), options);
    await using _tcp = tcp;
    tcp.control.machines.add({ id: 5 });
    const [one, other] = await Promise.all([open(target(tcp), 1), open(target(tcp), 5)]);
    const [machine] = [tcp.control.machines.byId(1)];
    if (machine === undefined) throw new Error('no machine');
    const ended = gone(one);
    tcp.control.machines.tell({ kind: 'changed', machine });
    tcp.control.machines.tell({ kind: 'removed', machine });
    await ended;
    other.write('x');
    expect(String((await once(other, 'data'))[0])).toBe('x');
    await expect.poll(() => metric(tcp, 'connect_ends_total{reason="removed"}')).toBe(1);
    other.destroy();
  });

  it('ends at the stop', async () => {
    const { tcp } = await start(await service(echo), options);
    await using _tcp = tcp;
    const socket = await open(target(tcp));
    const ended = gone(socket);
    await tcp.control.server.stop(2_000);
    await ended;
  });

  it('waits for a slow reader, both ways, and loses nothing', async () => {
    const size = 100 * 1024 * 1024;
    let received = 0;
    let machine: Socket | undefined;
    const { tcp } = await start(
      await service((socket) => {
        machine = socket;
      }),
      options,
    );
    await using _tcp = tcp;
    const socket = await open(target(tcp));
    await expect.poll(() => machine !== undefined).toBe(true);
    if (machine === undefined) throw new Error('not connected');
    for (const [from, to] of [
      [socket, machine],
      [machine, socket],
    ] as const) {
      received = 0;
      const sent = flood(from, size);
      // Nobody reads: what is under way is what the buffers of three connections hold.
      await settled(() => from.bytesWritten - from.writableLength);
      expect(from.bytesWritten).toBeLessThan(size / 4);
      to.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      await once(to, 'end');
      await sent;
      expect(received).toBe(size);
    }
  });
});

/** Writes so much and ends, waiting for each drain. */
async function flood(socket: Socket, size: number): Promise<void> {
  const block = Buffer.alloc(1024 * 1024, 7);
  for (let written = 0; written < size; written += block.length) {
    if (!socket.write(block)) await once(socket, 'drain');
  }
  socket.end();
}

/** Resolves when a figure has stayed the same for ten looks. */
async function settled(look: () => number): Promise<void> {
  let same = 0;
  for (let last = -1; same < 10; ) {
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
    await systemClock.sleep(20);
  }
}

describe('a byte stream is refused', () => {
  it.each([
    ['to a machine that is not there', 99, 50_000, { code: 'not_found', status: 404 }],
    ['to one that was removed', 2, 50_000, { code: 'conflict', status: 409, message: /is removed, so it has no link/ }],
    ['to one that was rejected', 4, 50_000, { code: 'conflict', status: 409 }],
    ['to one that never had a link', 3, 50_000, { code: 'conflict', status: 409, message: /no link yet/ }],
    ['to another port', 1, 22, { code: 'invalid_argument', status: 400, message: /query\.port: 50000/ }],
    ['to a port that is none', 1, 65_536, { code: 'invalid_argument', status: 400 }],
  ])('%s', async (_, machine, port, error) => {
    const { tcp, dialled } = await start(await service(echo));
    await using _tcp = tcp;
    for (const target of [socketOf(tcp), remote(tcp)]) {
      await expect(open(target, machine, port)).rejects.toMatchObject(error);
    }
    expect(dialled).toEqual([]);
  });

  it('to readers', async () => {
    const { tcp, dialled } = await start(await service(echo));
    await using _tcp = tcp;
    await expect(open(remote(tcp, tcp.tokens.reader))).rejects.toMatchObject({ code: 'unauthorized', status: 403 });
    await expect(open(remote(tcp, `${tcp.tokens.reader}x`))).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(dialled).toEqual([]);
  });

  it('without an upgrade', async () => {
    const { tcp } = await start(await service(echo));
    await using _tcp = tcp;
    const ask = (headers: Record<string, string>) =>
      tcp.ask('GET', `/v1/machines/${uuidOf(1)}/connect`, { role: 'operator', headers });
    for (const headers of [{}, { connection: 'Upgrade', upgrade: 'websocket' }]) {
      const { status, json, headers: answer } = await ask(headers);
      expect([status, json.code, answer.upgrade]).toEqual([426, 'upgrade_required', 'siderolink-connect']);
    }
  });

  it('when the machine refuses it', async () => {
    const { tcp } = await start(undefined);
    await using _tcp = tcp;
    await expect(open(remote(tcp))).rejects.toMatchObject({
      code: 'unavailable',
      status: 504,
      message: `machine ${uuidOf(1)} does not listen on port 50000 now`,
    });
    expect(await metric(tcp, 'connects_total{result="unreachable"}')).toBe(1);
    // It is the machine that is out of order, not the daemon.
    expect(tcp.control.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });

  it('when the machine does not answer in time', async () => {
    const silent: Dial = () => netConnect({ host: 'never.test', port: 1, lookup: () => {} });
    await using tcp = await startTcp({ connect: { timeoutMs: 50 } }, { dial: silent });
    tcp.control.machines.add({ id: 1 });
    await expect(open(remote(tcp))).rejects.toMatchObject({
      status: 504,
      message: /does not answer .* within 0\.05 s/,
    });
  });

  it('when it is removed meanwhile, or we stop', async () => {
    const silent: Dial = () => netConnect({ host: 'never.test', port: 1, lookup: () => {} });
    await using tcp = await startTcp({}, { dial: silent });
    tcp.control.machines.add({ id: 1 }, { id: 2 });
    const [one, two] = [open(remote(tcp), 1), open(remote(tcp), 2)];
    await expect.poll(() => metric(tcp, 'connections')).toBe(2);
    const machine = tcp.control.machines.byId(1);
    if (machine !== undefined) tcp.control.machines.tell({ kind: 'removed', machine });
    await expect(one).rejects.toMatchObject({ code: 'conflict', status: 409 });
    const [, stopped] = await Promise.allSettled([tcp.control.server.stop(2_000), two]);
    expect(stopped).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', status: 503 } });
  });

  it('beyond the bound, until one has ended', async () => {
    const { tcp } = await start(await service(echo), { connect: { max: 2 } });
    await using _tcp = tcp;
    const held = await Promise.all([open(remote(tcp)), open(socketOf(tcp))]);
    await expect(open(remote(tcp))).rejects.toMatchObject({ code: 'exhausted', status: 429 });
    held[0]?.destroy();
    await expect.poll(() => metric(tcp, 'connections')).toBe(1);
    (await open(remote(tcp))).destroy();
    held[1]?.destroy();
  });
});

describe('a request to change the protocol', () => {
  const upgrade = { connection: 'Upgrade', upgrade: 'h2c' };

  it('that no route takes up is answered as any other, and is the last of its connection', async () => {
    const { tcp } = await start(undefined);
    await using _tcp = tcp;
    const { status, headers, json } = await tcp.ask('GET', '/v1/status', { role: 'reader', headers: upgrade });
    expect([status, headers.connection, json.version]).toEqual([200, 'close', expect.any(String)]);
    expect((await tcp.ask('GET', '/nowhere', { role: 'reader', headers: upgrade })).status).toBe(404);
    // A stream too: it ends with the server.
    const stream = await tcp.open('/v1/stream', { role: 'reader', headers: upgrade });
    expect(stream.statusCode).toBe(200);
    await tcp.control.log.untilFollowing(1);
    await tcp.control.server.stop(2_000);
    await gone(stream.socket);
  });

  it('passes the same door', async () => {
    const { tcp, dialled } = await start(undefined);
    await using _tcp = tcp;
    const path = `/v1/machines/${uuidOf(1)}/connect`;
    const headers = { connection: 'Upgrade', upgrade: 'siderolink-connect' };
    const ask = (more: Record<string, string>) => tcp.ask('GET', path, { headers: { ...headers, ...more } });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ origin: 'null' })).status).toBe(403);
    expect((await ask({ host: 'evil.example' })).status).toBe(421);
    expect(dialled).toEqual([]);
  });

  it('with a body is refused: nobody would read it', async () => {
    const { tcp } = await start(undefined);
    await using _tcp = tcp;
    const { status, json } = await tcp.ask('POST', '/v1/join-tokens', { role: 'admin', headers: upgrade, body: {} });
    expect([status, json.code]).toEqual([400, 'invalid_argument']);
    expect(tcp.control.tokens.list()).toEqual([]);
  });

  it('whose caller does not read the answer does not hold up the stop', async () => {
    const { tcp } = await start(undefined);
    await using _tcp = tcp;
    tcp.control.log.append({ subject: 'siderolink._._.kmsg.info', body: { msg: 'x'.repeat(40 * 1024 * 1024) } });
    const socket = netConnect({ path: tcp.control.socket });
    closers.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.write('GET /v1/records HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    // The answer begins, and nobody takes more of it.
    await once(socket, 'readable');
    await tcp.control.server.stop(100);
  });
});

describe('a byte stream', () => {
  it('ends when nothing goes either way for long', async () => {
    const { tcp } = await start(await service(echo), { connect: { idleMs: 100 } });
    await using _tcp = tcp;
    const socket = await open(remote(tcp));
    await gone(socket);
    await expect.poll(() => metric(tcp, 'connect_ends_total{reason="idle"}')).toBe(1);
  });

  it('ends with its token', async () => {
    const { tcp } = await start(await service(echo));
    await using _tcp = tcp;
    const socket = await open(remote(tcp));
    await writeFile(tcp.tokensFile, '# nobody\n');
    await gone(socket);
    await expect.poll(() => metric(tcp, 'connections')).toBe(0);
  });

  it('that breaks on one side breaks on the other', async () => {
    const sockets: Socket[] = [];
    const { tcp } = await start(await service((socket) => void sockets.push(socket)));
    await using _tcp = tcp;
    const [first, second] = [await open(remote(tcp)), await open(remote(tcp))];
    await expect.poll(() => sockets.length).toBe(2);
    const machineSide = sockets.map(gone);
    const callerSide = gone(second);
    first.destroy();
    await machineSide[0];
    sockets[1]?.resetAndDestroy();
    await callerSide;
    await expect.poll(() => metric(tcp, 'connections')).toBe(0);
  });

  it('is in the log with who opened it, and how it went', async () => {
    const { tcp } = await start(await service(echo));
    await using _tcp = tcp;
    const client = new ControlClient({ target: remote(tcp) }, { clock: systemClock });
    const socket = await client.connect(uuidOf(1), 50_000);
    socket.end('12345');
    await readAll(socket);
    const logged = () => tcp.control.logged.filter((line) => line.includes('connection to a machine'));
    await expect.poll(() => logged().length).toBe(2);
    const who = { machine: uuidOf(1), port: 50_000, by: 'the-operator', source: '127.0.0.1' };
    expect(logged().map((line) => JSON.parse(line))).toMatchObject([
      { ...who, msg: 'connection to a machine opened' },
      { ...who, msg: 'connection to a machine closed', end: 'closed', sent: 5, received: 5 },
    ]);
  });
});
