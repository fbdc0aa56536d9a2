import { zstdDecompressSync } from 'node:zlib';
import type { Database, Statement } from 'better-sqlite3';
import { damaged } from './damaged.ts';
import { LineBlock, type LineBlockHead } from './line-block.ts';

/** No block is longer: 256 KiB, or one record that is longer than that. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

interface Entry {
  readonly data: Uint8Array;
  /** By offset in the block. */
  readonly lines: Map<number, LineBlock>;
}

/** Where an extent lies. */
export interface ExtentPlace {
  readonly block: number;
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
}

/** Unpacked blocks, the last used ones up to a number of bytes. Blocks never change, so neither does this. */
export class BlockCache {
  readonly #select: Statement;
  readonly #maxBytes: number;
  readonly #entries = new Map<number, Entry>();
  #bytes = 0;

  constructor(db: Database, maxBytes: number) {
    this.#select = db.prepare('select data from block where id = ?').pluck();
    this.#maxBytes = maxBytes;
  }

  /** @throws SiderolinkError `storage` if the block or what it holds is not what was written */
  lines(place: ExtentPlace, head: LineBlockHead): LineBlock {
    const entry = this.#entry(place.block);
    let lines = entry.lines.get(place.offset);
    if (lines === undefined) {
      const end = place.offset + place.bytes;
      const details = entry.data.subarray(end, end + place.count);
      lines = new LineBlock(head, place.count, details, entry.data.subarray(place.offset, end));
      entry.lines.set(place.offset, lines);
    }
    return lines;
  }

  #entry(block: number): Entry {
    let entry = this.#entries.get(block);
    if (entry === undefined) {
      const packed = this.#select.get(block) as Buffer | undefined;
      if (packed === undefined) throw damaged(`block ${block} is missing`);
      entry = { data: unpacked(block, packed), lines: new Map() };
      this.#bytes += entry.data.length;
    } else {
      this.#entries.delete(block);
    }
    // A map keeps the order of insertion: the first entry is the one that was not used for longest.
    this.#entries.set(block, entry);
    for (const [oldest, { data }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes || oldest === block) break;
      this.#entries.delete(oldest);
      this.#bytes -= data.length;
    }
    return entry;
  }
}

function unpacked(block: number, packed: Buffer): Uint8Array {
  try {
    return zstdDecompressSync(packed, { maxOutputLength: MAX_BLOCK_BYTES });
  } catch (cause) {
    throw damaged(`block ${block} cannot be unpacked`, cause);
  }
}
