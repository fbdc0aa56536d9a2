import { ERRORS, type ErrorCode, errorCode, SiderolinkError } from '../domain/errors.ts';
import { cleanEvent, type MachineEvent } from '../domain/event.ts';
import { eventBody, eventDetail, eventId } from '../domain/event-body.ts';
import { sourceAddress } from '../domain/overlay.ts';
import type { NewRecord } from '../domain/record.ts';
import { Redactor } from '../domain/redact.ts';
import type { BootLog } from '../fleet/boot-log.ts';
import type { Machine, Machines } from '../fleet/types.ts';
import { events } from '../gen/proto.js';
import type { Clock } from '../lib/clock.ts';
import { GrpcEdge, type GrpcStatus, type UnaryCall } from '../lib/grpc.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import type { RecordLog } from '../stream/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import { EventConnections, type EventOrigin, unknownSource } from './event-connections.ts';
import { type DecodedEvent, decodeEvent, unreadEvent } from './event-decode.ts';
import type { SinkMetrics } from './metrics.ts';
import { SeenEvents } from './seen-events.ts';

export interface EventsServiceOptions {
  /** The server's overlay address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** An inherited listening socket, instead of `host` and `port`. */
  readonly fd?: number;
  /** What all subjects begin with. Default `siderolink`. */
  readonly prefix?: string;
  /** A larger event is kept undecoded and cut to this. Default 262,144. */
  readonly maxEventBytes?: number;
  /** Of a larger one only the length is kept. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Bytes of calls that are not answered yet, all together; beyond that the largest connection is cut. Default 64 MiB. */
  readonly maxReceivingBytes?: number;
  /** One more closes the source's oldest. Default 8. */
  readonly maxConnectionsPerMachine?: number;
  /** Default 25,000. */
  readonly maxConnections?: number;
  /** From a call's first byte to its answer, milliseconds; then UNAVAILABLE. Default 30,000. */
  readonly deadlineMs?: number;
  /** How long an old boot's connection may take to be read empty and answered, milliseconds. Default 5,000. */
  readonly finishTimeoutMs?: number;
  /** How long a missing address is waited for, milliseconds. Default 10,000. */
  readonly bindTimeoutMs?: number;
}

export interface EventsServiceDeps {
  readonly machines: Pick<Machines, 'bySource' | 'onEvent'>;
  readonly boots: { current(machine: number): BootLog | undefined };
  /** Folds an event into the machine's status and stores it as this record, with what follows from it. */
  readonly changes: { event(machine: Machine, boot: number, event: MachineEvent, record: NewRecord): Promise<void> };
  readonly log: Pick<RecordLog, 'read'>;
  readonly redactor?: Redactor;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SinkMetrics;
}

/** Calls at one time on one connection; more wait at the client. */
const MAX_CALLS = 4;

/** What a stranger reads of an error. */
const TOLD: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'unknown source',
  unavailable: 'unavailable, try again',
  storage: 'unavailable, try again',
};

/**
 * `events.EventSinkService`: takes what machines tell of themselves. OK means committed with fsync (law 1). An event
 * that cannot be read is stored as it came and answered OK as well: an error would only come back.
 */
export class EventsService {
  readonly #maxEventBytes: number;
  readonly #deps: EventsServiceDeps;
  readonly #redactor: Redactor;
  readonly #seen: SeenEvents;
  readonly #said: OnceAMinute;
  readonly #connections: EventConnections;
  readonly #edge: GrpcEdge;
  #stopping = false;

  constructor(options: EventsServiceOptions, deps: EventsServiceDeps) {
    this.#maxEventBytes = options.maxEventBytes ?? 262_144;
    this.#deps = deps;
    this.#redactor = deps.redactor ?? new Redactor();
    this.#seen = new SeenEvents({ prefix: options.prefix ?? 'siderolink' }, deps);
    this.#said = new OnceAMinute({}, deps);
    const maxMessageBytes = options.maxMessageBytes ?? 16 * 1024 * 1024;
    this.#connections = new EventConnections(
      { ...options, maxMessageBytes },
      { ...deps, onCut: (reason) => deps.metrics.eventsRefused.inc({ reason }) },
    );
    deps.machines.onEvent((event) => this.#connections.onFleetEvent(event));
    this.#edge = new GrpcEdge(
      {
        name: 'events',
        ...(options.fd === undefined ? { host: options.host, port: options.port } : { fd: options.fd }),
        ipv6Only: options.host.includes(':'),
        ...(options.maxConnections !== undefined && { maxConnections: options.maxConnections }),
        ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
        ...(options.bindTimeoutMs !== undefined && { bindTimeoutMs: options.bindTimeoutMs }),
        maxMessageBytes,
        // A machine publishes one event after the other.
        maxConcurrentStreams: MAX_CALLS,
        normaliseSource: sourceAddress,
        toStatus: (error, call) => this.#toStatus(error, call.source),
        onConnection: (socket, source) => this.#connections.opened(socket, source),
        onCall: (source, port) => this.#connections.receiving(source, port),
        onRefused: (reason) => deps.metrics.eventsRefused.inc({ reason }),
      },
      { clock: deps.clock },
    ).unary<Buffer, events.EventResponse>({
      path: '/events.EventSinkService/Publish',
      decode: (bytes) => bytes,
      encode: (response) => events.EventResponse.encode(response).finish(),
      handle: (bytes, call) => this.#publish(decodeEvent(bytes, { maxEventBytes: this.#maxEventBytes }), call),
      // An error would only bring it back, for ever, with all events behind it.
      onTooLarge: (length, call) => this.#publish(unreadEvent(length), call),
    });
  }

  /** Open connections. */
  get connections(): number {
    return this.#edge.connections;
  }

  /** @throws Error of the socket, e.g. EADDRINUSE; EADDRNOTAVAIL after `bindTimeoutMs` */
  start(): Promise<{ readonly host: string; readonly port: number }> {
    return this.#edge.listen();
  }

  /** Answers UNAVAILABLE from now on, lets running calls finish within `deadlineMs`. Idempotent. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    return this.#edge.stop(deadlineMs);
  }

  async #publish(decoded: DecodedEvent, call: UnaryCall): Promise<events.EventResponse> {
    if (this.#stopping) throw new SiderolinkError('unavailable', 'stopping');
    return await this.#connections.during(call, async (origin) => {
      const event = cleanEvent(decoded, this.#redactor);
      const stored = await this.#seen.once(origin.boot, eventId(event), () => this.#store(origin, event, call));
      if (!stored) this.#deps.metrics.eventDuplicates.inc();
      return new events.EventResponse();
    });
  }

  async #store({ machine, boot }: EventOrigin, event: DecodedEvent, call: UnaryCall): Promise<void> {
    // It waited while what is known of its boot was read, and its machine was removed: its records may be deleted already.
    if (this.#deps.machines.bySource(call.source) === undefined) throw unknownSource(call.source);
    const record: NewRecord = {
      machine: machine.id,
      stream: 'event',
      boot: boot.number,
      tags: machine.tags,
      detail: eventDetail(event),
      body: eventBody(event, nodeOf(call), this.#maxEventBytes),
    };
    await this.#deps.changes.event(machine, boot.number, event.event, record);
    this.#deps.metrics.events.inc({ message: event.event.message });
    if (event.fault === null) return;
    this.#deps.metrics.eventFaults.inc({ reason: event.fault });
    const before = this.#said.pass(`${event.fault} ${machine.id}`);
    if (before === undefined) return;
    this.#deps.logger.info(
      { reason: event.fault, machine: machine.uuid, type: record.detail, before },
      'event kept as it came',
    );
  }

  #toStatus(error: unknown, source: string): GrpcStatus {
    const code = errorCode(error);
    if (code === 'unauthorized') this.#deps.metrics.eventsRefused.inc({ reason: 'unknown_source' });
    const before = this.#said.pass(`${code} ${source}`);
    if (before !== undefined) {
      const level = code === 'unauthorized' || code === 'unavailable' ? 'info' : 'error';
      this.#deps.logger[level]({ err: error, source, before }, 'event not taken');
    }
    return { code: ERRORS[code].grpc, details: TOLD[code] ?? 'internal error' };
  }
}

/** As Go prints an address with its port. */
function nodeOf({ source, port = 0 }: UnaryCall): string {
  return source.includes(':') ? `[${source}]:${port}` : `${source}:${port}`;
}
