import type { Server, Socket } from 'node:net';
import { sourceAddress } from '../domain/overlay.ts';
import { networkOf } from './networks.ts';

/**
 * The connections on which no token was used yet: each network has so many of them, so that nobody without a token takes
 * all the places from those who have one.
 */
export class Strangers {
  readonly #maxPerNetwork: number;
  /** By the two ends of the connection: of a TLS socket and the TCP socket under it they are the same. */
  readonly #open = new Map<string, string>();
  readonly #perNetwork = new Map<string, number>();
  readonly #onTurnedAway: () => void;

  constructor(options: { readonly maxPerNetwork: number }, deps: { readonly onTurnedAway: () => void }) {
    this.#maxPerNetwork = options.maxPerNetwork;
    this.#onTurnedAway = deps.onTurnedAway;
  }

  follow(server: Server): void {
    server.prependListener('connection', (socket: Socket) => {
      const network = networkOf(sourceAddress(socket.remoteAddress));
      const count = this.#perNetwork.get(network) ?? 0;
      if (count >= this.#maxPerNetwork) {
        this.#onTurnedAway();
        socket.destroy();
        return;
      }
      const ends = endsOf(socket);
      this.#open.set(ends, network);
      this.#perNetwork.set(network, count + 1);
      socket.once('close', () => this.#forget(ends));
    });
  }

  /** A token was used on this connection. */
  know(socket: Socket): void {
    this.#forget(endsOf(socket));
  }

  #forget(ends: string): void {
    const network = this.#open.get(ends);
    if (network === undefined) return;
    this.#open.delete(ends);
    const count = (this.#perNetwork.get(network) ?? 1) - 1;
    if (count === 0) this.#perNetwork.delete(network);
    else this.#perNetwork.set(network, count);
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
