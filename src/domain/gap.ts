import type { Range } from './seen.ts';

/** A hole is told when it is so old: lines that were only out of order have come by then. Milliseconds. */
export const GAP_AGE = 5_000;

/** How many holes or filled runs of one boot are told one by one; beyond that the oldest are told as one. */
const MAX_PARTS = 64;

/** The body of a `gap.kmsg` record. `count` lines of `from` to `to` are missing, or came after they were told missing. */
export interface GapReport extends Range {
  readonly count: number;
  readonly reason: 'missing' | 'filled';
}

/** What must survive a restart: which holes were told already, and which of those filled up since. Flat ranges. */
export interface GapSnapshot {
  readonly reported: readonly number[];
  readonly filled: readonly number[];
}

interface Part extends Range {
  readonly since: number;
}

/**
 * Follows the holes of one boot: open ones become reports when they are `GAP_AGE` old, reported ones that fill up
 * later become reports with reason `filled`. Times are milliseconds of any one monotonic clock.
 */
export class GapTracker {
  #open: Part[] = [];
  #reported: Range[] = [];
  #filled: Part[] = [];
  /** Sealed before they were told: nothing can fill them any more, so they are due. */
  #lost: GapReport[] = [];
  /** Taken, but could not be stored. */
  #unsent: GapReport[] = [];

  /** The state after a restart: holes that were not told count from now. */
  static restore(holes: readonly Range[], snapshot: GapSnapshot, now: number): GapTracker {
    const tracker = new GapTracker();
    const reported = unflatten(snapshot.reported);
    for (const hole of holes) {
      let open: Range[] = [hole];
      for (const range of reported) {
        const known = overlap(hole, range);
        if (known === undefined) continue;
        tracker.#reported.push(known);
        open = open.flatMap((part) => without(part, known));
      }
      tracker.#open.push(...open.map((part) => ({ ...part, since: now })));
    }
    tracker.#filled = unflatten(snapshot.filled).map((range) => ({ ...range, since: now - GAP_AGE }));
    return tracker;
  }

  /** Whether `take` has or will have something without further lines. */
  get pending(): boolean {
    return this.#open.length + this.#filled.length + this.#lost.length + this.#unsent.length > 0;
  }

  opened(hole: Range, now: number): void {
    this.#open.push({ ...hole, since: now });
  }

  /** A line of a hole came. */
  filled(seq: number, now: number): void {
    const line = { from: seq, to: seq };
    this.#open = this.#open.flatMap((part) => without(part, line).map((rest) => ({ ...rest, since: part.since })));
    const told = this.#reported.some((range) => range.from <= seq && seq <= range.to);
    if (!told) return;
    this.#reported = this.#reported.flatMap((range) => without(range, line));
    this.#addFilled(seq, now);
  }

  /** Nothing can fill this hole any more. */
  sealed(hole: Range): void {
    for (const part of this.#open) {
      const lost = overlap(part, hole);
      if (lost !== undefined) this.#lost.push(report(lost, 'missing'));
    }
    this.#open = this.#open.flatMap((part) => without(part, hole).map((rest) => ({ ...rest, since: part.since })));
    this.#reported = this.#reported.flatMap((range) => without(range, hole));
    mergeOldest(this.#lost);
  }

  /** What is due now. If it cannot be stored, hand it to `giveBack`. */
  take(now: number): GapReport[] {
    const due = [...this.#unsent.splice(0), ...this.#lost.splice(0)];
    const young: Part[] = [];
    for (const part of this.#open) {
      if (part.since + GAP_AGE > now) {
        young.push(part);
        continue;
      }
      due.push(report(part, 'missing'));
      this.#reported.push({ from: part.from, to: part.to });
    }
    this.#open = young;
    const filling: Part[] = [];
    for (const run of this.#filled) {
      if (run.since + GAP_AGE > now && this.#touchesReported(run)) filling.push(run);
      else due.push(report(run, 'filled'));
    }
    this.#filled = filling;
    return due;
  }

  giveBack(reports: readonly GapReport[]): void {
    this.#unsent.push(...reports);
    mergeOldest(this.#unsent);
  }

  snapshot(): GapSnapshot {
    let reported = this.#reported;
    for (const gap of this.#unsent) {
      if (gap.reason === 'missing') reported = reported.flatMap((range) => without(range, gap));
    }
    const filled = [...this.#filled, ...this.#unsent.filter((gap) => gap.reason === 'filled')];
    return { reported: flatten(reported), filled: flatten(filled) };
  }

  #addFilled(seq: number, now: number): void {
    const index = this.#filled.findIndex((run) => run.to + 1 === seq || run.from - 1 === seq);
    const run = this.#filled[index];
    if (run !== undefined) {
      this.#filled[index] = { from: Math.min(run.from, seq), to: Math.max(run.to, seq), since: run.since };
      return;
    }
    this.#filled.push({ from: seq, to: seq, since: now });
    while (this.#filled.length > MAX_PARTS) {
      const oldest = this.#filled.shift();
      if (oldest !== undefined) this.#unsent.push(report(oldest, 'filled'));
    }
    mergeOldest(this.#unsent);
  }

  #touchesReported(run: Range): boolean {
    return this.#reported.some((range) => range.to === run.from - 1 || range.from === run.to + 1);
  }
}

function report(range: Range, reason: GapReport['reason']): GapReport {
  return { from: range.from, to: range.to, count: range.to - range.from + 1, reason };
}

/** Bounds a list of reports: the first two of one reason become one that spans both; its count stays exact. */
function mergeOldest(reports: GapReport[]): void {
  while (reports.length > MAX_PARTS) {
    const first = reports[0];
    const other = reports.findIndex((gap, i) => i > 0 && gap.reason === first?.reason);
    const second = reports[other];
    if (first === undefined || second === undefined) return;
    reports.splice(other, 1);
    reports[0] = {
      from: Math.min(first.from, second.from),
      to: Math.max(first.to, second.to),
      count: first.count + second.count,
      reason: first.reason,
    };
  }
}

function overlap(a: Range, b: Range): Range | undefined {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.to, b.to);
  return from <= to ? { from, to } : undefined;
}

function without(range: Range, hole: Range): Range[] {
  if (overlap(range, hole) === undefined) return [{ from: range.from, to: range.to }];
  const rest: Range[] = [];
  if (range.from < hole.from) rest.push({ from: range.from, to: hole.from - 1 });
  if (hole.to < range.to) rest.push({ from: hole.to + 1, to: range.to });
  return rest;
}

function flatten(ranges: readonly Range[]): number[] {
  return ranges.flatMap((range) => [range.from, range.to]);
}

function unflatten(flat: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const from = flat[i] ?? 0;
    const to = flat[i + 1] ?? 0;
    if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from <= to) ranges.push({ from, to });
  }
  return ranges;
}
