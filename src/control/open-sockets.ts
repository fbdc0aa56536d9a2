import type { Server, Socket } from 'node:net';

/**
 * The connections of all listeners. The HTTP server knows its own alone: not those in their TLS handshake, nor those that
 * have changed their protocol.
 */
export class OpenSockets {
  readonly #open = new Set<Socket>();

  follow(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
    });
  }

  /** Closes every one at once. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
