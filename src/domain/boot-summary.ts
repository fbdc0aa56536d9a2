import { SiderolinkError } from './errors.ts';
import { cameAfterAll, type GapDoc } from './gap.ts';
import type { PublicKey } from './keys.ts';
import type { RegistryImage } from './registry.ts';
import { SeenRanges } from './seen.ts';

/** Kernel lines of a boot that are missing; `filled`: they were told missing and came later. */
export interface BootGap {
  readonly from: number;
  readonly to: number;
  readonly filled: boolean;
}

/** A boot as the registry has it: what is stored of its kernel log, and what is not. */
export interface BootSummary {
  /** From 1. */
  readonly number: number;
  readonly publicKey: PublicKey;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The kernel's own seq of the newest line; null before the first. */
  readonly lastSeq: number | null;
  /** The kernel's own clock at that line, microseconds. */
  readonly lastClock: number | null;
  /** In the order of their seqs. */
  readonly gaps: readonly BootGap[];
}

/** @throws SiderolinkError `storage` for a row that is no JSON */
export function bootSummary({ boot, publicKey, doc }: RegistryImage['boots'][number]): BootSummary {
  const parsed = parse(doc);
  const { started_at = 0, seen = [], seq = null, clock = null } = parsed;
  const holes = new SeenRanges(seen).holes();
  const missing = holes.map(({ from, to }) => ({ from, to, filled: false }));
  const came = cameAfterAll(holes, parsed).map(({ from, to }) => ({ from, to, filled: true }));
  const gaps = [...missing, ...came].sort((a, b) => a.from - b.from);
  return { number: boot, publicKey, startedAt: started_at, lastSeq: seq, lastClock: clock, gaps };
}

interface Doc extends GapDoc {
  readonly started_at?: number;
  readonly seen?: readonly number[];
  readonly seq?: number | null;
  readonly clock?: number | null;
}

function parse(doc: string): Doc {
  try {
    return JSON.parse(doc) as Doc;
  } catch (cause) {
    throw new SiderolinkError('storage', 'a boot in the registry is not JSON', {}, { cause });
  }
}
