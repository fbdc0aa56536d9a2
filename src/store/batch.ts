import { streamNumber } from '../domain/chunk.ts';
import type { Stream } from '../domain/record.ts';

/** The two series of segments, with budgets of their own: kmsg and log, and the rest. */
export const SERIES = ['logs', 'others'] as const;
export type Series = (typeof SERIES)[number];

export function seriesOf(stream: Stream): Series {
  return stream === 'kmsg' || stream === 'log' ? 'logs' : 'others';
}

/** Where a chunk's numbers stand in `ChunkBatch.meta`, which has `WIDTH` of them a chunk. A missing number is NaN. */
export const FIELD = {
  /** Written by the writer; NaN if it was not stored. */
  firstSeq: 0,
  count: 1,
  machine: 2,
  stream: 3,
  boot: 4,
  tags: 5,
  time: 6,
  firstKseq: 7,
  lastKseq: 8,
  levels: 9,
  /** Index into `ChunkBatch.names`. */
  names: 10,
  /** Bytes of payload at `offset` of the body; `count` details follow. */
  bytes: 11,
  offset: 12,
} as const;
export const WIDTH = 13;

/**
 * Chunks on their way to the writer and back: two buffers that are moved or shared, not copied, however many chunks there
 * are. A shared body belongs to the writer until the reply.
 */
export interface ChunkBatch {
  readonly meta: Float64Array<ArrayBuffer>;
  /** Name tables as stored. */
  readonly names: readonly string[];
  readonly body: ArrayBuffer | SharedArrayBuffer;
}

/** What is known of a chunk before it is stored. */
export interface ChunkHead {
  readonly count: number;
  readonly machine: number;
  readonly stream: Stream;
  readonly boot: number;
  readonly tags: number;
  readonly time: number;
  readonly firstKseq: number | null;
  readonly lastKseq: number | null;
  readonly levels: number;
  readonly names: string;
  /** Length of the payload. */
  readonly bytes: number;
}

/** Fills a batch; `fill` writes payload and details of chunk `index`, which begin at `offset`, into the body. */
export function encodeBatch(
  heads: readonly ChunkHead[],
  body: ChunkBatch['body'],
  fill: (index: number, target: Uint8Array, offset: number) => void,
): ChunkBatch {
  const meta = new Float64Array(heads.length * WIDTH);
  const names: string[] = [];
  const known = new Map<string, number>();
  const target = new Uint8Array(body);
  let offset = 0;
  for (const [index, head] of heads.entries()) {
    let name = known.get(head.names);
    if (name === undefined) {
      name = names.push(head.names) - 1;
      known.set(head.names, name);
    }
    const at = index * WIDTH;
    meta[at + FIELD.firstSeq] = Number.NaN;
    meta[at + FIELD.count] = head.count;
    meta[at + FIELD.machine] = head.machine;
    meta[at + FIELD.stream] = streamNumber(head.stream);
    meta[at + FIELD.boot] = head.boot;
    meta[at + FIELD.tags] = head.tags;
    meta[at + FIELD.time] = head.time;
    meta[at + FIELD.firstKseq] = head.firstKseq ?? Number.NaN;
    meta[at + FIELD.lastKseq] = head.lastKseq ?? Number.NaN;
    meta[at + FIELD.levels] = head.levels;
    meta[at + FIELD.names] = name;
    meta[at + FIELD.bytes] = head.bytes;
    meta[at + FIELD.offset] = offset;
    fill(index, target, offset);
    offset += head.bytes + head.count;
  }
  return { meta, names, body };
}

/** What of a batch is moved to another thread. */
export function movedBuffers({ meta, body }: ChunkBatch): ArrayBuffer[] {
  return body instanceof ArrayBuffer ? [meta.buffer, body] : [meta.buffer];
}

export function batchLength(batch: ChunkBatch): number {
  return batch.meta.length / WIDTH;
}

export function field(batch: ChunkBatch, chunk: number, name: keyof typeof FIELD): number {
  return batch.meta[chunk * WIDTH + FIELD[name]] ?? Number.NaN;
}

export function setField(batch: ChunkBatch, chunk: number, name: keyof typeof FIELD, value: number): void {
  batch.meta[chunk * WIDTH + FIELD[name]] = value;
}
