import * as answers from './grpc-answers.ts';
import { type MessageEvents, MessageReader } from './grpc-messages.ts';
import type { GrpcStatus } from './grpc-options.ts';
import { CANCEL } from './h2/protocol.ts';
import { fieldOf } from './h2/request-head.ts';
import type { H2Stream, StreamEvents } from './h2/stream.ts';
import { NOT_TIMED, type Timed, type Wheel } from './h2/wheel.ts';

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
  /** Bytes that wait for the caller to take them. */
  readonly unsent: number;
  /** Ends the stream with a status. What waits to be sent goes first if it is OK, else is dropped. Idempotent. */
  end(status: GrpcStatus): void;
}

/** A stream that has ended, and its caller has not taken what was sent: it is cut off after so long. */
const LINGER_MS = 30_000;

export interface EdgeStreamOptions {
  readonly source: string;
  readonly port: number;
  readonly maxUnsentBytes: number;
  readonly maxMessageBytes: number;
  /** Milliseconds that the caller gave the stream, if it did. */
  readonly timeoutMs: number | undefined;
  /** Names and values by turns. */
  readonly fields: readonly string[];
}

export interface EdgeStreamDeps {
  readonly stream: H2Stream;
  readonly wheel: Wheel;
  /** Called once, before the handler hears of it. */
  readonly onEnded: () => void;
}

/** A stream as the edge has it: what HTTP/2 tells, and what its owner asks for. */
export class EdgeStream implements ByteStream, StreamEvents, MessageEvents, Timed {
  tick = NOT_TIMED;
  readonly source: string;
  readonly port: number;
  readonly #options: EdgeStreamOptions;
  readonly #deps: EdgeStreamDeps;
  readonly #reader: MessageReader;
  #handler: StreamHandler | undefined;
  /** Messages that came while nobody read: no more than the caller's window. */
  #messages: Buffer[] = [];
  /** Bytes that came then, and of which the caller does not know yet that there is room for others. */
  #withheld = 0;
  #reading = false;
  #delivering = false;
  #halfClosed = false;
  /** The caller was told that it stands. */
  #hasHead = false;
  #ended = false;

  constructor(options: EdgeStreamOptions, deps: EdgeStreamDeps) {
    this.source = options.source;
    this.port = options.port;
    this.#options = options;
    this.#deps = deps;
    this.#reader = new MessageReader(options.maxMessageBytes, this);
    if (options.timeoutMs !== undefined) deps.wheel.schedule(this, options.timeoutMs);
    deps.stream.lasts = true;
    deps.stream.attach(this);
  }

  /** Gives it to its owner, and tells the caller that it stands. */
  open(handler: StreamHandler): void {
    this.#handler = handler;
    if (this.#ended) {
      handler.ended();
      return;
    }
    this.#deps.stream.headers(answers.HEAD);
    this.#hasHead = true;
  }

  get unsent(): number {
    return this.#deps.stream.unsent;
  }

  header(name: string): string | undefined {
    return fieldOf(this.#options.fields, name);
  }

  send(bytes: Uint8Array): boolean {
    const { stream } = this.#deps;
    if (this.#ended || stream.unsent + bytes.length > this.#options.maxUnsentBytes) return false;
    stream.send(bytes);
    return true;
  }

  resume(): void {
    this.#reading = true;
    this.#deliver();
  }

  pause(): void {
    this.#reading = false;
  }

  end(told: GrpcStatus): void {
    if (this.#ended) return;
    const { stream, wheel } = this.#deps;
    this.#close();
    // A caller that takes nothing hears all the same why, and holds nothing by coming again and again.
    if (told.code !== answers.OK) stream.dropUnsent();
    stream.finish(this.#hasHead ? answers.trailersOf(told) : answers.statusOnly(told));
    if (!stream.isOver) wheel.schedule(this, LINGER_MS);
  }

  data(part: Buffer): void {
    const { stream } = this.#deps;
    if (this.#reading || this.#ended) stream.credit(part.length);
    else this.#withheld += part.length;
    if (!this.#ended) this.#reader.read(part);
  }

  message(bytes: Buffer): void {
    this.#messages.push(bytes);
    this.#deliver();
  }

  tooLarge(announced: number): void {
    const details = `a message of ${announced} bytes is larger than ${this.#options.maxMessageBytes}`;
    this.end({ code: answers.RESOURCE_EXHAUSTED, details });
  }

  unreadable(isCompressed: boolean): void {
    if (isCompressed) this.end({ code: answers.UNIMPLEMENTED, details: 'compressed messages are not taken' });
    else this.end({ code: answers.INTERNAL, details: 'no message as gRPC has them' });
  }

  /** The caller sends no more. */
  halfClosed(): void {
    this.#halfClosed = true;
    this.#deliver();
  }

  closed(): void {
    this.#deps.wheel.cancel(this);
    if (!this.#ended) this.#close();
  }

  due(): void {
    if (this.#ended) this.#deps.stream.reset(CANCEL);
    else this.end({ code: answers.DEADLINE_EXCEEDED, details: 'deadline exceeded' });
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    while (this.#reading && !this.#ended) {
      const message = this.#messages.shift();
      if (message === undefined) break;
      this.#handler?.message(message);
    }
    this.#delivering = false;
    if (!this.#reading || this.#ended) return;
    if (this.#withheld > 0) this.#deps.stream.credit(this.#withheld);
    this.#withheld = 0;
    if (this.#halfClosed) this.end({ code: answers.OK, details: '' });
  }

  #close(): void {
    this.#ended = true;
    this.#messages = [];
    this.#deps.onEnded();
    this.#handler?.ended();
  }
}

export interface EdgeStreamsDeps {
  readonly wheel: Wheel;
  readonly maxMessageBytes: number;
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
  open(
    path: string,
    stream: H2Stream,
    call: Pick<EdgeStreamOptions, 'source' | 'port' | 'timeoutMs' | 'fields'>,
  ): void {
    const found = this.#methods.get(path);
    if (found === undefined) return;
    const { wheel, maxMessageBytes, onCall, toStatus } = this.#deps;
    const { method, open } = found;
    const { source, port } = call;
    const onCallEnded = onCall?.(source, port);
    const onEnded = () => {
      open.delete(opened);
      onCallEnded?.();
    };
    const options = { ...call, maxUnsentBytes: method.maxUnsentBytes, maxMessageBytes };
    const opened = new EdgeStream(options, { stream, wheel, onEnded });
    open.add(opened);
    try {
      opened.open(method.open(opened));
    } catch (error) {
      opened.end(toStatus(error, { path, source }));
    }
  }

  /** A stream would never end by itself. */
  endAll(told: GrpcStatus): void {
    for (const { open } of this.#methods.values()) for (const stream of [...open]) stream.end(told);
  }
}
