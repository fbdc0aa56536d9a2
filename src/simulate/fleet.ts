import { setImmediate } from 'node:timers/promises';
import { type Clock, systemClock } from '../lib/clock.ts';
import { BootScripts } from './boot-scripts.ts';
import { type MachineCounters, sumCounters } from './counters.ts';
import { DirectNetwork } from './direct-network.ts';
import { type MachineNotice, type MachineOptions, SimulatedMachine } from './machine.ts';
import { mixSeed } from './random.ts';

const STARTS_PER_TURN = 16;

/** What all machines of a fleet share; machine `n` of a seed is always the same machine. */
export interface FleetOptions extends Omit<MachineOptions, 'uuid' | 'hostname' | 'meta'> {
  readonly count: number;
  /** Machines started per second; the default starts all at once. */
  readonly startsPerSecond?: number;
}

export interface FleetDeps {
  readonly clock?: Clock;
  readonly onNotice?: (machine: SimulatedMachine, notice: MachineNotice) => void;
}

/** Many machines in one process, each with the overlay address that Provision gave it as its source address. */
export class SimulatedFleet {
  readonly machines: readonly SimulatedMachine[];
  readonly #startsPerSecond: number;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();

  constructor(options: FleetOptions, { clock = systemClock, onNotice }: FleetDeps = {}) {
    const { count, seed = 1, startsPerSecond = Number.POSITIVE_INFINITY, ...shared } = options;
    const scripts = new BootScripts();
    this.#startsPerSecond = startsPerSecond;
    this.#clock = clock;
    this.machines = Array.from({ length: count }, (_, index) => {
      const machine: SimulatedMachine = new SimulatedMachine(
        { speed: Number.POSITIVE_INFINITY, ...shared, seed: mixSeed(seed, index) },
        { network: new DirectNetwork({ clock }), scripts, clock, onNotice: (notice) => onNotice?.(machine, notice) },
      );
      return machine;
    });
  }

  /** Powers all machines on; resolves when the last one was, not when they have joined. */
  async start(): Promise<void> {
    const started = this.#clock.monotonic();
    for (const [index, machine] of this.machines.entries()) {
      const wait = (index / this.#startsPerSecond) * 1000 - (this.#clock.monotonic() - started);
      if (wait >= 1) await this.#clock.sleep(wait, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      await machine.start();
      // Those that were started before go on meanwhile.
      if (index % STARTS_PER_TURN === STARTS_PER_TURN - 1) await setImmediate();
    }
  }

  /** What all machines did, together. */
  counters(): MachineCounters {
    return sumCounters(this.machines.map((machine) => machine.counters));
  }

  /** Powers all machines off, drained or at once, and gives their sockets back. */
  async stop({ abrupt = true }: { abrupt?: boolean } = {}): Promise<void> {
    this.#stopping.abort();
    if (!abrupt) await Promise.all(this.machines.map((machine) => machine.stop()));
    await Promise.all(this.machines.map((machine) => machine.close()));
  }
}
