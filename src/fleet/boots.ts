import { SiderolinkError } from '../domain/errors.ts';
import { type GapReport, GapTracker } from '../domain/gap.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { RegistryImage, RegistryOp } from '../domain/registry.ts';
import { AHEAD, NEXT, SEEN, SeenRanges } from '../domain/seen.ts';
import type { Clock } from '../lib/clock.ts';
import { SilentBoots } from './silent-boots.ts';
import type { Boot, Boots } from './types.ts';

/** What `BootLog.accept` says of a line. Numbers, because it is asked once per line. */
export const REPLAY = 0;
/** A line never seen before. */
export const FRESH = 1;
/** A seq seen before, with another clock: a line of its own under a used number. */
export const REUSED = 2;
export type Verdict = typeof REPLAY | typeof FRESH | typeof REUSED;

/** How many of a boot's last lines are known by their clock (DESIGN section 4, "Boots"). A power of two. */
const CLOCKS = 1024;

/** A boot's row in the registry, as JSON. Milliseconds since the epoch; seqs and clocks are the kernel's own. */
interface BootDoc {
  readonly started_at: number;
  readonly seen: readonly number[];
  readonly seq: number | null;
  readonly clock: number | null;
  readonly reported?: readonly number[];
  readonly filled?: readonly number[];
  /** How many lines were missing in holes that count as seen now. */
  readonly sealed?: number;
  /** It ended, and nothing had come from it. */
  readonly silent?: true;
}

const SILENT = JSON.stringify({ silent: true } satisfies Partial<BootDoc>);

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
  /** Clocks of the lines `last - 1023 … last`, by seq modulo 1,024, modulo 2^32; made with the first line. */
  #clocks: Uint32Array | undefined;
  /** The lowest seq whose clock is known: none before our start. */
  #clocksFrom: number;
  #lastClock: number | null;
  /** Seen ranges, last seq and clock as of the last checkpoint. */
  #stored: Pick<BootDoc, 'seen' | 'seq' | 'clock' | 'sealed'>;
  /** Lines that were missing in holes that were sealed. */
  #sealed: number;
  #undone = false;

  constructor(
    row: {
      readonly machine: number;
      readonly number: number;
      readonly publicKey: PublicKey;
      readonly doc: BootDoc;
      readonly restored: boolean;
    },
    deps: { readonly clock: Clock; readonly onGap: (boot: BootLog) => void },
  ) {
    this.machine = row.machine;
    this.number = row.number;
    this.publicKey = row.publicKey;
    this.startedAt = row.doc.started_at;
    this.restored = row.restored;
    this.#clock = deps.clock;
    this.#onGap = deps.onGap;
    this.#seen = new SeenRanges(row.doc.seen);
    this.#clocksFrom = this.#seen.last + 1;
    this.#lastClock = row.doc.clock;
    this.#sealed = row.doc.sealed ?? 0;
    this.#stored = { seen: row.doc.seen, seq: row.doc.seq, clock: row.doc.clock, ...sealedDoc(this.#sealed) };
    const { reported = [], filled = [] } = row.doc;
    this.#gaps = GapTracker.restore(this.#seen.holes(), { reported, filled }, deps.clock.monotonic());
    if (this.#gaps.pending) this.#onGap(this);
  }

  /** Seq of the boot's last line (the highest); null before the first. */
  get lastSeq(): number | null {
    return this.#seen.last < 0 ? null : this.#seen.last;
  }

  /** Clock of the boot's last line, microseconds since boot. */
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
    if (this.#clocks === undefined) this.#clocks = new Uint32Array(CLOCKS);
    if (found === NEXT) {
      this.#lastClock = clock;
      this.#clocks[seq & (CLOCKS - 1)] = clock;
      return FRESH;
    }
    const now = this.#clock.monotonic();
    if (found === AHEAD) {
      this.#lastClock = clock;
      this.#gaps.opened({ from: last + 1, to: seq - 1 }, now);
    } else {
      this.#gaps.filled(seq, now);
    }
    if (seq > this.#seen.last - CLOCKS) this.#clocks[seq % CLOCKS] = clock;
    const sealed = this.#seen.takeSealed();
    if (sealed !== undefined) {
      this.#sealed += sealed.to - sealed.from + 1;
      this.#gaps.sealed(sealed);
    }
    if (this.#gaps.pending) this.#onGap(this);
    return FRESH;
  }

  /** Gap reports that are due. They count as stored: give back what could not be. */
  takeGaps(): GapReport[] {
    return this.#gaps.take(this.#clock.monotonic());
  }

  giveBackGaps(reports: readonly GapReport[]): void {
    this.#gaps.giveBack(reports);
    this.#onGap(this);
  }

  /**
   * The row with every line accepted so far: for the transaction that stores those lines, and for no other. Undefined
   * for a boot that never was.
   */
  checkpoint(): RegistryOp | undefined {
    if (this.#undone) return undefined;
    const sealed = sealedDoc(this.#sealed);
    this.#stored = { seen: this.#seen.toJSON(), seq: this.lastSeq, clock: this.#lastClock, ...sealed };
    return this.op();
  }

  /** The row as of the last checkpoint: for the change that begins the boot. */
  op(): RegistryOp {
    return {
      op: 'putBoot',
      machine: this.machine,
      boot: this.number,
      publicKey: this.publicKey,
      doc: JSON.stringify({ started_at: this.startedAt, ...this.#stored, ...this.#gapsDoc() } satisfies BootDoc),
    };
  }

  /**
   * What was told of the gaps, for the change that tells it. It says nothing of lines: those that were cut into a commit
   * may come back unstored, and must not be known as seen then.
   */
  gapsOp(): RegistryOp {
    return { op: 'patchBoot', machine: this.machine, boot: this.number, patch: JSON.stringify(this.#gapsDoc()) };
  }

  #gapsDoc(): Required<Pick<BootDoc, 'reported' | 'filled'>> {
    const { reported, filled } = this.#gaps.snapshot();
    return { reported, filled };
  }

  /** The commit that began this boot failed: its rows must not be written any more. */
  undo(): void {
    this.#undone = true;
  }

  #judgeSeen(seq: number, clock: number): Verdict {
    const known = this.#clocks !== undefined && seq >= this.#clocksFrom && seq > this.#seen.last - CLOCKS;
    if (!known) return REPLAY;
    return this.#clocks?.[seq % CLOCKS] === clock >>> 0 ? REPLAY : REUSED;
  }
}

function sealedDoc(sealed: number): Pick<BootDoc, 'sealed'> {
  return sealed === 0 ? {} : { sealed };
}

/** Machine number and boot number in one safe integer: 10,000 machines with many boots stay small. */
const BOOTS_PER_MACHINE = 2 ** 26;

function packed(machine: number, number: number): number {
  return machine * BOOTS_PER_MACHINE + number;
}

export interface BootTableOptions {
  /** Boots of a machine from which nothing came that are kept; then the oldest is forgotten with its key. Default 128. */
  readonly maxSilent?: number;
}

/** All boots: the current one of each machine in full, former ones as key → (machine, number). */
export class BootTable implements Boots {
  readonly #clock: Clock;
  readonly #current = new Map<number, BootLog>();
  /** Boots whose key is not in the device yet. */
  readonly #begun = new Map<number, BootLog>();
  readonly #byKey = new Map<PublicKey, number>();
  readonly #lastNumber = new Map<number, number>();
  readonly #withGaps = new Set<BootLog>();
  readonly #silent: SilentBoots<BootLog>;
  readonly #onGap = (boot: BootLog) => this.#withGaps.add(boot);

  constructor(
    deps: { readonly image: Pick<RegistryImage, 'boots'>; readonly clock: Clock },
    options: BootTableOptions = {},
  ) {
    this.#clock = deps.clock;
    this.#silent = new SilentBoots({ max: options.maxSilent ?? 128 });
    for (const { machine, boot, publicKey } of deps.image.boots) {
      // A key with two boots: a newcomer came with a former key of the machine it was made for, which is an older machine,
      // and rows come in the order of machines. The key is the newcomer's since.
      this.#byKey.set(publicKey, packed(machine, boot));
      if (boot > (this.#lastNumber.get(machine) ?? 0)) this.#lastNumber.set(machine, boot);
    }
    for (const row of deps.image.boots) {
      const current = row.boot === this.#lastNumber.get(row.machine);
      // A former boot matters only while a hole of it is not told.
      const doc = parseDoc(row);
      const log = new BootLog(
        { machine: row.machine, number: row.boot, publicKey: row.publicKey, doc, restored: true },
        { clock: this.#clock, onGap: this.#onGap },
      );
      if (current) this.#current.set(row.machine, log);
      else if (doc.silent === true) this.#silent.restore(log);
    }
  }

  current(machine: number): BootLog | undefined {
    return this.#current.get(machine);
  }

  ofKey(publicKey: PublicKey): { readonly machine: number; readonly number: number } | undefined {
    const owner = this.#byKey.get(publicKey);
    if (owner === undefined) return undefined;
    return { machine: Math.floor(owner / BOOTS_PER_MACHINE), number: owner % BOOTS_PER_MACHINE };
  }

  begin(
    machine: number,
    publicKey: PublicKey,
    wasSilent = false,
  ): { readonly boot: BootLog; readonly ops: readonly RegistryOp[]; readonly undo: () => void } {
    const number = (this.#lastNumber.get(machine) ?? 0) + 1;
    const doc: BootDoc = { started_at: this.#clock.now(), seen: [], seq: null, clock: null };
    const boot = new BootLog(
      { machine, number, publicKey, doc, restored: false },
      { clock: this.#clock, onGap: this.#onGap },
    );
    const before = this.#begun.get(machine);
    // One that was begun and never made current had no peer, so nothing can have come from it.
    const silent = before ?? (wasSilent ? this.#current.get(machine) : undefined);
    const noted = silent === undefined ? undefined : this.#silent.note(silent);
    const forgotten = noted?.forgotten;
    if (forgotten !== undefined) this.#forgetKey(forgotten);
    const keyBefore = this.#byKey.get(publicKey);
    this.#begun.set(machine, boot);
    this.#lastNumber.set(machine, number);
    this.#byKey.set(publicKey, packed(machine, number));
    const undo = () => {
      boot.undo();
      if (this.#begun.get(machine) !== boot) return;
      if (before === undefined) this.#begun.delete(machine);
      else this.#begun.set(machine, before);
      if (number === 1) this.#lastNumber.delete(machine);
      else this.#lastNumber.set(machine, number - 1);
      if (keyBefore === undefined) this.#byKey.delete(publicKey);
      else this.#byKey.set(publicKey, keyBefore);
      noted?.undo();
      if (forgotten !== undefined && !this.#byKey.has(forgotten.publicKey)) {
        this.#byKey.set(forgotten.publicKey, packed(machine, forgotten.number));
      }
    };
    const ops = [boot.op()];
    // Its row goes on to say so, until one with lines takes its place.
    if (silent !== undefined) ops.push({ op: 'patchBoot', machine, boot: silent.number, patch: SILENT });
    if (forgotten !== undefined) ops.push({ op: 'deleteBoot', machine, boot: forgotten.number });
    return { boot, ops, undo };
  }

  activate(machine: number): void {
    const boot = this.#begun.get(machine);
    if (boot === undefined) return;
    this.#begun.delete(machine);
    this.#current.set(machine, boot);
  }

  #forgetKey({ machine, number, publicKey }: BootLog): void {
    if (this.#byKey.get(publicKey) === packed(machine, number)) this.#byKey.delete(publicKey);
  }

  /** Boots with a hole that is not told yet, or was told and filled up since; of former boots too. */
  withGaps(): readonly BootLog[] {
    for (const boot of this.#withGaps) if (!boot.hasGaps) this.#withGaps.delete(boot);
    return [...this.#withGaps];
  }
}

function parseDoc(row: { readonly machine: number; readonly boot: number; readonly doc: string }): BootDoc {
  try {
    return JSON.parse(row.doc) as BootDoc;
  } catch (cause) {
    const details = { machine: row.machine, boot: row.boot };
    throw new SiderolinkError('storage', 'a boot in the registry is not JSON', details, { cause });
  }
}
