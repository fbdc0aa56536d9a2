import { type DecodedFields, HeaderDecoder } from './header-decoder.ts';
import { COMPRESSION_ERROR, END_STREAM, ENHANCE_YOUR_CALM, PROTOCOL_ERROR } from './protocol.ts';

/** A connection cannot go on. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault';
  /** RFC 9113 section 7. */
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }
}

interface OpenBlock {
  readonly id: number;
  readonly isEnd: boolean;
  readonly parts: Buffer[];
  bytes: number;
}

/**
 * What is said in more bytes than are taken is refused alone; only so many times as much ends the connection. Behind a
 * proxy others share it, and proxies pass on what they take themselves: 60 KiB for one of Envoy's.
 */
const BLOCK_BYTES_PER_FIELD_BYTE = 4;
/** Pieces of one block. Whoever fills its frames needs five for all that is read. */
const MAX_PIECES = 32;

/** Puts header blocks together from their frames, and reads them. */
export class HeaderBlocks {
  readonly #maxFieldBytes: number;
  readonly #tableless: HeaderDecoder;
  #mayKeepTable = true;
  /** For a peer that has not heard yet that it may not keep a table. */
  #decoder: HeaderDecoder | undefined;
  #open: OpenBlock | undefined;

  /** @param tableless reads for all whose peers keep no table */
  constructor(maxFieldBytes: number, tableless: HeaderDecoder) {
    this.#maxFieldBytes = maxFieldBytes;
    this.#tableless = tableless;
  }

  /** A block has begun: nothing but its own frames may come. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** The peer has not said yet that it has our settings. */
  get mayKeepTable(): boolean {
    return this.#mayKeepTable;
  }

  /** The peer has our settings: it keeps no table from now on. */
  forbidTable(): void {
    this.#mayKeepTable = false;
    this.#decoder = undefined;
  }

  begin(id: number, flags: number, bytes: Buffer, start: number, end: number): void {
    const isEnd = (flags & END_STREAM) !== 0;
    this.#open = { id, isEnd, parts: [Buffer.from(bytes.subarray(start, end))], bytes: end - start };
  }

  /**
   * @returns the block that is whole now, if this is its last piece
   * @throws ConnectionFault
   */
  add(id: number, isLast: boolean, bytes: Buffer, start: number, end: number) {
    const open = this.#open;
    if (open === undefined || open.id !== id) throw new ConnectionFault(PROTOCOL_ERROR, 'a piece of no block');
    open.bytes += end - start;
    if (open.parts.length >= MAX_PIECES || open.bytes > BLOCK_BYTES_PER_FIELD_BYTE * this.#maxFieldBytes) {
      throw new ConnectionFault(ENHANCE_YOUR_CALM, 'a block of headers without end');
    }
    open.parts.push(Buffer.from(bytes.subarray(start, end)));
    if (!isLast) return undefined;
    this.#open = undefined;
    return { id, isEnd: open.isEnd, bytes: Buffer.concat(open.parts, open.bytes) };
  }

  /** @throws ConnectionFault if it cannot be read: no later one could be either */
  decode(bytes: Buffer, start: number, end: number): DecodedFields {
    try {
      return this.#reader().decode(bytes, start, end);
    } catch (error) {
      throw new ConnectionFault(COMPRESSION_ERROR, error instanceof Error ? error.message : 'unreadable headers');
    }
  }

  #reader(): HeaderDecoder {
    if (!this.#mayKeepTable) return this.#tableless;
    this.#decoder ??= new HeaderDecoder(this.#maxFieldBytes);
    return this.#decoder;
  }
}
