import type { AddressInfo } from 'node:net';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { HostPort } from '../domain/host-port.ts';
import type { CertificateSource } from '../lib/certificate.ts';
import { type App, type AppDeps, buildApp } from './app.ts';
import { SOCKET_DOOR } from './auth.ts';
import { Connections, type ConnectLimits, type Dial, dialTcp } from './connect.ts';
import { TcpListener, type TcpListenerOptions } from './listener.ts';
import { controlMetrics } from './metrics.ts';
import { OpenSockets } from './open-sockets.ts';
import { guardSocket, prepareSocketPath } from './socket.ts';
import { Streams } from './streams.ts';
import { TokensFile, type TokensFileOptions } from './tokens-file.ts';
import { type ControlDeps, type ControlLimits, DEFAULT_LIMITS } from './types.ts';

export interface ControlServerOptions extends ControlLimits {
  /** Path of the unix socket: 0660 in a directory made 0750. Its callers are admin. */
  readonly socket: string;
  /** Where to listen on TCP too, for whoever has a token. */
  readonly tcp?: TcpListenerOptions & { readonly tokens: TokensFileOptions };
  readonly connect?: ConnectLimits;
}

export interface ControlServerDeps extends ControlDeps {
  /** For the TCP listener; without one it speaks plain HTTP. */
  readonly certificate?: CertificateSource | undefined;
  /** Opens connections to machines; by default with the system's sockets. */
  readonly dial?: Dial;
}

/** The control API on its unix socket, and on TCP where that is wanted. */
export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #limits: Required<ControlLimits>;
  readonly #deps: AppDeps;
  readonly #tokens: TokensFile | undefined;
  readonly #tcp: TcpListener | undefined;
  readonly #apps: App[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: ControlServerOptions, deps: ControlServerDeps) {
    const { certificate, dial = dialTcp, ...common } = deps;
    this.#options = options;
    this.#limits = withDefaults(options);
    const metrics = controlMetrics(deps.metrics);
    this.#deps = {
      ...common,
      streams: new Streams({ max: this.#limits.maxStreams }),
      connections: new Connections(options.connect ?? {}, { ...common, dial, controlMetrics: metrics }),
      controlMetrics: metrics,
      sockets: new OpenSockets(),
    };
    if (options.tcp === undefined) return;
    this.#tokens = new TokensFile(options.tcp.tokens, common);
    this.#tcp = new TcpListener(options.tcp, { tokens: this.#tokens, certificate });
  }

  /**
   * Listens on the socket; once.
   *
   * @throws SiderolinkError `conflict` when another process listens on the socket, `configuration` when we may not
   */
  async start(): Promise<void> {
    const { socket } = this.#options;
    await prepareSocketPath(socket);
    const app = await buildApp(this.#limits, this.#deps, { door: SOCKET_DOOR });
    this.#apps.push(app);
    try {
      await app.listen({ path: socket });
      await guardSocket(socket);
    } catch (error) {
      await app.close();
      throw new SiderolinkError(
        'configuration',
        `cannot listen on ${socket}: ${errorMessage(error)}`,
        { socket },
        { cause: error },
      );
    }
    this.#deps.logger.info({ socket }, 'control API listens');
  }

  /**
   * Listens on TCP, if that is wanted; once. Resolves with the address.
   *
   * @throws SiderolinkError `configuration` for a tokens file that cannot be used; the socket's own error if it cannot be bound
   */
  async listen(): Promise<HostPort | undefined> {
    if (this.#tcp === undefined) return undefined;
    await this.#tokens?.start();
    const app = await this.#tcp.start(this.#limits, this.#deps);
    this.#apps.push(app);
    const { address, port } = app.server.address() as AddressInfo;
    return { host: address, port };
  }

  /**
   * Takes no new request, ends the streams and the connections to machines, lets the others finish; what is still open after `deadline` milliseconds
   * is cut. Removes the socket. Idempotent.
   */
  stop(deadline: number): Promise<void> {
    this.#stopped ??= this.#stop(deadline);
    return this.#stopped;
  }

  async #stop(deadline: number): Promise<void> {
    const { clock, logger, streams, connections, sockets } = this.#deps;
    const apps = this.#apps;
    const done = new AbortController();
    const late = clock.sleep(deadline, done.signal).then(() => {
      if (done.signal.aborted) return;
      logger.warn({ streams: streams.size }, 'control API cuts connections that are still open');
      sockets.cut();
    });
    this.#tcp?.stop();
    await Promise.all([this.#tokens?.stop(), streams.stop(), connections.stop(), ...apps.map((app) => app.close())]);
    done.abort();
    await late;
  }
}

function withDefaults(given: ControlLimits): Required<ControlLimits> {
  return {
    maxBodyBytes: given.maxBodyBytes ?? DEFAULT_LIMITS.maxBodyBytes,
    maxConnections: given.maxConnections ?? DEFAULT_LIMITS.maxConnections,
    maxStrangers: given.maxStrangers ?? DEFAULT_LIMITS.maxStrangers,
    maxStreams: given.maxStreams ?? DEFAULT_LIMITS.maxStreams,
    maxUnsentBytes: given.maxUnsentBytes ?? DEFAULT_LIMITS.maxUnsentBytes,
    maxAllUnsentBytes: given.maxAllUnsentBytes ?? DEFAULT_LIMITS.maxAllUnsentBytes,
    stallMs: given.stallMs ?? DEFAULT_LIMITS.stallMs,
    requestTimeoutMs: given.requestTimeoutMs ?? DEFAULT_LIMITS.requestTimeoutMs,
  };
}
