import { type Socket, connect as tcpConnect } from 'node:net';
import { type SecureContext, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { MachineApiError } from './api-error.ts';

export interface ConnectionTarget {
  readonly address: string;
  readonly port: number;
  readonly localAddress: string;
}

/**
 * One TLS connection to a machine. Its certificate is not verified: in maintenance it is self-signed and new with each
 * boot, so there is nothing to verify it against. Who answers is known from WireGuard: packets for the machine's
 * address go to its key alone, and packets from there come from its key alone.
 */
export class MachineConnection {
  readonly tls: TLSSocket;
  readonly #raw: Socket;
  #connected = false;
  #asked = false;

  constructor({ address, port, localAddress }: ConnectionTarget, secureContext: SecureContext) {
    this.#raw = tcpConnect({ host: address, port, localAddress, noDelay: true });
    this.#raw.once('connect', () => {
      this.#connected = true;
    });
    // The TLS socket tells the same; this keeps one that comes after it from ending the process.
    this.#raw.on('error', () => {});
    this.tls = tlsConnect({
      socket: this.#raw,
      secureContext,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
    });
    this.tls.once('secureConnect', () => this.#noteDemand());
  }

  /** Bytes received in all, TLS and its handshake included. */
  get bytesRead(): number {
    return this.#raw.bytesRead;
  }

  /**
   * What an end of the connection means that came before the peer's HTTP/2 did. A server that demands a certificate
   * says so in the handshake; whether its alert arrives then is a matter of luck: with TLS 1.3 it comes after the
   * handshake, together with a reset if we have written meanwhile.
   */
  faultOf(error: Error | undefined): MachineApiError {
    this.#noteDemand();
    const code = error !== undefined && 'code' in error ? String(error.code) : '';
    if (this.#asked || code.endsWith('_ALERT_CERTIFICATE_REQUIRED')) {
      return new MachineApiError(
        'certificate_demanded',
        'the machine wants a client certificate: it is in normal mode',
      );
    }
    if (!this.#connected) {
      return new MachineApiError('unreachable', `no connection to the machine's API: ${code || 'closed'}`);
    }
    return new MachineApiError(
      'broken',
      `the connection to the machine's API was lost: ${code || 'closed by the machine'}`,
    );
  }

  /** Ends it at once; resolves when the socket is closed. */
  async close(): Promise<void> {
    const closed = this.#raw.closed
      ? undefined
      : new Promise<void>((resolve) => this.#raw.once('close', () => resolve()));
    this.tls.destroy();
    this.#raw.destroy();
    await closed;
  }

  /** A client has signature algorithms in common with a server only once the server has asked for its certificate. */
  #noteDemand(): void {
    // Null once the connection is gone, whatever the types say.
    const common: readonly string[] | null = this.tls.getSharedSigalgs();
    this.#asked ||= common !== null && common.length > 0;
  }
}
