import { crc32 } from 'node:zlib';
import type { Series } from './batch.ts';
import { checkShape, damaged, type RowShape } from './damaged.ts';

/** Table of each series. Names are ours, so they may stand in SQL text. */
export const CHUNK_TABLES: Readonly<Record<Series, string>> = { logs: 'log_chunk', others: 'other_chunk' };

/** The numbers of a chunk that decide who gets its records, and as what. */
const HEAD_NUMBERS = ['first_seq', 'count', 'machine', 'stream', 'boot', 'tags', 'time', 'levels'] as const;
/** What is read of a chunk to find its records. */
export const HEAD_COLUMNS = `${HEAD_NUMBERS.join(', ')}, names, head_checksum`;
/** And of its records. */
export const BODY_COLUMNS = 'details, payload, checksum';

export type ChunkHeadRow = Readonly<Record<(typeof HEAD_NUMBERS)[number], number>> & {
  readonly names: string;
  /** Null, like that of the body, for a chunk from before there were any. */
  readonly head_checksum: number | null;
};

export interface ChunkBodyRow {
  readonly details: Buffer;
  readonly payload: Buffer;
  readonly checksum: number | null;
}

/** Used again and again: the writer asks once per chunk. */
const HEAD_BYTES = new Uint8Array(8 * HEAD_NUMBERS.length);
const HEAD_VIEW = new DataView(HEAD_BYTES.buffer);

const HEAD_SHAPE: RowShape<ChunkHeadRow> = { numbers: HEAD_NUMBERS, texts: ['names'], blobs: [] };
const BODY_SHAPE: RowShape<ChunkBodyRow> = { numbers: [], texts: [], blobs: ['details', 'payload'] };

/**
 * CRC-32 of what is looked at to find records, by itself: readers pass over most chunks without a look at their lines, and
 * one that says that it is another machine's would be passed over without a word.
 *
 * @param numbers in the order of HEAD_NUMBERS: first seq, count, machine, stream, boot, tags, time, levels
 */
export function headChecksum(numbers: readonly number[], names: string): number {
  for (let i = 0; i < HEAD_NUMBERS.length; i++) HEAD_VIEW.setFloat64(i * 8, numbers[i] ?? 0, true);
  const checksum = crc32(HEAD_BYTES);
  return names === '' ? checksum : crc32(names, checksum);
}

/**
 * CRC-32 of all that readers get of a chunk: lines under another head are as wrong as other lines.
 *
 * @param body the payload, and the details behind it
 */
export function chunkChecksum(head: number, body: Uint8Array): number {
  return crc32(body, head);
}

/** @throws DamageError if the head of a chunk is not what was written */
export function checkHead(row: ChunkHeadRow): void {
  checkShape('a chunk', row, HEAD_SHAPE);
  if (row.head_checksum === null) return;
  const numbers = HEAD_NUMBERS.map((name) => row[name]);
  if (headChecksum(numbers, row.names) !== row.head_checksum) throw damaged('a chunk is not what was written');
}

/** @throws DamageError if the lines of a chunk with this head are not what was written */
export function checkBody({ head_checksum }: ChunkHeadRow, body: ChunkBodyRow): void {
  checkShape('a chunk', body, BODY_SHAPE);
  if (head_checksum === null) return;
  if (crc32(body.details, chunkChecksum(head_checksum, body.payload)) === body.checksum) return;
  throw damaged('the lines of a chunk are not what was written');
}
