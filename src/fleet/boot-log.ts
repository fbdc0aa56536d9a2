import { type GapDoc, type GapReport, GapTracker, type LossReason } from '../domain/gap.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { RegistryOp } from '../domain/registry.ts';
import { AHEAD, NEXT, SEEN, type Seen, SeenRanges } from '../domain/seen.ts';
import type { Clock } from '../lib/clock.ts';
import type { Boot } from './types.ts';

/** What `BootLog.accept` says of a line. Numbers, because it is asked once per line. */
export const REPLAY = 0;
/** A line never seen before. */
export const FRESH = 1;
/** A seq seen before, with another clock: a line of its own under a used number. */
export const REUSED = 2;
export type Verdict = typeof REPLAY | typeof FRESH | typeof REUSED;

/** How many of a boot's last lines are known by their clock (DESIGN section 4, "Boots"). A power of two. */
const CLOCKS = 1024;
/** Room for so many is made with the first line, and twice as much whenever more come: ten thousand logs may be short. */
const FEW_CLOCKS = 64;
/** Lines under used numbers that are known again; then the oldest is forgotten. */
const MAX_REUSED = 256;

/**
 * A boot's row in the registry, as JSON. Milliseconds since the epoch; seqs and clocks are the kernel's own. What is told
 * of gaps is written with the gap records, all else with the lines: neither transaction may say what only the other
 * one knows to be stored.
 */
export interface BootDoc extends GapDoc {
  readonly started_at: number;
  readonly seen: readonly number[];
  readonly seq: number | null;
  readonly clock: number | null;
  /** How many lines were missing in holes that count as seen now. */
  readonly sealed?: number;
  /** What the record that tells of the next boot says was its last line: that one may be stored, and the line not. */
  readonly ended?: number;
  /** Nothing came from it while it was the machine's boot. */
  readonly silent?: true | null;
}

/** What the lines of a boot say of it. */
type LinesDoc = Omit<BootDoc, 'started_at' | 'reported' | 'told_to' | 'ended' | 'silent'>;

/** The kernel log of one boot: which lines it had, and which are missing. */
export class BootLog implements Boot {
  readonly machine: number;
  readonly number: number;
  readonly publicKey: PublicKey;
  readonly startedAt: number;
  /** Whether it began before our start. */
  readonly restored: boolean;
  readonly #clock: Clock;
  readonly #onGap: (boot: BootLog) => void;
  readonly #seen: SeenRanges;
  readonly #gaps: GapTracker;
  /**
   * Clocks of the lines `last - 1023 … last` as far as they are known, by seq modulo the length, modulo 2^32; made with
   * the first line.
   */
  #clocks: Uint32Array | undefined;
  /** The lowest seq whose clock is known: none before our start. */
  #clocksFrom: number;
  /** Lines that were kept under a used number, as seq and clock. */
  #reused: Set<string> | undefined;
  #lastClock: number | null;
  /** As of the last checkpoint. */
  #stored: LinesDoc;
  /** Lines that were missing in holes that were sealed. */
  #sealed: number;
  #undone = false;

  /** @param options `maxHoles`: one more and the lowest is given up, as if it had been seen. Default 64. */
  constructor(
    row: {
      readonly machine: number;
      readonly number: number;
      readonly publicKey: PublicKey;
      readonly doc: BootDoc;
      readonly restored: boolean;
    },
    deps: { readonly clock: Clock; readonly onGap: (boot: BootLog) => void },
    options: { readonly maxHoles?: number } = {},
  ) {
    const { doc } = row;
    this.machine = row.machine;
    this.number = row.number;
    this.publicKey = row.publicKey;
    this.startedAt = doc.started_at;
    this.restored = row.restored;
    this.#clock = deps.clock;
    this.#onGap = deps.onGap;
    this.#seen = new SeenRanges(doc.seen, options.maxHoles);
    // What was told missing was known to exist, whatever else is stored of it.
    for (const seq of doc.reported ?? []) this.#seen.skip(seq);
    if (doc.ended !== undefined) this.#seen.skip(doc.ended);
    this.#clocksFrom = this.#seen.last + 1;
    this.#lastClock = doc.clock;
    this.#sealed = doc.sealed ?? 0;
    this.#stored = { seen: doc.seen, seq: doc.seq, clock: doc.clock };
    this.#gaps = GapTracker.restore(this.#seen.holes(), doc, deps.clock.monotonic());
    if (this.#gaps.pending) this.#onGap(this);
  }

  /** Seq of the boot's last line that is known of (the highest); null before the first. */
  get lastSeq(): number | null {
    return this.#seen.last < 0 ? null : this.#seen.last;
  }

  /** Clock of that line, microseconds since boot. */
  get lastClock(): number | null {
    return this.#lastClock;
  }

  /** Lines before the newest one that did not come, also those of holes that were sealed. */
  get missing(): number {
    return this.#seen.holes().reduce((sum, { from, to }) => sum + to - from + 1, this.#sealed);
  }

  /** Whether gap reports wait, now or when they are old enough. */
  get hasGaps(): boolean {
    return this.#gaps.pending;
  }

  /** Judges a line and notes it. `seq` and `clock` are non-negative safe integers. */
  accept(seq: number, clock: number): Verdict {
    const last = this.#seen.last;
    const found = this.#seen.add(seq);
    if (found === SEEN) return this.#judgeSeen(seq, clock);
    if (found === NEXT) {
      this.#lastClock = clock;
      const clocks = this.#clocksFor(seq, last);
      clocks[seq & (clocks.length - 1)] = clock;
      return FRESH;
    }
    this.#noteHole(found, seq, last);
    if (found === AHEAD) this.#lastClock = clock;
    if (seq > this.#seen.last - CLOCKS && seq >= this.#clocksFrom) {
      const clocks = this.#clocksFor(seq, last);
      clocks[seq % clocks.length] = clock;
    }
    return FRESH;
  }

  /** With room for a line's clock besides those that are known. `last` is the highest seq before it. */
  #clocksFor(seq: number, last: number): Uint32Array {
    const old = this.#clocks;
    if (old !== undefined && (seq - this.#clocksFrom < old.length || old.length === CLOCKS)) return old;
    let room = old?.length ?? FEW_CLOCKS;
    while (room < CLOCKS && room <= seq - this.#clocksFrom) room *= 2;
    const clocks = new Uint32Array(room);
    if (old !== undefined) {
      // What is known fitted; what was skipped since then did not.
      const end = Math.min(last + 1, this.#clocksFrom + old.length);
      for (let known = this.#clocksFrom; known < end; known++) {
        clocks[known % room] = old[known % old.length] ?? 0;
      }
    }
    this.#clocks = clocks;
    return clocks;
  }

  /**
   * Notes a line that came and is not kept: it is missing, for this reason. Whether it was not there yet; a replay
   * is no loss.
   */
  refuse(seq: number, clock: number, reason: LossReason): boolean {
    const { last } = this.#seen;
    if (seq <= last) return !this.#seen.has(seq);
    const now = this.#clock.monotonic();
    this.#seen.skip(seq);
    this.#lastClock = clock;
    if (seq > last + 1) this.#gaps.opened({ from: last + 1, to: seq - 1 }, now);
    this.#gaps.opened({ from: seq, to: seq }, now, reason);
    this.#noteSealed();
    this.#onGap(this);
    return true;
  }

  /** Gap reports that are due; what became of them is told by `gapsTold` or `giveBackGaps`. */
  takeGaps(): GapReport[] {
    return this.#gaps.take(this.#clock.monotonic());
  }

  /** What `takeGaps` gave is stored, with `gapsOp`. */
  gapsTold(): void {
    this.#gaps.told();
  }

  /** What `takeGaps` gave could not be stored, and is due again. */
  giveBackGaps(): void {
    this.#gaps.giveBack();
    this.#onGap(this);
  }

  /**
   * What every line accepted so far says: for the transaction that stores those lines, and for no other. Undefined for a
   * boot that never was.
   */
  checkpoint(): RegistryOp | undefined {
    if (this.#undone) return undefined;
    const lines: LinesDoc = {
      seen: this.#seen.toJSON(),
      seq: this.lastSeq,
      clock: this.#lastClock,
      ...(this.#sealed > 0 && { sealed: this.#sealed, ...this.#gaps.lostDoc() }),
    };
    this.#stored = lines;
    const patch = { ...lines, silent: null } satisfies Partial<BootDoc>;
    return { op: 'patchBoot', machine: this.machine, boot: this.number, patch: JSON.stringify(patch) };
  }

  /** The row as of the last checkpoint: for the change that begins the boot. */
  op(): RegistryOp {
    return {
      op: 'putBoot',
      machine: this.machine,
      boot: this.number,
      publicKey: this.publicKey,
      doc: JSON.stringify({ started_at: this.startedAt, ...this.#stored } satisfies BootDoc),
    };
  }

  /**
   * What is told of the gaps with what `takeGaps` gave, for the change that stores it. It says nothing of lines: those
   * that were cut into a commit may come back unstored, and must not be known as seen then.
   */
  gapsOp(): RegistryOp {
    const patch: Partial<BootDoc> = this.#gaps.toldDoc();
    return { op: 'patchBoot', machine: this.machine, boot: this.number, patch: JSON.stringify(patch) };
  }

  /** For the change that tells of the next boot. Undefined for a boot without a line. */
  endOp(): RegistryOp | undefined {
    const ended = this.lastSeq;
    if (ended === null) return undefined;
    const patch = JSON.stringify({ ended } satisfies Partial<BootDoc>);
    return { op: 'patchBoot', machine: this.machine, boot: this.number, patch };
  }

  /** The commit that began this boot failed: its rows must not be written any more. */
  undo(): void {
    this.#undone = true;
  }

  /** A line came that is not the next one: it makes a hole or stands in one. */
  #noteHole(found: Seen, seq: number, last: number): void {
    const now = this.#clock.monotonic();
    if (found === AHEAD) this.#gaps.opened({ from: last + 1, to: seq - 1 }, now);
    else this.#gaps.filled(seq, now);
    this.#noteSealed();
    if (this.#gaps.pending) this.#onGap(this);
  }

  #noteSealed(): void {
    const sealed = this.#seen.takeSealed();
    if (sealed === undefined) return;
    this.#sealed += sealed.to - sealed.from + 1;
    this.#gaps.sealed(sealed);
  }

  #judgeSeen(seq: number, clock: number): Verdict {
    const known = seq >= this.#clocksFrom && seq > this.#seen.last - CLOCKS;
    const clocks = known ? this.#clocks : undefined;
    if (clocks === undefined || clocks[seq % clocks.length] === clock >>> 0) return REPLAY;
    // It is sent again with all the others when Talos reads its ring from the start.
    const line = `${seq} ${clock}`;
    this.#reused ??= new Set();
    if (this.#reused.has(line)) return REPLAY;
    this.#reused.add(line);
    for (const oldest of this.#reused) {
      if (this.#reused.size <= MAX_REUSED) break;
      this.#reused.delete(oldest);
    }
    return REUSED;
  }
}
