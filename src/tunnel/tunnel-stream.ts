import type { VirtualAddress } from '../domain/tunnel.ts';
import { sidero } from '../gen/proto.js';
import type { Clock } from '../lib/clock.ts';
import type { ByteStream, GrpcStatus, StreamHandler } from '../lib/grpc.ts';
import type { Backlog } from './backlog.ts';
import type { HeldStreams } from './held-streams.ts';
import type { TunnelMetrics } from './metrics.ts';
import type { Account, PacketBudget } from './packet-budget.ts';
import type { Relay } from './relay.ts';

/** Why a stream ended. */
export type EndReason = 'lost' | 'replaced' | 'not_allowed' | 'socket';

export interface TunnelStreamOptions {
  readonly machine: number;
  readonly virtual: VirtualAddress;
  readonly maxPacketBytes: number;
}

export interface TunnelStreamDeps {
  readonly stream: ByteStream;
  readonly relay: Relay;
  readonly budget: PacketBudget;
  readonly held: HeldStreams;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly metrics: TunnelMetrics;
  readonly onEnded: (ended: TunnelStream, reason: EndReason) => void;
}

/** The shortest is a keepalive. */
const MIN_PACKET_BYTES = 32;

/** A machine's stream, joined to its relay: one WireGuard packet is one message, both ways. */
export class TunnelStream implements StreamHandler {
  readonly machine: number;
  readonly virtual: VirtualAddress;
  readonly relay: Relay;
  readonly #maxPacketBytes: number;
  readonly #deps: TunnelStreamDeps;
  readonly #account: Account = { slice: 0, spent: 0 };
  #reason: EndReason = 'lost';
  #ended = false;

  constructor(options: TunnelStreamOptions, deps: TunnelStreamDeps) {
    this.machine = options.machine;
    this.virtual = options.virtual;
    this.relay = deps.relay;
    this.#maxPacketBytes = options.maxPacketBytes;
    this.#deps = deps;
  }

  /** Bytes that wait for the machine to take them. */
  get unsent(): number {
    return this.#deps.stream.unsent;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** Lets packets through, both ways. Those that the machine sent before wait in the stream. */
  begin(): void {
    this.relay.onPacket = (packet) => this.#send(packet);
    this.#deps.stream.resume();
  }

  end(reason: EndReason, status: GrpcStatus): void {
    if (this.#ended) return;
    this.#reason = reason;
    this.#deps.stream.end(status);
  }

  message(bytes: Buffer): void {
    const { budget, clock, held, metrics, stream } = this.#deps;
    this.#receive(bytes);
    if (budget.spend(this.#account, clock.monotonic())) return;
    metrics.held.inc();
    stream.pause();
    held.add(stream);
  }

  ended(): void {
    this.#ended = true;
    this.#deps.held.delete(this.#deps.stream);
    this.#deps.onEnded(this, this.#reason);
  }

  #receive(bytes: Buffer): void {
    const { metrics } = this.#deps;
    const packet = decodePacket(bytes);
    if (packet === undefined) {
      metrics.dropped.inc({ reason: 'broken' });
    } else if (packet.length < MIN_PACKET_BYTES || packet.length > this.#maxPacketBytes) {
      metrics.dropped.inc({ reason: 'size' });
    } else if (this.relay.send(packet)) {
      metrics.packets.inc(RECEIVED);
      metrics.bytes.inc(RECEIVED, packet.length);
    } else {
      metrics.dropped.inc({ reason: 'device' });
    }
  }

  #send(packet: Buffer): void {
    const { backlog, metrics, stream } = this.#deps;
    const message = sidero.link.PeerPacket.encode({ Data: packet }).finish();
    if (backlog.takes(stream, message.length) && stream.send(message)) {
      metrics.packets.inc(SENT);
      metrics.bytes.inc(SENT, packet.length);
    } else {
      metrics.dropped.inc({ reason: 'slow' });
    }
  }
}

const RECEIVED = { direction: 'received' } as const;
const SENT = { direction: 'sent' } as const;

function decodePacket(bytes: Buffer): Uint8Array | undefined {
  try {
    return sidero.link.PeerPacket.decode(bytes).Data;
  } catch {
    return undefined;
  }
}
