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

/** A call from its headers to its end, whichever of answer, deadline and loss comes first. */
export class CallContext implements UnaryCall {
  readonly source: string;
  readonly port: number;
  readonly #release: () => void;
  #controller: AbortController | undefined;
  #aborted = false;
  #ended = false;

  /** @param release undone once, when the call ends */
  constructor(source: string, release: () => void, port = 0) {
    this.source = source;
    this.port = port;
    this.#release = release;
  }

  /** Made when first asked for: most handlers are done before anybody could abort them. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Ends the call; false if it had ended before, so that nobody answers twice. */
  end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#release();
    return true;
  }

  /** Ends the call and tells its handler, if the handler has not answered yet. */
  abort(): boolean {
    if (!this.end()) return false;
    this.#aborted = true;
    this.#controller?.abort();
    return true;
  }
}
