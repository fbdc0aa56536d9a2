import type { Clock } from '../lib/clock.ts';

/** A machine that is over its budget is heard again when so many seconds' worth of it are there: each pause is a hole. */
const RESUME_SECONDS = 4;

export interface ByteBudgetOptions {
  /** What each machine may have stored of its logs, in the long run. 0: as much as it sends. */
  readonly bytesPerSecond: number;
  /** And at once. Default 8 MiB: more than a replay of the kernel's ring. */
  readonly burstBytes?: number;
}

interface Budget {
  /** Below zero after a block that was larger. */
  bytes: number;
  /** When `bytes` was true, on the monotonic clock. */
  at: number;
  isOpen: boolean;
}

/** How many log bytes each machine may have stored (facts/users.md D8). Asked once per block of lines. */
export class ByteBudgets {
  readonly #rate: number;
  readonly #burst: number;
  readonly #clock: Clock;
  readonly #machines = new Map<number, Budget>();

  constructor(options: ByteBudgetOptions, deps: { readonly clock: Clock }) {
    this.#rate = options.bytesPerSecond;
    this.#burst = options.burstBytes ?? 8 * 1024 * 1024;
    this.#clock = deps.clock;
  }

  /** Whether lines of the machine may be stored now. */
  isOpen(machine: number): boolean {
    const budget = this.#machines.get(machine);
    if (budget === undefined) return true;
    const now = this.#clock.monotonic();
    budget.bytes = Math.min(this.#burst, budget.bytes + ((now - budget.at) * this.#rate) / 1_000);
    budget.at = now;
    if (!budget.isOpen) budget.isOpen = budget.bytes >= Math.min(this.#burst, RESUME_SECONDS * this.#rate);
    return budget.isOpen;
  }

  /** Lines of so many bytes are stored. */
  charge(machine: number, bytes: number): void {
    if (this.#rate === 0 || bytes === 0) return;
    let budget = this.#machines.get(machine);
    if (budget === undefined) {
      budget = { bytes: this.#burst, at: this.#clock.monotonic(), isOpen: true };
      this.#machines.set(machine, budget);
    }
    budget.bytes -= bytes;
    if (budget.bytes <= 0) budget.isOpen = false;
  }

  /** The machine is gone. */
  forget(machine: number): void {
    this.#machines.delete(machine);
  }
}
