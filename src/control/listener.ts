import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions, Server as TlsServer } from 'node:tls';
import type { ControlToken } from '../domain/control-token.ts';
import { formatHostPort, type HostPort } from '../domain/host-port.ts';
import type { CertificateSource } from '../lib/certificate.ts';
import { type App, type AppDeps, buildApp } from './app.ts';
import { type Door, Refusal } from './auth.ts';
import { HostNames } from './hosts.ts';
import { Strangers } from './strangers.ts';
import type { TokensFile } from './tokens-file.ts';
import type { Caller, ControlLimits } from './types.ts';

/** How long a TLS handshake may take, milliseconds: whoever connects and says nothing holds a connection so long. */
const HANDSHAKE_MS = 10_000;

export interface TcpListenerOptions {
  readonly listen: HostPort;
  /** What a Host header may be beside the address listened on and the names of the certificate. */
  readonly hosts: readonly string[];
}

export interface TcpListenerDeps {
  readonly tokens: TokensFile;
  /** Without one it speaks plain HTTP. */
  readonly certificate?: CertificateSource | undefined;
}

/**
 * The control API over TCP. A request needs a Host that is ours, no Origin, and a token; the connections that a token was
 * used on are closed when it is taken from the tokens file or gets another role.
 */
export class TcpListener implements Door {
  readonly #options: TcpListenerOptions;
  readonly #deps: TcpListenerDeps;
  readonly #hosts: HostNames;
  /** The token last used on each connection. */
  readonly #used = new Map<Socket, ControlToken>();
  #strangers: Strangers | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: TcpListenerOptions, deps: TcpListenerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#hosts = new HostNames(options.listen.host, options.hosts);
  }

  /** Listens. @throws what binding the socket throws; the app is closed then */
  async start(limits: Required<ControlLimits>, deps: AppDeps): Promise<App> {
    const { tokens, certificate } = this.#deps;
    const app = await buildApp(limits, deps, { door: this, ...(certificate && { tls: tlsOptions(certificate) }) });
    if (certificate !== undefined) this.#follow(certificate, app.server as unknown as TlsServer);
    const { turnedAway } = deps.controlMetrics;
    this.#strangers = new Strangers({ maxPerNetwork: limits.maxStrangers }, { onTurnedAway: () => turnedAway.inc() });
    this.#strangers.follow(app.server);
    tokens.onChange(() => this.#closeRevoked());
    try {
      // A name that has several addresses, as localhost, would make the framework listen on each with servers of its own.
      const { address: host } = await lookup(this.#options.listen.host);
      await app.listen({ host, port: this.#options.listen.port });
    } catch (error) {
      await app.close();
      throw error;
    }
    const { address: host, port } = app.server.address() as AddressInfo;
    deps.logger.info(
      { address: formatHostPort({ host, port }), tls: certificate !== undefined },
      'control API listens',
    );
    return app;
  }

  /** Follows the certificate no more. */
  stop(): void {
    this.#unsubscribe?.();
  }

  admit(request: IncomingMessage): Caller {
    const { socket, headers } = request;
    if (!this.#hosts.has(headers.host, socket.localAddress)) throw new Refusal('host');
    if (headers.origin !== undefined) throw new Refusal('origin');
    const { authorization } = headers;
    if (authorization === undefined) throw new Refusal('no_token');
    const [, text] = /^bearer +(\S+) *$/i.exec(authorization) ?? [];
    if (text === undefined) throw new Refusal('malformed_token');
    const token = this.#deps.tokens.find(text);
    if (token === undefined) throw new Refusal('unknown_token');
    this.#remember(socket, token);
    this.#strangers?.know(socket);
    return { role: token.role, name: token.name };
  }

  #remember(socket: Socket, token: ControlToken): void {
    if (!this.#used.has(socket)) socket.once('close', () => this.#used.delete(socket));
    this.#used.set(socket, token);
  }

  #closeRevoked(): void {
    for (const [socket, token] of this.#used) {
      if (!this.#deps.tokens.holds(token)) socket.destroy();
    }
  }

  #follow(certificate: CertificateSource, server: TlsServer): void {
    const take = () => this.#hosts.useCertificate(certificateOf(certificate.context()));
    take();
    this.#unsubscribe = certificate.onChange(() => {
      server.setSecureContext(certificate.context());
      take();
    });
  }
}

function tlsOptions(certificate: CertificateSource) {
  return {
    ...certificate.context(),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: HANDSHAKE_MS,
  };
}

/** The server's own certificate, PEM: the first of its chain. */
function certificateOf({ cert }: SecureContextOptions): string {
  const [first] = Array.isArray(cert) ? cert : [cert];
  return new X509Certificate(first ?? '').toString();
}
