import type { Socket } from 'node:net';
import { SiderolinkError } from '../domain/errors.ts';
import type { BootLog } from '../fleet/boot-log.ts';
import type { FleetEvent, Machine, Machines } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { UnaryCall } from '../lib/grpc.ts';

/**
 * Turns of the event loop without a byte and without a call after which a connection counts as read empty: each polls the
 * socket once, and a call that was read gets to its handler within them.
 */
const QUIET_TURNS = 4;
/** A source's connections, those that are being read empty included, are at most so many times the limit. */
const MAX_FINISHING = 4;
/** How often it is looked at what calls hold, milliseconds, while there is one. */
const CHECK_MS = 100;

interface EventConnection {
  readonly socket: Socket;
  /** The boot that was current when it was accepted; that of its first call, if its source was nobody's then. */
  boot: BootLog | undefined;
  /** Calls that are not answered yet. */
  running: number;
  finishing: boolean;
  /** Told when the last running call has ended. */
  onIdle: () => void;
  /** Calls that have begun, whether their message is there or not. */
  calls: number;
  /** Bytes that were read when there was no call. */
  readBefore: number;
}

export interface EventConnectionsOptions {
  /** How long an old boot's connection may take to be read empty, milliseconds. Default 5,000. */
  readonly finishTimeoutMs?: number;
  /** One more closes the source's oldest. Default 8. */
  readonly maxConnectionsPerMachine?: number;
  /** No message is longer, so no call holds more. */
  readonly maxMessageBytes: number;
  /** Bytes of calls that are not answered yet, all together; beyond that the largest connection is cut. Default 64 MiB. */
  readonly maxReceivingBytes?: number;
}

export interface EventConnectionsDeps {
  readonly machines: Pick<Machines, 'bySource'>;
  readonly boots: { current(machine: number): BootLog | undefined };
  readonly clock: Clock;
  /** Counts connections that were cut, by reason. */
  readonly onCut: (reason: 'machine_connections' | 'receiving') => void;
}

/** Whose an event is: of the machine by its address, of the boot by its connection. */
export interface EventOrigin {
  readonly machine: Machine;
  readonly boot: BootLog;
}

/**
 * The connections on the events port. As those of the kernel log they belong to the boot whose key was current when they
 * were accepted (DESIGN section 4, "Boots"): what a machine said before it rebooted, and we read after, is of its former
 * boot. It can not be sent again: who would is gone.
 */
export class EventConnections {
  readonly #options: EventConnectionsOptions;
  readonly #deps: EventConnectionsDeps;
  /** By source address, then by port. */
  readonly #bySource = new Map<string, Map<number, EventConnection>>();

  /** Those with a call. */
  readonly #receiving = new Set<EventConnection>();
  #isWatching = false;

  constructor(options: EventConnectionsOptions, deps: EventConnectionsDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** A connection was accepted. */
  opened(socket: Socket, source: string): void {
    const { machines, boots } = this.#deps;
    const port = socket.remotePort ?? 0;
    const machine = machines.bySource(source);
    const boot = machine === undefined ? undefined : boots.current(machine.id);
    const connection: EventConnection = {
      ...{ socket, boot, running: 0, finishing: false, onIdle: () => {} },
      ...{ calls: 0, readBefore: 0 },
    };
    const ofSource = this.#bySource.get(source) ?? new Map<number, EventConnection>();
    this.#bySource.set(source, ofSource.set(port, connection));
    socket.once('close', () => {
      if (ofSource.get(port) === connection) ofSource.delete(port);
      if (ofSource.size === 0 && this.#bySource.get(source) === ofSource) this.#bySource.delete(source);
    });
    this.#evict(ofSource);
  }

  /** The newest connection is the living one; a machine that was cut off leaves dead ones behind. */
  #evict(ofSource: ReadonlyMap<number, EventConnection>): void {
    const most = this.#options.maxConnectionsPerMachine ?? 8;
    const [oldest] = ofSource.values();
    if (oldest === undefined || ofSource.size <= most) return;
    // Many come at once and none goes: then there is no time to read them empty.
    if (ofSource.size > most * MAX_FINISHING) {
      this.#deps.onCut('machine_connections');
      oldest.socket.destroy();
    }
    const living = [...ofSource.values()].filter(({ finishing }) => !finishing);
    for (const connection of living.slice(0, Math.max(0, living.length - most))) {
      this.#deps.onCut('machine_connections');
      void this.#finish(connection);
    }
  }

  /** A call begins; its message is still to come. To be told by the returned function when it has ended. */
  receiving(source: string, port: number): () => void {
    const connection = this.#bySource.get(source)?.get(port);
    if (connection === undefined) return () => {};
    if (connection.calls === 0) connection.readBefore = connection.socket.bytesRead;
    connection.calls += 1;
    this.#receiving.add(connection);
    this.#watch();
    return () => {
      connection.calls -= 1;
      if (connection.calls === 0) this.#receiving.delete(connection);
    };
  }

  /** Looks again and again what calls hold, until there is none. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#deps.clock.after(CHECK_MS, () => {
      this.#isWatching = false;
      this.#bound();
      if (this.#receiving.size > 0) this.#watch();
    });
  }

  /** Cuts the largest connections while all together hold too much: their machines send again. */
  #bound(): void {
    const { maxMessageBytes, maxReceivingBytes = 64 * 1024 * 1024 } = this.#options;
    const held = ({ socket, calls, readBefore }: EventConnection) =>
      Math.min(socket.bytesRead - readBefore, calls * maxMessageBytes);
    let total = 0;
    for (const connection of this.#receiving) total += held(connection);
    if (total <= maxReceivingBytes) return;
    for (const connection of [...this.#receiving].sort((a, b) => held(b) - held(a))) {
      if (total <= maxReceivingBytes) break;
      total -= held(connection);
      this.#receiving.delete(connection);
      this.#deps.onCut('receiving');
      connection.socket.destroy();
    }
  }

  /**
   * Runs a call; its connection stays open meanwhile.
   * @throws SiderolinkError `unauthorized` if the source is no machine's, `unavailable` if the connection is gone: the
   * machine sends it again; and what `handle` throws
   */
  async during<T>(call: UnaryCall, handle: (origin: EventOrigin) => Promise<T>): Promise<T> {
    const machine = this.#deps.machines.bySource(call.source);
    if (machine === undefined) throw unknownSource(call.source);
    const connection = this.#bySource.get(call.source)?.get(call.port ?? 0);
    // Without it nobody knows which boot is speaking.
    if (connection === undefined) throw new SiderolinkError('unavailable', 'the connection of this call is closed');
    connection.boot ??= this.#deps.boots.current(machine.id);
    const { boot } = connection;
    if (boot === undefined) throw unknownSource(call.source);
    connection.running += 1;
    try {
      return await handle({ machine, boot });
    } finally {
      connection.running -= 1;
      if (connection.running === 0) connection.onIdle();
    }
  }

  /** Closes what a removed machine has open at once, and what a former boot has open when that is read and answered. */
  onFleetEvent({ kind, machine }: FleetEvent): void {
    if (kind === 'changed') return;
    for (const connection of this.#bySource.get(machine.address)?.values() ?? []) {
      if (kind === 'removed') connection.socket.destroy();
      else if (connection.boot !== undefined && connection.boot.number !== machine.boot) void this.#finish(connection);
    }
  }

  async #finish(connection: EventConnection): Promise<void> {
    if (connection.finishing) return;
    connection.finishing = true;
    const { socket } = connection;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const cancel = this.#deps.clock.after(this.#options.finishTimeoutMs ?? 5_000, () => socket.destroy());
    for (let quiet = 0; quiet < QUIET_TURNS && !socket.destroyed; ) {
      if (connection.running > 0) await Promise.race([this.#idle(connection), closed]);
      const before = socket.bytesRead;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = socket.bytesRead === before && connection.running === 0 ? quiet + 1 : 0;
    }
    socket.destroy();
    cancel();
  }

  #idle(connection: EventConnection): Promise<void> {
    return new Promise((resolve) => {
      connection.onIdle = resolve;
    });
  }
}

export function unknownSource(source: string): SiderolinkError {
  return new SiderolinkError('unauthorized', 'no machine has this source address', { source });
}
