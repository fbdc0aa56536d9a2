import { crc32 } from 'node:zlib';

/**
 * CRC-32 of what says which records are where. Numbers of runs are differences, so another one would give records seqs
 * and times that look as good as their own, or give them to another machine.
 *
 * @param base first seq, time (milliseconds since the epoch) and block of the segment, from which the row counts
 * @param numbers of the row, in the order of EXTENT_FIELDS
 */
export function extentChecksum(
  base: readonly [number, number, number],
  numbers: readonly number[],
  names: string,
  runs: Uint8Array,
): number {
  return crc32(runs, crc32(`${base.join(' ')} ${numbers.join(' ')} ${names}`));
}
