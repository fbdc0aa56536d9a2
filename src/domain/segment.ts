import { linesWithin } from './chunk.ts';
import { addRun, type Run } from './segment-runs.ts';

/**
 * A block closes when it holds so many bytes of lines: what one read unpacks. Lines of several boots of a machine, or of
 * tens of machines, stand in it, so that most of what they repeat does.
 */
const BLOCK_BYTES = 512 * 1024;
/** A segment closes at so many records or bytes of lines. */
export const SEGMENT_RECORDS = 65_536;
export const SEGMENT_BYTES = 16 * 1024 * 1024;
const LINE_FEED = 0x0a;
/** A detail is one byte. */
const MAX_NAMES = 256;

/** A chunk as the packer reads it. Stream and tags are numbers of the store. */
export interface PackedChunk {
  readonly firstSeq: number;
  readonly count: number;
  readonly machine: number;
  readonly stream: number;
  readonly boot: number;
  readonly tags: number;
  readonly time: number;
  readonly levels: number;
  readonly names: readonly string[];
  readonly details: Uint8Array;
  readonly payload: Uint8Array;
}

/**
 * The records of one machine, stream, boot and tags within one block: `bytes` bytes of lines at `offset`, followed by
 * one detail byte a record.
 */
export interface Extent {
  readonly machine: number;
  readonly stream: number;
  readonly boot: number;
  readonly tags: number;
  /** Ordinal of the block in the segment. */
  readonly block: number;
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
  readonly levels: number;
  readonly names: readonly string[];
  readonly runs: readonly Run[];
}

/**
 * Lays out a segment: records sorted by machine, stream and seq, so that equal texts stand together, cut into blocks.
 * @param chunks in ascending order of seq
 * @param seal takes the blocks in their order; the bytes are only good during the call
 */
export function planSegment(
  chunks: readonly PackedChunk[],
  seal: (block: Uint8Array) => void,
  blockBytes: number = BLOCK_BYTES,
): readonly Extent[] {
  const groups = Map.groupBy(chunks, (c) => `${c.machine} ${c.stream} ${c.boot} ${c.tags}`);
  const sorted = [...groups.values()].sort((a, b) => compareFirst(a, b));
  const layout = new SegmentLayout(seal, blockBytes);
  for (const group of sorted) {
    for (const chunk of group) layout.add(chunk);
    layout.closeExtent();
  }
  return layout.finish();
}

function compareFirst(a: readonly PackedChunk[], b: readonly PackedChunk[]): number {
  const [x] = a;
  const [y] = b;
  if (x === undefined || y === undefined) return 0;
  return x.machine - y.machine || x.stream - y.stream || x.firstSeq - y.firstSeq;
}

interface OpenExtent {
  readonly chunk: PackedChunk;
  readonly offset: number;
  bytes: number;
  count: number;
  levels: number;
  names: string[];
  readonly runs: Run[];
  readonly details: Uint8Array[];
}

class SegmentLayout {
  readonly #seal: (block: Uint8Array) => void;
  readonly #blockBytes: number;
  readonly #extents: Extent[] = [];
  #blocks = 0;
  #parts: Uint8Array[] = [];
  #length = 0;
  #scratch = new Uint8Array(0);
  #open: OpenExtent | undefined;

  constructor(seal: (block: Uint8Array) => void, blockBytes: number) {
    this.#seal = seal;
    this.#blockBytes = blockBytes;
  }

  add(chunk: PackedChunk): void {
    let done = 0;
    let at = 0;
    while (done < chunk.count) {
      const rest = chunk.payload.subarray(at);
      const room = this.#blockBytes - this.#length;
      let lines = chunk.count - done;
      let bytes = rest.length;
      if (bytes > room) {
        ({ lines, bytes } = linesWithin(rest, room));
        if (lines === 0 && this.#length > 0) {
          this.#closeBlock();
          continue;
        }
        // A line longer than a block gets a block of its own.
        if (lines === 0) ({ lines, bytes } = { lines: 1, bytes: rest.indexOf(LINE_FEED) + 1 });
      }
      this.#append(chunk, done, lines, rest.subarray(0, bytes));
      done += lines;
      at += bytes;
    }
  }

  #append(chunk: PackedChunk, from: number, lines: number, payload: Uint8Array): void {
    const { extent, details } = this.#extentFor(chunk, chunk.details.subarray(from, from + lines));
    extent.bytes += payload.length;
    extent.count += lines;
    extent.levels |= chunk.levels;
    extent.details.push(details);
    addRun(extent.runs, { firstSeq: chunk.firstSeq + from, count: lines, time: chunk.time });
    this.#parts.push(payload);
    this.#length += payload.length;
  }

  /** The open extent, with the details in terms of its names; a new one if its name table would be too long. */
  #extentFor(chunk: PackedChunk, details: Uint8Array): { extent: OpenExtent; details: Uint8Array } {
    if (this.#open === undefined) this.#open = this.#newExtent(chunk);
    const merged = mergeNames(this.#open.names, chunk.names, details);
    if (merged !== undefined) {
      this.#open.names = merged.names;
      return { extent: this.#open, details: merged.details };
    }
    this.closeExtent();
    this.#open = this.#newExtent(chunk);
    return { extent: this.#open, details };
  }

  #newExtent(chunk: PackedChunk): OpenExtent {
    const names = [...chunk.names];
    return { chunk, offset: this.#length, bytes: 0, count: 0, levels: 0, names, runs: [], details: [] };
  }

  closeExtent(): void {
    const open = this.#open;
    if (open === undefined) return;
    const { machine, stream, boot, tags } = open.chunk;
    const { offset, bytes, count, levels, names, runs } = open;
    const block = this.#blocks;
    this.#extents.push({ machine, stream, boot, tags, block, offset, bytes, count, levels, names, runs });
    this.#parts.push(...open.details);
    this.#length += count;
    this.#open = undefined;
  }

  #closeBlock(): void {
    this.closeExtent();
    if (this.#scratch.length < this.#length) this.#scratch = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      this.#scratch.set(part, at);
      at += part.length;
    }
    this.#seal(this.#scratch.subarray(0, at));
    this.#blocks++;
    this.#parts = [];
    this.#length = 0;
  }

  finish(): readonly Extent[] {
    if (this.#length > 0) this.#closeBlock();
    return this.#extents;
  }
}

/** The details in terms of one table that holds both; undefined if that would be too long. */
function mergeNames(
  into: string[],
  from: readonly string[],
  details: Uint8Array,
): { names: string[]; details: Uint8Array } | undefined {
  if (from.every((name, index) => into[index] === name)) return { names: into, details };
  const names = [...into];
  const mapping = from.map((name) => {
    const known = names.indexOf(name);
    return known === -1 ? names.push(name) - 1 : known;
  });
  if (names.length > MAX_NAMES) return undefined;
  return { names, details: details.map((detail) => mapping[detail] ?? 0) };
}
