import type { Writable } from 'node:stream';

/** Data frames wait in their streams while more than this waits for the socket. */
const ROOM_BYTES = 64 * 1024;
/** A peer that asks for answers and takes none has no more than this waiting for it. */
const MAX_WAITING_BYTES = 2 * ROOM_BYTES;
/** Of these, what its control frames brought about. */
const MAX_CONTROL_BYTES = 8 * 1024;

/**
 * What a connection has to write: all of one turn of the event loop goes out in one piece, and one piece at a time, so
 * that it is known what the peer has not taken. Holds nothing while nothing waits.
 */
export class Outbox {
  readonly #socket: Writable;
  readonly #onRoom: OutboxOwner;
  #parts: Buffer[] | undefined;
  #waiting = 0;
  #control = 0;
  /** Bytes that the socket has not handed to the kernel yet. */
  #writing = 0;
  /** How much of `#control` is in them. */
  #controlWriting = 0;
  #isEnding = false;

  constructor(socket: Writable, owner: OutboxOwner) {
    this.#socket = socket;
    this.#onRoom = owner;
  }

  /** Data frames may be added. */
  get hasRoom(): boolean {
    return this.#waiting + this.#writing < ROOM_BYTES;
  }

  /** The peer has made us write more than it takes. */
  get isFlooded(): boolean {
    return this.#control > MAX_CONTROL_BYTES || this.#waiting + this.#writing > MAX_WAITING_BYTES;
  }

  get isEmpty(): boolean {
    return this.#waiting + this.#writing === 0;
  }

  add(frame: Buffer): void {
    this.#parts ??= [];
    this.#parts.push(frame);
    this.#waiting += frame.length;
  }

  /** Adds an answer to a control frame, or what one made necessary. */
  addControl(frame: Buffer): void {
    this.#control += frame.length;
    this.add(frame);
  }

  /** Writes what waits, unless the piece before is not through. */
  flush(): void {
    if (this.#writing > 0 || this.#isEnding) return;
    const piece = this.#take();
    if (piece === undefined) return;
    this.#writing = piece.length;
    this.#controlWriting = this.#control;
    this.#socket.write(piece, () => this.#written());
  }

  /** Writes what waits, and ends the connection's writing side. Idempotent. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const piece = this.#take();
    if (piece === undefined) this.#socket.end();
    else this.#socket.end(piece);
  }

  #take(): Buffer | undefined {
    const parts = this.#parts;
    if (parts === undefined) return undefined;
    const piece = parts.length === 1 ? parts[0] : Buffer.concat(parts, this.#waiting);
    this.#parts = undefined;
    this.#waiting = 0;
    return piece;
  }

  #written(): void {
    this.#writing = 0;
    // Others may wait already, as they always do on a busy connection: what the peer has taken counts no more.
    this.#control -= this.#controlWriting;
    this.#controlWriting = 0;
    this.#onRoom.roomMade();
    this.flush();
  }
}

export interface OutboxOwner {
  /** A piece is through. */
  roomMade(): void;
}
