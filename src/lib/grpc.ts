import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import {
  type ConnectionInjector,
  type Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { type Clock, systemClock } from './clock.ts';
import { CallContext, type UnaryMethod } from './grpc-call.ts';
import type { GrpcEdgeOptions, GrpcStatus, RefusedReason } from './grpc-options.ts';
import { type EdgeStream, EdgeStreams, type StreamMethod } from './grpc-stream.ts';
import { TlsGate } from './grpc-tls.ts';
import { answerTooLarge } from './grpc-too-large.ts';
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
/** What is still open so long after the grace time is cut, whatever it waits for. */
const STOP_SLACK_MS = 100;
/**
 * Once no call runs, a peer has so long to take its goodbye. One that is gone never answers it, and after an outage or
 * a move of the overlay that is all of them: nothing is left to be graceful for.
 */
const FAREWELL_MS = 250;

/**
 * A gRPC port over a listening socket of our own, so that inherited descriptors work, one address can be chosen, the
 * caller's address comes from its socket, and stopping is exact.
 */
export class GrpcEdge {
  readonly #options: GrpcEdgeOptions;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #injector: ConnectionInjector;
  readonly #tls: TlsGate | undefined;
  readonly #listener: NetServer;
  readonly #accepted = new Turnstile<Socket>(
    { perTurn: CONNECTIONS_PER_TURN },
    { pass: (socket) => this.#begin(socket) },
  );
  readonly #sockets = new Set<Socket>();
  readonly #contexts = new WeakMap<Metadata, CallContext>();
  readonly #deadlines = new Map<string, number>();
  readonly #tooLarge = new Map<string, (announced: number, call: CallContext) => Promise<Uint8Array>>();
  readonly #deadlineMs: number;
  readonly #streams: EdgeStreams;
  readonly #stopping = new AbortController();
  #running = 0;
  /** Set while stopping: the last running call has ended. */
  #onIdle: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: GrpcEdgeOptions, deps: { readonly clock?: Clock } = {}) {
    this.#options = options;
    this.#clock = deps.clock ?? systemClock;
    this.#deadlineMs = options.deadlineMs ?? 30_000;
    this.#streams = new EdgeStreams({
      sourceOf: (remote) => this.#sourceOf(remote),
      onCall: options.onCall,
      toStatus: (error, call) => this.#toStatus(error, call),
    });
    const keepalive = options.keepalive ?? { timeMs: 300_000, timeoutMs: 20_000 };
    this.#server = new Server({
      // Its bookkeeping grows with every connection, and nobody reads it.
      'grpc.enable_channelz': 0,
      'grpc.keepalive_time_ms': keepalive.timeMs,
      'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
      'grpc.max_receive_message_length': options.maxMessageBytes ?? 4 * 1024 * 1024,
      'grpc.max_concurrent_streams': options.maxConcurrentStreams ?? 100,
      ...(options.maxConnectionIdleMs === undefined
        ? {}
        : { 'grpc.max_connection_idle_ms': options.maxConnectionIdleMs }),
      interceptors: [this.#intercept],
    });
    // TLS, where there is any, ends before grpc-js: its own takes no other certificate later, and tells of no failure.
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const { certificate, handshakeTimeoutMs, onHandshakeFailed } = options;
    if (certificate !== undefined) {
      this.#tls = new TlsGate({
        certificate,
        ...(handshakeTimeoutMs !== undefined && { handshakeTimeoutMs }),
        // One whose handshake outlasts the drain would be told nothing.
        onSecure: (socket) => {
          if (this.#stopped === undefined) this.#injector.injectConnection(socket);
          else socket.destroy();
        },
        onFailed: (failure, remote) => onHandshakeFailed?.(failure, this.#sourceOf(remote)),
      });
    }
    this.#listener = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    );
    this.#listener.maxConnections = options.maxConnections ?? 25_000;
    this.#listener.on('drop', () => options.onRefused?.('connections'));
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Calls that are not answered yet. */
  get running(): number {
    return this.#running;
  }

  /** Adds a method. To be called before `listen`. */
  unary<Req, Res>(method: UnaryMethod<Req, Res>): this {
    if (method.deadlineMs !== undefined) this.#deadlines.set(method.path, method.deadlineMs);
    if (method.onTooLarge !== undefined) {
      this.#tooLarge.set(method.path, async (announced, call) => {
        const response = await method.onTooLarge?.(announced, call);
        return response === undefined ? new Uint8Array() : method.encode(response);
      });
    }
    const bytes = (value: Buffer): Buffer => value;
    // The bytes go through as they are: a deserializer that throws would be answered before our code sees the call.
    this.#server.register<Buffer, Buffer>(
      method.path,
      (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void this.#serve(method, call, answer),
      bytes,
      bytes,
      'unary',
    );
    return this;
  }

  /** Adds a method whose calls are streams. To be called before `listen`. */
  stream(method: StreamMethod): this {
    this.#streams.add(method);
    const bytes = (value: Buffer): Buffer => value;
    // The interceptor serves its calls, so none comes as far as this.
    this.#server.register<Buffer, Buffer>(method.path, () => undefined, bytes, bytes, 'bidi');
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
    this.#streams.endAll(STOPPING);
    this.#injector.drain(graceMs);
    const cut = () => {
      for (const socket of this.#sockets) socket.destroy();
    };
    const cancels = [this.#clock.after(graceMs + STOP_SLACK_MS, cut)];
    this.#onIdle = () => void cancels.push(this.#clock.after(Math.min(FAREWELL_MS, graceMs), cut));
    if (this.#running === 0) this.#onIdle();
    await closed;
    // The listener says closed a moment before the sockets say so.
    await Promise.all([...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    for (const cancel of cancels) cancel();
    this.#injector.destroy();
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

  #accept(socket: Socket): void {
    if (this.#stopped !== undefined) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    this.#options.onConnection?.(socket, this.#sourceOf(socket.remoteAddress));
    this.#accepted.add(socket);
  }

  #begin(socket: Socket): void {
    if (this.#stopped !== undefined) socket.destroy();
    if (socket.destroyed) return;
    // It was accepted without being read.
    socket.read(0);
    if (this.#tls === undefined) this.#injector.injectConnection(socket);
    else this.#tls.accept(socket);
  }

  #sourceOf(remote: string | undefined): string {
    const { normaliseSource } = this.#options;
    return normaliseSource === undefined ? (remote ?? '') : normaliseSource(remote);
  }

  /** Gives each call its context before its body is read: the caller's address, limits, and the deadline. */
  readonly #intercept: ServerInterceptor = (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        let context: CallContext | undefined;
        let stream: EdgeStream | undefined;
        next({
          onReceiveMetadata: (metadata, pass) => {
            const refused = this.#refusal(metadata, method.path);
            if (refused !== undefined) {
              this.#options.onRefused?.(refused.reason);
              call.sendStatus({ code: refused.code, details: refused.details });
              return;
            }
            stream = this.#streams.open(method.path, call, metadata);
            if (stream !== undefined) return;
            const opened = this.#open(call.getConnectionInfo(), method.path, () => {
              call.sendStatus({ code: status.UNAVAILABLE, details: 'no answer in time, try again' });
            });
            context = opened;
            this.#contexts.set(metadata, opened);
            const handle = this.#tooLarge.get(method.path);
            if (handle !== undefined) {
              const toStatus = (error: unknown) => this.#toStatus(error, { path: method.path, source: opened.source });
              answerTooLarge(call, opened, { handle: (announced) => handle(announced, opened), toStatus });
            }
            pass(metadata);
          },
          onReceiveMessage: (message, pass) => (stream === undefined ? pass(message) : stream.received(message)),
          onReceiveHalfClose: (pass) => (stream === undefined ? pass() : stream.halfClosed()),
          // Comes at the end of every call, also after an answer.
          onCancel: () => {
            context?.abort();
            stream?.cancelled();
          },
        });
      },
    });

  #open(
    peer: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined },
    path: string,
    onDeadline: () => void,
  ): CallContext {
    const { onRefused } = this.#options;
    const source = this.#sourceOf(peer.remoteAddress);
    const cancelDeadline = this.#clock.after(this.#deadlines.get(path) ?? this.#deadlineMs, () => {
      if (!context.abort()) return;
      onRefused?.('deadline');
      onDeadline();
    });
    const onEnded = this.#options.onCall?.(source, peer.remotePort ?? 0);
    const release = () => {
      this.#running -= 1;
      cancelDeadline();
      onEnded?.();
      if (this.#running === 0) this.#onIdle?.();
    };
    const context = new CallContext(source, release, peer.remotePort);
    this.#running += 1;
    return context;
  }

  #refusal(metadata: Metadata, path: string): (GrpcStatus & { readonly reason: RefusedReason }) | undefined {
    if (this.#stopped !== undefined) return { reason: 'stopping', ...STOPPING };
    const full = this.#streams.has(path)
      ? this.#streams.isFull(path)
      : this.#running >= (this.#options.maxRunning ?? 20_000);
    if (full) {
      return { reason: 'running', code: status.RESOURCE_EXHAUSTED, details: 'too many calls at once, try again' };
    }
    if (metadataBytes(metadata) > (this.#options.maxMetadataBytes ?? 16_384)) {
      return { reason: 'metadata', code: status.RESOURCE_EXHAUSTED, details: 'too much metadata' };
    }
    return undefined;
  }

  async #serve<Req, Res>(
    method: UnaryMethod<Req, Res>,
    call: ServerUnaryCall<Buffer, Buffer>,
    answer: sendUnaryData<Buffer>,
  ): Promise<void> {
    const context = this.#contexts.get(call.metadata);
    // Every call passes the interceptor first.
    if (context === undefined) return answer({ code: status.INTERNAL, details: 'internal error' });
    try {
      const response = await this.#run(method, call.request, context);
      const bytes = method.encode(response);
      if (context.end()) answer(null, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch (error) {
      const told = this.#toStatus(error, { path: method.path, source: context.source });
      if (context.end()) answer(told);
    }
  }

  #run<Req, Res>(method: UnaryMethod<Req, Res>, bytes: Buffer, context: CallContext): Res | Promise<Res> {
    let request: Req;
    try {
      request = method.decode(bytes);
    } catch (error) {
      if (method.onBroken !== undefined) return method.onBroken(bytes, error, context);
      throw new BrokenRequest(error);
    }
    return method.handle(request, context);
  }

  #toStatus(error: unknown, call: { readonly path: string; readonly source: string }): GrpcStatus {
    if (error instanceof BrokenRequest) {
      return { code: status.INVALID_ARGUMENT, details: 'the request is not the protobuf message of this method' };
    }
    return this.#options.toStatus?.(error, call) ?? { code: status.INTERNAL, details: 'internal error' };
  }
}

const STOPPING: GrpcStatus = { code: status.UNAVAILABLE, details: 'stopping' };

class BrokenRequest extends Error {
  override readonly name = 'BrokenRequest';

  constructor(cause: unknown) {
    super('broken request', { cause });
  }
}

function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [name, values] of Object.entries(metadata.toHttp2Headers())) {
    for (const value of Array.isArray(values) ? values : [values]) bytes += name.length + String(value).length;
  }
  return bytes;
}
