import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { sidero } from '../gen/proto.js';
import type { Clock } from '../lib/clock.ts';
import { type ClientStream, GrpcStreams, type StreamEnd } from './grpc-stream.ts';

export interface TunnelRelayOptions {
  /** `host:port` of the API. */
  readonly authority: string;
  /** What Provision answered as `grpc_peer_addr_port`. */
  readonly virtual: string;
}

export interface TunnelRelayDeps {
  readonly clock: Clock;
  /** Opens a connection to the API; TLS, if any, is done by the socket. */
  readonly connect: () => Socket;
  readonly onEnd?: (end: StreamEnd) => void;
}

const CREATE_STREAM = '/sidero.link.WireGuardOverGRPCService/CreateStream';
/** Packets that wait, each way. */
const QUEUE = 100;
/** After a stream that could not be made. */
const CONNECT_RETRY_MS = 10_000;
/** After one that was ended with a status that Talos knows. */
const RELAY_RETRY_MS = 5_000;

/** Ended by these, Talos closes the relay, its connection too, and makes another one. */
const FATAL: ReadonlySet<string> = new Set(['10 peer replaced', '7 peer not allowed']);

/**
 * The machine's end of WireGuard over gRPC (facts/talos-client.md section 3). Its WireGuard device, which speaks UDP, has
 * this for its peer; what Talos keeps in queues between its own WireGuard and the stream is in here.
 */
export class TunnelRelay {
  readonly #virtual: string;
  readonly #deps: TunnelRelayDeps;
  readonly #channel: GrpcStreams;
  readonly #toServer: Buffer[] = [];
  readonly #toDevice: Buffer[] = [];
  readonly #closing = new AbortController();
  #socket: UdpSocket | undefined;
  /** The device's own address; known once it has sent something in the stream that stands. */
  #device: RemoteInfo | undefined;
  #stream: ClientStream | undefined;
  #wake: () => void = () => {};

  constructor({ authority, virtual }: TunnelRelayOptions, deps: TunnelRelayDeps) {
    this.#virtual = virtual;
    this.#deps = deps;
    this.#channel = new GrpcStreams({ authority }, deps);
  }

  /** Begins; gives the `ip:port` at which the device has its peer. */
  async start(): Promise<string> {
    const socket = createSocket('udp4');
    this.#socket = socket;
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.on('error', () => {});
    socket.on('message', (packet, from) => this.#fromDevice(packet, from));
    void this.#run();
    return `127.0.0.1:${socket.address().port}`;
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#wake();
    this.#stream?.cancel();
    this.#channel.close();
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { clock, onEnd } = this.#deps;
    while (!signal.aborted) {
      const { end, wasOpen } = await this.#serve();
      if (signal.aborted) return;
      onEnd?.(end);
      if (FATAL.has(`${end.status} ${end.message}`)) {
        this.#channel.close();
        this.#toServer.length = 0;
        await clock.sleep(RELAY_RETRY_MS, signal);
      } else if (!wasOpen && end.status === undefined) {
        await clock.sleep(CONNECT_RETRY_MS, signal);
      } else {
        // The stream is missed when there is something to send, and that is lost on it.
        await this.#packetWaits();
        this.#toServer.shift();
      }
    }
  }

  /** One stream, until it ends. */
  #serve(): Promise<{ readonly end: StreamEnd; readonly wasOpen: boolean }> {
    this.#device = undefined;
    this.#toDevice.length = 0;
    return new Promise((resolve) => {
      const headers = { 'x-siderolink-ipv6-addr': this.#virtual };
      const stream = this.#channel.open(CREATE_STREAM, headers, {
        onMessage: (message) => this.#fromServer(message),
        onEnd: (end) => {
          this.#stream = undefined;
          resolve({ end, wasOpen: stream.wasOpen });
        },
      });
      this.#stream = stream;
      this.#flush();
    });
  }

  #fromDevice(packet: Buffer, from: RemoteInfo): void {
    this.#toServer.push(packet);
    if (this.#toServer.length > QUEUE) this.#toServer.shift();
    this.#device = from;
    this.#flush();
    this.#wake();
    for (const held of this.#toDevice.splice(0)) this.#deliver(held);
    this.#stream?.resume();
  }

  #fromServer(message: Buffer): void {
    const packet = Buffer.from(sidero.link.PeerPacket.decode(message).Data ?? []);
    if (this.#device !== undefined) {
      this.#deliver(packet);
      return;
    }
    this.#toDevice.push(packet);
    if (this.#toDevice.length >= QUEUE) this.#stream?.pause();
  }

  #deliver(packet: Buffer): void {
    if (this.#device !== undefined) this.#socket?.send(packet, this.#device.port, this.#device.address);
  }

  #flush(): void {
    if (this.#stream === undefined) return;
    for (const packet of this.#toServer.splice(0)) {
      this.#stream.send(sidero.link.PeerPacket.encode({ Data: packet }).finish());
    }
  }

  #packetWaits(): Promise<void> {
    if (this.#toServer.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
