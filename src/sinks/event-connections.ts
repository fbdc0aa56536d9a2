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

interface EventConnection {
  readonly socket: Socket;
  /** The boot that was current when it was accepted; that of its first call, if its source was nobody's then. */
  boot: BootLog | undefined;
  /** Calls that are not answered yet. */
  running: number;
  finishing: boolean;
  /** Told when the last running call has ended. */
  onIdle: () => void;
}

export interface EventConnectionsDeps {
  readonly machines: Pick<Machines, 'bySource'>;
  readonly boots: { current(machine: number): BootLog | undefined };
  readonly clock: Clock;
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
  readonly #finishTimeoutMs: number;
  readonly #deps: EventConnectionsDeps;
  /** By source address, then by port. */
  readonly #bySource = new Map<string, Map<number, EventConnection>>();

  /** @param options `finishTimeoutMs`: how long an old boot's connection may take to be read empty. Default 5,000 */
  constructor(options: { readonly finishTimeoutMs?: number }, deps: EventConnectionsDeps) {
    this.#finishTimeoutMs = options.finishTimeoutMs ?? 5_000;
    this.#deps = deps;
  }

  /** A connection was accepted. */
  opened(socket: Socket, source: string): void {
    const { machines, boots } = this.#deps;
    const port = socket.remotePort ?? 0;
    const machine = machines.bySource(source);
    const boot = machine === undefined ? undefined : boots.current(machine.id);
    const connection: EventConnection = { socket, boot, running: 0, finishing: false, onIdle: () => {} };
    const ofSource = this.#bySource.get(source) ?? new Map<number, EventConnection>();
    this.#bySource.set(source, ofSource.set(port, connection));
    socket.once('close', () => {
      if (ofSource.get(port) === connection) ofSource.delete(port);
      if (ofSource.size === 0 && this.#bySource.get(source) === ofSource) this.#bySource.delete(source);
    });
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
    const cancel = this.#deps.clock.after(this.#finishTimeoutMs, () => socket.destroy());
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
