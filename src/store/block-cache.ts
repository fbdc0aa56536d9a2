import type { Database, Statement } from 'better-sqlite3';
import { damaged, isDamage } from './damaged.ts';
import { LineBlock, type LineBlockHead } from './line-block.ts';
import { unpackBlock } from './packed-block.ts';

/** Damaged blocks that are remembered: every run of records in one of them would read and unpack it again. */
const MAX_DAMAGED = 256;

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
  readonly #damaged = new Map<number, unknown>();
  #bytes = 0;
  #unpacked = 0;

  constructor(db: Database, maxBytes: number) {
    this.#select = db.prepare('select data from block where id = ?').pluck();
    this.#maxBytes = maxBytes;
  }

  /** How many blocks were unpacked until now. */
  get unpacked(): number {
    return this.#unpacked;
  }

  /** @throws DamageError, SqliteError if the block or what it holds is not what was written */
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
      entry = { data: this.#read(block), lines: new Map() };
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

  #read(block: number): Uint8Array {
    if (this.#damaged.has(block)) throw this.#damaged.get(block);
    try {
      const packed: unknown = this.#select.get(block);
      if (!Buffer.isBuffer(packed)) throw damaged(`block ${block} is missing`);
      this.#unpacked++;
      return unpackBlock(block, packed);
    } catch (error) {
      const [oldest] = this.#damaged.keys();
      if (this.#damaged.size >= MAX_DAMAGED && oldest !== undefined) this.#damaged.delete(oldest);
      if (isDamage(error)) this.#damaged.set(block, error);
      throw error;
    }
  }
}
