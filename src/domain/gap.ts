import type { Range } from './seen.ts';

/** A hole is told when it is so old: lines that were only out of order have come by then. Milliseconds. */
export const GAP_AGE = 5_000;

/** How many parts of each kind one boot keeps; beyond that two become one. */
const MAX_PARTS = 64;

/** Why lines are missing: nobody knows, or they came and were not taken, for this reason. */
export type LossReason = 'missing' | 'rate' | 'backpressure';

/** The body of a `gap.kmsg` record. `count` lines of `from` to `to` are missing, or came after they were told missing. */
export interface GapReport extends Range {
  readonly count: number;
  readonly reason: LossReason | 'filled';
}

/** A hole that was given up before it was told, as it is stored. */
type LostEntry = readonly [from: number, to: number, count: number, reason: LossReason];

/**
 * What must survive a restart. The two halves are written by different transactions, in any order: one with the lines,
 * one with the gap records. Each is true by itself, and `GapTracker.restore` makes the rest of both.
 */
export interface GapDoc {
  /** With the lines: holes that were given up before they were told, lowest first. */
  readonly lost?: readonly LostEntry[];
  /** With the lines: all holes up to here were given up. */
  readonly sealed_to?: number;
  /** With the lines: up to there, what came since it was told missing. Flat ranges. */
  readonly came?: readonly number[];
  /** With the gap records: what was told missing and not told filled. Flat ranges. */
  readonly reported?: readonly number[];
  /** With the gap records: of what was given up, all up to here was told. */
  readonly told_to?: number;
}

interface Part extends Range {
  readonly since: number;
  readonly reason: LossReason;
}

interface Run extends Range {
  readonly count: number;
  readonly since: number;
}

interface Lost extends Range {
  readonly count: number;
  readonly reason: LossReason;
  /** It was given up while the record that tells it was on its way to the store. */
  isOnItsWay: boolean;
}

/** What `take` gave and nobody knows yet whether it is stored. */
interface Sending {
  readonly parts: readonly Part[];
  readonly runs: readonly Run[];
  /** So many of the first in `#lost`. */
  readonly lost: number;
}

const DUE = Number.NEGATIVE_INFINITY;

/**
 * Follows the holes of one boot: open ones become reports when they are `GAP_AGE` old, reported ones that fill up
 * later become reports with reason `filled`. Times are milliseconds of any one monotonic clock.
 */
export class GapTracker {
  /** Not told yet. */
  #open: Part[] = [];
  /** Told missing, and still missing. */
  #reported: Range[] = [];
  /** Told missing, and came since. */
  #filled: Run[] = [];
  /** Given up before they were told, lowest first: nothing can fill them any more. */
  #lost: Lost[] = [];
  #sending: Sending | undefined;
  #toldTo = -1;
  #sealedTo = -1;

  /** The state after a restart: holes that were not told count from now. */
  static restore(holes: readonly Range[], doc: GapDoc, now: number): GapTracker {
    const tracker = new GapTracker();
    const { lost = [], sealed_to = -1, told_to = -1 } = doc;
    const reported = unflatten(doc.reported);
    tracker.#toldTo = told_to;
    tracker.#sealedTo = sealed_to;
    for (const [from, to, count, reason] of lost) {
      const isWhole = count === to - from + 1;
      const isTold = to <= told_to || (isWhole && reported.some((range) => range.from <= from && to <= range.to));
      if (!isTold) tracker.#lost.push({ from, to, count, reason, isOnItsWay: false });
    }
    for (const hole of holes) {
      let open: Range[] = [hole];
      for (const range of reported) {
        const known = overlap(hole, range);
        if (known === undefined) continue;
        tracker.#report(known);
        open = open.flatMap((part) => without(part, known));
      }
      for (const part of open) tracker.#open.push({ ...part, since: now, reason: 'missing' });
    }
    for (const { from, to } of cameAfterAll(holes, doc)) {
      tracker.#filled.push({ from, to, count: to - from + 1, since: DUE });
    }
    return tracker;
  }

  /** Whether `take` has or will have something without further lines. */
  get pending(): boolean {
    return this.#open.length + this.#filled.length + this.#lost.length > 0;
  }

  /** Lines that did not come, or that were not taken. Holes come in ascending order. */
  opened(hole: Range, now: number, reason: LossReason = 'missing'): void {
    const last = this.#open.at(-1);
    const isNext = last !== undefined && last.to + 1 === hole.from;
    // Lost and dropped lines that alternate would make parts without end.
    const isSame = last?.reason === reason || this.#open.length >= 2 * MAX_PARTS;
    if (!isNext || !isSame) {
      this.#open.push({ from: hole.from, to: hole.to, since: now, reason });
    } else {
      const both = last.reason === reason ? reason : 'missing';
      this.#open[this.#open.length - 1] = { from: last.from, to: hole.to, since: last.since, reason: both };
    }
  }

  /** A line of a hole came. */
  filled(seq: number, now: number): void {
    const line = { from: seq, to: seq };
    this.#open = this.#open.flatMap((part) => split(part, line));
    if (!this.#reported.some((range) => range.from <= seq && seq <= range.to)) return;
    this.#reported = this.#reported.flatMap((range) => without(range, line));
    this.#addFilled(seq, now);
  }

  /** Nothing can fill this hole any more. */
  sealed(hole: Range): void {
    this.#sealedTo = hole.to;
    for (const part of this.#open) this.#lose(overlap(part, hole), part.reason, false);
    this.#open = this.#open.flatMap((part) => split(part, hole));
    for (const part of this.#sending?.parts ?? []) {
      const given = overlap(part, hole);
      if (given === undefined) continue;
      for (const range of this.#reported) this.#lose(overlap(range, given), part.reason, true);
    }
    this.#reported = this.#reported.flatMap((range) => without(range, hole));
    this.#lost.sort((a, b) => a.from - b.from);
    this.#boundLost();
  }

  /** What is due now. Then it is to be stored together with `toldDoc`, and `told` or `giveBack` says what became of it. */
  take(now: number): GapReport[] {
    if (this.#sending !== undefined) return [];
    const parts = this.#open.filter(({ since }) => since + GAP_AGE <= now);
    const isYoung = (run: Run) => run.since + GAP_AGE > now && this.#touchesReported(run);
    const runs = this.#filled.filter((run) => !isYoung(run));
    const due = [
      ...this.#lost.map(({ from, to, count, reason }) => ({ from, to, count, reason })),
      ...parts.map(({ from, to, reason }) => ({ from, to, count: to - from + 1, reason })),
      ...runs.map(({ from, to, count }) => ({ from, to, count, reason: 'filled' as const })),
    ];
    if (due.length === 0) return due;
    this.#filled = this.#filled.filter(isYoung);
    this.#open = this.#open.filter((part) => !parts.includes(part));
    for (const part of parts) this.#report(part);
    this.#sending = { parts, runs, lost: this.#lost.length };
    return due;
  }

  /** What `take` gave is stored. */
  told(): void {
    const { lost = 0 } = this.#sending ?? {};
    this.#toldTo = this.#toldAfter(lost);
    this.#lost = this.#lost.filter(({ isOnItsWay }, i) => i >= lost && !isOnItsWay);
    this.#sending = undefined;
  }

  /** What `take` gave could not be stored: it is due again. */
  giveBack(): void {
    const { parts, runs } = this.#sending ?? { parts: [], runs: [] };
    this.#sending = undefined;
    for (const { from, to, reason } of parts) {
      const part = { from, to };
      for (const range of this.#reported) {
        const still = overlap(range, part);
        if (still !== undefined) this.#open.push({ ...still, since: DUE, reason });
      }
      this.#reported = this.#reported.flatMap((range) => without(range, part));
      // What came meanwhile was never told missing.
      this.#filled = this.#filled.flatMap((run) => runWithout(run, part));
    }
    this.#open.sort((a, b) => a.from - b.from);
    for (const run of runs) this.#filled.push({ ...run, since: DUE });
    for (const lost of this.#lost) lost.isOnItsWay = false;
    this.#boundFilled();
    this.#boundLost();
  }

  /** For the transaction that stores lines: what of them can only be told by gap records to come. */
  lostDoc(): Required<Pick<GapDoc, 'lost' | 'sealed_to' | 'came'>> {
    const lost = this.#lost.map(({ from, to, count, reason }) => [from, to, count, reason] as const);
    // Behind the last hole that was given up, what came is known by its hole being none.
    const came = [...(this.#sending?.runs ?? []), ...this.#filled].filter(({ from }) => from <= this.#sealedTo);
    return { lost, sealed_to: this.#sealedTo, came: flatten(came) };
  }

  /** For the transaction that stores what `take` gave. */
  toldDoc(): Required<Pick<GapDoc, 'reported' | 'told_to'>> {
    const { lost = 0 } = this.#sending ?? {};
    // What was given up is among it once: the lines that made it so may not be stored yet.
    const told = [...this.#lost.slice(0, lost), ...this.#reported, ...this.#filled];
    return { reported: flatten(told), told_to: this.#toldAfter(lost) };
  }

  #toldAfter(lost: number): number {
    const told = this.#lost.filter(({ isOnItsWay }, i) => i < lost || isOnItsWay);
    return told.reduce((highest, { to }) => Math.max(highest, to), this.#toldTo);
  }

  #report(range: Range): void {
    const before = this.#reported.findIndex(({ to }) => to + 1 === range.from);
    const from = this.#reported[before]?.from ?? range.from;
    if (before >= 0) this.#reported.splice(before, 1);
    const after = this.#reported.findIndex((other) => other.from === range.to + 1);
    const to = this.#reported[after]?.to ?? range.to;
    if (after >= 0) this.#reported.splice(after, 1);
    this.#reported.push({ from, to });
  }

  #lose(range: Range | undefined, reason: LossReason, isOnItsWay: boolean): void {
    if (range !== undefined) this.#lost.push({ ...range, count: range.to - range.from + 1, reason, isOnItsWay });
  }

  #addFilled(seq: number, now: number): void {
    const index = this.#filled.findIndex((run) => run.to + 1 === seq || run.from - 1 === seq);
    const run = this.#filled[index];
    if (run === undefined) {
      this.#filled.push({ from: seq, to: seq, count: 1, since: now });
      this.#boundFilled();
      return;
    }
    const [from, to] = [Math.min(run.from, seq), Math.max(run.to, seq)];
    this.#filled[index] = { from, to, count: run.count + 1, since: run.since };
  }

  #touchesReported(run: Range): boolean {
    return this.#reported.some((range) => range.to === run.from - 1 || range.from === run.to + 1);
  }

  #boundFilled(): void {
    while (this.#filled.length > MAX_PARTS) {
      const [a, b] = this.#filled.splice(0, 2);
      if (a === undefined || b === undefined) return;
      this.#filled.unshift({ ...spanOf(a, b), count: a.count + b.count, since: a.since });
    }
  }

  /** What is on its way stays as it is: the record that tells it is written. */
  #boundLost(): void {
    const first = this.#sending?.lost ?? 0;
    for (let over = this.#lost.length - first - MAX_PARTS; over > 0; over -= 1) {
      const at = this.#lost.findIndex((lost, i) => i >= first && !lost.isOnItsWay && isFree(this.#lost[i + 1]));
      const [a, b] = this.#lost.slice(at, at + 2);
      if (at < 0 || a === undefined || b === undefined) return;
      const reason = a.reason === b.reason ? a.reason : 'missing';
      this.#lost.splice(at, 2, { ...spanOf(a, b), count: a.count + b.count, reason, isOnItsWay: false });
    }
  }
}

/** What was told missing and is no hole any more: it came since, unless it was given up. */
export function cameAfterAll(holes: readonly Range[], doc: GapDoc): Range[] {
  const { sealed_to = -1 } = doc;
  const came = unflatten(doc.came);
  return unflatten(doc.reported).flatMap((range) => {
    const { from, to } = range;
    let behind = to > sealed_to ? [{ from: Math.max(from, sealed_to + 1), to }] : [];
    for (const hole of holes) behind = behind.flatMap((part) => without(part, hole));
    const before = came.flatMap((run) => overlap(run, { from, to: Math.min(to, sealed_to) }) ?? []);
    return [...before, ...behind];
  });
}

function isFree(lost: Lost | undefined): boolean {
  return lost !== undefined && !lost.isOnItsWay;
}

function spanOf(a: Range, b: Range): Range {
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
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

function split(part: Part, hole: Range): Part[] {
  if (overlap(part, hole) === undefined) return [part];
  return without(part, hole).map((rest) => ({ ...rest, since: part.since, reason: part.reason }));
}

/** Of a run that spans lines which did not come nobody knows which part of its count lies where. */
function runWithout(run: Run, hole: Range): Run[] {
  if (overlap(run, hole) === undefined) return [run];
  if (run.count !== run.to - run.from + 1) return [];
  return without(run, hole).map(({ from, to }) => ({ from, to, count: to - from + 1, since: run.since }));
}

function flatten(ranges: readonly Range[]): number[] {
  return ranges.flatMap(({ from, to }) => [from, to]);
}

function unflatten(flat: readonly number[] = []): Range[] {
  const ranges: Range[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const from = flat[i] ?? 0;
    const to = flat[i + 1] ?? 0;
    if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from <= to) ranges.push({ from, to });
  }
  return ranges;
}
