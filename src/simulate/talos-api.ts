import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { errorMessage } from '../domain/errors.ts';
import { isSiderolinkAddress, sourceAddress } from '../domain/overlay.ts';
import type { Clock } from '../lib/clock.ts';
import { selfSigned } from './certificate.ts';
import type { MachineCounters } from './counters.ts';
import { answer, readCall, refuse } from './grpc-server.ts';
import { answerInMaintenance, CallFailure, type MetaAccess, STATUS } from './machine-service.ts';
import type { Network, OverlayListener } from './network.ts';
import type { TalosProfile } from './profile.ts';

/** Talos' ApidPort. */
const API_PORT = 50_000;
const MAX_CONNECTIONS = 256;
const LISTEN_RETRY_MS = 500;
/** More than any sane client reads of an answer. */
const FLOOD_BYTES = 1024 * 1024;
const MAINTENANCE_NAME = 'maintenance-service.talos.dev';

/** `maintenance`: no client certificate wanted. `running`: one of an authority that nobody here has. */
export type ApiMode = 'maintenance' | 'running';

/**
 * What goes wrong with the API: connections are refused; taken and never answered; calls never answered after a good
 * handshake; MetaWrite fails and stores nothing; MetaWrite is stored and the connection is reset without an answer; MetaWrite is
 * stored and answered with a megabyte.
 */
export type ApiFault = 'none' | 'refuse' | 'hang' | 'stall' | 'error' | 'drop' | 'flood';

export interface TalosApiOptions {
  /** The default is Talos' 50000. */
  readonly port?: number;
  /** Every peer counts as one over SideroLink: for tests on loopback, whose addresses are not the overlay's. */
  readonly anyPeer?: boolean;
  /** Connections at a time; further ones are dropped at once. */
  readonly maxConnections?: number;
}

export interface TalosApiDeps {
  readonly profile: TalosProfile;
  readonly network: Pick<Network, 'listenOverlay'>;
  readonly clock: Clock;
  readonly meta: MetaAccess;
  readonly counters: MachineCounters;
  /** It listens on this address. */
  readonly onListening: (mode: ApiMode, address: string, port: number) => void;
  /** It could not listen, and will try again. */
  readonly onError: (error: unknown) => void;
}

/**
 * The Talos API of one boot: listens on the machine's overlay address and nowhere else, with a certificate made for
 * this boot. Costs a listening socket; key and TLS come with the first connection.
 */
export class TalosApi {
  readonly #options: TalosApiOptions;
  readonly #deps: TalosApiDeps;
  readonly #sockets = new Set<Socket>();
  #mode: ApiMode | undefined;
  #address: string | undefined;
  #fault: ApiFault = 'none';
  #listener: OverlayListener | undefined;
  #listening: { readonly mode: ApiMode; readonly address: string } | undefined;
  #server: Http2SecureServer | undefined;
  #work: Promise<void> = Promise.resolve();
  #cancelRetry: (() => void) | undefined;
  #stopped = false;

  constructor(options: TalosApiOptions, deps: TalosApiDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** What answers now; undefined when nobody does. */
  get mode(): ApiMode | undefined {
    return this.#listening?.mode;
  }

  /** Serves from now on in this mode, or not at all; resolves when it is so. */
  serve(mode: ApiMode | undefined): Promise<void> {
    this.#mode = mode;
    return this.#change();
  }

  /** The link has this address. */
  linked(address: string): Promise<void> {
    this.#address = address;
    return this.#change();
  }

  /** Resolves when it is so. `refuse` ends the connections that stand, the others leave them as they are. */
  setFault(fault: ApiFault): Promise<void> {
    this.#fault = fault;
    return this.#change();
  }

  /** Ends listener and connections. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#change();
  }

  /** Makes what is be what should be, one step after the other. Never rejects. */
  #change(): Promise<void> {
    this.#work = this.#work.then(() => this.#reconcile());
    return this.#work;
  }

  async #reconcile(): Promise<void> {
    this.#cancelRetry?.();
    const mode = this.#stopped || this.#fault === 'refuse' ? undefined : this.#mode;
    const address = this.#address;
    const { mode: modeNow, address: addressNow } = this.#listening ?? {};
    if (mode === modeNow && (mode === undefined || address === addressNow)) return;
    this.#close();
    if (mode === undefined || address === undefined) return;
    const port = this.#options.port ?? API_PORT;
    try {
      this.#listener = await this.#deps.network.listenOverlay(port, (socket) => this.#accept(socket));
    } catch (error) {
      this.#cancelRetry = this.#deps.clock.after(LISTEN_RETRY_MS, () => void this.#change());
      this.#deps.onError(error);
      return;
    }
    this.#listening = { mode, address };
    this.#deps.onListening(mode, address, port);
  }

  #close(): void {
    this.#listener?.close();
    this.#listener = undefined;
    this.#listening = undefined;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { counters } = this.#deps;
    const { maxConnections = MAX_CONNECTIONS } = this.#options;
    counters.apiConnections += 1;
    socket.on('error', () => {});
    if (this.#listening === undefined || this.#sockets.size >= maxConnections) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#fault === 'hang') return;
    this.#server ??= this.#newServer(this.#listening.mode, this.#listening.address);
    this.#server.emit('connection', socket);
  }

  #newServer(mode: ApiMode, address: string): Http2SecureServer {
    const now = this.#deps.clock.now();
    const pair = selfSigned({ commonName: MAINTENANCE_NAME, subjects: [address, '127.0.0.1', '::1'], now });
    const server = createSecureServer({
      ...pair,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2'],
      // The authority is the machine itself: nobody can show a certificate that it signed.
      ...(mode === 'running' ? { requestCert: true, rejectUnauthorized: true, ca: pair.cert } : {}),
    });
    server.on('stream', (stream, headers) => void this.#serve(mode, stream, headers));
    // A client without ALPN: Node would tell it in HTTP/1.
    server.on('unknownProtocol', (socket) => socket.destroy());
    for (const event of ['tlsClientError', 'sessionError', 'error']) server.on(event, () => {});
    return server;
  }

  async #serve(mode: ApiMode, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => {});
    const remote = stream.session?.socket;
    const [peer, port] = [sourceAddress(remote?.remoteAddress), remote?.remotePort];
    try {
      const call = await readCall(stream, headers);
      if (call === undefined || this.#fault === 'stall') return;
      // Nobody comes so far: the handshake wants a certificate.
      if (mode === 'running') throw new CallFailure(STATUS.permissionDenied, 'not authorized');
      const write = call.path.endsWith('/MetaWrite');
      if (write && this.#fault === 'error') throw new CallFailure(STATUS.unknown, 'meta: input/output error');
      const trusted = this.#options.anyPeer === true || isSiderolinkAddress(peer);
      const message = answerInMaintenance(this.#deps.profile, this.#deps.meta, { ...call, trusted });
      if (write) this.#deps.counters.metaWrites += 1;
      if (write && this.#fault === 'drop') this.#reset(port);
      else answer(stream, write && this.#fault === 'flood' ? flood(message) : message);
    } catch (error) {
      const failure = error instanceof CallFailure ? error : new CallFailure(STATUS.internal, errorMessage(error));
      refuse(stream, failure);
      // What is still coming of the request is not wanted.
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
    }
  }

  #reset(remotePort: number | undefined): void {
    for (const socket of this.#sockets) if (socket.remotePort === remotePort) socket.resetAndDestroy();
  }
}

/** The message with a field that nobody knows, of a megabyte: still valid protobuf. */
function flood(message: Uint8Array): Uint8Array {
  // Field 15, length-delimited, 2^20 as a varint.
  return Buffer.concat([message, Buffer.of(0x7a, 0x80, 0x80, 0x40), Buffer.alloc(FLOOD_BYTES)]);
}
