import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import { type Clock, systemClock } from './clock.ts';
import { EdgeConnections } from './edge-connections.ts';
import type { UnaryMethod } from './grpc-call.ts';
import { GrpcCalls } from './grpc-calls.ts';
import type { GrpcEdgeOptions } from './grpc-options.ts';
import type { StreamMethod } from './grpc-stream.ts';
import { TlsGate } from './grpc-tls.ts';
import { shareReads } from './h2/shared-reads.ts';
import { Wheel } from './h2/wheel.ts';
import { bindPatiently } from './listen.ts';
import { Turnstile } from './turnstile.ts';

export type { UnaryCall, UnaryMethod } from './grpc-call.ts';
export type { GrpcEdgeOptions, GrpcStatus, RefusedReason } from './grpc-options.ts';
export type { ByteStream, StreamHandler, StreamMethod } from './grpc-stream.ts';

/** The kernel caps it at net.core.somaxconn, 4,096 unless raised; a fleet that comes back at once fills that. */
const LISTEN_BACKLOG = 16_384;
const TCP_KEEPALIVE_MS = 60_000;
/** Connections that are begun in one turn of the event loop: 20 to 40 ms of work for all that they ask at once. */
const CONNECTIONS_PER_TURN = 64;
/** In a crowd, how long one waits to be begun together with others. */
const GATHER_MS = 10;
/** What one read of a connection gives at most. */
const READ_BYTES = 65_536;
/** How late a deadline may be. */
const DEADLINE_RESOLUTION_MS = 50;
/** What is still open so long after the grace time is cut, whatever it waits for. */
const STOP_SLACK_MS = 100;
/**
 * Once no call runs, a peer has so long to take its goodbye. One that is gone never answers it, and after an outage or
 * a move of the overlay that is all of them: nothing is left to be graceful for.
 */
const FAREWELL_MS = 250;

/**
 * A gRPC port over a listening socket of our own, so that inherited descriptors work, one address can be chosen, the
 * caller's address comes from its socket, and stopping is exact. HTTP/2 is our own too (`h2/`): a fleet that joins at once
 * is connections being made, and a fleet that is silent is connections being kept.
 */
export class GrpcEdge {
  readonly #options: GrpcEdgeOptions;
  readonly #clock: Clock;
  readonly #deadlines: Wheel;
  readonly #calls: GrpcCalls;
  readonly #connections: EdgeConnections;
  readonly #tls: TlsGate | undefined;
  readonly #listener: NetServer;
  readonly #accepted = new Turnstile<Socket>(
    { perTurn: CONNECTIONS_PER_TURN },
    { pass: (socket) => this.#begin(socket) },
  );
  /** Accepted, and without a socket yet: ten thousand sockets are no work of one turn. */
  readonly #unopened: Turnstile<() => Socket>;
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(options: GrpcEdgeOptions, deps: { readonly clock?: Clock } = {}) {
    this.#options = options;
    this.#clock = deps.clock ?? systemClock;
    this.#deadlines = new Wheel({ resolutionMs: DEADLINE_RESOLUTION_MS }, { clock: this.#clock });
    this.#calls = new GrpcCalls(options, { wheel: this.#deadlines, clock: this.#clock });
    this.#connections = new EdgeConnections(options, { calls: this.#calls });
    this.#unopened = new Turnstile(
      { perTurn: CONNECTIONS_PER_TURN, gatherMs: GATHER_MS },
      {
        pass: (open) => this.#open(open),
        // libuv accepts one connection in a turn of the event loop: each would be a turn of all steps of a call otherwise.
        isCrowded: () => this.#calls.isCrowded,
        clock: this.#clock,
      },
    );
    const { certificate, handshakeTimeoutMs, onHandshakeFailed } = options;
    if (certificate !== undefined) {
      this.#tls = new TlsGate({
        certificate,
        ...(handshakeTimeoutMs !== undefined && { handshakeTimeoutMs }),
        // One whose handshake outlasts the drain would be told nothing.
        onSecure: (socket, accepted) => {
          if (this.#stopped === undefined) this.#connections.beginTls(socket, accepted);
          else socket.destroy();
        },
        onFailed: (failure, remote) => onHandshakeFailed?.(failure, this.#connections.sourceOf(remote)),
      });
    }
    this.#listener = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    );
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Calls that are not answered yet. */
  get running(): number {
    return this.#calls.running;
  }

  /** Adds a method. To be called before `listen`. */
  unary<Req, Res>(method: UnaryMethod<Req, Res>): this {
    this.#calls.unary(method);
    return this;
  }

  /** Adds a method whose calls are streams. To be called before `listen`. */
  stream(method: StreamMethod): this {
    this.#calls.stream(method);
    return this;
  }

  /**
   * Starts listening. An address that does not exist yet (an overlay address before its device) is waited for.
   * @throws Error of the socket, e.g. EADDRINUSE; EADDRNOTAVAIL after `bindTimeoutMs`
   */
  listen(): Promise<{ readonly host: string; readonly port: number }> {
    const bind = async () => {
      if (this.#stopped !== undefined) throw new Error(`${this.#options.name}: stopped`);
      return await this.#bind();
    };
    const patience = { timeoutMs: this.#options.bindTimeoutMs ?? 10_000, signal: this.#stopping.signal };
    return bindPatiently(bind, patience, this.#clock);
  }

  /**
   * Refuses new connections and calls at once, lets running calls finish within `graceMs`, then cancels them.
   * Connections are cut a moment after the last call. Resolves when the last connection is gone. Idempotent: later calls wait for the first.
   */
  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#tls?.close();
    const closed = new Promise<void>((resolve) => {
      // Called without an error or with ERR_SERVER_NOT_RUNNING: nothing listens either way.
      this.#listener.close(() => resolve());
    });
    const cut = () => this.#connections.destroyAll();
    const cancels = [
      systemClock.after(graceMs, () => this.#connections.cutOffAll()),
      this.#clock.after(graceMs + STOP_SLACK_MS, cut),
    ];
    // Streams are told why they end before their connections say goodbye.
    this.#calls.stop(() => void cancels.push(this.#clock.after(Math.min(FAREWELL_MS, graceMs), cut)));
    this.#connections.leaveAll();
    await closed;
    await this.#connections.allClosed();
    for (const cancel of cancels) cancel();
    this.#deadlines.stop();
  }

  #bind(): Promise<{ readonly host: string; readonly port: number }> {
    const { fd, host, port, ipv6Only } = this.#options;
    const listener = this.#listener;
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      const listening = () => {
        listener.removeListener('error', reject);
        // Errors of accept (too many open files) pass; the listener goes on.
        listener.on('error', () => this.#options.onRefused?.('connections'));
        this.#shareReads();
        const address = listener.address() as AddressInfo;
        resolve({ host: address.address, port: address.port });
      };
      listener.once('listening', listening);
      listener.once('error', () => listener.removeListener('listening', listening));
      if (fd === undefined) {
        listener.listen({
          port: port ?? 0,
          backlog: LISTEN_BACKLOG,
          ipv6Only: ipv6Only ?? false,
          ...(host === undefined ? {} : { host }),
        });
      } else {
        listener.listen({ fd, backlog: LISTEN_BACKLOG });
      }
    });
  }

  /** TLS reads its sockets by itself. */
  #shareReads(): void {
    if (this.#tls !== undefined) return;
    const isShared = shareReads(
      this.#listener,
      { memory: Buffer.allocUnsafeSlow(READ_BYTES), keepAliveSeconds: TCP_KEEPALIVE_MS / 1_000 },
      {
        onAccepted: (open) => {
          // Whoever is told of connections is told at once.
          if (this.#options.onConnection !== undefined) this.#accept(open());
          else this.#unopened.add(open);
        },
        onChunk: (socket, chunk) => this.#connections.receive(socket, chunk),
      },
    );
    if (isShared) this.#connections.readsAreShared();
  }

  #open(open: () => Socket): void {
    const socket = open();
    if (this.#stopped !== undefined) socket.destroy();
    else if (this.#connections.admit(socket)) this.#begin(socket);
  }

  #accept(socket: Socket): void {
    if (this.#stopped !== undefined) socket.destroy();
    else if (this.#connections.admit(socket)) this.#accepted.add(socket);
  }

  #begin(socket: Socket): void {
    if (this.#stopped !== undefined) socket.destroy();
    if (socket.destroyed) return;
    if (this.#tls === undefined) {
      this.#connections.begin(socket);
    } else {
      // It was accepted without being read.
      socket.read(0);
      this.#tls.accept(socket);
    }
  }
}
