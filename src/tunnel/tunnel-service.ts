import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { parseVirtualEndpoint, relayAddress, relayPort, type VirtualAddress } from '../domain/tunnel.ts';
import type { TunnelSources } from '../fleet/tunnel-sources.ts';
import type { FleetEvent, Machine } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { ByteStream, GrpcStatus, StreamMethod } from '../lib/grpc.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Backlog } from './backlog.ts';
import { HeldStreams } from './held-streams.ts';
import type { TunnelMetrics } from './metrics.ts';
import { inSlice, PacketBudget } from './packet-budget.ts';
import { Relay } from './relay.ts';
import { type EndReason, TunnelStream } from './tunnel-stream.ts';

export interface TunnelOptions {
  /** UDP port of the device. */
  readonly listenPort: number;
  /** Streams at one time; more are answered RESOURCE_EXHAUSTED. Each needs two files. Default 10,000. */
  readonly maxStreams?: number;
  /** Longer packets are dropped; WireGuard's own have 1,312 bytes at our MTU. Default 2,048. */
  readonly maxPacketBytes?: number;
  /** Bytes of one stream that wait for its connection; packets on top are dropped. Default 1 MiB. */
  readonly maxUnsentBytes?: number;
  /** Of all streams; on top of it 16 KiB of each may wait. Default 64 MiB. */
  readonly maxUnsentBytesInAll?: number;
  /** Packets a second from one machine; a stream with more is read slower. Default 5,000. */
  readonly packetsPerSecond?: number;
  /** From all of them. Default 20,000. */
  readonly packetsPerSecondInAll?: number;
  /** How often it is looked whether all streams are still allowed, milliseconds. Default 30 s. */
  readonly sweepMs?: number;
}

/** The machines, as far as the tunnel asks. */
export interface TunnelMachines {
  /** The machine that may come with this virtual address now. */
  byVirtual(address: VirtualAddress, now: number): Machine | undefined;
  onEvent(listener: (event: FleetEvent) => void): void;
}

export interface TunnelDeps {
  readonly machines: TunnelMachines;
  readonly sources: Pick<TunnelSources, 'set' | 'close' | 'forget'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: TunnelMetrics;
}

const CREATE_STREAM = '/sidero.link.WireGuardOverGRPCService/CreateStream';
/** What a machine names itself by: its virtual address and port, which only it was told. Never logged. */
const ADDRESS_HEADER = 'x-siderolink-ipv6-addr';
/** Talos knows these two by code and text, both exact: then it waits 5 s; after any other it comes again at once. */
const REPLACED: GrpcStatus = { code: 10, details: 'peer replaced' };
const NOT_ALLOWED: GrpcStatus = { code: 7, details: 'peer not allowed' };
const NO_SOCKET: GrpcStatus = { code: 14, details: 'not possible now, try again' };
/** Packets of one machine in a second that no flood of others keeps out: a busy kernel log. */
const ASSURED_PER_SECOND = 200;
/** Bytes that may wait for one machine whatever waits for others: a dozen full packets. */
const ASSURED_UNSENT_BYTES = 16 * 1024;

/** `sidero.link.WireGuardOverGRPCService`: WireGuard packets in a stream of the API, where UDP is blocked. */
export class TunnelService {
  readonly #options: TunnelOptions;
  readonly #deps: TunnelDeps;
  readonly #budget: PacketBudget;
  readonly #held: HeldStreams;
  readonly #backlog: Backlog;
  readonly #mayLog: OnceAMinute;
  readonly #streams = new Map<number, TunnelStream>();
  #cancelSweep: (() => void) | undefined;

  constructor(options: TunnelOptions, deps: TunnelDeps) {
    this.#options = options;
    this.#deps = deps;
    const all = options.packetsPerSecondInAll ?? 20_000;
    this.#budget = new PacketBudget({ each: options.packetsPerSecond ?? 5_000, all, assured: ASSURED_PER_SECOND });
    // So that those which have what is assured to each bring no more than all may.
    const perSlice = Math.max(1, Math.floor(inSlice(all) / inSlice(ASSURED_PER_SECOND)));
    this.#held = new HeldStreams({ perSlice }, deps);
    this.#backlog = new Backlog(
      { maxBytes: options.maxUnsentBytesInAll ?? 64 * 1024 * 1024, assuredBytes: ASSURED_UNSENT_BYTES },
      { streams: () => this.#streams.values(), clock: deps.clock },
    );
    this.#mayLog = new OnceAMinute({}, deps);
    // What a machine may was decided before listeners hear of it.
    deps.machines.onEvent(({ kind, machine }) => {
      if (kind === 'removed') deps.sources.forget(machine.id);
      const stream = this.#streams.get(machine.id);
      if (stream !== undefined) this.#check(stream);
    });
  }

  /** The method, for the gRPC edge. */
  method(): StreamMethod {
    return {
      path: CREATE_STREAM,
      maxOpen: this.#options.maxStreams ?? 10_000,
      maxUnsentBytes: this.#options.maxUnsentBytes ?? 1024 * 1024,
      open: (stream) => this.#open(stream),
    };
  }

  /** Streams that are open now. */
  get size(): number {
    return this.#streams.size;
  }

  start(): void {
    this.#cancelSweep = this.#deps.clock.after(this.#options.sweepMs ?? 30_000, () => {
      // A former address is let in for some time only.
      for (const stream of [...this.#streams.values()]) this.#check(stream);
      this.start();
    });
  }

  /** The edge ends the streams. Idempotent. */
  stop(): void {
    this.#cancelSweep?.();
  }

  /** @throws SiderolinkError `invalid_argument`, `unauthorized` with the text that Talos knows */
  #open(stream: ByteStream): TunnelStream {
    const { clock, machines, metrics } = this.#deps;
    const virtual = parseVirtualEndpoint(stream.header(ADDRESS_HEADER) ?? '');
    if (virtual === undefined) {
      metrics.refused.inc({ reason: 'header' });
      throw new SiderolinkError('invalid_argument', `${ADDRESS_HEADER} is not one [address]:port`);
    }
    const machine = machines.byVirtual(virtual, clock.now());
    if (machine === undefined) {
      this.#noteRefusal(stream.source);
      throw new SiderolinkError('unauthorized', NOT_ALLOWED.details);
    }
    return this.#admit(stream, machine, virtual);
  }

  #admit(stream: ByteStream, machine: Machine, virtual: VirtualAddress): TunnelStream {
    const { id, uuid } = machine;
    const { clock, logger, metrics, sources } = this.#deps;
    const before = this.#streams.get(id);
    const relay = before?.relay ?? this.#newRelay(id, uuid);
    const opened = new TunnelStream(
      { machine: id, virtual, maxPacketBytes: this.#options.maxPacketBytes ?? 2_048 },
      {
        stream,
        relay,
        budget: this.#budget,
        held: this.#held,
        backlog: this.#backlog,
        clock,
        metrics,
        onEnded: (...ended) => this.#ended(...ended),
      },
    );
    this.#streams.set(id, opened);
    sources.set(machine, { host: stream.source, port: stream.port });
    metrics.opened.inc();
    metrics.streams.set(this.#streams.size);
    logger.debug({ uuid, source: stream.source, replaces: before !== undefined }, 'a tunnel stream was opened');
    before?.end('replaced', REPLACED);
    void this.#begin(opened);
    return opened;
  }

  async #begin(opened: TunnelStream): Promise<void> {
    try {
      await opened.relay.open();
      if (!opened.isEnded) opened.begin();
    } catch (error) {
      this.#deps.logger.error({ error: errorMessage(error) }, 'a machine in the tunnel has no socket');
      opened.end('socket', NO_SOCKET);
    }
  }

  #newRelay(machine: number, uuid: string): Relay {
    const { logger, metrics } = this.#deps;
    const { listenPort } = this.#options;
    const address = relayAddress(machine);
    const port = relayPort(listenPort);
    const onOtherPort = () => {
      metrics.otherPorts.inc();
      logger.warn({ uuid, address, port }, 'somebody has the port of a machine in the tunnel: it takes another one');
    };
    return new Relay({ address, port, devicePort: listenPort }, { onOtherPort });
  }

  #ended(stream: TunnelStream, reason: EndReason): void {
    const { metrics, sources } = this.#deps;
    metrics.ended.inc({ reason });
    // Another one has its place, and its relay.
    if (this.#streams.get(stream.machine) !== stream) return;
    stream.relay.close();
    this.#streams.delete(stream.machine);
    sources.close(stream.machine);
    metrics.streams.set(this.#streams.size);
  }

  #check(stream: TunnelStream): void {
    const { clock, machines } = this.#deps;
    if (machines.byVirtual(stream.virtual, clock.now())?.id === stream.machine) return;
    stream.end('not_allowed', NOT_ALLOWED);
  }

  #noteRefusal(source: string): void {
    this.#deps.metrics.refused.inc({ reason: 'not_allowed' });
    const suppressed = this.#mayLog.pass('not_allowed');
    if (suppressed === undefined) return;
    this.#deps.logger.warn({ source, suppressed }, 'a tunnel stream with an address that no machine has now');
  }
}
