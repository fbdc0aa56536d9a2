import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface RelayOptions {
  /** The machine's own loopback address. */
  readonly address: string;
  /** Its port; another one is taken if somebody has it. */
  readonly port: number;
  /** Where the device listens on 127.0.0.1. */
  readonly devicePort: number;
  /** What the kernel keeps of packets from the device until they are read. Default 4 MiB, as far as the kernel gives it. */
  readonly receiveBufferBytes?: number;
  /** Bytes that wait for the kernel to take them. Default 1 MiB. */
  readonly maxQueuedBytes?: number;
}

export interface RelayDeps {
  /** It could not have its own port: the device will take some seconds to find it. */
  readonly onOtherPort: () => void;
}

const DEVICE = '127.0.0.1';

/**
 * A machine's place on this host, from which the device gets its packets and to which it sends what is for it. Connected,
 * so that nobody else's packets come through.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #maxQueuedBytes: number;
  readonly #onOtherPort: () => void;
  #socket: Socket | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;
  /** Packets of the device. */
  onPacket: (packet: Buffer) => void = () => {};

  constructor(options: RelayOptions, { onOtherPort }: RelayDeps) {
    this.#options = options;
    this.#maxQueuedBytes = options.maxQueuedBytes ?? 1024 * 1024;
    this.#onOtherPort = onOtherPort;
  }

  /** Idempotent. @throws what the socket throws: too many open files */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Whether it was taken; the device may drop it all the same. */
  send(packet: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === undefined || socket.getSendQueueSize() > this.#maxQueuedBytes) return false;
    socket.send(packet);
    return true;
  }

  /** Idempotent. Its port is free at once. */
  close(): void {
    this.#closed = true;
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #open(): Promise<void> {
    const { port } = this.#options;
    let socket: Socket;
    try {
      socket = await this.#bind(port);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      this.#onOtherPort();
      socket = await this.#bind(0);
    }
    // Closed while it was being made.
    if (this.#closed) socket.close();
    else this.#socket = socket;
  }

  async #bind(port: number): Promise<Socket> {
    const { address, devicePort, receiveBufferBytes = 4 * 1024 * 1024 } = this.#options;
    const socket = createSocket({ type: 'udp4', recvBufferSize: receiveBufferBytes });
    try {
      socket.bind({ address, port, exclusive: true });
      await once(socket, 'listening');
      socket.connect(devicePort, DEVICE);
      await once(socket, 'connect');
    } catch (error) {
      socket.close();
      throw error;
    }
    // Nobody listens while the device is made anew; then it does again.
    socket.on('error', () => {});
    socket.on('message', (packet) => this.onPacket(packet));
    return socket;
  }
}
