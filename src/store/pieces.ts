import type { Selection, SubjectFilter } from '../domain/filter.ts';
import type { Series } from './batch.ts';
import type { LineBlock } from './line-block.ts';
import type { Loss } from './protocol.ts';

/** What to look for. Seqs and times are inclusive. */
export interface Scope {
  readonly filter: SubjectFilter;
  readonly machine: number | null;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly since: number;
  readonly until: number;
  readonly backward: boolean;
}

/**
 * Consecutive records of which some are selected. Without records it only tells how far the scan has come: the series has
 * nothing more to give up to its seq (backward: down to it); or, with `lost`, that some of what comes next is damaged.
 */
export interface Piece {
  readonly firstSeq: number;
  readonly count: number;
  readonly time: number;
  readonly found: Found | null;
  readonly lost: Loss | null;
}

export interface Found {
  readonly series: Series;
  /** Where the records are stored, for who repairs the store. */
  readonly place: string;
  readonly machine: number;
  /** Whether a checksum was over them: else a line may be no JSON any more. */
  readonly isSealed: boolean;
  readonly selection: Selection;
  /** Index of the first record's line. */
  readonly line: number;
  /** @throws DamageError, SqliteError if they are damaged */
  readonly lines: () => LineBlock;
}

export function passed(seq: number): Piece {
  return { firstSeq: seq, count: 0, time: 0, found: null, lost: null };
}

/** Records somewhere in a range that is walked through next; null if nothing of it is asked for. */
export function lostPiece(loss: Loss, { fromSeq, toSeq, backward }: Scope): Piece | null {
  const from = Math.max(loss.from, fromSeq);
  const to = Math.min(loss.to, toSeq);
  if (from > to) return null;
  return { firstSeq: backward ? to : from, count: 0, time: 0, found: null, lost: { ...loss, from, to } };
}
