import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket as TcpSocket } from 'node:net';
import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { afterEach } from 'vitest';
import type { VirtualAddress } from '../../src/domain/tunnel.ts';
import { TunnelSources } from '../../src/fleet/tunnel-sources.ts';
import type { FleetEvent, Machine } from '../../src/fleet/types.ts';
import { sidero } from '../../src/gen/proto.js';
import { provisionStatus } from '../../src/join/provision-service.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { GrpcEdge, type GrpcEdgeOptions } from '../../src/lib/grpc.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { tunnelMetrics } from '../../src/tunnel/metrics.ts';
import { type TunnelOptions, TunnelService } from '../../src/tunnel/tunnel-service.ts';

export const CREATE_STREAM = '/sidero.link.WireGuardOverGRPCService/CreateStream';
export const HEADER = 'x-siderolink-ipv6-addr';

/** A datagram as long as a WireGuard handshake, with a number in it. */
export function packet(number: number, length = 148): Buffer {
  const bytes = Buffer.alloc(length, 7);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** What the device would be: a UDP socket that keeps what comes, with where it came from. */
class FakeDevice {
  readonly packets: { readonly bytes: Buffer; readonly from: RemoteInfo }[] = [];
  #closed = false;
  readonly #waiting: (() => void)[] = [];
  readonly #socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });

  async listen(port = 0): Promise<number> {
    this.#socket.on('message', (bytes, from) => {
      this.packets.push({ bytes, from });
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.#socket.bind(port, '127.0.0.1');
    await once(this.#socket, 'listening');
    return this.#socket.address().port;
  }

  async until(holds: (device: this) => boolean): Promise<void> {
    while (!holds(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  send(packet: Buffer, to: RemoteInfo): Promise<void> {
    return new Promise((resolve) => this.#socket.send(packet, to.port, to.address, () => resolve()));
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) this.#socket.close();
    this.#closed = true;
  }
}

/** A machine's end of a stream. */
export class Caller {
  readonly packets: Buffer[] = [];
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #waiting: (() => void)[] = [];

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on('data', (message: Buffer) => {
      this.packets.push(Buffer.from(sidero.link.PeerPacket.decode(message).Data ?? []));
      for (const wake of this.#waiting.splice(0)) wake();
    });
    call.on('error', () => {});
    this.ended = new Promise((resolve) => {
      call.once('status', ({ code, details }: StatusObject) => resolve({ code, details }));
    });
  }

  /** Resolves when the server has taken the call. */
  opened(): Promise<unknown> {
    return once(this.#call, 'metadata');
  }

  send(packet: Uint8Array): void {
    this.sendRaw(sidero.link.PeerPacket.encode({ Data: packet }).finish());
  }

  sendRaw(message: Uint8Array): void {
    this.#call.write(Buffer.from(message));
  }

  async until(holds: (caller: this) => boolean): Promise<void> {
    while (!holds(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Takes nothing more from the server. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  end(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }
}

/** The tunnel with real sockets on either side; machines are what the test says. */
export class TunnelWorld {
  readonly listenPort: number;
  device: FakeDevice;
  readonly sources = new TunnelSources();
  readonly registry = createRegistry();
  readonly logged: string[] = [];
  /** Machine numbers by virtual address. */
  readonly allowed = new Map<string, number>();
  readonly service: TunnelService;
  readonly edge: GrpcEdge;
  readonly #listeners: ((event: FleetEvent) => void)[] = [];
  readonly #clients: Client[] = [];
  port = 0;

  private constructor(device: FakeDevice, options: TunnelOptions, edge: Partial<GrpcEdgeOptions>, clock: Clock) {
    this.device = device;
    this.listenPort = options.listenPort;
    const logger = createLogger('debug', { write: (line: string) => void this.logged.push(line) });
    this.service = new TunnelService(options, {
      machines: {
        byVirtual: (address: VirtualAddress) => {
          const id = this.allowed.get(address);
          return id === undefined ? undefined : machine(id);
        },
        onEvent: (listener) => this.#listeners.push(listener),
      },
      sources: this.sources,
      clock,
      logger,
      metrics: tunnelMetrics(this.registry),
    });
    this.edge = new GrpcEdge({
      name: 'api',
      host: '127.0.0.1',
      maxMessageBytes: 65_536,
      maxConcurrentStreams: 2_000,
      toStatus: provisionStatus(logger, systemClock),
      ...edge,
    }).stream(this.service.method());
  }

  static async start(
    options: Partial<TunnelOptions> = {},
    { edge = {}, clock = systemClock }: { edge?: Partial<GrpcEdgeOptions>; clock?: Clock } = {},
  ): Promise<TunnelWorld> {
    const device = new FakeDevice();
    const listenPort = await device.listen();
    const world = new TunnelWorld(device, { listenPort, ...options }, edge, clock);
    world.port = (await world.edge.listen()).port;
    world.service.start();
    return world;
  }

  /** A stream with this header; null for none, several for several. */
  call(header: string | readonly string[] | null, client = this.client()): Caller {
    const metadata = new Metadata();
    for (const value of header === null ? [] : [header].flat()) metadata.add(HEADER, value);
    const bytes = (value: Buffer): Buffer => value;
    return new Caller(client.makeBidiStreamRequest(CREATE_STREAM, bytes, bytes, metadata));
  }

  /** A machine's stream, open. */
  async stream(id: number, client?: Client): Promise<Caller> {
    const virtual = `fd00::${id.toString(16)}`;
    this.allowed.set(virtual, id);
    const caller = this.call(`[${virtual}]:50888`, client);
    await caller.opened();
    return caller;
  }

  /** A connection of its own; with `ca` (PEM) over TLS. */
  client(port = this.port, ca?: string): Client {
    const trust = ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
    const client = new Client(`127.0.0.1:${port}`, trust, {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#clients.push(client);
    return client;
  }

  /** Another device in place of one that was closed. */
  async deviceAgain(): Promise<FakeDevice> {
    this.device = new FakeDevice();
    await this.device.listen(this.listenPort);
    return this.device;
  }

  /** Asks until it holds: what is waited for is told to nobody. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  tell(id: number, kind: 'changed' | 'removed' = 'changed'): void {
    for (const listener of this.#listeners) listener({ kind, machine: machine(id) });
  }

  async metric(name: string): Promise<Record<string, number>> {
    const metric = await this.registry.getSingleMetric(`siderolinkd_tunnel_${name}`)?.get();
    return Object.fromEntries(
      (metric?.values ?? []).map(({ labels, value }) => [Object.values(labels).join(','), value]),
    );
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.service.stop();
    await this.edge.stop(0);
    this.device.close();
  }
}

/** For a file of tests: starts worlds, each of which ends with its test. */
export function startsWorlds(): typeof TunnelWorld.start {
  const worlds: TunnelWorld[] = [];
  afterEach(() => Promise.all(worlds.splice(0).map((world) => world.close())));
  return async (...options) => {
    const world = await TunnelWorld.start(...options);
    worlds.push(world);
    return world;
  };
}

function machine(id: number): Machine {
  return { id, uuid: `machine ${id}` } as unknown as Machine;
}

/** A TCP connection's way that can be cut as a cable is: nobody hears of it. */
export async function cutCable(to: number, localAddress?: string) {
  const sockets: TcpSocket[] = [];
  const server = createServer((near) => {
    const far = connect({ port: to, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) });
    sockets.push(near, far);
    near.on('error', () => {});
    far.on('error', () => {});
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('unreachable');
  return {
    port: address.port,
    cut: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
