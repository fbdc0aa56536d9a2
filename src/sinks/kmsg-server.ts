import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { sourceAddress } from '../domain/overlay.ts';
import { NO_TAGS } from '../domain/record.ts';
import { Redactor } from '../domain/redact.ts';
import type { BootLog } from '../fleet/boot-log.ts';
import type { FleetEvent, Machine, Machines } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import { bindPatiently } from '../lib/listen.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import type { RecordLog } from '../stream/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import { ByteBudgets } from './byte-budgets.ts';
import { KmsgConnection, type KmsgConnectionHandlers } from './kmsg-connection.ts';
import { KmsgDatagrams } from './kmsg-datagrams.ts';
import { drainConnections } from './kmsg-drain.ts';
import { type BlockResult, type LineOrigin, LineSink, lineOrigin } from './line-sink.ts';
import type { SinkMetrics } from './metrics.ts';
import { ReadBuffer } from './read-buffer.ts';

export interface KmsgServerOptions {
  /** The server's overlay address. */
  readonly host: string;
  /** TCP and UDP; 0 takes a free one. */
  readonly port: number;
  /** An inherited listening TCP socket, instead of `host` and `port`. */
  readonly fd?: number;
  /** The same for UDP. */
  readonly udpFd?: number;
  /** Whether to take datagrams too. Default true. */
  readonly udp?: boolean;
  /** A longer line is dropped. Default 65,536. */
  readonly maxLineBytes?: number;
  /** What each machine may have stored of its logs; 0 for no limit. Default 262,144. */
  readonly machineBytesPerSecond?: number;
  /** And at once. Default 8 MiB. */
  readonly machineBurstBytes?: number;
  /** More are closed at accept. Default 25,000. */
  readonly maxConnections?: number;
  /** One more closes the machine's oldest. Default 8. */
  readonly maxConnectionsPerMachine?: number;
  /** How long an old boot's connection may take to be read empty, milliseconds. Default 5,000. */
  readonly finishTimeoutMs?: number;
  /** How long a missing address is waited for, milliseconds. Default 10,000. */
  readonly bindTimeoutMs?: number;
}

export interface KmsgServerDeps {
  readonly machines: Pick<Machines, 'bySource' | 'byId' | 'onEvent'>;
  readonly boots: { current(machine: number): BootLog | undefined };
  readonly statuses?: { touch(machine: number): void };
  readonly log: Pick<RecordLog, 'appendLog' | 'whenWritable' | 'flush'>;
  readonly redactor?: Redactor;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SinkMetrics;
}

const LISTEN_BACKLOG = 4_096;
const TCP_KEEPALIVE_MS = 60_000;
/** A machine's connections, those that are being read empty included, are at most so many times the limit. */
const MAX_FINISHING = 4;

/**
 * Takes kernel and service logs over TCP and UDP. A machine is known by its source address alone, and a connection
 * belongs to the boot that was current when it was accepted (DESIGN section 4, "Boots").
 */
export class KmsgServer implements KmsgConnectionHandlers {
  readonly #options: KmsgServerOptions;
  readonly #deps: KmsgServerDeps;
  readonly #maxLineBytes: number;
  readonly #maxConnections: number;
  readonly #sink: LineSink;
  readonly #buffer: ReadBuffer;
  readonly #listener: Server;
  readonly #datagrams: KmsgDatagrams | undefined;
  readonly #byMachine = new Map<number, Set<KmsgConnection>>();
  readonly #origins = new WeakMap<KmsgConnection, LineOrigin>();
  readonly #budgets: ByteBudgets;
  readonly #said: OnceAMinute;
  readonly #stopping = new AbortController();
  #connections = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: KmsgServerOptions, deps: KmsgServerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#maxLineBytes = options.maxLineBytes ?? 65_536;
    this.#sink = new LineSink(
      { maxLineBytes: this.#maxLineBytes },
      { log: deps.log, redactor: deps.redactor ?? new Redactor() },
    );
    this.#buffer = new ReadBuffer(this.#sink.memory, this.#maxLineBytes);
    const { machineBytesPerSecond: bytesPerSecond = 262_144, machineBurstBytes: burstBytes } = options;
    this.#budgets = new ByteBudgets({ bytesPerSecond, ...(burstBytes !== undefined && { burstBytes }) }, deps);
    this.#said = new OnceAMinute({}, deps);
    this.#listener = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    );
    this.#maxConnections = options.maxConnections ?? 25_000;
    if (options.udp !== false) {
      this.#datagrams = new KmsgDatagrams(
        { maxLineBytes: this.#maxLineBytes },
        {
          machines: deps.machines,
          boots: deps.boots,
          take: (origin, machine, datagram) => this.#take(origin, machine, datagram, 'datagram'),
          refuse: (origin, machine, datagram) =>
            void this.#count(machine, this.#sink.refuse(origin, datagram, 'backpressure'), datagram.length),
          whenWritable: deps.log.whenWritable.bind(deps.log),
          onDrop: (reason, machine) => this.#drop(reason, machine),
        },
      );
    }
    deps.machines.onEvent((event) => this.#onFleetEvent(event));
  }

  /** Open connections. */
  get connections(): number {
    return this.#connections;
  }

  /** @throws Error of the socket, e.g. EADDRINUSE; EADDRNOTAVAIL after `bindTimeoutMs` */
  async start(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, bindTimeoutMs = 10_000 } = this.#options;
    const patience = { timeoutMs: bindTimeoutMs, signal: this.#stopping.signal };
    const address = await bindPatiently(() => this.#listen(), patience, this.#deps.clock);
    try {
      const bindUdp = () => this.#datagrams?.bind(host, address.port, this.#options.udpFd) ?? Promise.resolve();
      await bindPatiently(bindUdp, patience, this.#deps.clock);
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    return { host: address.address, port: address.port };
  }

  /**
   * Takes no new connections, reads what the open ones hold, waits until that is committed, and only then closes them;
   * `deadlineMs` later at the latest. Idempotent: later calls wait for the first.
   */
  stop(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    const closed = new Promise<void>((resolve) => {
      // Called with ERR_SERVER_NOT_RUNNING if it never listened: nothing listens either way.
      this.#listener.close(() => resolve());
    });
    const open = [...this.#byMachine.values()].flatMap((connections) => [...connections]);
    const until = { deadlineMs, committed: () => this.#deps.log.flush() };
    await Promise.all([this.#datagrams?.finish(), drainConnections(open, until, this.#deps.clock)]);
    await closed;
  }

  onBlock(connection: KmsgConnection, block: Buffer): boolean {
    const { boot } = connection;
    const machine = this.#deps.machines.byId(boot.machine);
    let origin = this.#origins.get(connection);
    if (origin === undefined) {
      origin = lineOrigin(boot);
      this.#origins.set(connection, origin);
    }
    return this.#take(origin, machine, block, 'block');
  }

  onLoss(connection: KmsgConnection, loss: 'oversized' | 'unterminated'): void {
    this.#drop(loss, this.#deps.machines.byId(connection.boot.machine));
  }

  onPause(): void {
    this.#deps.metrics.pauses.inc();
  }

  whenWritable(machine: number): Promise<void> {
    return this.#deps.log.whenWritable(machine);
  }

  #listen(): Promise<AddressInfo> {
    const { fd, host, port } = this.#options;
    const listener = this.#listener;
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      const target = fd === undefined ? { host, port, ipv6Only: isIPv6(host) } : { fd };
      listener.listen({ ...target, backlog: LISTEN_BACKLOG }, () => {
        listener.removeListener('error', reject);
        // Errors of accept (too many open files) pass; the listener goes on.
        listener.on('error', () => this.#drop('connections', undefined));
        resolve(listener.address() as AddressInfo);
      });
    });
  }

  #accept(socket: Socket): void {
    if (this.#connections >= this.#maxConnections) {
      socket.on('error', () => {});
      socket.destroy();
      this.#drop('connections', undefined);
      return;
    }
    const source = sourceAddress(socket.remoteAddress);
    const machine = this.#deps.machines.bySource(source);
    const boot = machine === undefined ? undefined : this.#deps.boots.current(machine.id);
    if (machine === undefined || boot === undefined || this.#stopped !== undefined) {
      socket.on('error', () => {});
      socket.destroy();
      if (this.#stopped === undefined) this.#drop('unknown_source', undefined, source);
      return;
    }
    const connection = new KmsgConnection(
      { maxLineBytes: this.#maxLineBytes },
      { accepted: socket, buffer: this.#buffer, boot, clock: this.#deps.clock, handlers: this },
    );
    const known = this.#byMachine.get(machine.id);
    const connections = known ?? new Set();
    if (known === undefined) this.#byMachine.set(machine.id, connections);
    connections.add(connection);
    this.#deps.metrics.connections.set(++this.#connections);
    void connection.closed.then(() => {
      connections.delete(connection);
      if (connections.size === 0) this.#byMachine.delete(machine.id);
      this.#deps.metrics.connections.set(--this.#connections);
    });
    this.#evict(machine, connections);
  }

  /** The newest connection is the living one; a machine that was cut off leaves dead ones behind. */
  #evict(machine: Machine, connections: ReadonlySet<KmsgConnection>): void {
    const most = this.#options.maxConnectionsPerMachine ?? 8;
    const [oldest] = connections;
    if (oldest === undefined || connections.size <= most) return;
    // Many come at once and none goes: then there is no time to read them empty.
    if (connections.size > most * MAX_FINISHING) {
      this.#drop('machine_connections', machine);
      oldest.close();
    }
    const living = [...connections].filter((connection) => !connection.finishing);
    for (const connection of living.slice(0, Math.max(0, living.length - most))) {
      this.#drop('machine_connections', machine);
      this.#finish(connection);
    }
  }

  #onFleetEvent(event: FleetEvent): void {
    if (event.kind === 'changed') return;
    for (const connection of this.#byMachine.get(event.machine.id) ?? []) {
      if (event.kind === 'removed') connection.close();
      else if (connection.boot.number !== event.machine.boot) this.#finish(connection);
    }
    if (event.kind === 'removed') this.#datagrams?.forget(event.machine.id);
    else this.#datagrams?.rebooted(event.machine.id);
    if (event.kind === 'removed') this.#budgets.forget(event.machine.id);
  }

  #finish(connection: KmsgConnection): void {
    // It never rejects: it waits for the socket's close, which comes at the timeout at the latest.
    void connection.finish(this.#options.finishTimeoutMs ?? 5_000);
  }

  /** Takes lines as far as the machine's budget goes. What is dropped for that is told in gap records. */
  #take(origin: LineOrigin, machine: Machine | undefined, lines: Buffer, as: 'block' | 'datagram'): boolean {
    const { machine: id } = origin.boot;
    const tags = machine?.tags ?? NO_TAGS;
    if (!this.#budgets.isOpen(id)) return this.#count(machine, this.#sink.refuse(origin, lines, 'rate'), lines.length);
    const result = as === 'block' ? this.#sink.take(origin, tags, lines) : this.#sink.takeDatagram(origin, tags, lines);
    this.#budgets.charge(id, result.bytes);
    return this.#count(machine, result, lines.length);
  }

  #count(machine: Machine | undefined, result: BlockResult, bytes: number): boolean {
    const { metrics, statuses } = this.#deps;
    metrics.bytes.inc(bytes);
    if (result.kmsg > 0) metrics.lines.inc({ stream: 'kmsg' }, result.kmsg);
    if (result.log > 0) metrics.lines.inc({ stream: 'log' }, result.log);
    if (result.reused > 0) metrics.reused.inc(result.reused);
    for (const [reason, count] of result.drops) this.#drop(reason, machine, undefined, count);
    if (machine !== undefined) statuses?.touch(machine.id);
    return result.writable;
  }

  #drop(reason: string, machine: Machine | undefined, source?: string, count = 1): void {
    this.#deps.metrics.dropped.inc({ reason }, count);
    const before = this.#said.pass(`${reason} ${machine?.id ?? ''}`, count);
    if (before === undefined) return;
    const about = { reason, count, before, ...(source !== undefined && { source }), machine: machine?.uuid };
    // Replays are what Talos does after each restart of its reader; the rest is worth a look.
    if (reason === 'replay') this.#deps.logger.debug(about, 'kernel log: lines sent again');
    else this.#deps.logger.warn(about, 'kernel log: not taken');
  }
}
