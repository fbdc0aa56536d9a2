import {
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_HEADER_BYTES,
  frameOf,
  HEADERS,
  INITIAL_WINDOW,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  NO_ERROR,
  writeFrameHeader,
} from './protocol.ts';

/** gRPC's own header before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
/** The peer is told of room when so much of it is free again. */
const CREDIT_BYTES = 32_768;

/** What a request's owner is told. */
export interface StreamEvents {
  /** Bytes of the body, valid until it returns. What is not credited counts against the peer's window. */
  data(part: Buffer): void;
  /** The body is there: the peer sends no more. */
  halfClosed(): void;
  /** Nothing more comes or goes: answered, reset or lost. Once. */
  closed(): void;
}

/** What a stream needs of its session. */
export interface StreamSession {
  /** Bytes of data that the peer takes on all streams together. */
  sendWindow: number;
  readonly hasRoom: boolean;
  add(frame: Buffer): void;
  /** Data waits: `pump` is to be called before the turn's end. */
  markReady(): void;
  /** Tells the peer of `bytes` that it may send on a stream. */
  credit(id: number, bytes: number): void;
  /** Tells the peer that the stream is over. */
  reset(stream: H2Stream, code: number): void;
  /** Forgets a stream that is over on both sides. */
  remove(stream: H2Stream): void;
}

const NOBODY: StreamEvents = { data: () => {}, halfClosed: () => {}, closed: () => {} };

/** One request and its answer. */
export class H2Stream {
  readonly id: number;
  /** It is no mere call: it is to last. */
  lasts = false;
  readonly #session: StreamSession;
  #events: StreamEvents = NOBODY;
  /** Bytes that the peer takes; below zero when it has taken back what it gave. */
  #sendWindow: number;
  #receiveWindow = INITIAL_WINDOW;
  /** Bytes that were read and of which the peer does not know yet. */
  #uncredited = 0;
  /** Bytes that are still to come, if the peer said how many. */
  #announced: number;
  #queue: Buffer[] | undefined;
  #queued = 0;
  /** Of the first message in the queue, the beginning is sent. */
  #isBegun = false;
  #trailers: Buffer | undefined;
  #isRemoteClosed = false;
  #isOver = false;

  /** @param options.isBodiless the peer has said all with its headers */
  constructor(
    id: number,
    session: StreamSession,
    options: { readonly window: number; readonly announced?: number; readonly isBodiless?: boolean },
  ) {
    this.id = id;
    this.#session = session;
    this.#sendWindow = options.window;
    this.#announced = options.announced ?? -1;
    this.#isRemoteClosed = options.isBodiless === true;
  }

  /** The peer sends no more. */
  get isRemoteClosed(): boolean {
    return this.#isRemoteClosed;
  }

  /** Nothing can be sent any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes of messages that the peer or its connection has not taken. */
  get unsent(): number {
    return this.#queue === undefined ? 0 : Math.max(0, this.#queued - PREFIX_BYTES * this.#queue.length);
  }

  attach(events: StreamEvents): void {
    this.#events = events;
  }

  /** The whole answer to a call: headers, one message, trailers. */
  answer(head: Buffer, message: Uint8Array, trailers: Buffer): void {
    if (this.#isOver) return;
    const body = PREFIX_BYTES + message.length;
    const session = this.#session;
    if (body > MAX_FRAME_BYTES || body > this.#sendWindow || body > session.sendWindow || !session.hasRoom) {
      this.headers(head);
      this.send(message);
      this.finish(trailers);
      return;
    }
    const frames = Buffer.allocUnsafe(3 * FRAME_HEADER_BYTES + head.length + body + trailers.length);
    let at = writeFrameHeader(frames, 0, head.length, HEADERS, END_HEADERS, this.id);
    frames.set(head, at);
    at = writeFrameHeader(frames, at + head.length, body, DATA, 0, this.id);
    writeMessage(frames, at, message);
    at = writeFrameHeader(frames, at + body, trailers.length, HEADERS, END_HEADERS | END_STREAM, this.id);
    frames.set(trailers, at);
    this.#sendWindow -= body;
    session.sendWindow -= body;
    session.add(frames);
    this.#closeLocal();
  }

  /** Headers before messages. */
  headers(block: Buffer): void {
    if (!this.#isOver) this.#session.add(frameOf(HEADERS, END_HEADERS, this.id, block));
  }

  /** Sends a message when the peer has room for it. */
  send(message: Uint8Array): void {
    if (this.#isOver) return;
    const body = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
    writeMessage(body, 0, message);
    this.#queue ??= [];
    this.#queue.push(body);
    this.#queued += body.length;
    this.#session.markReady();
  }

  /** Drops what waits to be sent, but for the rest of a message: behind a part of one, nobody could read on. */
  dropUnsent(): void {
    const rest = this.#isBegun ? this.#queue?.slice(0, 1) : undefined;
    this.#queue = rest;
    this.#queued = rest?.[0]?.length ?? 0;
  }

  /** Ends the stream with these headers, after what waits to be sent. Idempotent. */
  finish(trailers: Buffer): void {
    if (this.#isOver || this.#trailers !== undefined) return;
    this.#trailers = trailers;
    this.pump();
  }

  /** Ends the stream at once. Idempotent. */
  reset(code: number): void {
    if (!this.#isOver) this.#session.reset(this, code);
  }

  /** `bytes` that came have been read. */
  credit(bytes: number): void {
    this.#uncredited += bytes;
    if (this.#uncredited < CREDIT_BYTES || this.#isRemoteClosed || this.#isOver) return;
    this.#receiveWindow += this.#uncredited;
    this.#session.credit(this.id, this.#uncredited);
    this.#uncredited = 0;
  }

  /** Sends of what waits as much as windows and connection take. */
  pump(): void {
    const session = this.#session;
    const queue = this.#queue;
    while (queue !== undefined && queue.length > 0 && session.hasRoom) {
      const [first] = queue;
      if (first === undefined) break;
      const length = Math.min(first.length, MAX_FRAME_BYTES, this.#sendWindow, session.sendWindow);
      if (length <= 0) return;
      session.add(frameOf(DATA, 0, this.id, first.subarray(0, length)));
      this.#sendWindow -= length;
      session.sendWindow -= length;
      this.#queued -= length;
      this.#isBegun = length < first.length;
      if (this.#isBegun) queue[0] = first.subarray(length);
      else queue.shift();
    }
    if (this.#queued > 0) return;
    this.#queue = undefined;
    if (this.#trailers === undefined || this.#isOver) return;
    session.add(frameOf(HEADERS, END_HEADERS | END_STREAM, this.id, this.#trailers));
    this.#closeLocal();
  }

  /** The peer gives room; false if it would be more than there is. */
  widen(bytes: number): boolean {
    if (this.#sendWindow + bytes > MAX_WINDOW) return false;
    this.#sendWindow += bytes;
    if (this.#queued > 0) this.#session.markReady();
    return true;
  }

  /** Data came; `length` with its padding. False if the peer had no room for so much. */
  received(part: Buffer, length: number): boolean {
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) return false;
    // Padding is read at once.
    if (length > part.length) this.credit(length - part.length);
    if (part.length > 0) this.#events.data(part);
    return true;
  }

  /** Counts a body against its announced length; false if they differ. */
  measures(bytes: number, isEnd: boolean): boolean {
    if (this.#announced < 0) return true;
    this.#announced -= bytes;
    return isEnd ? this.#announced === 0 : this.#announced >= 0;
  }

  /** The peer sends no more. */
  closeRemote(): void {
    this.#isRemoteClosed = true;
    this.#events.halfClosed();
  }

  /** The stream is over: for its session, which forgets it. */
  close(): void {
    this.#isOver = true;
    this.#queue = undefined;
    this.#queued = 0;
    this.#trailers = undefined;
    this.#events.closed();
    this.#events = NOBODY;
  }

  #closeLocal(): void {
    // The answer is whole: what the peer still has to say is of no use. RFC 9113 section 8.1.
    if (this.#isRemoteClosed) this.#session.remove(this);
    else this.#session.reset(this, NO_ERROR);
  }
}

function writeMessage(into: Buffer, at: number, message: Uint8Array): void {
  into[at] = 0;
  into.writeUInt32BE(message.length, at + 1);
  into.set(message, at + PREFIX_BYTES);
}
