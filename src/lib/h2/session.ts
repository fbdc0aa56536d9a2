import type { Duplex } from 'node:stream';
import { Connection, type SessionHost, type SessionPeer } from './connection.ts';
import { FrameReader, type FrameReaderEvents } from './frame-reader.ts';
import { ConnectionFault, HeaderBlocks } from './header-blocks.ts';
import * as h2 from './protocol.ts';
import { areTrailers, type RequestHead, requestHead } from './request-head.ts';
import { readSettings } from './settings.ts';
import { H2Stream } from './stream.ts';

/** Of all streams together; each has its own beside it. RFC 9113 section 6.9. */
const CREDIT_BYTES = 32_768;
/** Of a peer's allowance: a frame that says nothing. */
const IDLE_TALK = 1;
/** Length of a priority inside HEADERS, and of a PRIORITY frame. */
const PRIORITY_BYTES = 5;
const HTTP1 = /^[A-Z]{3,10} /;
const HTTP1_ANSWER = Buffer.from(
  'HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
);

/** One HTTP/2 connection, the server's side (RFC 9113): what comes, and what follows from it. */
export class H2Session extends Connection implements FrameReaderEvents {
  readonly #reader: FrameReader;
  readonly #blocks: HeaderBlocks;
  /** Bytes of data that the peer may send on all streams together. */
  #receiveWindow = h2.INITIAL_WINDOW;
  /** Bytes of data that the peer takes on a stream that begins. */
  #streamWindow = h2.INITIAL_WINDOW;

  constructor(socket: Duplex, peer: SessionPeer, host: SessionHost) {
    super(socket, peer, host);
    this.#reader = new FrameReader(this);
    this.#blocks = new HeaderBlocks(host.maxFieldBytes, host.tableless);
  }

  /** @param chunk valid until it returns */
  receive(chunk: Buffer): void {
    if (this.isEnded) return;
    // Whoever says anything is there: the answer to a ping waits behind all that is on the way in both directions.
    this.life.heard();
    try {
      this.#reader.read(chunk);
      if (this.out.isFlooded) throw new ConnectionFault(h2.ENHANCE_YOUR_CALM, 'answers that nobody takes');
    } catch (error) {
      if (error instanceof ConnectionFault) this.fail(error);
      else this.crash(error);
    }
  }

  noPreface(bytes: Buffer): void {
    this.host.refused('protocol');
    // A caller of another time hears what it understands.
    if (HTTP1.test(bytes.toString('latin1', 0, 16))) this.out.add(HTTP1_ANSWER);
    this.end();
  }

  tooLong(): void {
    throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'a frame that is too long');
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#blocks.isOpen && type !== h2.CONTINUATION) throw broken('another frame inside a block of headers');
    if (!this.isGreeted) this.#greet(type, flags);
    switch (type) {
      case h2.DATA:
        this.#data(flags, id, bytes, start, end);
        break;
      case h2.HEADERS:
        this.#headers(flags, id, bytes, start, end);
        break;
      case h2.PRIORITY:
        this.#prioritise(id, end - start);
        break;
      case h2.RST_STREAM:
        this.#undo(id, end - start);
        break;
      case h2.SETTINGS:
        this.#set(flags, id, bytes, start, end);
        break;
      case h2.PUSH_PROMISE:
        throw broken('a promise of a client');
      case h2.PING:
        this.#ping(flags, id, bytes, start, end);
        break;
      case h2.GOAWAY:
        this.#goAway(id, end - start);
        break;
      case h2.WINDOW_UPDATE:
        this.#widen(id, bytes, start, end);
        break;
      case h2.CONTINUATION:
        this.#continue(flags, id, bytes, start, end);
        break;
      default:
        this.spend(IDLE_TALK);
        break;
    }
  }

  #greet(type: number, flags: number): void {
    if (type !== h2.SETTINGS || (flags & h2.ACK) !== 0) throw broken('settings do not come first');
    this.isGreeted = true;
    this.life.open();
    this.add(this.host.greeting);
  }

  #data(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const isEnd = (flags & h2.END_STREAM) !== 0;
    const length = end - start;
    if (this.streams.isIdle(id)) throw broken('data of no stream');
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) throw new ConnectionFault(h2.FLOW_CONTROL_ERROR, 'more data than there is room for');
    // Streams hold back their own senders; the connection would hold back all of them for one.
    if (h2.INITIAL_WINDOW - this.#receiveWindow >= CREDIT_BYTES) {
      this.credit(0, h2.INITIAL_WINDOW - this.#receiveWindow);
      this.#receiveWindow = h2.INITIAL_WINDOW;
    }
    const [from, to] = unpadded(flags, bytes, start, end);
    if (length === 0 && !isEnd) this.spend(IDLE_TALK);
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (!this.streams.wasLeft(id)) this.breakOff(id, h2.STREAM_CLOSED);
      return;
    }
    if (stream.isRemoteClosed) {
      this.breakOff(id, h2.STREAM_CLOSED);
      return;
    }
    if (!stream.measures(to - from, isEnd)) {
      this.breakOff(id, h2.PROTOCOL_ERROR);
      return;
    }
    if (!stream.received(bytes.subarray(from, to), length)) {
      this.breakOff(id, h2.FLOW_CONTROL_ERROR);
      return;
    }
    if (isEnd && !stream.isOver) stream.closeRemote();
  }

  #headers(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id % 2 === 0) throw broken('headers of no stream of a client');
    let [from, to] = unpadded(flags, bytes, start, end);
    if ((flags & h2.WITH_PRIORITY) !== 0) from += PRIORITY_BYTES;
    if (from > to) throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'headers that are cut off');
    if ((flags & h2.END_HEADERS) === 0) this.#blocks.begin(id, flags, bytes, from, to);
    else this.#block(id, (flags & h2.END_STREAM) !== 0, bytes, from, to);
  }

  #continue(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    this.spend(IDLE_TALK);
    const whole = this.#blocks.add(id, (flags & h2.END_HEADERS) !== 0, bytes, start, end);
    if (whole !== undefined) this.#block(id, whole.isEnd, whole.bytes, 0, whole.bytes.length);
  }

  /** A whole block of headers. It is read in any case: the peer's table may depend on it. */
  #block(id: number, isEnd: boolean, bytes: Buffer, start: number, end: number): void {
    const { fields, isTooLarge } = this.#blocks.decode(bytes, start, end);
    const stream = this.streams.get(id);
    if (stream !== undefined) {
      this.#trailers(stream, isEnd, fields);
      return;
    }
    if (!this.streams.isIdle(id)) {
      if (this.streams.wasLeft(id)) return;
      throw new ConnectionFault(h2.STREAM_CLOSED, 'headers of a stream that is over');
    }
    this.streams.use(id);
    if (this.isLeaving) {
      // It is told by its number in our goodbye that nobody began it.
      this.host.refused('stopping');
      this.refuse(id);
      return;
    }
    if (this.streams.size >= this.#maxStreams()) {
      this.refuse(id);
      return;
    }
    const head = requestHead(fields, isTooLarge);
    if (head === undefined || (isEnd && (head.contentLength ?? 0) > 0)) {
      this.breakOff(id, h2.PROTOCOL_ERROR);
      return;
    }
    this.#open(id, head, isEnd);
  }

  /** Before it has our settings, a peer knows of no bound. */
  #maxStreams(): number {
    return this.#blocks.mayKeepTable ? this.host.maxUntoldStreams : this.host.maxStreams;
  }

  #open(id: number, head: RequestHead, isEnd: boolean): void {
    const { contentLength: announced } = head;
    const stream = new H2Stream(id, this, {
      window: this.#streamWindow,
      isBodiless: isEnd,
      ...(announced !== undefined && { announced }),
    });
    this.streams.add(stream);
    this.host.request(stream, head, this.peer);
    if (isEnd && !stream.isOver) stream.closeRemote();
  }

  #trailers(stream: H2Stream, isEnd: boolean, fields: readonly string[]): void {
    if (stream.isRemoteClosed) {
      this.breakOff(stream.id, h2.STREAM_CLOSED);
      return;
    }
    if (!isEnd || !areTrailers(fields) || !stream.measures(0, true)) {
      this.breakOff(stream.id, h2.PROTOCOL_ERROR);
      return;
    }
    stream.closeRemote();
  }

  /** RFC 9113 section 5.3.2: priorities are of no use, wherever they are. */
  #prioritise(id: number, length: number): void {
    if (id === 0) throw broken('the priority of no stream');
    if (length === PRIORITY_BYTES) this.spend(IDLE_TALK);
    else if (this.streams.isIdle(id)) throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'a priority of no size');
    else this.breakOff(id, h2.FRAME_SIZE_ERROR);
  }

  #undo(id: number, length: number): void {
    if (length !== 4) throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'a reset of no size');
    if (this.streams.isIdle(id)) throw broken('a reset of no stream');
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    this.undo(stream);
  }

  #set(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw broken('settings of a stream');
    if ((flags & h2.ACK) !== 0) {
      if (start !== end) throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'an acknowledgement with settings');
      this.#blocks.forbidTable();
      return;
    }
    const window = readSettings(bytes, start, end);
    this.spend(IDLE_TALK);
    if (window !== undefined) {
      const wider = window - this.#streamWindow;
      this.#streamWindow = window;
      for (const stream of this.streams.all()) {
        if (!stream.widen(wider)) throw new ConnectionFault(h2.FLOW_CONTROL_ERROR, 'a window that is too large');
      }
    }
    this.addControl(h2.SETTINGS_ACK);
  }

  #ping(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw broken('a ping of a stream');
    if (end - start !== 8) throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'a ping of no size');
    if ((flags & h2.ACK) !== 0) {
      return;
    }
    this.addControl(h2.frameOf(h2.PING, h2.ACK, 0, bytes.subarray(start, end)));
  }

  #goAway(id: number, length: number): void {
    if (id !== 0) throw broken('a goodbye of a stream');
    if (length < 8) throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'a goodbye that is cut off');
    this.leave();
  }

  #widen(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'room of no size');
    const room = bytes.readUInt32BE(start) & 0x7fffffff;
    if (id === 0) {
      if (room === 0) throw broken('room for nothing');
      if (this.sendWindow + room > h2.MAX_WINDOW) throw new ConnectionFault(h2.FLOW_CONTROL_ERROR, 'too much room');
      this.sendWindow += room;
      this.markReady();
      return;
    }
    if (this.streams.isIdle(id)) throw broken('room of no stream');
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    if (room === 0) this.breakOff(id, h2.PROTOCOL_ERROR);
    else if (!stream.widen(room)) this.breakOff(id, h2.FLOW_CONTROL_ERROR);
  }

  protected stopReading(): void {
    this.#reader.stop();
  }
}

/** RFC 9113 section 6.1: where the payload begins and ends without its padding. @throws ConnectionFault */
function unpadded(flags: number, bytes: Buffer, start: number, end: number): [number, number] {
  if ((flags & h2.PADDED) === 0) return [start, end];
  if (start === end) throw new ConnectionFault(h2.FRAME_SIZE_ERROR, 'padding that is cut off');
  const last = end - (bytes[start] ?? 0);
  if (last < start + 1) throw broken('more padding than there is');
  return [start + 1, last];
}

function broken(reason: string): ConnectionFault {
  return new ConnectionFault(h2.PROTOCOL_ERROR, reason);
}
