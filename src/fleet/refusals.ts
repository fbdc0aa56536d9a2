import type { RefusalReason } from '../domain/join-types.ts';

/** Why a machine that is known was refused last. */
export interface LastRefusal {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reason: RefusalReason;
  /** Address of whoever called. */
  readonly source: string;
  /** How often it was refused since it was let in last, or since our start. */
  readonly count: number;
}

/**
 * The refusals of each machine since it was let in last. In memory only, one for each machine: a refusal changes nothing
 * that is kept, and whoever is refused calls again.
 */
export class Refusals {
  readonly #last = new Map<number, LastRefusal>();

  /** By the machine's number; null for one that was not refused since. */
  get(machine: number): LastRefusal | null {
    return this.#last.get(machine) ?? null;
  }

  note(machine: number, refusal: Omit<LastRefusal, 'count'>): void {
    this.#last.set(machine, { ...refusal, count: (this.#last.get(machine)?.count ?? 0) + 1 });
  }

  /** The machine was let in. */
  forget(machine: number): void {
    this.#last.delete(machine);
  }
}
