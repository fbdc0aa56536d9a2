/** Whose turn it is: at most one change of a machine is under way, whoever makes it. */
export class Turns {
  readonly #busy = new Map<number, Promise<void>>();

  /** Resolves when the change under way has ended, well or not; undefined if there is none. */
  busy(machine: number): Promise<void> | undefined {
    return this.#busy.get(machine);
  }

  /** Notes a change that has begun. To be called in the synchronous step in which `busy` said that there is none. */
  hold(machine: number, change: Promise<unknown>): void {
    const ended = () => void this.#busy.delete(machine);
    this.#busy.set(machine, change.then(ended, ended));
  }

  /** Waits for the machine's turn and makes a change. `change` runs synchronously up to its first await. */
  async take<T>(machine: number, change: () => Promise<T>): Promise<T> {
    for (let busy = this.busy(machine); busy !== undefined; busy = this.busy(machine)) await busy;
    const done = change();
    this.hold(machine, done);
    return done;
  }
}
