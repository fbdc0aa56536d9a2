import { Envelopes } from './envelope.ts';
import { NO_TAGS } from './record.ts';

/** The body of a gap record that is made for a reader and never stored. Seqs, both included. */
export interface ReadGap {
  /** Null: unknown, as the reader asked for a time. */
  readonly from: number | null;
  readonly to: number;
  /** How many records are missing, of damaged ones; null if nobody knows. */
  readonly count?: number | null;
  /** `retention`: they were dropped; `damaged`: they are stored and cannot be read. */
  readonly reason: 'retention' | 'damaged';
  /** `logs` (kmsg and log) or `others`; absent: of both. */
  readonly series?: string;
}

/** Its envelope: `<prefix>._._.gap.<reason>`. @param time milliseconds since the epoch */
export function gapEnvelope(prefix: string, seq: number, time: number, gap: ReadGap): string {
  const context = { stream: 'gap', boot: 0, tags: NO_TAGS, time, names: [gap.reason] } as const;
  return new Envelopes(prefix, context).render(seq, 0, JSON.stringify(gap));
}
