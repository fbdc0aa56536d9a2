import { createSocket } from 'node:dgram';
import { connect, isIPv6, Socket } from 'node:net';
import { SiderolinkError } from '../domain/errors.ts';
import type { HostPort } from '../domain/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import { type LinkConfig, linkAddress, listenOn, type Network, type Outage, type OverlayListener } from './network.ts';

export interface DirectNetworkDeps {
  readonly clock: Clock;
}

/**
 * A machine without a WireGuard device: its sockets are bound to its overlay address, which this host takes for its
 * own (DESIGN section 7: `ip -6 route add local PREFIX dev lo` and `net.ipv6.ip_nonlocal_bind=1`). Thousands of them
 * fit into one process. The link counts as up while it is configured and there is no outage.
 */
export class DirectNetwork implements Network {
  readonly carriesTunnel = false;
  readonly #clock: Clock;
  readonly #world = new Set<Socket>();
  readonly #overlay = new Set<Socket>();
  /** Connections that were begun, or came in, during an outage: nobody answers them. */
  readonly #unanswered = new Set<Socket>();
  #link: LinkConfig | undefined;
  #outage: Outage = 'none';
  /** Milliseconds since the epoch; 0 for never. */
  #handshake = 0;

  constructor({ clock }: DirectNetworkDeps) {
    this.#clock = clock;
  }

  connectWorld({ host, port }: HostPort): Socket {
    if (this.#outage === 'all') return track(new Socket(), this.#unanswered);
    return track(connect({ host, port, noDelay: true }), this.#world);
  }

  connectOverlay({ host, port }: HostPort, { writeOnly = false }: { writeOnly?: boolean } = {}): Socket {
    const localAddress = linkAddress(this.#link);
    if (localAddress === undefined) return unreachable(host);
    if (this.#outage !== 'none') return track(new Socket(), this.#unanswered);
    return track(connect({ host, port, localAddress, noDelay: true, allowHalfOpen: writeOnly }), this.#overlay);
  }

  async sendOverlay({ host, port }: HostPort, datagram: Buffer): Promise<void> {
    const localAddress = linkAddress(this.#link);
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

  async listenOverlay(port: number, onConnection: (socket: Socket) => void): Promise<OverlayListener> {
    const address = linkAddress(this.#link);
    if (address === undefined) throw new SiderolinkError('unavailable', 'the link is not up');
    return await listenOn(address, port, (socket) => {
      if (this.#outage === 'none') onConnection(track(socket, this.#overlay));
      else track(socket, this.#unanswered).on('error', () => {});
    });
  }

  async configureLink(config: LinkConfig): Promise<void> {
    // Another key, on either side, is another session.
    const { privateKey, serverPublicKey } = this.#link ?? {};
    if (privateKey !== config.privateKey || serverPublicKey !== config.serverPublicKey) this.#handshake = 0;
    this.#link = config;
    this.#shake();
  }

  async latestHandshake(): Promise<number | undefined> {
    if (this.#link === undefined) return undefined;
    this.#shake();
    return this.#handshake;
  }

  async removeLink(): Promise<void> {
    this.#link = undefined;
    for (const socket of [...this.#world, ...this.#overlay, ...this.#unanswered]) socket.destroy();
  }

  /**
   * Established connections stand still in an outage of a real machine; here they are cut: those over the link, and in
   * an outage of everything the others too. What was begun in an outage fails at its end.
   */
  async setOutage(outage: Outage): Promise<void> {
    this.#shake();
    this.#outage = outage;
    if (outage !== 'none') for (const socket of this.#overlay) socket.resetAndDestroy();
    if (outage === 'all') for (const socket of this.#world) socket.resetAndDestroy();
    if (outage === 'all') return;
    for (const socket of this.#unanswered) socket.destroy(new SiderolinkError('unavailable', 'connection timed out'));
  }

  addresses(): readonly string[] {
    return ['10.5.0.2'];
  }

  async close(): Promise<void> {
    await this.removeLink();
  }

  #shake(): void {
    if (this.#link !== undefined && this.#outage === 'none') this.#handshake = this.#clock.now();
  }
}

function track(socket: Socket, among: Set<Socket>): Socket {
  among.add(socket);
  socket.once('close', () => among.delete(socket));
  return socket;
}

/** A connection that fails at once, as without a route. */
function unreachable(host: string): Socket {
  const socket = new Socket();
  process.nextTick(() => socket.destroy(new SiderolinkError('unavailable', `no route to ${host}`)));
  return socket;
}
