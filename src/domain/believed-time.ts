/** A clock that leaps by more than this, either way, is not believed at once. Hosts stand still for a night, or a day. */
export const LEAP_MS = 24 * 3_600_000;
/** A clock that stayed where it leapt to is believed after so long: somebody had the time to see to it. */
export const BELIEVED_AFTER_MS = 6 * 3_600_000;

/** The time as far as it is believed. */
export interface BelievedTime {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** When that was, and since when the clock says something else (null: it does not), in monotonic milliseconds. */
  readonly at: number;
  readonly leaptAt: number | null;
}

/**
 * What is believed now. A host that boots with a time years ahead, or is set to one, must not lose what it keeps: the
 * time goes on as it did before until the clock has stayed with its own for hours.
 *
 * @param wall what the clock says, milliseconds since the epoch
 * @param monotonic milliseconds, on the same clock as `before.at`
 */
export function believe(before: BelievedTime, wall: number, monotonic: number): BelievedTime {
  const expected = before.time + (monotonic - before.at);
  if (Math.abs(wall - expected) <= LEAP_MS) return { time: wall, at: monotonic, leaptAt: null };
  const leaptAt = before.leaptAt ?? monotonic;
  if (monotonic - leaptAt >= BELIEVED_AFTER_MS) return { time: wall, at: monotonic, leaptAt: null };
  return { time: expected, at: monotonic, leaptAt };
}
