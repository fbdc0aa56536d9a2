import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES, PREFACE } from './protocol.ts';

/** What a reader tells; `false` ends the reading. */
export interface FrameReaderEvents {
  /** The first bytes are not HTTP/2's. */
  noPreface(bytes: Buffer): void;
  /** A frame is announced that is longer than allowed. */
  tooLong(): void;
  /** A frame, its payload in `bytes` from `start` to `end`, valid until it returns. */
  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void;
}

const NOTHING = Buffer.alloc(0);
/** A piece is given room as it comes, from so many bytes on: what it announces costs its sender nothing. */
const FIRST_ROOM = 64;

/**
 * Cuts what comes into the preface and frames. Whole frames are read where they lie; of one that is not whole the bytes are
 * kept, and nothing else.
 */
export class FrameReader {
  readonly #events: FrameReaderEvents;
  #hasPreface = false;
  #stopped = false;
  /** The beginning of a piece. */
  #kept = NOTHING;
  #keptBytes = 0;

  constructor(events: FrameReaderEvents) {
    this.#events = events;
  }

  /** Bytes of a piece that is not whole. */
  get held(): number {
    return this.#keptBytes;
  }

  get hasPreface(): boolean {
    return this.#hasPreface;
  }

  /** Reads nothing more, of this chunk neither. */
  stop(): void {
    this.#stopped = true;
    this.#kept = NOTHING;
    this.#keptBytes = 0;
  }

  /** @param chunk valid until it returns */
  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#keptBytes > 0) {
        at = this.#fill(chunk, at);
        continue;
      }
      const length = this.#lengthAt(chunk, at, chunk.length);
      if (this.#stopped) return;
      if (length > chunk.length - at) {
        this.#keep(chunk, at, chunk.length);
        return;
      }
      this.#piece(chunk, at, at + length);
      at += length;
    }
  }

  /** Completes the kept piece as far as the chunk goes; returns how far that is. */
  #fill(chunk: Buffer, at: number): number {
    const length = this.#lengthAt(this.#kept, 0, this.#keptBytes);
    const end = Math.min(chunk.length, at + length - this.#keptBytes);
    this.#keep(chunk, at, end);
    // A header that has just become whole tells how long the piece is.
    const whole = this.#lengthAt(this.#kept, 0, this.#keptBytes);
    if (this.#stopped || this.#keptBytes < whole) return end;
    const piece = this.#kept;
    this.#kept = NOTHING;
    this.#keptBytes = 0;
    this.#piece(piece, 0, whole);
    return end;
  }

  #keep(chunk: Buffer, at: number, end: number): void {
    const bytes = this.#keptBytes + end - at;
    if (bytes > this.#kept.length) {
      const roomier = Buffer.allocUnsafeSlow(Math.max(FIRST_ROOM, bytes, 2 * this.#kept.length));
      this.#kept.copy(roomier, 0, 0, this.#keptBytes);
      this.#kept = roomier;
    }
    chunk.copy(this.#kept, this.#keptBytes, at, end);
    this.#keptBytes = bytes;
  }

  /** How long the piece is that begins there, or so much of it as must be known to tell. */
  #lengthAt(bytes: Buffer, at: number, end: number): number {
    if (!this.#hasPreface) {
      const known = Math.min(PREFACE.length, end - at);
      if (PREFACE.compare(bytes, at, at + known, 0, known) !== 0) {
        this.stop();
        this.#events.noPreface(bytes.subarray(at, end));
      }
      return PREFACE.length;
    }
    if (end - at < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES;
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    if (length > MAX_FRAME_BYTES) {
      this.stop();
      this.#events.tooLong();
    }
    return FRAME_HEADER_BYTES + length;
  }

  #piece(bytes: Buffer, start: number, end: number): void {
    if (!this.#hasPreface) {
      this.#hasPreface = true;
      return;
    }
    // The highest bit of a stream's number means nothing. RFC 9113 section 4.1.
    const id = bytes.readUInt32BE(start + 5) & 0x7fffffff;
    this.#events.frame(bytes[start + 3] ?? 0, bytes[start + 4] ?? 0, id, bytes, start + FRAME_HEADER_BYTES, end);
  }
}
