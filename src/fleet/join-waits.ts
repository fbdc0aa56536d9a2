import type { Clock } from '../lib/clock.ts';

/**
 * A newcomer with a machine's UUID is kept waiting, because it is not known yet whether that machine answers. Times are
 * milliseconds since the epoch.
 */
export interface JoinWait {
  readonly since: number;
  /** It is known by then, unless more happens; the newcomer may have to call once more. */
  readonly until: number;
  /** `asked`: the machine is being asked. `made_anew`: its peer had to be made anew, which it may not know yet. */
  readonly reason: 'asked' | 'made_anew';
  /** Address of whoever called. */
  readonly source: string;
}

/** A machine that was sent away calls again after a minute and a half at the latest (facts/talos-client.md section 1.1). */
const CALLS_AGAIN_MS = 90_000;

/** For which machines somebody waits. In memory only, one for each machine: whoever waits calls again. */
export class JoinWaits {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #waits = new Map<number, JoinWait>();

  constructor({ clock }: { readonly clock: Pick<Clock, 'now'> }) {
    this.#clock = clock;
  }

  /** By the machine's number; null where nobody waits, or who did has not come back. */
  get(machine: number): JoinWait | null {
    const wait = this.#waits.get(machine);
    if (wait === undefined) return null;
    if (this.#clock.now() <= wait.until + CALLS_AGAIN_MS) return wait;
    this.#waits.delete(machine);
    return null;
  }

  /** `forMs`: so long it may take from now on. Who waits already waits since its first call. */
  note(
    machine: number,
    { forMs, reason, source }: Pick<JoinWait, 'reason' | 'source'> & { readonly forMs: number },
  ): JoinWait {
    const now = this.#clock.now();
    const wait = { since: this.get(machine)?.since ?? now, until: now + forMs, reason, source };
    this.#waits.set(machine, wait);
    return wait;
  }

  /** Nobody waits any more: the newcomer has its answer. */
  end(machine: number): void {
    this.#waits.delete(machine);
  }
}
