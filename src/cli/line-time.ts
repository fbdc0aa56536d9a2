import type { Envelope } from '../client/api.ts';
import { kernelClock } from './summary.ts';
import { formatTime } from './text.ts';

/** Which time a log line is shown with: its machine's, that of receipt, or since the machine's boot. */
export const TIMES = ['kernel', 'received', 'boot'] as const;
export type TimeKind = (typeof TIMES)[number];

/** A machine's clock may be ahead of ours by so much. Milliseconds. */
const AHEAD = 60_000;
/** A line that waited longer than this for its receipt is more likely from a clock that was not set yet. */
const BEHIND = 30 * 86_400_000;

/**
 * A line's time as text. `~` stands behind a time of receipt that takes the place of a machine's own: it sent none, or
 * one of before its clock was set (facts/talos-client.md section 5.1).
 */
export function timeText(kind: TimeKind, record: Envelope): string {
  const received = Date.parse(record.received_at);
  if (kind === 'received') return formatTime(received);
  if (kind === 'boot') {
    const clock = kernelClock(record.body).trimEnd();
    return clock === '' ? `${formatTime(received)}~` : clock;
  }
  const sent = record.body['talos-time'];
  const own = typeof sent === 'string' ? Date.parse(sent) : Number.NaN;
  const isPlausible = own <= received + AHEAD && own >= received - BEHIND;
  return isPlausible ? `${formatTime(own)} ` : `${formatTime(received)}~`;
}
