/** What a series of records may take. */
export interface RetentionLimits {
  /** A record is kept at least so many milliseconds, unless bytes are short. Infinity: for ever. */
  readonly maxAgeMs: number;
  /** Bytes on disk. Infinity: no limit. */
  readonly maxBytes: number;
}

/** A closed range of a series, as retention sees it. */
export interface AgingSegment {
  /** `seq` of its first and last record. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** When its newest record was received, milliseconds since the epoch. */
  readonly lastTime: number;
  readonly records: number;
  /** On disk. */
  readonly bytes: number;
}

export type DropReason = 'age' | 'bytes' | 'disk';

/** Neighbouring segments that go together. */
export interface Drop {
  readonly reason: DropReason;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly records: number;
  readonly bytes: number;
}

/** A segment closes, however small, when its oldest record is older than this part of `maxAgeMs`: it goes as a whole. */
export const SEGMENT_AGE_SHARE = 1 / 8;

/**
 * Which segments go: from the oldest on, while the newest record of one is too old, while the series takes too much, and
 * while so many bytes are wanted back because the disk is short of them. Runs of one reason are one drop.
 *
 * @param segments the oldest of the series, ascending; there may be more behind them
 * @param seriesBytes what the series takes on disk, these and all others
 * @param wantedBytes what the disk is short of; 0 if it is not
 * @param now milliseconds since the epoch
 */
export function planDrops(
  segments: readonly AgingSegment[],
  seriesBytes: number,
  wantedBytes: number,
  limits: RetentionLimits,
  now: number,
): Drop[] {
  const drops: Drop[] = [];
  let gone = 0;
  for (const segment of segments) {
    const reason = reasonToDrop(segment, seriesBytes - gone, wantedBytes - gone, limits, now);
    if (reason === undefined) break;
    gone += segment.bytes;
    const last = drops.at(-1);
    if (last?.reason === reason) drops[drops.length - 1] = joined(last, segment);
    else drops.push({ reason, ...rangeOf(segment) });
  }
  return drops;
}

function reasonToDrop(
  { lastTime }: AgingSegment,
  bytes: number,
  wanted: number,
  { maxAgeMs, maxBytes }: RetentionLimits,
  now: number,
): DropReason | undefined {
  if (now - lastTime > maxAgeMs) return 'age';
  if (bytes > maxBytes) return 'bytes';
  return wanted > 0 ? 'disk' : undefined;
}

function rangeOf({ firstSeq, lastSeq, records, bytes }: AgingSegment) {
  return { firstSeq, lastSeq, records, bytes };
}

function joined(drop: Drop, segment: AgingSegment): Drop {
  const { reason, firstSeq } = drop;
  const records = drop.records + segment.records;
  return { reason, firstSeq, lastSeq: segment.lastSeq, records, bytes: drop.bytes + segment.bytes };
}
