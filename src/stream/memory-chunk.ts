import { lineOffsets } from '../domain/chunk.ts';
import { Envelopes } from '../domain/envelope.ts';
import type { Chunk, Stream, Tags } from '../domain/record.ts';

/** What is known of a chunk before it is committed. */
export type ChunkFacts = Omit<Chunk, 'firstSeq' | 'time' | 'details' | 'payload'>;

/** Memory that a rendered record takes beside its line, about. */
const RENDERED_OVERHEAD = 200;

/** A committed chunk in memory. A record is rendered once, however many follow it. */
export class MemoryChunk implements Chunk {
  readonly firstSeq: number;
  readonly count: number;
  readonly machine: number;
  readonly stream: Stream;
  readonly boot: number;
  readonly tags: Tags;
  readonly time: number;
  readonly firstKseq: number | null;
  readonly lastKseq: number | null;
  readonly levels: number;
  readonly names: readonly string[];
  readonly details: Uint8Array;
  readonly payload: Uint8Array;
  readonly #prefix: string;
  #rendering: { offsets: Uint32Array; envelopes: Envelopes; text: Buffer; jsons: (string | undefined)[] } | undefined;

  constructor(
    prefix: string,
    facts: ChunkFacts,
    stored: {
      readonly firstSeq: number;
      readonly time: number;
      readonly details: Uint8Array;
      readonly payload: Uint8Array;
    },
  ) {
    this.#prefix = prefix;
    this.firstSeq = stored.firstSeq;
    this.count = facts.count;
    this.machine = facts.machine;
    this.stream = facts.stream;
    this.boot = facts.boot;
    this.tags = facts.tags;
    this.time = stored.time;
    this.firstKseq = facts.firstKseq;
    this.lastKseq = facts.lastKseq;
    this.levels = facts.levels;
    this.names = facts.names;
    this.details = stored.details;
    this.payload = stored.payload;
  }

  /** The envelope of record `index`. `onMemory` is told how many bytes were needed to keep it. */
  json(index: number, onMemory: (bytes: number) => void): string {
    this.#rendering ??= this.#startRendering();
    const { offsets, envelopes, text, jsons } = this.#rendering;
    let json = jsons[index];
    if (json === undefined) {
      const start = offsets[index] ?? 0;
      const line = text.toString('utf8', start, (offsets[index + 1] ?? start) - 1);
      json = envelopes.render(this.firstSeq + index, this.details[index] ?? 0, line);
      jsons[index] = json;
      onMemory(line.length + RENDERED_OVERHEAD);
    }
    return json;
  }

  #startRendering() {
    return {
      offsets: lineOffsets(this.payload, this.count),
      envelopes: new Envelopes(this.#prefix, this),
      text: Buffer.from(this.payload.buffer, this.payload.byteOffset, this.payload.length),
      jsons: [],
    };
  }
}
