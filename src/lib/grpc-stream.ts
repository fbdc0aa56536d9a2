import { type Metadata, Metadata as NoMetadata, type ServerInterceptingCallInterface, status } from '@grpc/grpc-js';
import type { GrpcStatus } from './grpc-options.ts';

/** One method whose call is a stream both ways and lasts as long as either side likes: no deadline. */
export interface StreamMethod {
  /** Full name, e.g. `/sidero.link.WireGuardOverGRPCService/CreateStream`. */
  readonly path: string;
  /** Streams at one time in all; more are answered RESOURCE_EXHAUSTED. They do not count as running calls. */
  readonly maxOpen: number;
  /** Bytes of one stream that wait for its connection; what comes on top is dropped. */
  readonly maxUnsentBytes: number;
  /**
   * Takes a stream whose headers are there. Nothing of it is read before `resume`. What it throws ends the stream, by the
   * edge's `toStatus`.
   */
  open(stream: ByteStream): StreamHandler;
}

/** What a stream's owner is told; each in the order in which it came. */
export interface StreamHandler {
  message(bytes: Buffer): void;
  /** Nothing comes any more: the caller has ended it, its connection is gone, or we have. Once. */
  ended(): void;
}

/** One side of a stream of messages: bytes in, bytes out. */
export interface ByteStream {
  /** The caller's address as the socket has it, normalised by the edge's `normaliseSource`. */
  readonly source: string;
  readonly port: number;
  /** A request header; undefined if it did not come exactly once. */
  header(name: string): string | undefined;
  /** Sends a message, or drops it and gives false: too much waits already, or the stream has ended. */
  send(bytes: Uint8Array): boolean;
  /** Reads on. */
  resume(): void;
  /** Reads no further once the message that is being handled is; the sender is held up by HTTP/2's flow control. */
  pause(): void;
  /** Ends the stream with a status; what waits to be sent goes first. Idempotent. */
  end(status: GrpcStatus): void;
}

/** A stream as the edge has it: what grpc-js calls back, and what its owner asks for. */
export class EdgeStream implements ByteStream {
  readonly source: string;
  readonly port: number;
  readonly #call: ServerInterceptingCallInterface;
  readonly #metadata: Metadata;
  readonly #maxUnsentBytes: number;
  readonly #onEnded: () => void;
  #handler: StreamHandler | undefined;
  #unsent = 0;
  #reading = false;
  /** A message was asked for and has not come. */
  #asked = false;
  #ended = false;

  constructor(
    options: { readonly source: string; readonly port: number; readonly maxUnsentBytes: number },
    deps: {
      readonly call: ServerInterceptingCallInterface;
      readonly metadata: Metadata;
      /** Called once, before the handler hears of it. */
      readonly onEnded: () => void;
    },
  ) {
    this.source = options.source;
    this.port = options.port;
    this.#maxUnsentBytes = options.maxUnsentBytes;
    this.#call = deps.call;
    this.#metadata = deps.metadata;
    this.#onEnded = deps.onEnded;
  }

  /** Gives it to its owner, and tells the caller that it stands. */
  open(handler: StreamHandler): void {
    this.#handler = handler;
    if (this.#ended) handler.ended();
    else this.#call.sendMetadata(new NoMetadata());
  }

  header(name: string): string | undefined {
    const values = this.#metadata.get(name);
    return values.length === 1 ? String(values[0]) : undefined;
  }

  send(bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (this.#ended || this.#unsent + length > this.#maxUnsentBytes) return false;
    this.#unsent += length;
    this.#call.sendMessage(Buffer.from(bytes.buffer, bytes.byteOffset, length), () => {
      this.#unsent -= length;
    });
    return true;
  }

  resume(): void {
    this.#reading = true;
    this.#ask();
  }

  pause(): void {
    this.#reading = false;
  }

  end({ code, details }: GrpcStatus): void {
    if (this.#ended) return;
    this.#close();
    this.#call.sendStatus({ code, details });
  }

  /** A message has come. */
  received(bytes: Buffer): void {
    this.#asked = false;
    if (this.#ended) return;
    this.#handler?.message(bytes);
    this.#ask();
  }

  /** The caller sends no more. */
  halfClosed(): void {
    this.end({ code: status.OK, details: '' });
  }

  /** The call is over, whoever ended it. */
  cancelled(): void {
    if (!this.#ended) this.#close();
  }

  #ask(): void {
    if (!this.#reading || this.#asked || this.#ended) return;
    this.#asked = true;
    this.#call.startRead();
  }

  #close(): void {
    this.#ended = true;
    this.#onEnded();
    this.#handler?.ended();
  }
}

export interface EdgeStreamsDeps {
  readonly sourceOf: (remote: string | undefined) => string;
  readonly onCall: ((source: string, port: number) => () => void) | undefined;
  readonly toStatus: (error: unknown, call: { readonly path: string; readonly source: string }) => GrpcStatus;
}

/** The streaming methods of an edge, and their streams. */
export class EdgeStreams {
  readonly #deps: EdgeStreamsDeps;
  readonly #methods = new Map<string, { readonly method: StreamMethod; readonly open: Set<EdgeStream> }>();

  constructor(deps: EdgeStreamsDeps) {
    this.#deps = deps;
  }

  add(method: StreamMethod): void {
    this.#methods.set(method.path, { method, open: new Set() });
  }

  has(path: string): boolean {
    return this.#methods.has(path);
  }

  isFull(path: string): boolean {
    const found = this.#methods.get(path);
    return found !== undefined && found.open.size >= found.method.maxOpen;
  }

  /** Opens a stream for a call of a method that there is. */
  open(path: string, call: ServerInterceptingCallInterface, metadata: Metadata): EdgeStream | undefined {
    const found = this.#methods.get(path);
    if (found === undefined) return undefined;
    const { sourceOf, onCall, toStatus } = this.#deps;
    const { method, open } = found;
    const { remoteAddress, remotePort: port = 0 } = call.getConnectionInfo();
    const source = sourceOf(remoteAddress);
    const onCallEnded = onCall?.(source, port);
    const onEnded = () => {
      open.delete(stream);
      onCallEnded?.();
    };
    const options = { source, port, maxUnsentBytes: method.maxUnsentBytes };
    const stream = new EdgeStream(options, { call, metadata, onEnded });
    open.add(stream);
    try {
      stream.open(method.open(stream));
    } catch (error) {
      stream.end(toStatus(error, { path, source }));
    }
    return stream;
  }

  /** A stream would never end by itself. */
  endAll(told: GrpcStatus): void {
    for (const { open } of this.#methods.values()) for (const stream of [...open]) stream.end(told);
  }
}
