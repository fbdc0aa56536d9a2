import { connect, type Socket } from 'node:net';

const WRITE_BYTES = 256 * 1024;

/** A connection, as soon as it is there. */
export function open(to: {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Writes everything as fast as the receiver takes it. */
export async function write(socket: Socket, body: Buffer = Buffer.alloc(0)): Promise<void> {
  for (let at = 0; at < body.length; at += WRITE_BYTES) {
    if (!socket.write(body.subarray(at, at + WRITE_BYTES))) {
      await new Promise((resolve) => socket.once('drain', resolve));
    }
  }
}

/** The same, then closes. */
export async function send(socket: Socket, body: Buffer | undefined): Promise<void> {
  await write(socket, body);
  await new Promise<void>((resolve) => {
    socket.end(resolve);
  });
}
