import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { GAP_AGE } from '../../src/domain/gap.ts';
import { GapReporter } from '../../src/sinks/gap-reporter.ts';
import { KmsgServer, type KmsgServerOptions } from '../../src/sinks/kmsg-server.ts';
import { untilClosed } from '../helpers/sockets.ts';
import { bootRows, kernelLine, metric, startBoot, type World, world } from './fakes.ts';

const MACHINE = '127.0.0.5';
const OTHER = '127.0.0.6';
const STRANGER = '127.0.0.7';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(options: Partial<KmsgServerOptions> = {}, from: World = world()) {
  from.machines.add(1, MACHINE);
  from.machines.add(2, OTHER);
  const boot = from.boots.current(1) ?? startBoot(from.boots, 1).boot;
  if (from.boots.current(2) === undefined) startBoot(from.boots, 2);
  const server = new KmsgServer({ host: '127.0.0.1', port: 0, ...options }, from);
  const { port } = await server.start();
  cleanups.push(() => server.stop(1_000));
  const dial = async (source = MACHINE): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: source });
    socket.on('error', () => {});
    cleanups.push(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { ...from, world: from, server, port, boot, dial };
}

const lines = (...seqs: number[]) => seqs.map((seq) => `${kernelLine(seq)}\n`).join('');
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Closes our side and waits until the server has closed its own, which it does after reading everything. */
async function finish(socket: Socket): Promise<void> {
  socket.resume();
  socket.end();
  await untilClosed(socket);
}

describe('KmsgServer', () => {
  it('takes lines of a known source as the machine and boot that the source is', async () => {
    const { dial, log, world: w } = await serve();
    const socket = await dial();
    socket.write(lines(...range(0, 1_000)));
    await log.until(() => log.seqs.length === 1_000);
    expect(log.seqs).toEqual(range(0, 1_000));
    expect(log.appended[0]?.source).toMatchObject({ machine: 1, boot: 1, stream: 'kmsg' });
    expect(log.appended[0]?.source.tags).toBe(w.machines.byId(1)?.tags);
    expect(await metric(w, 'lines_total', { stream: 'kmsg' })).toBe(1_000);
    expect(await metric(w, 'connections')).toBe(1);
    expect(w.statuses.get(1).lastSeen).toBe(w.clock.now());
    await finish(socket);
    expect(await metric(w, 'connections')).toBe(0);
  });

  it('closes the connection of an unknown source, and stores nothing of it', async () => {
    const { dial, log, world: w } = await serve();
    const socket = await dial(STRANGER);
    socket.write(lines(0));
    await untilClosed(socket);
    expect(log.appended).toEqual([]);
    expect(await metric(w, 'dropped_total', { reason: 'unknown_source' })).toBe(1);
    const good = await dial();
    good.write(lines(0));
    await log.until(() => log.seqs.length === 1);
  });

  it('gives the same records at every cut of the stream, and never glues a half line to the next connection', async () => {
    const { dial, log, world: w } = await serve({ udp: false });
    const text = Buffer.from(`${kernelLine(1)}\n`);
    for (let cut = 0; cut < text.length; cut += 1) {
      const socket = await dial();
      socket.write(text.subarray(0, cut));
      await finish(socket);
    }
    expect(log.appended).toEqual([]);
    expect(await metric(w, 'dropped_total', { reason: 'unterminated' })).toBe(text.length - 1);
    const socket = await dial();
    socket.setNoDelay(true);
    for (const byte of text) socket.write(Buffer.of(byte));
    await finish(socket);
    expect(log.seqs).toEqual([1]);
  });

  it('drops a megabyte without a line feed and takes the next line', async () => {
    const { dial, log, world: w } = await serve();
    const socket = await dial();
    socket.write(Buffer.alloc(1_048_576, 'x'));
    socket.write(`\n${lines(0)}`);
    await log.until(() => log.seqs.length === 1);
    expect(await metric(w, 'dropped_total', { reason: 'oversized' })).toBe(1);
    expect(w.logged.filter((line) => line.includes('oversized'))).toHaveLength(1);
  });

  it('pauses the socket while the log has no room, then goes on without loss', async () => {
    const { dial, log, world: w } = await serve();
    log.full();
    const socket = await dial();
    const total = 40_000;
    const text = Buffer.from(lines(...range(0, total)));
    socket.write(text);
    await log.until(() => log.appended.length > 0);
    // The reader stands: whatever was taken until now is one chunk, and another machine is still served.
    const other = await dial(OTHER);
    other.write(lines(0));
    await log.until(() => log.appended.some(({ source }) => source.machine === 2));
    const taken = log.appended.filter(({ source }) => source.machine === 1).flatMap((part) => part.lines).length;
    expect(taken).toBeLessThan(total / 10);
    log.drained();
    const ofMachine = () => log.appended.filter(({ source }) => source.machine === 1).flatMap((part) => part.lines);
    await log.until(() => ofMachine().length === total);
    expect(ofMachine().map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(range(0, total));
    expect(await metric(w, 'pauses_total')).toBeGreaterThanOrEqual(1);
  });

  it('reads a connection of the old boot empty, for the old boot, when a new one begins', async () => {
    const { dial, log, world: w } = await serve();
    log.full();
    const old = await dial();
    old.resume();
    old.write(lines(...range(0, 20_000)));
    await log.until(() => log.appended.length > 0);
    const { boot } = startBoot(w.boots, 1);
    const machine = w.machines.change(1, { boot: boot.number });
    w.machines.emit({ kind: 'boot', machine, previousBoot: undefined });
    const fresh = await dial();
    log.drained();
    await untilClosed(old);
    fresh.write(lines(0, 1));
    await log.until(() => log.appended.some(({ source }) => source.boot === 2));
    const ofBoot = (number: number) => log.appended.filter(({ source }) => source.boot === number);
    expect(ofBoot(1).flatMap((part) => part.lines)).toHaveLength(20_000);
    expect(ofBoot(2).flatMap((part) => part.lines)).toEqual([kernelLine(0), kernelLine(1)]);
    expect(fresh.destroyed).toBe(false);
  });

  it('closes the connections of a removed machine at once', async () => {
    const { dial, log, world: w } = await serve();
    const socket = await dial();
    socket.write(lines(0));
    await log.until(() => log.seqs.length === 1);
    const machine = w.machines.change(1, { state: 'removed' });
    w.machines.emit({ kind: 'removed', machine });
    await untilClosed(socket);
    const again = await dial();
    await untilClosed(again);
  });

  it('tags lines with the ownership of the moment', async () => {
    const { dial, log, world: w } = await serve();
    const socket = await dial();
    socket.write(lines(0));
    await log.until(() => log.seqs.length === 1);
    const before = w.machines.byId(1);
    if (before === undefined) throw new Error('no machine');
    const tags = { ...before.tags, id: 99, ownership: { owner: 'acme' } };
    w.machines.emit({ kind: 'changed', machine: w.machines.change(1, { tags }) });
    socket.write(lines(1));
    await log.until(() => log.seqs.length === 2);
    socket.write(lines(2));
    await log.until(() => log.seqs.length === 3);
    expect(log.appended.map(({ source }) => source.tags.id)).toEqual([1, 99, 99]);
    expect(log.appended[1]?.source).toBe(log.appended[2]?.source);
  });

  it('commits what was seen with the lines that were seen', async () => {
    const { boot, dial, log } = await serve();
    const socket = await dial();
    socket.write(lines(0, 1, 2));
    await log.until(() => log.seqs.length === 3);
    const op = log.appended[0]?.source.checkpoint();
    const again = await serve({}, world({ boots: bootRows(boot.op(), op) }));
    const replaying = await again.dial();
    replaying.write(lines(0, 1, 2, 3));
    await again.log.until(() => again.log.seqs.includes(3));
    expect(again.log.seqs).toEqual([3]);
  });

  it('closes the oldest connection of a machine that has too many', async () => {
    const { dial, log, world: w } = await serve({ maxConnectionsPerMachine: 2 });
    const oldest = await dial();
    oldest.write(lines(0));
    await log.until(() => log.seqs.length === 1);
    await dial();
    const newest = await dial();
    oldest.resume();
    await untilClosed(oldest);
    newest.write(lines(1));
    await log.until(() => log.seqs.length === 2);
    expect(await metric(w, 'dropped_total', { reason: 'machine_connections' })).toBe(1);
  });

  it('a machine that opens many connections at once keeps no more than it may', async () => {
    const { dial, server, world: w } = await serve({ maxConnectionsPerMachine: 2 });
    // All are accepted in one turn, while the first ones are still being read empty.
    const sockets = await Promise.all(range(0, 40).map(() => dial()));
    let closed = 0;
    await new Promise<void>((resolve) => {
      for (const socket of sockets) {
        socket.resume();
        socket.once('close', () => {
          closed += 1;
          if (closed === 38) resolve();
        });
      }
    });
    expect(server.connections).toBe(2);
    expect(await metric(w, 'connections')).toBe(2);
  });

  it('takes no more connections than it may', async () => {
    const { dial, world: w } = await serve({ maxConnections: 1 });
    const first = await dial();
    const second = await dial(OTHER);
    await untilClosed(second);
    expect(first.destroyed).toBe(false);
    expect(await metric(w, 'dropped_total', { reason: 'connections' })).toBe(1);
  });

  it('takes datagrams of known sources', async () => {
    const { port, log, world: w } = await serve();
    const send = async (source: string, text: string) => {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve) => socket.bind(0, source, resolve));
      await new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve));
      await new Promise<void>((resolve) => socket.close(resolve));
    };
    await send(STRANGER, kernelLine(7));
    await send(MACHINE, kernelLine(0));
    await log.until(() => log.seqs.length === 1);
    log.full();
    await send(MACHINE, kernelLine(1));
    await log.until(() => log.seqs.length === 2);
    await send(MACHINE, kernelLine(2));
    await send(OTHER, kernelLine(0));
    await log.until(() => log.seqs.length === 3);
    log.drained();
    expect(log.seqs).toEqual([0, 1, 0]);
    expect(await metric(w, 'dropped_total', { reason: 'unknown_source' })).toBe(1);
    expect(await metric(w, 'dropped_total', { reason: 'backpressure' })).toBe(1);
  });

  it('keeps a machine to its budget: more is dropped, counted, told once a minute, and told missing for it', async () => {
    const { dial, log, boot, world: w } = await serve({ machineBytesPerSecond: 1_000, machineBurstBytes: 2_000 });
    const reporter = new GapReporter({}, w);
    const socket = await dial();
    const sent = async (...seqs: number[]) => {
      const last = Math.max(...seqs);
      for (const seq of seqs) {
        socket.write(lines(seq));
        // A block each.
        while ((boot.lastSeq ?? -1) < seq && seq <= last) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const size = Buffer.byteLength(lines(10));
    const fits = Math.ceil(2_000 / size);
    await sent(...range(0, fits + 3));
    expect(log.seqs).toEqual(range(0, fits));
    // Others are not held to it.
    const other = await dial(OTHER);
    other.write(lines(0));
    await log.until(() => log.appended.some(({ source }) => source.machine === 2));
    w.clock.advance(3_000);
    await sent(fits + 3);
    expect(log.seqs.at(-1)).toBe(fits + 3);
    w.clock.advance(GAP_AGE);
    await reporter.report();
    expect(log.bodies).toEqual([{ from: fits, to: fits + 2, count: 3, reason: 'rate' }]);
    expect(await metric(w, 'dropped_total', { reason: 'rate' })).toBe(3);
    expect(w.logged.filter((line) => line.includes('"rate"'))).toHaveLength(1);
    expect(await metric(w, 'gap_lines_total', { reason: 'rate' })).toBe(3);
  });

  it('the budget holds for datagrams too, and what finds no room is told missing for that', async () => {
    const { port, log, boot, world: w } = await serve({ machineBytesPerSecond: 1_000, machineBurstBytes: 1_000 });
    const socket = createSocket('udp4');
    cleanups.push(() => new Promise<void>((resolve) => socket.close(resolve)));
    await new Promise<void>((resolve) => socket.bind(0, MACHINE, resolve));
    const send = async (seq: number) => {
      socket.send(kernelLine(seq), port, '127.0.0.1');
      while ((boot.lastSeq ?? -1) < seq) await new Promise((resolve) => setImmediate(resolve));
    };
    log.full();
    await send(0);
    await send(1);
    log.drained();
    await new Promise((resolve) => setImmediate(resolve));
    for (let seq = 2; seq < 12; seq += 1) await send(seq);
    expect(log.seqs.slice(0, 3)).toEqual([0, 2, 3]);
    expect(log.seqs.length).toBeLessThan(9);
    w.clock.advance(GAP_AGE);
    await new GapReporter({}, w).report();
    const last = log.seqs.at(-1) ?? 0;
    expect(log.bodies).toEqual([
      { from: 1, to: 1, count: 1, reason: 'backpressure' },
      { from: last + 1, to: 11, count: 11 - last, reason: 'rate' },
    ]);
  });

  it('tags datagrams with the ownership of the moment, and takes none of a removed machine', async () => {
    const { port, log, world: w } = await serve();
    const socket = createSocket('udp4');
    cleanups.push(() => new Promise<void>((resolve) => socket.close(resolve)));
    await new Promise<void>((resolve) => socket.bind(0, MACHINE, resolve));
    const send = (text: string) => new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve));
    await send(kernelLine(0));
    await log.until(() => log.seqs.length === 1);
    const before = w.machines.byId(1);
    if (before === undefined) throw new Error('no machine');
    const tags = { ...before.tags, id: 99, ownership: { owner: 'acme' } };
    w.machines.emit({ kind: 'changed', machine: w.machines.change(1, { tags }) });
    await send(kernelLine(1));
    await log.until(() => log.seqs.length === 2);
    expect(log.appended.map(({ source }) => source.tags.id)).toEqual([1, 99]);
    w.machines.emit({ kind: 'removed', machine: w.machines.change(1, { state: 'removed' }) });
    await send(kernelLine(2));
    while ((await metric(w, 'dropped_total', { reason: 'unknown_source' })) === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(log.seqs).toEqual([0, 1]);
  });

  it('datagrams that wait while the key is swapped are of the boot before', async () => {
    const { port, log, world: w } = await serve();
    const socket = createSocket('udp4');
    cleanups.push(() => new Promise<void>((resolve) => socket.close(resolve)));
    await new Promise<void>((resolve) => socket.bind(0, MACHINE, resolve));
    const send = (text: string) => new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve));
    await send(kernelLine(0));
    await log.until(() => log.seqs.length === 1);
    // Sent in this turn, so they wait in the server's socket when it hears of the boot.
    const waiting = Promise.all([1, 2, 3].map((seq) => send(kernelLine(seq))));
    const { boot } = startBoot(w.boots, 1);
    w.machines.emit({ kind: 'boot', machine: w.machines.change(1, { boot: boot.number }), previousBoot: undefined });
    await waiting;
    await log.until(() => log.seqs.length === 4);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await send(kernelLine(0));
    await log.until(() => log.seqs.length === 5);
    expect(log.seqs).toEqual([0, 1, 2, 3, 0]);
    expect(log.appended.map(({ source }) => source.boot)).toEqual([...log.appended.slice(1).map(() => 1), 2]);
  });

  it('reads what its sockets hold before it stops', async () => {
    const { dial, log, server } = await serve();
    log.full();
    const socket = await dial();
    socket.resume();
    socket.write(lines(...range(0, 20_000)));
    await log.until(() => log.appended.length > 0);
    const stopped = server.stop(10_000);
    log.drained();
    await stopped;
    expect(log.seqs).toEqual(range(0, 20_000));
    expect(server.connections).toBe(0);
    await expect(dial()).rejects.toThrow(/ECONNREFUSED/);
    await server.stop(0);
  });

  it('stops at its deadline when the log never has room again', async () => {
    const { dial, log, server, clock } = await serve();
    log.full();
    const socket = await dial();
    socket.write(lines(...range(0, 20_000)));
    await log.until(() => log.appended.length > 0);
    const stopped = server.stop(3_000);
    clock.advance(3_000);
    await stopped;
    expect(server.connections).toBe(0);
  });

  it('listens on one IPv6 address, as it does in the world', async () => {
    const w = world();
    w.machines.add(1, '::1');
    startBoot(w.boots, 1);
    const server = new KmsgServer({ host: '::1', port: 0 }, w);
    const { port } = await server.start();
    cleanups.push(() => server.stop(1_000));
    const socket = connect({ host: '::1', port });
    socket.write(lines(0));
    const datagrams = createSocket('udp6');
    cleanups.push(() => datagrams.close());
    datagrams.send(kernelLine(1), port, '::1');
    await w.log.until(() => w.log.seqs.length === 2);
    expect(w.log.seqs.sort()).toEqual([0, 1]);
    await finish(socket);
  });

  it('waits for an address that does not exist yet, but not for ever', async () => {
    const w = world();
    const server = new KmsgServer({ host: 'fd00:dead:beef:3::1', port: 0, bindTimeoutMs: 1_000 }, w);
    const starting = server.start();
    const failed = expect(starting).rejects.toThrow(/EADDRNOTAVAIL/);
    let settled = false;
    const settle = () => {
      settled = true;
    };
    starting.then(settle, settle);
    while (!settled) {
      w.clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await failed;
    expect(w.clock.monotonic()).toBeGreaterThanOrEqual(1_000);
  });

  it('says why it cannot start', async () => {
    const { port } = await serve();
    const second = new KmsgServer({ host: '127.0.0.1', port }, world());
    await expect(second.start()).rejects.toThrow(/EADDRINUSE/);
  });
});
