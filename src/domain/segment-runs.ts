import { DamageError } from './damage.ts';

/** Consecutive records of one extent with consecutive seqs, received at one time. */
export interface Run {
  readonly firstSeq: number;
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** Encodes runs in ascending order as variable-length differences, against the first seq and time of their segment. */
export function encodeRuns(runs: readonly Run[], baseSeq: number, baseTime: number): Uint8Array {
  const bytes: number[] = [];
  let seq = baseSeq;
  let time = baseTime;
  for (const run of runs) {
    pushVarint(bytes, run.firstSeq - seq);
    pushVarint(bytes, run.count);
    pushVarint(bytes, run.time - time);
    seq = run.firstSeq + run.count;
    time = run.time;
  }
  return Uint8Array.from(bytes);
}

/** @throws DamageError if they end early */
export function decodeRuns(bytes: Uint8Array, baseSeq: number, baseTime: number): Run[] {
  const runs: Run[] = [];
  let seq = baseSeq;
  let time = baseTime;
  let at = 0;
  const next = (): number => {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new DamageError('runs end early');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
  };
  while (at < bytes.length) {
    const firstSeq = seq + next();
    const count = next();
    time += next();
    runs.push({ firstSeq, count, time });
    seq = firstSeq + count;
  }
  return runs;
}

/** Adds a run, or makes the last one longer. */
export function addRun(runs: Run[], run: Run): void {
  const last = runs.at(-1);
  if (last !== undefined && last.firstSeq + last.count === run.firstSeq && last.time === run.time) {
    runs[runs.length - 1] = { ...last, count: last.count + run.count };
  } else {
    runs.push(run);
  }
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}
