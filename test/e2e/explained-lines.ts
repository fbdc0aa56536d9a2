import type { Gateway } from './gateway.ts';

/** What is stored of one machine's kernel lines, over all its boots. */
export interface StoredLines {
  readonly stored: number;
  /** Lines that a gap record accounts for, and no record. */
  readonly missing: number;
  /** Lines that neither does, and lines that were stored twice: what must not be. */
  readonly unexplained: readonly string[];
}

/** Holds the records of a machine against its gap records, up to the last line of each boot that is stored. */
export async function storedLines(gateway: Gateway, uuid: string): Promise<StoredLines> {
  const boots = new Map<number, { seen: Set<number>; gaps: Set<number>; last: number }>();
  const unexplained: string[] = [];
  for (const { subject, boot, body } of await gateway.records({
    machine: uuid,
    filter: ['*.*.*.kmsg.>', '*.*.*.gap.kmsg'],
  })) {
    const entry = boots.get(boot) ?? { seen: new Set<number>(), gaps: new Set<number>(), last: -1 };
    boots.set(boot, entry);
    if (subject.endsWith('.gap.kmsg')) {
      for (let seq = Number(body['from']); seq <= Number(body['to']); seq++) entry.gaps.add(seq);
      continue;
    }
    const seq = Number(body['seq']);
    if (entry.seen.has(seq)) unexplained.push(`boot ${boot}: ${seq} twice`);
    entry.seen.add(seq);
    entry.last = Math.max(entry.last, seq);
  }
  let stored = 0;
  let missing = 0;
  for (const [boot, { seen, gaps, last }] of boots) {
    stored += seen.size;
    for (let seq = 0; seq <= last; seq++) {
      if (seen.has(seq)) continue;
      if (gaps.has(seq)) missing += 1;
      else unexplained.push(`boot ${boot}: ${seq} missing`);
    }
  }
  return { stored, missing, unexplained };
}
