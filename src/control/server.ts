import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { type App, type AppDeps, buildApp } from './app.ts';
import { controlMetrics } from './metrics.ts';
import { guardSocket, prepareSocketPath } from './socket.ts';
import { Streams } from './streams.ts';
import { type ControlDeps, type ControlLimits, DEFAULT_LIMITS } from './types.ts';

export interface ControlServerOptions extends ControlLimits {
  /** Path of the unix socket: 0660 in a directory made 0750. Its callers are admin. */
  readonly socket: string;
}

/** The control API on its unix socket. */
export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #limits: Required<ControlLimits>;
  readonly #deps: AppDeps;
  #app: App | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ControlServerOptions, deps: ControlDeps) {
    this.#options = options;
    this.#limits = withDefaults(options);
    this.#deps = {
      ...deps,
      streams: new Streams({ max: this.#limits.maxStreams }),
      controlMetrics: controlMetrics(deps.metrics),
    };
  }

  /**
   * Listens; once.
   *
   * @throws SiderolinkError `conflict` when another process listens on the socket, `configuration` when we may not
   */
  async start(): Promise<void> {
    const { socket } = this.#options;
    await prepareSocketPath(socket);
    const app = await buildApp(this.#limits, this.#deps);
    this.#app = app;
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
   * Takes no new request, ends the streams, lets the others finish; what is still open after `deadline` milliseconds
   * is cut. Removes the socket. Idempotent.
   */
  stop(deadline: number): Promise<void> {
    this.#stopped ??= this.#stop(deadline);
    return this.#stopped;
  }

  async #stop(deadline: number): Promise<void> {
    const app = this.#app;
    if (app === undefined) return;
    const { clock, logger, streams } = this.#deps;
    const done = new AbortController();
    const late = clock.sleep(deadline, done.signal).then(() => {
      if (done.signal.aborted) return;
      logger.warn({ streams: streams.size }, 'control API cuts connections that are still open');
      app.server.closeAllConnections();
    });
    await Promise.all([streams.stop(), app.close()]);
    done.abort();
    await late;
  }
}

function withDefaults(given: ControlLimits): Required<ControlLimits> {
  return {
    maxBodyBytes: given.maxBodyBytes ?? DEFAULT_LIMITS.maxBodyBytes,
    maxConnections: given.maxConnections ?? DEFAULT_LIMITS.maxConnections,
    maxStreams: given.maxStreams ?? DEFAULT_LIMITS.maxStreams,
    maxUnsentBytes: given.maxUnsentBytes ?? DEFAULT_LIMITS.maxUnsentBytes,
    stallMs: given.stallMs ?? DEFAULT_LIMITS.stallMs,
    requestTimeoutMs: given.requestTimeoutMs ?? DEFAULT_LIMITS.requestTimeoutMs,
  };
}
