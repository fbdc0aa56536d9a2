/** Before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
const FIRST_ROOM = 512;
const NOTHING = Buffer.alloc(0);

/** What a body turns out to hold. */
export interface MessageEvents {
  /** A message; its bytes are the receiver's. */
  message(bytes: Buffer): void;
  /** A message is announced that is longer than what is taken; nothing of the body is read after it. */
  tooLarge(announced: number): void;
  /** Likewise of one that is compressed, or of what is no message at all. */
  unreadable(isCompressed: boolean): void;
}

/**
 * Cuts the body of a call into messages. A message that comes in pieces is held as it comes: what it announces costs its
 * sender nothing.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #events: MessageEvents;
  /** The beginning of a message, its prefix included. */
  #kept = NOTHING;
  #held = 0;
  /** Bytes of it with its prefix; the prefix alone while that is not whole. */
  #length = PREFIX_BYTES;
  #isRefused = false;

  constructor(maxBytes: number, events: MessageEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** Nothing of a further message has come. */
  get isBetween(): boolean {
    return this.#held === 0;
  }

  /** @param part valid until it returns */
  read(part: Buffer): void {
    let at = 0;
    while (at < part.length && !this.#isRefused) {
      if (this.#held === 0) {
        at = this.#whole(part, at);
        continue;
      }
      const end = Math.min(part.length, at + this.#length - this.#held);
      this.#hold(part, at, end);
      at = end;
    }
  }

  /** Reads a message where it lies, or begins to hold it. */
  #whole(part: Buffer, at: number): number {
    const left = part.length - at;
    if (left < PREFIX_BYTES) {
      this.#hold(part, at, part.length);
      return part.length;
    }
    const length = this.#measure(part, at);
    if (this.#isRefused) return part.length;
    if (length > left) {
      this.#length = length;
      this.#hold(part, at, part.length);
      return part.length;
    }
    this.#events.message(Buffer.from(part.subarray(at + PREFIX_BYTES, at + length)));
    return at + length;
  }

  /** Room grows as bytes come, to no more than the message needs. */
  #hold(part: Buffer, at: number, end: number): void {
    const held = this.#held + end - at;
    if (held > this.#kept.length) {
      const roomier = Buffer.allocUnsafeSlow(Math.min(this.#length, Math.max(held, 2 * this.#kept.length, FIRST_ROOM)));
      this.#kept.copy(roomier, 0, 0, this.#held);
      this.#kept = roomier;
    }
    part.copy(this.#kept, this.#held, at, end);
    this.#held = held;
    if (held < this.#length) return;
    const bytes = this.#kept;
    if (held === PREFIX_BYTES) {
      this.#length = this.#measure(bytes, 0);
      if (this.#isRefused || this.#length > PREFIX_BYTES) return;
    }
    this.#kept = NOTHING;
    this.#held = 0;
    this.#length = PREFIX_BYTES;
    this.#events.message(bytes.subarray(PREFIX_BYTES, held));
  }

  /** The bytes of the message with its prefix; refuses it if it is none that is taken. */
  #measure(bytes: Buffer, at: number): number {
    const flag = bytes[at] ?? 0;
    const length = bytes.readUInt32BE(at + 1);
    if (flag !== 0) {
      this.#isRefused = true;
      this.#events.unreadable(flag === 1);
    } else if (length > this.#maxBytes) {
      this.#isRefused = true;
      this.#events.tooLarge(length);
    }
    return PREFIX_BYTES + length;
  }
}
