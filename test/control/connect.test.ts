import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/client/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { closeAll, echo, gone, metric, open, readAll, remote, service, socketOf, start } from './byte-streams.ts';
import { uuidOf } from './fakes.ts';

afterEach(closeAll);

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
