import type { MemoryChunk } from './memory-chunk.ts';

/** What one commit stored. */
export interface RecentBatch {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly chunks: readonly MemoryChunk[];
}

/** A batch in memory, with what it takes there. */
export interface KeptBatch extends RecentBatch {
  bytes: number;
  isDropped: boolean;
}

/** Where a follower stands; batches that nobody needs any more are dropped. */
export interface Reader {
  /** Everything up to this seq is done. */
  position: number;
}

/**
 * The last committed batches, for those who follow. Bounded: who falls behind its oldest batch reads from the store
 * until memory covers it again. Without followers it holds nothing.
 */
export class RecentBatches {
  readonly #maxBytes: number;
  readonly #readers = new Set<Reader>();
  #batches: KeptBatch[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get followers(): number {
    return this.#readers.size;
  }

  attach(reader: Reader): void {
    this.#readers.add(reader);
  }

  detach(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    for (const batch of this.#batches) batch.isDropped = true;
    this.#batches = [];
    this.#bytes = 0;
  }

  /** Batches come in the order of their seqs. @param bytes what it holds in memory */
  push(batch: RecentBatch, bytes: number): void {
    if (this.#readers.size === 0) return;
    this.#batches.push({ ...batch, bytes, isDropped: false });
    this.#bytes += bytes;
    this.#prune();
  }

  /** The batch that holds a seq, or undefined if memory does not reach back so far. */
  holding(seq: number): KeptBatch | undefined {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches[middle]?.lastSeq ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    const batch = this.#batches[low];
    return batch !== undefined && batch.firstSeq <= seq ? batch : undefined;
  }

  /** A batch that `holding` gave takes more memory than before: records of it were rendered. Asked once per record. */
  grow(batch: KeptBatch, bytes: number): void {
    if (batch.isDropped) return;
    batch.bytes += bytes;
    this.#bytes += bytes;
  }

  #prune(): void {
    let needed = Number.POSITIVE_INFINITY;
    for (const { position } of this.#readers) needed = Math.min(needed, position + 1);
    let drop = 0;
    for (const batch of this.#batches) {
      if (batch.lastSeq >= needed && this.#bytes <= this.#maxBytes) break;
      this.#bytes -= batch.bytes;
      batch.isDropped = true;
      drop++;
    }
    if (drop > 0) this.#batches.splice(0, drop);
  }
}
