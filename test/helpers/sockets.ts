import type { Socket } from 'node:net';

/** Resolves when the socket is closed, by a reset too, and at once if it is already; `once` would reject, or wait for ever. */
export async function untilClosed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => void socket.once('close', () => resolve()));
}
