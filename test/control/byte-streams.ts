import { once } from 'node:events';
import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { openConnection } from '../../src/client/connect.ts';
import type { Target } from '../../src/client/transport.ts';
import type { Dial } from '../../src/control/connect.ts';
import { uuidOf } from './fakes.ts';
import { startTcp, type TcpHarness, type TcpOptions } from './tcp-harness.ts';

/** Byte streams to machines: services that stand for machines, and an overlay that leads to them. */

const closers: (() => void)[] = [];

/** Closes what tests left open. */
export function closeAll(): void {
  for (const close of closers.splice(0)) close();
}

export function closeLater(close: () => void): void {
  closers.push(close);
}

/** A machine's service on loopback. */
export async function service(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    closers.push(() => socket.destroy());
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return server;
}

export const echo = (socket: Socket) => void socket.pipe(socket);

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
      // Nobody listens on port 1.
      const port = server === undefined ? 1 : (server.address() as AddressInfo).port;
      return netConnect({ host: '127.0.0.1', port, allowHalfOpen: true });
    },
  };
}

export async function start(server: Server | undefined, options: TcpOptions = {}) {
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

export const socketOf = (tcp: TcpHarness): Target => ({ socket: tcp.control.socket });
export const remote = (tcp: TcpHarness, token = tcp.tokens.operator): Target => ({
  url: tcp.url,
  token,
  ...(tcp.ca !== undefined && { ca: tcp.ca, serverName: 'control.test' }),
});

export function open(target: Target, machine = 1, port = 50_000): Promise<Socket> {
  return openConnection(target, { uuid: uuidOf(machine), port, timeoutMs: 5_000 });
}

export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Resolves when the other side has ended, or broken, what this one only reads; at once if that is over already. */
export async function gone(socket: Socket): Promise<void> {
  if (socket.closed) return;
  if (socket.readableEnded) socket.end();
  else socket.once('end', () => socket.end()).resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

export async function metric(tcp: TcpHarness, line: string): Promise<number> {
  const text = await tcp.control.metrics.metrics();
  const found = text.split('\n').find((each) => each.startsWith(`siderolinkd_control_${line} `));
  return Number(found?.split(' ').at(-1) ?? 0);
}
