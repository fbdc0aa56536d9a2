import { createSocket } from 'node:dgram';
import { connect, isIPv6, Socket } from 'node:net';
import { SiderolinkError } from '../domain/errors.ts';
import type { HostPort } from '../domain/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import type { LinkConfig, Network, Outage } from './network.ts';

export interface DirectNetworkDeps {
  readonly clock: Clock;
}

/**
 * A machine without a WireGuard device: its sockets are bound to its overlay address, which this host takes for its
 * own (DESIGN section 7: `ip -6 route add local PREFIX dev lo` and `net.ipv6.ip_nonlocal_bind=1`). Thousands of them
 * fit into one process. The link counts as up while it is configured and there is no outage.
 */
export class DirectNetwork implements Network {
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  #link: LinkConfig | undefined;
  #outage: Outage = 'none';
  #lastSeen = 0;

  constructor({ clock }: DirectNetworkDeps) {
    this.#clock = clock;
  }

  connectWorld({ host, port }: HostPort): Socket {
    return this.#outage === 'all' ? blackHole() : this.#track(connect({ host, port, noDelay: true }));
  }

  connectOverlay({ host, port }: HostPort, { writeOnly = false }: { writeOnly?: boolean } = {}): Socket {
    const localAddress = this.#localAddress();
    if (localAddress === undefined) return unreachable(host);
    if (this.#outage !== 'none') return blackHole();
    return this.#track(connect({ host, port, localAddress, noDelay: true, allowHalfOpen: writeOnly }));
  }

  async sendOverlay({ host, port }: HostPort, datagram: Buffer): Promise<void> {
    const localAddress = this.#localAddress();
    if (localAddress === undefined) throw new SiderolinkError('unavailable', 'the link is not up');
    if (this.#outage !== 'none') return;
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(0, localAddress, () => {
          socket.send(datagram, port, host, (error) => (error ? reject(error) : resolve()));
        });
      });
    } finally {
      socket.close();
    }
  }

  async configureLink(config: LinkConfig): Promise<void> {
    this.#link = config;
    this.#lastSeen = this.#clock.now();
  }

  async latestHandshake(): Promise<number | undefined> {
    if (this.#link === undefined) return undefined;
    if (this.#outage === 'none') this.#lastSeen = this.#clock.now();
    return this.#lastSeen;
  }

  async removeLink(): Promise<void> {
    this.#link = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Established connections stand still in an outage of a real machine; here they are cut. */
  async setOutage(outage: Outage): Promise<void> {
    if (this.#outage === 'none') this.#lastSeen = this.#clock.now();
    this.#outage = outage;
    if (outage === 'none') return;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  addresses(): readonly string[] {
    return ['10.5.0.2'];
  }

  async close(): Promise<void> {
    await this.removeLink();
  }

  #localAddress(): string | undefined {
    return this.#link?.address.split('/', 1)[0];
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

/** A connection that fails at once, as without a route. */
function unreachable(host: string): Socket {
  const socket = new Socket();
  process.nextTick(() => socket.destroy(new SiderolinkError('unavailable', `no route to ${host}`)));
  return socket;
}

/** A connection that nobody ever answers. */
function blackHole(): Socket {
  return new Socket();
}
