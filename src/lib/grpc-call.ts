import * as answers from './grpc-answers.ts';
import { type MessageEvents, MessageReader } from './grpc-messages.ts';
import type { GrpcStatus } from './grpc-options.ts';
import { CANCEL } from './h2/protocol.ts';
import type { H2Stream, StreamEvents } from './h2/stream.ts';
import { NOT_TIMED, type Timed, type Wheel } from './h2/wheel.ts';

/** What a handler may know of the call that it serves. */
export interface UnaryCall {
  /** The caller's address as the socket has it, normalised by the edge's `normaliseSource`. */
  readonly source: string;
  /** The caller's TCP port; 0 if it is not known any more. */
  readonly port?: number;
  /** Aborts when the call is cancelled, its connection is lost, or its deadline has passed. */
  readonly signal: AbortSignal;
}

/** One unary method: bytes in, bytes out. */
export interface UnaryMethod<Req, Res> {
  /** Full name, e.g. `/events.EventSinkService/Publish`. */
  readonly path: string;
  decode(bytes: Buffer): Req;
  encode(response: Res): Uint8Array;
  handle(request: Req, call: UnaryCall): Res | Promise<Res>;
  /** Answers a request that `decode` threw at. Without it: INVALID_ARGUMENT. */
  onBroken?(bytes: Buffer, error: unknown, call: UnaryCall): Res | Promise<Res>;
  /**
   * Answers a request that is larger than the edge takes, without its bytes: `announced` is its length as its sender gave
   * it. Without it: RESOURCE_EXHAUSTED.
   */
  onTooLarge?(announced: number, call: UnaryCall): Res | Promise<Res>;
  /** Milliseconds from the call's first byte to its answer; then UNAVAILABLE. Default: the edge's. */
  readonly deadlineMs?: number;
}

/** A method whose types are known to itself only: a request's bytes become an answer's. */
export interface BytesMethod {
  readonly path: string;
  readonly deadlineMs: number | undefined;
  /** @throws what `toStatus` makes a status of */
  answer(bytes: Buffer, call: UnaryCall): Uint8Array | Promise<Uint8Array>;
  answerTooLarge: ((announced: number, call: UnaryCall) => Promise<Uint8Array>) | undefined;
}

/** A request that is not the protobuf message of its method. */
class BrokenRequest extends Error {
  override readonly name = 'BrokenRequest';

  constructor(cause: unknown) {
    super('broken request', { cause });
  }
}

export function bytesMethod<Req, Res>(method: UnaryMethod<Req, Res>): BytesMethod {
  const { onTooLarge } = method;
  const encoded = (response: Res | Promise<Res>): Uint8Array | Promise<Uint8Array> =>
    response instanceof Promise ? response.then((value) => method.encode(value)) : method.encode(response);
  return {
    path: method.path,
    deadlineMs: method.deadlineMs,
    answer: (bytes, call) => {
      let request: Req;
      try {
        request = method.decode(bytes);
      } catch (error) {
        if (method.onBroken === undefined) throw new BrokenRequest(error);
        return encoded(method.onBroken(bytes, error, call));
      }
      return encoded(method.handle(request, call));
    },
    answerTooLarge:
      onTooLarge === undefined
        ? undefined
        : async (announced, call) => method.encode(await onTooLarge.call(method, announced, call)),
  };
}

/** What calls need of their edge. */
export interface CallHost {
  readonly maxMessageBytes: number;
  readonly wheel: Wheel;
  /** Its request is there: `serve` is to be called in its turn. */
  requested(call: UnaryExchange): void;
  toStatus(error: unknown, call: { readonly path: string; readonly source: string }): GrpcStatus;
  /** Once, when it has been answered or nobody waits for it any more. */
  ended(call: UnaryExchange): void;
  /** It had no answer in time. */
  late(): void;
}

export interface CallOptions {
  readonly source: string;
  readonly port: number;
  /** Milliseconds that the caller waits, if it said so. */
  readonly timeoutMs: number | undefined;
  /** Milliseconds to the answer. */
  readonly deadlineMs: number;
  /** What messages are compressed with, if the caller said so. */
  readonly encoding: string | undefined;
}

/** A call from its headers to its end, whichever of answer, deadline and loss comes first. */
export class UnaryExchange implements UnaryCall, StreamEvents, MessageEvents, Timed {
  tick = NOT_TIMED;
  readonly source: string;
  readonly port: number;
  /** For the edge: what `onCall` gave for it. */
  release: (() => void) | undefined;
  readonly #method: BytesMethod;
  readonly #stream: H2Stream;
  readonly #host: CallHost;
  readonly #options: CallOptions;
  readonly #reader: MessageReader;
  #request: Buffer | undefined;
  #controller: AbortController | undefined;
  #aborted = false;
  #isServed = false;
  /** What makes its answer, from when its request is there until it is its turn. */
  #answering: (() => Uint8Array | Promise<Uint8Array>) | undefined;
  #ended = false;

  constructor(method: BytesMethod, stream: H2Stream, options: CallOptions, host: CallHost) {
    this.source = options.source;
    this.port = options.port;
    this.#method = method;
    this.#stream = stream;
    this.#options = options;
    this.#host = host;
    this.#reader = new MessageReader(host.maxMessageBytes, this);
    const { timeoutMs = Number.POSITIVE_INFINITY, deadlineMs } = options;
    host.wheel.schedule(this, Math.min(timeoutMs, deadlineMs));
    stream.attach(this);
  }

  /** Made when first asked for: most handlers are done before anybody could abort them. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  data(part: Buffer): void {
    this.#stream.credit(part.length);
    if (!this.#ended) this.#reader.read(part);
  }

  message(bytes: Buffer): void {
    if (this.#request === undefined) this.#request = bytes;
    else this.#refuse(answers.UNIMPLEMENTED, 'more than one message');
  }

  tooLarge(announced: number): void {
    const { answerTooLarge } = this.#method;
    if (answerTooLarge === undefined) {
      const most = this.#host.maxMessageBytes;
      this.#refuse(answers.RESOURCE_EXHAUSTED, `a message of ${announced} bytes is larger than ${most}`);
      return;
    }
    this.#await(() => answerTooLarge(announced, this));
  }

  unreadable(isCompressed: boolean): void {
    const { encoding = 'identity' } = this.#options;
    if (isCompressed && encoding !== 'identity') {
      this.#refuse(answers.UNIMPLEMENTED, 'compressed messages are not taken');
    } else {
      this.#refuse(answers.INTERNAL, 'no message as gRPC has them');
    }
  }

  /** The body is there. */
  halfClosed(): void {
    if (this.#ended || this.#isServed) return;
    const request = this.#request;
    if (request === undefined || !this.#reader.isBetween) {
      this.#refuse(answers.UNIMPLEMENTED, 'not one whole message');
      return;
    }
    this.#request = undefined;
    this.#await(() => this.#method.answer(request, this));
  }

  /** Nobody waits for an answer any more, or has to wait any longer. */
  closed(): void {
    this.#host.wheel.cancel(this);
    this.#abort();
  }

  due(): void {
    // It is answered, and its caller has not taken the answer.
    if (this.#ended) {
      this.#stream.reset(CANCEL);
      return;
    }
    const { timeoutMs, deadlineMs } = this.#options;
    this.#abort();
    if (timeoutMs !== undefined && timeoutMs < deadlineMs) {
      this.#tell({ code: answers.DEADLINE_EXCEEDED, details: 'deadline exceeded' });
      return;
    }
    this.#host.late();
    this.#tell({ code: answers.UNAVAILABLE, details: 'no answer in time, try again' });
  }

  /** Does what was asked for, if somebody still waits for the answer. */
  serve(): void {
    const answer = this.#answering;
    this.#answering = undefined;
    if (answer === undefined || this.#ended) return;
    try {
      const response = answer();
      if (response instanceof Promise) {
        response.then(
          (bytes) => this.#answer(bytes),
          (error: unknown) => this.#failed(error),
        );
      } else {
        this.#answer(response);
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #await(answer: () => Uint8Array | Promise<Uint8Array>): void {
    this.#isServed = true;
    this.#answering = answer;
    this.#host.requested(this);
  }

  #answer(bytes: Uint8Array): void {
    if (!this.#end()) return;
    this.#stream.answer(answers.HEAD, bytes, answers.OK_TRAILERS);
    this.#awaitTaker();
  }

  #failed(error: unknown): void {
    // Also told of a caller who is gone: what went wrong went wrong.
    const told = this.#toStatus(error);
    if (this.#end()) this.#tell(told);
  }

  #toStatus(error: unknown): GrpcStatus {
    if (error instanceof BrokenRequest) {
      const details = 'the request is not the protobuf message of this method';
      return { code: answers.INVALID_ARGUMENT, details };
    }
    return this.#host.toStatus(error, { path: this.#method.path, source: this.source });
  }

  #refuse(code: number, details: string): void {
    if (this.#end()) this.#tell({ code, details });
  }

  #tell(told: GrpcStatus): void {
    this.#stream.finish(answers.statusOnly(told));
    this.#awaitTaker();
  }

  /** An answer that does not fit the caller's windows has as long again. */
  #awaitTaker(): void {
    if (!this.#stream.isOver) this.#host.wheel.schedule(this, this.#options.deadlineMs);
  }

  /** False if it had ended before, so that nobody answers twice. */
  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#request = undefined;
    this.#host.ended(this);
    return true;
  }

  #abort(): void {
    if (!this.#end()) return;
    this.#aborted = true;
    this.#controller?.abort();
  }
}
