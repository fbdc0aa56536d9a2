import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { blockOf } from '../domain/line-block-of.ts';
import type { BlockDivider } from '../domain/line-columns.ts';
import { damaged, isDamage } from './damaged.ts';

/** No block is longer: BLOCK_BYTES of lines with their details, or one record that is longer than that. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;
/**
 * Stands before the frame of a block that was divided into columns. The frame of one that was not, as of all blocks of
 * earlier schemas, begins with zstd's own number, whose first byte is another.
 */
const IN_COLUMNS = 1;
/** What one step of the compressor takes or gives: less, and a block is many steps. */
const CHUNK_BYTES = 64 * 1024;
/**
 * Level 1: what repeats stands together, so more effort gains little. With a checksum, four bytes a block, what a disk
 * has changed is told and never taken for what a machine said.
 */
const COMPRESSION = {
  chunkSize: CHUNK_BYTES,
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};
/** What the decompressor says of bytes that it cannot take; that it has no memory says nothing of them. */
const NOT_PACKED = /^(Z_(BUF|DATA)_ERROR|ERR_BUFFER_TOO_LARGE|ZSTD_error_(?!memory_allocation))/;
const DECOMPRESSION = { chunkSize: CHUNK_BYTES, maxOutputLength: MAX_BLOCK_BYTES };

/** A block as it is stored, in a buffer of its own. */
export function packBlock(block: Uint8Array, columns: BlockDivider): Uint8Array<ArrayBuffer> {
  const divided = columns.divide(block);
  if (divided === undefined) return new Uint8Array(zstdCompressSync(block, COMPRESSION));
  const frame = zstdCompressSync(divided, COMPRESSION);
  const packed = new Uint8Array(1 + frame.length);
  packed[0] = IN_COLUMNS;
  packed.set(frame, 1);
  return packed;
}

/** @throws DamageError if these are not the bytes that were packed */
export function unpackBlock(id: number, packed: Uint8Array): Uint8Array {
  try {
    if (packed[0] !== IN_COLUMNS) return zstdDecompressSync(packed, DECOMPRESSION);
    return blockOf(zstdDecompressSync(packed.subarray(1), DECOMPRESSION), MAX_BLOCK_BYTES);
  } catch (cause) {
    if (!isDamage(cause) && !NOT_PACKED.test(String((cause as NodeJS.ErrnoException).code))) throw cause;
    throw damaged(`block ${id} cannot be unpacked`, cause);
  }
}
