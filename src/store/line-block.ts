import { lineOffsets } from '../domain/chunk.ts';
import type { Stream, Tags } from '../domain/record.ts';

/** What the records of a chunk or an extent have in common. */
export interface LineBlockHead {
  readonly machine: number;
  readonly stream: Stream;
  readonly boot: number;
  readonly tags: Tags;
  readonly levels: number;
  readonly names: readonly string[];
}

/** The lines of a chunk or an extent, found one by one. */
export class LineBlock {
  readonly head: LineBlockHead;
  readonly details: Uint8Array;
  readonly #payload: Buffer;
  readonly #offsets: Uint32Array;

  constructor(head: LineBlockHead, details: Uint8Array, payload: Uint8Array) {
    this.head = head;
    this.details = details;
    this.#payload = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    this.#offsets = lineOffsets(payload, details.length);
  }

  /** The text of a line, without its line feed. */
  line(index: number): string {
    const start = this.#offsets[index] ?? 0;
    const end = this.#offsets[index + 1] ?? start;
    return this.#payload.toString('utf8', start, end - 1);
  }
}
