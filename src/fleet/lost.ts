import type { MachineState } from '../domain/join-types.ts';
import { comesBack, rebootKind } from '../domain/reboot.ts';
import type { Clock } from '../lib/clock.ts';
import type { LinkMonitor } from '../wireguard/types.ts';
import type { MachineChanges } from './changes.ts';
import type { FleetMetrics } from './metrics.ts';
import type { StatusTable } from './status.ts';
import type { LostMachine, Machine, Machines } from './types.ts';

export interface LostKeeperOptions {
  /** From one look to the next, milliseconds. Default 30,000. */
  readonly intervalMs?: number;
  /** Silence after which a machine that went to another boot is lost, milliseconds. Default 15 min. */
  readonly afterMs?: number;
}

export interface LostKeeperDeps {
  readonly machines: Pick<Machines, 'all'>;
  readonly statuses: Pick<StatusTable, 'get' | 'setLost'>;
  readonly links: Pick<LinkMonitor, 'state'>;
  readonly changes: Pick<MachineChanges, 'tell'>;
  readonly clock: Clock;
  readonly metrics: Pick<FleetMetrics, 'lost'>;
}

/** A machine that said that it goes to another boot, as we see it. */
interface Leaving {
  /** When it was heard last, milliseconds since the epoch. */
  readonly heard: number;
  /** Monotonic time since which nothing more was heard. */
  readonly silentFrom: number;
}

/**
 * Knows machines that said that they reboot, are upgraded or reset, and did not come back: reset, upgraded in maintenance
 * or booted from elsewhere, a machine may have lost the kernel arguments that bring it here (facts/users.md A17). Silence
 * is measured by our own monotonic clock: neither a jump of the wall clock nor a restart of ours makes anybody lost.
 */
export class LostKeeper {
  readonly #intervalMs: number;
  readonly #afterMs: number;
  readonly #deps: LostKeeperDeps;
  readonly #leaving = new Map<number, Leaving>();
  #cancel: (() => void) | undefined;

  constructor(options: LostKeeperOptions, deps: LostKeeperDeps) {
    this.#intervalMs = options.intervalMs ?? 30_000;
    this.#afterMs = options.afterMs ?? 900_000;
    this.#deps = deps;
  }

  start(): void {
    this.look();
    this.#cancel = this.#deps.clock.after(this.#intervalMs, () => this.start());
  }

  /** Idempotent. */
  stop(): void {
    this.#cancel?.();
  }

  /** Notes who is lost now, and who is back. */
  look(): void {
    const { machines, metrics } = this.#deps;
    let lost = 0;
    for (const machine of machines.all()) if (this.#isLost(machine)) lost += 1;
    metrics.lost.set(lost);
  }

  #isLost({ id, key, boot, state }: Machine): boolean {
    const { clock, links, statuses } = this.#deps;
    const { ending, lastSeen, lost } = statuses.get(id, boot);
    if (key === null || !LINKED.has(state) || !comesBack(ending)) {
      this.#leaving.delete(id);
      if (lost !== null) this.#set(id, null);
      return false;
    }
    const before = this.#leaving.get(id);
    const heard = Math.max(lastSeen ?? 0, links.state(key).lastRx ?? 0);
    // Another time, not a later one: the wall clock may have been set back.
    if (before === undefined || heard !== before.heard) {
      this.#leaving.set(id, { heard, silentFrom: clock.monotonic() });
      if (lost === null) return false;
      // Our predecessor knew that it is lost, and nothing was heard of it yet.
      if (before === undefined) return true;
      this.#set(id, null);
      return false;
    }
    if (lost !== null) return true;
    if (clock.monotonic() - before.silentFrom < this.#afterMs) return false;
    this.#set(id, { since: heard, sequence: ending.sequence ?? rebootKind(ending) });
    return true;
  }

  #set(machine: number, lost: LostMachine | null): void {
    this.#deps.statuses.setLost(machine, lost);
    this.#deps.changes.tell(machine);
  }
}

/** States in which a machine has a link by which it could be heard. */
const LINKED: ReadonlySet<string> = new Set<MachineState>(['accepted', 'pending', 'provisional']);
