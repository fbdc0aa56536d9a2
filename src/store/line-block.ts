import { lineOffsets } from '../domain/chunk.ts';
import type { Stream, Tags } from '../domain/record.ts';
import { damaged } from './damaged.ts';
import { TextSearch } from './text-search.ts';

const LINE_FEED = 0x0a;

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
  #search: TextSearch | undefined;

  /** @throws DamageError unless there are so many details, and so many lines or more */
  constructor(head: LineBlockHead, count: number, details: Uint8Array, payload: Uint8Array) {
    const offsets = lineOffsets(payload, count);
    // Where lines are missing, the last ones are empty and at its end.
    const isWhole = payload.at(-1) === LINE_FEED && (offsets[count - 1] ?? 0) < payload.length;
    if (details.length !== count || !isWhole) {
      throw damaged(`lines of machine ${head.machine}, boot ${head.boot} are missing`);
    }
    this.head = head;
    this.details = details;
    this.#payload = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    this.#offsets = offsets;
  }

  /** The text of a line, without its line feed. */
  line(index: number): string {
    const start = this.#offsets[index] ?? 0;
    const end = this.#offsets[index + 1] ?? start;
    return this.#payload.toString('utf8', start, end - 1);
  }

  /** Whether the text of a line holds the needle, which is in lower case and has no line feed. */
  holds(index: number, needle: string): boolean {
    if (this.#search?.needle !== needle) this.#search = new TextSearch(needle, this.#payload, this.#offsets);
    return this.#search.isIn(index) ?? this.line(index).toLowerCase().includes(needle);
  }
}
