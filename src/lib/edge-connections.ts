import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Clock, systemClock } from './clock.ts';
import { FairShare, type Held } from './fair-share.ts';
import type { GrpcCalls } from './grpc-calls.ts';
import type { GrpcEdgeOptions } from './grpc-options.ts';
import type { Flushable, SessionHost, SessionPeer, SessionRefusal } from './h2/connection.ts';
import { HeaderDecoder } from './h2/header-decoder.ts';
import type { Lifetimes } from './h2/lifetime.ts';
import { SETTING_HEADER_TABLE_SIZE, SETTING_MAX_CONCURRENT_STREAMS, settingsFrame } from './h2/protocol.ts';
import type { RequestHead } from './h2/request-head.ts';
import { H2Session } from './h2/session.ts';
import type { H2Stream } from './h2/stream.ts';
import { Wheel } from './h2/wheel.ts';
import { Turnstile } from './turnstile.ts';

/** A peer that broke the rules, or was told goodbye, has so long to go by itself. */
const FAREWELL_MS = 1_000;

/** Connections that are written to in one turn of the event loop. */
const FLUSHES_PER_TURN = 128;
/** Connections that were given up and are not closed yet; more are closed without a word. */
const MAX_GOING = 1_024;

/** An accepted connection, and the HTTP/2 on it once it is begun. */
class EdgePeer implements SessionPeer, Held {
  readonly socket: Socket;
  readonly source: string;
  readonly port: number;
  readonly network: string;
  session: H2Session | undefined;
  /** It was given up for another one. */
  isGoing = false;

  constructor(socket: Socket, source: string, network: string) {
    this.socket = socket;
    this.source = source;
    this.port = socket.remotePort ?? 0;
    this.network = network;
  }

  get use(): 'idle' | 'call' | 'stream' {
    if (this.session?.isBusy !== true) return 'idle';
    return this.session.lasts ? 'stream' : 'call';
  }
}

/** The connections of an edge, from accept to close. */
export class EdgeConnections implements SessionHost {
  readonly greeting: Buffer;
  readonly maxStreams: number;
  readonly maxUntoldStreams: number;
  readonly maxFieldBytes: number;
  readonly tableless: HeaderDecoder;
  readonly lifetimes: Lifetimes;
  readonly wheel: Wheel;
  /** That of the other end: pings and silence are told by no clock of a test. */
  readonly clock: Clock = systemClock;
  readonly #options: GrpcEdgeOptions;
  readonly #calls: GrpcCalls;
  readonly #max: number;
  readonly #share: FairShare;
  /** In the order in which they came. */
  readonly #peers = new Map<Socket, EdgePeer>();
  #going = 0;
  #areReadsShared = false;
  /** What has something to write. Writing brings more: a caller that has its answer closes, all of them together. */
  readonly #ready = new Turnstile<Flushable>(
    { perTurn: FLUSHES_PER_TURN },
    { pass: (connection) => connection.flush() },
  );
  readonly #onClose: (this: Socket) => void;

  constructor(options: GrpcEdgeOptions, deps: { readonly calls: GrpcCalls }) {
    this.#options = options;
    this.#calls = deps.calls;
    this.maxStreams = options.maxConcurrentStreams ?? 100;
    this.maxUntoldStreams = Math.max(this.maxStreams, options.maxUntoldStreams ?? 0);
    this.maxFieldBytes = options.maxMetadataBytes ?? 16_384;
    this.tableless = new HeaderDecoder(this.maxFieldBytes);
    this.tableless.forbidTable();
    this.greeting = settingsFrame([
      // A peer without a table costs no memory while it is silent.
      [SETTING_HEADER_TABLE_SIZE, 0],
      [SETTING_MAX_CONCURRENT_STREAMS, this.maxStreams],
    ]);
    const keepalive = options.keepalive ?? { timeMs: 300_000, timeoutMs: 20_000 };
    this.lifetimes = {
      greetingMs: options.handshakeTimeoutMs ?? 60_000,
      pingEveryMs: keepalive.timeMs,
      pingTimeoutMs: keepalive.timeoutMs,
      idleMs: options.maxConnectionIdleMs ?? Number.POSITIVE_INFINITY,
      farewellMs: FAREWELL_MS,
    };
    this.wheel = new Wheel({ resolutionMs: resolutionOf(keepalive) }, this);
    this.#max = options.maxConnections ?? 25_000;
    this.#share = new FairShare(this);
    const connections = this;
    // One function for all sockets, which would each hold one of their own otherwise.
    this.#onClose = function onClose(this: Socket) {
      connections.#closed(this);
    };
  }

  /** Connections that are open. */
  get size(): number {
    return this.#peers.size;
  }

  sourceOf(remote: string | undefined): string {
    const { normaliseSource } = this.#options;
    return normaliseSource === undefined ? (remote ?? '') : normaliseSource(remote);
  }

  /** Bytes are told by `receive`, not by the sockets. */
  readsAreShared(): void {
    this.#areReadsShared = true;
  }

  /** Takes an accepted socket that is not read yet; false, and it is closed, if there is no room for it. */
  admit(socket: Socket): boolean {
    const source = this.sourceOf(socket.remoteAddress);
    const network = this.#options.networkOf?.(source) ?? source;
    if (this.#peers.size - this.#going >= this.#max && !this.#makeRoom(network)) {
      this.#options.onRefused?.('connections');
      socket.destroy();
      return false;
    }
    this.#peers.set(socket, new EdgePeer(socket, source, network));
    socket.on('close', this.#onClose);
    socket.on('error', ignore);
    this.#options.onConnection?.(socket, source);
    return true;
  }

  /** Begins to read a plaintext connection. */
  begin(socket: Socket): void {
    const peer = this.#peers.get(socket);
    if (peer === undefined) return;
    peer.session = new H2Session(socket, peer, this);
    if (!this.#areReadsShared) socket.on('data', (chunk: Buffer) => this.receive(socket, chunk));
    // It was accepted without being read.
    socket.read(0);
  }

  /** Begins a connection whose TLS stands on an accepted socket. */
  beginTls(secure: TLSSocket, accepted: Socket): void {
    const peer = this.#peers.get(accepted);
    if (peer === undefined || peer.isGoing) {
      secure.destroy();
      return;
    }
    const session = new H2Session(secure, peer, this);
    peer.session = session;
    secure.on('data', (chunk: Buffer) => session.receive(chunk));
  }

  /** @param chunk valid until it returns */
  receive(socket: Socket, chunk: Buffer): void {
    this.#peers.get(socket)?.session?.receive(chunk);
  }

  request(stream: H2Stream, head: RequestHead, peer: SessionPeer): void {
    this.#calls.request(stream, head, peer);
  }

  refused(reason: SessionRefusal): void {
    this.#options.onRefused?.(reason);
  }

  broken(error: unknown, { source }: SessionPeer): void {
    this.#options.onRefused?.('internal');
    this.#calls.toStatus(error, { path: '', source });
  }

  /** What is ready in one turn of the event loop is written at its end: answers together, a connection's in one piece. */
  ready(connection: Flushable): void {
    this.#ready.add(connection);
  }

  /** All end once their calls have. Those that have not begun are left alone. */
  leaveAll(): void {
    for (const { session } of this.#peers.values()) session?.leave();
  }

  /** All end; calls that run are cancelled. */
  cutOffAll(): void {
    for (const { session } of this.#peers.values()) session?.cutOff();
  }

  destroyAll(): void {
    for (const socket of this.#peers.keys()) socket.destroy();
  }

  async allClosed(): Promise<void> {
    await Promise.all([...this.#peers.keys()].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    this.wheel.stop();
  }

  #makeRoom(network: string): boolean {
    const going = this.#share.makeRoom(network, () => [...this.#peers.values()].filter(({ isGoing }) => !isGoing));
    for (const peer of going) this.#giveUp(peer);
    return going.length > 0;
  }

  #giveUp(peer: EdgePeer): void {
    const { session, socket } = peer;
    peer.isGoing = true;
    this.#going += 1;
    this.#options.onRefused?.('crowded');
    // With a goodbye, if that can be said at once.
    session?.cutOff();
    if (session === undefined || this.#going > MAX_GOING) socket.destroy();
    else session.closeWhenWritten();
  }

  #closed(socket: Socket): void {
    const peer = this.#peers.get(socket);
    if (peer === undefined) return;
    this.#peers.delete(socket);
    if (peer.isGoing) this.#going -= 1;
    peer.session?.closed();
  }
}

/** How late a ping, or its absence, may be noticed: milliseconds. */
function resolutionOf({ timeMs, timeoutMs }: { readonly timeMs: number; readonly timeoutMs: number }): number {
  return Math.min(250, Math.max(5, Math.floor(Math.min(timeMs, timeoutMs) / 10)));
}

/** `close` follows, which is all that matters. */
function ignore(): void {}
