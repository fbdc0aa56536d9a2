import { createHash } from 'node:crypto';

/** Lanes of the publisher: within one, records go out one after the other. The number is part of what is stored. */
export const LANES = 256;

/**
 * The lane of a machine's records, 0 … `LANES` - 1: the first byte of the SHA-256 of its UUID. Records without a machine
 * (an empty UUID) have one as well.
 */
export function laneOf(serverUuid: string): number {
  return createHash('sha256').update(serverUuid).digest()[0] ?? 0;
}
