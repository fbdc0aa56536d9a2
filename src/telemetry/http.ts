import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Health } from './health.ts';
import type { Logger } from './logger.ts';
import type { MetricsRegistry } from './metrics.ts';

export interface TelemetryServerOptions {
  /** An address or a name, IPv6 without brackets. */
  readonly host: string;
  /** 0 takes any free port; `start` tells which. */
  readonly port: number;
  /** A connection beyond these is closed at once. Default 64. */
  readonly maxConnections?: number;
  /** Within so many milliseconds a request must be complete. Default 5,000. */
  readonly requestTimeoutMs?: number;
}

export interface TelemetryServerDeps {
  readonly registry: MetricsRegistry;
  readonly health: Health;
  readonly logger: Logger;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly allow?: string;
}

const TEXT = 'text/plain; charset=utf-8';

/**
 * Serves `/metrics` (Prometheus text), `/healthz` (200 while the process answers at all) and `/readyz` (200, or 503
 * while a condition is an error; the body lists the conditions). It asks for no credentials: listen on loopback.
 */
export class TelemetryServer {
  readonly #options: TelemetryServerOptions;
  readonly #deps: TelemetryServerDeps;
  readonly #server: Server;
  #stopping: Promise<void> | undefined;

  constructor(options: TelemetryServerOptions, deps: TelemetryServerDeps) {
    this.#options = options;
    this.#deps = deps;
    const requestTimeout = options.requestTimeoutMs ?? 5000;
    this.#server = createServer(
      { requestTimeout, headersTimeout: requestTimeout, connectionsCheckingInterval: 1000 },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = options.maxConnections ?? 64;
  }

  /** @throws SiderolinkError `unavailable` if the address cannot be bound */
  start(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        reject(
          new SiderolinkError(
            'unavailable',
            `cannot listen on ${host} port ${port}: ${errorMessage(error)}`,
            {},
            { cause: error },
          ),
        );
      };
      this.#server.once('error', failed);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', failed);
        this.#server.on('error', (error) => this.#deps.logger.warn({ error: errorMessage(error) }, 'metrics listener'));
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Takes no more connections; requests that run have `deadlineMs` to end. Idempotent. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= new Promise((resolve) => {
      const force = setTimeout(() => this.#server.closeAllConnections(), deadlineMs);
      // The callback's error says that it was not listening: then it is stopped already.
      this.#server.close(() => {
        clearTimeout(force);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
    return this.#stopping;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A body means nothing here; reading it away keeps the connection usable.
    request.resume();
    const { status, type, body, allow } = await this.#answer(request);
    if (response.destroyed) return;
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      ...(allow === undefined ? {} : { allow }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { registry, health, logger } = this.#deps;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { status: 405, type: TEXT, body: 'only GET and HEAD\n', allow: 'GET, HEAD' };
    }
    const path = request.url?.split('?', 1)[0];
    switch (path) {
      case '/healthz':
        return { status: 200, type: TEXT, body: 'ok\n' };
      case '/readyz':
        return { status: health.ready ? 200 : 503, type: TEXT, body: conditionsText(health) };
      case '/metrics':
        try {
          return { status: 200, type: registry.contentType, body: await registry.metrics() };
        } catch (error) {
          logger.error({ error: errorMessage(error) }, 'metrics cannot be collected');
          return { status: 500, type: TEXT, body: 'metrics cannot be collected; see the log\n' };
        }
      default:
        return { status: 404, type: TEXT, body: 'there is /metrics, /healthz and /readyz\n' };
    }
  }
}

function conditionsText(health: Health): string {
  const lines = health.conditions.map(({ name, severity, message }) =>
    message === '' ? `${severity} ${name}` : `${severity} ${name}: ${message}`,
  );
  return `${[health.ready ? 'ready' : 'not ready', ...lines].join('\n')}\n`;
}
