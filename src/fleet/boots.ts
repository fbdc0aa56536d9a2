import { SiderolinkError } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { RegistryImage, RegistryOp } from '../domain/registry.ts';
import type { Clock } from '../lib/clock.ts';
import { type BootDoc, BootLog } from './boot-log.ts';
import { SilentBoots } from './silent-boots.ts';
import type { Boots } from './types.ts';

const SILENT = JSON.stringify({ silent: true } satisfies Partial<BootDoc>);

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
    options: BootTableOptions,
    deps: { readonly image: Pick<RegistryImage, 'boots'>; readonly clock: Clock },
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
    const ending = (before ?? this.#current.get(machine))?.endOp();
    if (ending !== undefined) ops.push(ending);
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
