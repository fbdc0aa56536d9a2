import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { CertificateSource } from './certificate.ts';

/**
 * Why a connection came to nothing before it could carry a call: the caller spoke no TLS, does not trust our certificate,
 * offered no `h2` (ALPN), no version or cipher suite that we take, did nothing in time, or went away.
 */
export type HandshakeFailure = 'plaintext' | 'untrusted' | 'alpn' | 'version' | 'timeout' | 'closed' | 'other';

/** What OpenSSL calls them. Go answers each certificate that it does not like with `bad certificate` or `unknown CA`. */
const FAILURES: readonly (readonly [RegExp, HandshakeFailure])[] = [
  [/HTTP_REQUEST|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_TOO_SMALL/, 'plaintext'],
  [/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE)/, 'untrusted'],
  [/NO_APPLICATION_PROTOCOL/, 'alpn'],
  [/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|PROTOCOL_VERSION|NO_SHARED_CIPHER/, 'version'],
  [/HANDSHAKE_TIMEOUT/, 'timeout'],
  [/ECONNRESET|EPIPE/, 'closed'],
];

export function handshakeFailure(error: { readonly code?: unknown }): HandshakeFailure {
  const code = String(error.code);
  return FAILURES.find(([pattern]) => pattern.test(code))?.[1] ?? 'other';
}

export interface TlsGateOptions {
  readonly certificate: CertificateSource;
  /** A caller that has not finished its handshake by then is closed, milliseconds. Default 60,000. */
  readonly handshakeTimeoutMs?: number;
  /** `accepted` is the socket that carries it. */
  readonly onSecure: (socket: TLSSocket, accepted: Socket) => void;
  /** `remote` is the caller's address as its socket has it; of one that is `closed` it may be unknown. */
  readonly onFailed?: (failure: HandshakeFailure, remote: string | undefined) => void;
}

/**
 * Turns accepted TCP sockets into TLS ones that carry HTTP/2. A new certificate serves the connections that come after
 * it; open ones stay as they are.
 */
export class TlsGate {
  readonly #server: Server;
  /** Whose handshake it is: by the time that its failure is told, the socket often knows its caller no more. */
  readonly #begun = new AsyncLocalStorage<{ readonly accepted: Socket; readonly remote: string | undefined }>();
  readonly #release: () => void;

  constructor(options: TlsGateOptions) {
    const { certificate, onSecure, onFailed } = options;
    this.#server = createServer({
      ...certificate.context(),
      ALPNProtocols: ['h2'],
      // When a fleet comes back at once, the last of ten thousand handshakes has its turn after half a minute.
      handshakeTimeout: options.handshakeTimeoutMs ?? 60_000,
    });
    this.#server.on('secureConnection', (socket) => {
      socket.on('error', () => socket.destroy());
      const accepted = this.#begun.getStore()?.accepted;
      if (socket.alpnProtocol === 'h2' && accepted !== undefined) return onSecure(socket, accepted);
      // Who offers nothing gets this far. Go's clients would not go on without h2 either (R2).
      onFailed?.('alpn', socket.remoteAddress);
      socket.destroy();
    });
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      onFailed?.(handshakeFailure(error), socket.remoteAddress ?? this.#begun.getStore()?.remote);
      socket.destroy();
    });
    this.#release = certificate.onChange(() => this.#server.setSecureContext(certificate.context()));
  }

  /** Begins the handshake on a socket that has just been accepted. */
  accept(socket: Socket): void {
    const begun = { accepted: socket, remote: socket.remoteAddress };
    this.#begun.run(begun, () => this.#server.emit('connection', socket));
  }

  /** No further certificate is taken. What has been accepted goes on. */
  close(): void {
    this.#release();
  }
}
