import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import { Allowance } from './allowance.ts';
import { ConnectionFault } from './header-blocks.ts';
import type { HeaderDecoder } from './header-decoder.ts';
import { Lifetime, type Lifetimes, type Mortal } from './lifetime.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';
import * as h2 from './protocol.ts';
import type { RequestHead } from './request-head.ts';
import type { H2Stream, StreamSession } from './stream.ts';
import { StreamTable } from './stream-table.ts';
import type { Wheel } from './wheel.ts';

/**
 * Why a connection was ended, or a request on it not begun: it broke the rules; it kept us busy for nothing; it said
 * nothing; we are stopping.
 */
export type SessionRefusal = 'protocol' | 'flood' | 'silent' | 'stopping';

/** Who calls. */
export interface SessionPeer {
  readonly source: string;
  readonly port: number;
}

/** What all connections of a server share. */
export interface SessionHost {
  /** Our settings, as a frame. */
  readonly greeting: Buffer;
  /** Streams of one connection at one time; more are refused. */
  readonly maxStreams: number;
  /** Likewise, before the peer has said that it has our settings. */
  readonly maxUntoldStreams: number;
  /** Bytes of a request's names and values. */
  readonly maxFieldBytes: number;
  /** Reads the headers of peers that keep no table. */
  readonly tableless: HeaderDecoder;
  readonly lifetimes: Lifetimes;
  readonly wheel: Wheel;
  readonly clock: Clock;
  /** Attaches an owner to the stream, or answers it. */
  request(stream: H2Stream, head: RequestHead, peer: SessionPeer): void;
  refused(reason: SessionRefusal): void;
  /** What came brought about an error that is ours. The connection has ended. */
  broken(error: unknown, peer: SessionPeer): void;
  /** Its `flush` is to be called at the end of this turn of the event loop. */
  ready(connection: Flushable): void;
}

export interface Flushable {
  flush(): void;
}

/** Of a peer's allowance: a request undone. */
const UNDONE = 5;
const PING = h2.frameOf(h2.PING, 0, 0, Buffer.alloc(8));

/** The side of a connection that writes, waits and ends. What comes is read by `H2Session`. */
export abstract class Connection implements StreamSession, OutboxOwner, Mortal, Flushable {
  readonly peer: SessionPeer;
  sendWindow = h2.INITIAL_WINDOW;
  protected readonly host: SessionHost;
  protected readonly streams = new StreamTable();
  protected readonly out: Outbox;
  protected readonly life: Lifetime;
  /** The peer has said the first word, and we have. */
  protected isGreeted = false;
  /** No stream is begun any more: we, or the peer, said goodbye. */
  protected isLeaving = false;
  /** Nothing is read or added any more. */
  protected isEnded = false;
  readonly #socket: Duplex;
  #allowance: Allowance | undefined;
  #isReady = false;
  /** Of the streams, which was first to send. */
  #first = 0;

  constructor(socket: Duplex, peer: SessionPeer, host: SessionHost) {
    this.#socket = socket;
    this.peer = peer;
    this.host = host;
    this.out = new Outbox(socket, this);
    this.life = new Lifetime(this, host.lifetimes, host);
  }

  /** It has a stream. */
  get isBusy(): boolean {
    return this.streams.size > 0;
  }

  /** One of its streams is no mere call. */
  get lasts(): boolean {
    return this.streams.all().some((stream) => stream.lasts);
  }

  get hasRoom(): boolean {
    return this.out.hasRoom;
  }

  /** The socket is closed. */
  closed(): void {
    this.isEnded = true;
    this.stopReading();
    this.life.end();
    this.#closeStreams();
  }

  /** Takes no new streams; ends when those that are open are over. Idempotent. */
  leave(): void {
    if (this.isEnded) return;
    if (!this.isLeaving && this.isGreeted) this.add(h2.goAwayFrame(this.streams.lastId, h2.NO_ERROR));
    this.isLeaving = true;
    this.#endIfOver();
  }

  /** Ends now: streams that are open are cancelled. Idempotent. */
  cutOff(): void {
    if (this.isEnded) return;
    for (const stream of this.streams.all()) stream.reset(h2.CANCEL);
    this.leave();
  }

  /** Closes the socket as soon as what was said is written. */
  closeWhenWritten(): void {
    if (this.#socket.writableFinished) this.#socket.destroy();
    else this.#socket.once('finish', () => this.#socket.destroy());
  }

  flush(): void {
    this.#isReady = false;
    if (this.isEnded) return;
    this.#pump();
    this.out.flush();
  }

  add(frame: Buffer): void {
    if (this.isEnded) return;
    this.out.add(frame);
    this.markReady();
  }

  /** An answer to what the peer did, which it could do without end. */
  protected addControl(frame: Buffer): void {
    if (this.isEnded) return;
    this.out.addControl(frame);
    this.markReady();
  }

  markReady(): void {
    if (this.#isReady || this.isEnded) return;
    this.#isReady = true;
    this.host.ready(this);
  }

  credit(id: number, bytes: number): void {
    this.add(h2.numberFrame(h2.WINDOW_UPDATE, id, bytes));
  }

  reset(stream: H2Stream, code: number): void {
    this.add(h2.numberFrame(h2.RST_STREAM, stream.id, code));
    if (!stream.isRemoteClosed) this.streams.leave(stream.id);
    this.remove(stream);
  }

  remove(stream: H2Stream): void {
    if (!this.streams.delete(stream.id)) return;
    stream.close();
    if (this.streams.size > 0) return;
    this.life.idle();
    this.#endIfOver();
  }

  roomMade(): void {
    if (!this.isEnded) this.#pump();
  }

  sendPing(): void {
    this.add(PING);
  }

  retire(): void {
    this.leave();
  }

  lose(reason: 'silent' | 'dead' | 'farewell'): void {
    if (reason === 'silent') this.host.refused('silent');
    this.#socket.destroy();
  }

  /** A request is not begun, and may come again. */
  protected refuse(id: number): void {
    // No control frame: a proxy begins as many as it has before it hears how many are taken.
    this.add(h2.numberFrame(h2.RST_STREAM, id, h2.REFUSED_STREAM));
    this.streams.leave(id);
  }

  /**
   * Ends a stream that breaks the rules.
   * @throws ConnectionFault if it was one too many
   */
  protected breakOff(id: number, code: number): void {
    this.host.refused('protocol');
    const stream = this.streams.get(id);
    if (stream !== undefined) {
      this.reset(stream, code);
    } else {
      this.addControl(h2.numberFrame(h2.RST_STREAM, id, code));
      this.streams.leave(id);
    }
    this.spend(UNDONE);
  }

  /** @throws ConnectionFault when the peer has done too much that serves nothing */
  protected spend(cost: number): void {
    if (!this.#affords(cost)) throw tooMuch();
  }

  #affords(cost: number): boolean {
    const now = this.host.clock.monotonic();
    this.#allowance ??= new Allowance(now);
    return this.#allowance.spend(cost, now);
  }

  /** A request is over before it was answered, because its peer wants it no more. @throws ConnectionFault */
  protected undo(stream: H2Stream): void {
    this.remove(stream);
    if (this.#affords(UNDONE)) return;
    if (!this.lasts || this.isLeaving) throw tooMuch();
    // A proxy may send those of several callers, who are not all our enemies: what lasts does so, and nothing begins here
    // any more.
    this.host.refused('flood');
    this.#allowance = undefined;
    this.leave();
  }

  /** Ends for a reason, which the peer is told. */
  protected fail({ code }: ConnectionFault): void {
    if (this.isEnded) return;
    this.host.refused(code === h2.ENHANCE_YOUR_CALM ? 'flood' : 'protocol');
    // Our settings are our first word, whatever comes next.
    if (!this.isGreeted) this.out.add(this.host.greeting);
    this.out.add(h2.goAwayFrame(this.streams.lastId, code));
    this.end();
  }

  /** Ends for an error of ours. */
  protected crash(error: unknown): void {
    if (!this.isEnded) {
      if (this.isGreeted) this.out.add(h2.goAwayFrame(this.streams.lastId, h2.INTERNAL_ERROR));
      this.end();
    }
    this.host.broken(error, this.peer);
  }

  /** Writes what there is, and goes. What the peer still sends is taken for a while: else it may lose what we wrote. */
  protected end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.stopReading();
    this.out.end();
    this.life.farewell();
    this.#closeStreams();
  }

  protected abstract stopReading(): void;

  #endIfOver(): void {
    if (this.isLeaving && this.streams.size === 0) this.end();
  }

  #pump(): void {
    if (!this.isBusy) return;
    const streams = this.streams.all();
    // Each time another one is the first: one that always has more than there is room for leaves some to the others.
    this.#first = (this.#first + 1) % streams.length;
    for (let i = 0; i < streams.length; i++) streams[(this.#first + i) % streams.length]?.pump();
  }

  #closeStreams(): void {
    for (const stream of this.streams.all()) {
      this.streams.delete(stream.id);
      stream.close();
    }
  }
}

function tooMuch(): ConnectionFault {
  return new ConnectionFault(h2.ENHANCE_YOUR_CALM, 'too much for nothing');
}
