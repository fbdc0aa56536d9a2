import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { KmsgServer, type KmsgServerOptions } from '../../src/sinks/kmsg-server.ts';
import { untilClosed } from '../helpers/sockets.ts';
import { kernelLine, startBoot, world } from './fakes.ts';

const MACHINE = '127.0.0.5';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(options: Partial<KmsgServerOptions> = {}) {
  const w = world();
  w.machines.add(1, MACHINE);
  startBoot(w.boots, 1);
  const server = new KmsgServer({ host: '127.0.0.1', port: 0, ...options }, { ...w, clock: systemClock });
  const { port } = await server.start();
  cleanups.push(() => server.stop(0));
  const dial = async (): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: MACHINE });
    socket.on('error', () => {});
    socket.resume();
    cleanups.push(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { ...w, server, port, dial };
}

/** A log whose lines are committed when the test says so. */
function heldCommit(log: { flush(): Promise<void> }) {
  const asked = Promise.withResolvers<void>();
  const committed = Promise.withResolvers<void>();
  log.flush = () => {
    asked.resolve();
    return committed.promise;
  };
  return { asked: asked.promise, commit: committed.resolve, fail: committed.reject };
}

const line = (seq: number) => `${kernelLine(seq)}\n`;

describe('KmsgServer.stop', () => {
  it('closes a connection only when all that came over it is committed, also what came while it waited', async () => {
    const { server, dial, log } = await serve();
    const { asked, commit } = heldCommit(log);
    const socket = await dial();
    let closed = false;
    socket.once('close', () => {
      closed = true;
    });
    socket.write(line(0) + line(1));
    await log.until(() => log.seqs.length === 2);
    const stopped = server.stop(10_000);
    await asked;
    socket.write(line(2));
    await log.until(() => log.seqs.length === 3);
    expect(closed).toBe(false);
    commit();
    await stopped;
    await untilClosed(socket);
    expect(log.seqs).toEqual([0, 1, 2]);
  });

  it('reads what connections hold that were accepted and never read', async () => {
    const { server, dial, log } = await serve();
    const sockets = await Promise.all(Array.from({ length: 5 }, dial));
    while (server.connections < sockets.length) await setImmediate();
    for (const [index, socket] of sockets.entries()) socket.write(line(index));
    await server.stop(10_000);
    expect([...log.seqs].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('waits for a commit that never comes no longer than it may', async () => {
    const { server, dial, log } = await serve();
    const { asked } = heldCommit(log);
    const socket = await dial();
    const closed = untilClosed(socket);
    const stopped = server.stop(50);
    await asked;
    await stopped;
    await closed;
  });

  it('closes what it has also when the log is gone', async () => {
    const { server, dial, log } = await serve();
    const { asked, fail } = heldCommit(log);
    const closed = untilClosed(await dial());
    const stopped = server.stop(10_000);
    await asked;
    fail(new Error('the disk is gone'));
    await stopped;
    await closed;
  });

  it('does not wait for a machine that never stops sending', async () => {
    const { server, dial, log } = await serve();
    const socket = await dial();
    let seq = 0;
    // With every commit there is a line more.
    log.flush = async () => {
      const before = log.seqs.length;
      socket.write(line(seq++));
      await log.until(() => log.seqs.length > before);
    };
    await server.stop(60_000);
    expect(log.seqs.length).toBe(seq);
    expect(seq).toBeGreaterThan(1);
  });

  it('reads the datagrams that have come', async () => {
    const { server, port, log } = await serve();
    const socket = createSocket('udp4');
    cleanups.push(() => socket.close());
    socket.bind(0, MACHINE);
    await once(socket, 'listening');
    const sent = Array.from(
      { length: 100 },
      (_, seq) => new Promise((resolve) => socket.send(line(seq), port, '127.0.0.1', resolve)),
    );
    await Promise.all(sent);
    await server.stop(10_000);
    expect(log.seqs.length).toBe(100);
  });
});
