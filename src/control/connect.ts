import { connect as netConnect, type Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Machine, Machines } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ControlMetrics } from './metrics.ts';

/** Bounds of the byte streams to machines; each has a default. */
export interface ConnectLimits {
  /** Ports of a machine that may be reached. Default 50000, Talos' own API, alone. */
  readonly ports?: readonly number[];
  /** Streams at one time, those that are being opened included; more are answered 429. Default 128. */
  readonly max?: number;
  /** Milliseconds that a machine has to answer. Default 10 s. */
  readonly timeoutMs?: number;
  /** Milliseconds without a byte either way after which a stream is closed. Default 1 h: `talosctl logs -f` may be silent long. */
  readonly idleMs?: number;
}

/** Opens a connection; both sides may end one way at a time. */
export type Dial = (to: { readonly host: string; readonly port: number; readonly from: string }) => Socket;

export const dialTcp: Dial = ({ host, port, from }) =>
  netConnect({ host, port, localAddress: from, allowHalfOpen: true, noDelay: true });

export interface ConnectionsDeps {
  readonly machines: Pick<Machines, 'view' | 'onEvent'>;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly controlMetrics: ControlMetrics;
}

/** How a stream to a machine ended: both sides ended, one broke, silence, the machine was removed, we stop. */
type End = 'closed' | 'error' | 'idle' | 'removed' | 'stop';

/** The machine did not answer. */
export class Unreachable extends SiderolinkError {
  constructor(message: string, cause: unknown) {
    super('unavailable', message, {}, { cause });
  }
}

/** A connection to a machine, from the first packet to the last. */
export interface Connection {
  readonly upstream: Socket;
  /** Carries bytes both ways until both sides have ended; resolves with how they did. */
  join(caller: Socket): Promise<End>;
  /** The caller is gone. */
  drop(): void;
}

interface Open {
  readonly machine: number;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  readonly close: () => void;
}

// A peer that went away without a word is found out in about two minutes.
const KEEPALIVE_MS = 30_000;

/** The byte streams between callers of the control API and machines. */
export class Connections {
  readonly #deps: ConnectionsDeps;
  readonly #ports: readonly number[];
  readonly #max: number;
  readonly #timeoutMs: number;
  readonly #idleMs: number;
  readonly #open = new Set<Open>();
  #stopping = false;

  constructor(limits: ConnectLimits, deps: ConnectionsDeps) {
    this.#deps = deps;
    this.#ports = limits.ports ?? [50_000];
    this.#max = limits.max ?? 128;
    this.#timeoutMs = limits.timeoutMs ?? 10_000;
    this.#idleMs = limits.idleMs ?? 3_600_000;
    deps.machines.onEvent(({ kind, machine }) => {
      if (kind === 'removed') this.#end('removed', machine.id);
    });
  }

  /** Connections that are open or being opened. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Connects to a machine from the address `from`.
   *
   * @throws SiderolinkError `invalid_argument` for a port that is not for this, `conflict` for a machine that has no link,
   * `exhausted`, `unavailable` when stopping, and Unreachable
   */
  async open(machine: Machine, port: number, from: string): Promise<Connection> {
    this.#refuse(machine, port);
    const open = this.#register(machine.id);
    try {
      const upstream = await this.#connect(machine, port, from, open.abort.signal);
      return {
        upstream,
        join: (caller) => this.#join(open, caller, upstream),
        drop: () => {
          upstream.destroy();
          open.close();
        },
      };
    } catch (error) {
      open.close();
      throw error;
    }
  }

  /** Ends every connection and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const open = [...this.#open];
    this.#end('stop');
    await Promise.all(open.map(({ ended }) => ended));
  }

  /** From here on it counts, and hears of removals: also while the machine has not answered yet. */
  #register(machine: number): Open {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const close = () => {
      if (this.#open.delete(open)) this.#deps.controlMetrics.connections.dec();
      resolve();
    };
    const open: Open = { machine, abort: new AbortController(), ended, close };
    this.#open.add(open);
    this.#deps.controlMetrics.connections.inc();
    return open;
  }

  async #join({ abort, close }: Open, caller: Socket, upstream: Socket): Promise<End> {
    const { connectEnds, connectBytes } = this.#deps.controlMetrics;
    const end = await carry(caller, upstream, { idleMs: this.#idleMs, signal: abort.signal });
    connectEnds.inc({ reason: end });
    connectBytes.inc({ direction: 'to_machine' }, upstream.bytesWritten);
    connectBytes.inc({ direction: 'from_machine' }, upstream.bytesRead);
    close();
    return end;
  }

  #end(reason: End, machine?: number): void {
    for (const open of this.#open) {
      if (machine === undefined || open.machine === machine) open.abort.abort(reason);
    }
  }

  #refuse(machine: Machine, port: number): void {
    if (!this.#ports.includes(port)) {
      throw new SiderolinkError('invalid_argument', `query.port: ${this.#ports.join(' or ')}; others are not reached`);
    }
    const { state, uuid } = machine;
    if (state === 'removed' || state === 'rejected') {
      throw new SiderolinkError('conflict', `machine ${uuid} is ${state}, so it has no link`);
    }
    if (machine.key === null || this.#deps.machines.view(machine).link.state === 'never') {
      throw new SiderolinkError(
        'conflict',
        `machine ${uuid} has no link yet: it has never been heard of over WireGuard`,
      );
    }
    if (this.#stopping) throw new SiderolinkError('unavailable', 'stopping');
    if (this.size >= this.#max) {
      throw new SiderolinkError('exhausted', `${this.#max} connections to machines are open, the most that may be`);
    }
  }

  #connect(machine: Machine, port: number, from: string, signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = this.#deps.dial({ host: machine.address, port, from });
      const settle = (error?: SiderolinkError) => {
        cancel();
        signal.removeEventListener('abort', aborted);
        socket.removeAllListeners('error');
        // From here on an error only ends it.
        socket.on('error', () => socket.destroy());
        if (error === undefined) return resolve(socket);
        socket.destroy();
        reject(error);
      };
      const unreachable = (what: string, cause?: unknown) =>
        settle(new Unreachable(`machine ${machine.uuid} ${what}`, cause));
      const aborted = () =>
        settle(
          signal.reason === 'removed'
            ? new SiderolinkError('conflict', `machine ${machine.uuid} was removed`)
            : new SiderolinkError('unavailable', 'stopping'),
        );
      const cancel = this.#deps.clock.after(this.#timeoutMs, () =>
        unreachable(`does not answer on port ${port} within ${this.#timeoutMs / 1_000} s`),
      );
      signal.addEventListener('abort', aborted, { once: true });
      socket.once('connect', () => settle());
      socket.once('error', (error: NodeJS.ErrnoException) =>
        unreachable(
          error.code === 'ECONNREFUSED'
            ? `does not listen on port ${port} now`
            : `cannot be reached: ${errorMessage(error)}`,
          error,
        ),
      );
    });
  }
}

/** Pipes both ways, each ending on its own; a side that breaks takes the other with it. */
async function carry(
  caller: Socket,
  upstream: Socket,
  { idleMs, signal }: { readonly idleMs: number; readonly signal: AbortSignal },
): Promise<End> {
  let end: End = 'closed';
  const cut = (reason: End) => {
    if (!caller.destroyed || !upstream.destroyed) end = reason;
    caller.destroy();
    // The machine is to know at once, also while it only sends.
    upstream.resetAndDestroy();
  };
  const aborted = () => cut(signal.reason as End);
  signal.addEventListener('abort', aborted, { once: true });
  if (signal.aborted) aborted();
  for (const socket of [caller, upstream]) socket.setKeepAlive(true, KEEPALIVE_MS);
  // What goes either way goes through it, so its silence is that of both.
  upstream.setTimeout(idleMs, () => cut('idle'));
  caller.setTimeout(0);
  caller.pipe(upstream);
  upstream.pipe(caller);
  const sides = [caller, upstream].map(async (socket) => {
    try {
      await finished(socket);
    } catch {
      cut('error');
    }
  });
  await Promise.all(sides);
  signal.removeEventListener('abort', aborted);
  caller.destroy();
  upstream.destroy();
  return end;
}
