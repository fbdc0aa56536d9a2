/** How it stands with writing a machine's unique token into its META partition over the link. */
export interface TokenWrite {
  /**
   * - `idle`: nothing to write now;
   * - `waiting`: for its link, its turn, or the next try;
   * - `writing`;
   * - `written`: all that was to be written in this boot is;
   * - `given_up`: not tried again in this boot;
   * - `wants_certificate`: the machine is in normal mode, whatever it said; until it reports maintenance again.
   */
  readonly state: 'idle' | 'waiting' | 'writing' | 'written' | 'given_up' | 'wants_certificate';
  /** Writes tried in this boot. */
  readonly tries: number;
  /** Why the last try failed; null if none did since a write succeeded. */
  readonly lastError: string | null;
  /** When this was so first, milliseconds since the epoch. */
  readonly at: number;
}

/** The state of each machine's token writes since our start, for people to read. In memory only. */
export class TokenWrites {
  readonly #writes = new Map<number, TokenWrite>();

  /** By the machine's number; null while there was nothing to write to it. */
  get(machine: number): TokenWrite | null {
    return this.#writes.get(machine) ?? null;
  }

  set(machine: number, write: TokenWrite): void {
    this.#writes.set(machine, write);
  }

  forget(machine: number): void {
    this.#writes.delete(machine);
  }

  /** Machines about which something is known. */
  get size(): number {
    return this.#writes.size;
  }
}
