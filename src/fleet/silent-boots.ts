import type { Boot } from './types.ts';

/**
 * Boots that ended without a sign of life, by machine. Whoever holds a join token can make such boots as fast as probes
 * end, so only a bounded number of each machine is kept; they are forgotten oldest first.
 */
export class SilentBoots<T extends Pick<Boot, 'machine' | 'lastSeq'>> {
  readonly #max: number;
  /** Oldest first. */
  readonly #byMachine = new Map<number, T[]>();

  constructor(options: { readonly max: number }) {
    this.#max = options.max;
  }

  /** One that was noted before our start; to be called in the order of their numbers. */
  restore(boot: T): void {
    this.#of(boot.machine).push(boot);
  }

  /** @returns the one that is to be forgotten for it, if there are too many */
  note(boot: T): { readonly forgotten: T | undefined; readonly undo: () => void } {
    const silent = this.#of(boot.machine);
    silent.push(boot);
    const oldest = silent.length > this.#max ? silent.shift() : undefined;
    const undo = () => {
      if (oldest !== undefined) silent.unshift(oldest);
      silent.splice(silent.lastIndexOf(boot), 1);
    };
    // A line that was on its way when the boot ended may have come since: then it is no silent one.
    const isHeard = oldest !== undefined && (oldest.lastSeq ?? null) !== null;
    return { forgotten: isHeard ? undefined : oldest, undo };
  }

  #of(machine: number): T[] {
    const known = this.#byMachine.get(machine);
    if (known !== undefined) return known;
    const none: T[] = [];
    this.#byMachine.set(machine, none);
    return none;
  }
}
