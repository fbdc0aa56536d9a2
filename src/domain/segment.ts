import { countLines } from './chunk.ts';
import { addRun, type Run } from './segment-runs.ts';

/**
 * A block closes when it holds so many bytes of lines: what one read unpacks. Lines of several boots of a machine, or of
 * tens of machines, stand in it, so that most of what they repeat does.
 */
export const BLOCK_BYTES = 512 * 1024;
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

/** Where blocks are put together. */
export interface BlockSpace {
  /** Longer ones get memory of their own. */
  readonly memory: Uint8Array;
  /** How many lines end in these bytes, which lie in `memory`, or do not. */
  countLines(bytes: Uint8Array): number;
}

const NO_SPACE: BlockSpace = { memory: new Uint8Array(0), countLines };

/**
 * Lays out a segment: records sorted by machine, stream and seq, so that equal texts stand together, cut into blocks.
 * @param chunks in ascending order of seq
 * @param seal takes the blocks in their order; the bytes are only good during the call
 */
export function planSegment(
  chunks: readonly PackedChunk[],
  seal: (block: Uint8Array) => void,
  blockBytes: number = BLOCK_BYTES,
  space: BlockSpace = NO_SPACE,
): readonly Extent[] {
  const groups = Map.groupBy(chunks, (c) => `${c.machine} ${c.stream} ${c.boot} ${c.tags}`);
  const sorted = [...groups.values()].sort((a, b) => compareFirst(a, b));
  const layout = new SegmentLayout(seal, blockBytes, space);
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
  names: readonly string[];
  readonly runs: Run[];
}

class SegmentLayout {
  readonly #seal: (block: Uint8Array) => void;
  readonly #blockBytes: number;
  readonly #space: BlockSpace;
  readonly #extents: Extent[] = [];
  #blocks = 0;
  #block: Uint8Array;
  #length = 0;
  #open: OpenExtent | undefined;
  /** Those of the open extent: they go behind its lines. */
  #details = new Uint8Array(0);

  constructor(seal: (block: Uint8Array) => void, blockBytes: number, space: BlockSpace) {
    this.#seal = seal;
    this.#blockBytes = blockBytes;
    this.#space = space;
    this.#block = space.memory;
  }

  add(chunk: PackedChunk): void {
    let done = 0;
    let at = 0;
    while (done < chunk.count) {
      const rest = chunk.payload.subarray(at);
      const room = Math.max(0, this.#blockBytes - this.#length);
      if (rest.length <= room) {
        this.#append(chunk, done, rest, chunk.count - done);
        return;
      }
      let bytes = room === 0 ? 0 : rest.lastIndexOf(LINE_FEED, room - 1) + 1;
      if (bytes === 0 && this.#length > 0) {
        this.#closeBlock();
        continue;
      }
      // A line longer than a block gets a block of its own.
      if (bytes === 0) bytes = rest.indexOf(LINE_FEED) + 1;
      done += this.#append(chunk, done, rest.subarray(0, bytes));
      at += bytes;
    }
  }

  /** How many lines that were. */
  #append(chunk: PackedChunk, from: number, payload: Uint8Array, known?: number): number {
    const { extent, mapping } = this.#extentFor(chunk);
    const start = this.#length;
    const end = start + payload.length;
    this.#reserve(end);
    this.#block.set(payload, start);
    this.#length = end;
    const lines = known ?? this.#space.countLines(this.#block.subarray(start, end));
    this.#addDetails(extent.count, chunk.details.subarray(from, from + lines), mapping);
    extent.bytes += payload.length;
    extent.count += lines;
    extent.levels |= chunk.levels;
    addRun(extent.runs, { firstSeq: chunk.firstSeq + from, count: lines, time: chunk.time });
    return lines;
  }

  /** The open extent, and what the chunk's details are in its names; a new one if its name table would be too long. */
  #extentFor(chunk: PackedChunk): { extent: OpenExtent; mapping?: readonly number[] } {
    const open = this.#open;
    if (open !== undefined) {
      if (isBeginOf(chunk.names, open.names)) return { extent: open };
      const { names, mapping } = mergeNames(open.names, chunk.names);
      if (names.length <= MAX_NAMES) {
        open.names = names;
        return { extent: open, mapping };
      }
      this.closeExtent();
    }
    const { names } = chunk;
    this.#open = { chunk, offset: this.#length, bytes: 0, count: 0, levels: 0, names, runs: [] };
    return { extent: this.#open };
  }

  #addDetails(at: number, details: Uint8Array, mapping: readonly number[] | undefined): void {
    const end = at + details.length;
    if (this.#details.length < end) this.#details = enlarged(this.#details, end);
    if (mapping === undefined) this.#details.set(details, at);
    else for (const [i, detail] of details.entries()) this.#details[at + i] = mapping[detail] ?? 0;
  }

  closeExtent(): void {
    const open = this.#open;
    if (open === undefined) return;
    const { machine, stream, boot, tags } = open.chunk;
    const { offset, bytes, count, levels, names, runs } = open;
    const block = this.#blocks;
    this.#extents.push({ machine, stream, boot, tags, block, offset, bytes, count, levels, names, runs });
    this.#reserve(this.#length + count);
    this.#block.set(this.#details.subarray(0, count), this.#length);
    this.#length += count;
    this.#open = undefined;
  }

  #reserve(bytes: number): void {
    if (this.#block.length < bytes) this.#block = enlarged(this.#block, bytes);
  }

  #closeBlock(): void {
    this.closeExtent();
    this.#seal(this.#block.subarray(0, this.#length));
    this.#blocks++;
    this.#block = this.#space.memory;
    this.#length = 0;
  }

  finish(): readonly Extent[] {
    if (this.#length > 0) this.#closeBlock();
    return this.#extents;
  }
}

function enlarged(bytes: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(Math.max(least, 2 * bytes.length));
  more.set(bytes);
  return more;
}

/** Mostly they are the same. */
function isBeginOf(names: readonly string[], table: readonly string[]): boolean {
  return names === table || names.every((name, index) => table[index] === name);
}

/** One table that holds both, and where in it those of the second are. */
function mergeNames(into: readonly string[], from: readonly string[]): { names: string[]; mapping: readonly number[] } {
  const names = [...into];
  const mapping = from.map((name) => {
    const known = names.indexOf(name);
    return known === -1 ? names.push(name) - 1 : known;
  });
  return { names, mapping };
}
