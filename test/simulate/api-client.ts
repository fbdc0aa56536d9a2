import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import grpc from '@grpc/grpc-js';
import { machine } from '../../src/gen/proto.js';

const SERVICE = '/machine.MachineService/';
const DEADLINE_MS = 10_000;

/** What a call came to: its answer, or its gRPC status. */
export type Outcome<T> = { readonly ok: T } | { readonly code: number; readonly details: string };

/** A client of the Talos API that trusts any certificate, as `talosctl --insecure` does. */
export class ApiClient {
  readonly #client: grpc.Client;
  readonly #deadlineMs: number;

  /** `target` is `host:port`. */
  constructor(target: string, deadlineMs = DEADLINE_MS) {
    this.#deadlineMs = deadlineMs;
    const credentials = grpc.credentials.createSsl(null, null, null, {
      checkServerIdentity: () => undefined,
      rejectUnauthorized: false,
    });
    this.#client = new grpc.Client(target, credentials);
  }

  version(): Promise<Outcome<string | undefined>> {
    return this.#call('Version', new Uint8Array(), (bytes) => {
      return machine.VersionResponse.decode(bytes).messages?.[0]?.version?.tag ?? undefined;
    });
  }

  metaWrite(key: number, value: string): Promise<Outcome<number>> {
    const request = machine.MetaWriteRequest.encode({ key, value: Buffer.from(value) }).finish();
    return this.#call('MetaWrite', request, (bytes) => machine.MetaWriteResponse.decode(bytes).messages?.length ?? 0);
  }

  metaDelete(key: number): Promise<Outcome<number>> {
    const request = machine.MetaDeleteRequest.encode({ key }).finish();
    return this.#call('MetaDelete', request, (bytes) => machine.MetaDeleteResponse.decode(bytes).messages?.length ?? 0);
  }

  /** Any call; the answer's bytes. */
  raw(path: string, message: Uint8Array): Promise<Outcome<number>> {
    return this.#unary(path, message, (bytes) => bytes.length);
  }

  close(): void {
    this.#client.close();
  }

  #call<T>(method: string, message: Uint8Array, read: (bytes: Buffer) => T): Promise<Outcome<T>> {
    return this.#unary(`${SERVICE}${method}`, message, read);
  }

  #unary<T>(path: string, message: Uint8Array, read: (bytes: Buffer) => T): Promise<Outcome<T>> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes: Buffer) => read(bytes),
        message,
        new grpc.Metadata(),
        { deadline: Date.now() + this.#deadlineMs },
        (error, ok) => resolve(error === null ? { ok: ok as T } : { code: error.code, details: error.details }),
      );
    });
  }
}

/** A TLS connection to the API, shaken hands; and what it ends with, if it ends by itself. */
export async function handshake(host: string, port: number): Promise<{ socket: TLSSocket; failure: Promise<string> }> {
  const socket = connect({ host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false });
  // Else its end would go unseen.
  socket.resume();
  const failure = new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed'));
  });
  await once(socket, 'secureConnect');
  return { socket, failure };
}
