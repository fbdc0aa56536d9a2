import type { StoredLine } from './model-store.ts';

export interface Ledger {
  /** What each boot said, by our number of it, then by seq. */
  readonly said: readonly (readonly string[])[];
  readonly lines: readonly StoredLine[];
  readonly gaps: readonly { readonly boot: number; readonly body: string }[];
  /** Last line of each boot that ended, as `machine.rebooted` tells it. */
  readonly rebooted: ReadonlyMap<number, number | null>;
}

/** `talos-time` is no part of what a line is: it shifts when the ring is read again. */
function identity(text: string): string {
  return JSON.stringify({ ...JSON.parse(text), 'talos-time': '' });
}

/**
 * What records do not explain: lines that are stored twice or that nobody said; lines up to the last one known of that are
 * neither stored nor told missing; and lines that are told missing more or less often than they are.
 */
export function unexplained({ said, lines, gaps, rebooted }: Ledger): string[] {
  const faults: string[] = [];
  for (const [boot, texts] of said.entries()) {
    const stored = new Map<number, number>();
    for (const { text } of lines.filter((line) => line.boot === boot)) {
      const { seq } = JSON.parse(text) as { seq: number };
      stored.set(seq, (stored.get(seq) ?? 0) + 1);
      const expected = texts[seq];
      if (expected === undefined || identity(expected) !== identity(text))
        faults.push(`boot ${boot}: ${text} is of no line`);
    }
    const told = new Map<number, number>();
    for (const { body } of gaps.filter((gap) => gap.boot === boot)) {
      const { from, to, reason } = JSON.parse(body) as { from: number; to: number; reason: string };
      for (let seq = from; seq <= to; seq += 1) told.set(seq, (told.get(seq) ?? 0) + (reason === 'filled' ? -1 : 1));
    }
    const last = Math.max(rebooted.get(boot) ?? -1, ...stored.keys(), ...told.keys());
    for (let seq = 0; seq <= last; seq += 1) {
      const [times, missing] = [stored.get(seq) ?? 0, told.get(seq) ?? 0];
      if (times > 1) faults.push(`boot ${boot}: line ${seq} is stored ${times} times`);
      if (missing !== (times > 0 ? 0 : 1))
        faults.push(`boot ${boot}: line ${seq}, stored ${times}, told missing ${missing}`);
    }
  }
  return faults;
}
