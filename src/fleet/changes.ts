import { errorMessage } from '../domain/errors.ts';
import type { MachineEvent } from '../domain/event.ts';
import type { NewRecord } from '../domain/record.ts';
import type { Watched } from '../domain/status-change.ts';
import type { Clock } from '../lib/clock.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import type { RecordLog } from '../stream/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import { machineRecords } from './records.ts';
import type { StatusTable } from './status.ts';
import type { Boots, FleetEvent, Machine, Machines } from './types.ts';

export interface MachineChangesOptions {
  /** From one `machine.changed` record of a machine to the next, milliseconds. Default 1,000. */
  readonly intervalMs?: number;
  /** After a record that could not be stored, milliseconds. Default 5,000. */
  readonly retryMs?: number;
  /** Rows written in one commit when we stop. Default 500. */
  readonly maxBatch?: number;
}

export interface MachineChangesDeps {
  readonly machines: Pick<Machines, 'byId' | 'all' | 'view' | 'onEvent'>;
  readonly boots: Pick<Boots, 'current'>;
  readonly statuses: Pick<
    StatusTable,
    'fold' | 'begin' | 'knowVersion' | 'op' | 'untold' | 'withUntold' | 'told' | 'giveBack' | 'unstored'
  >;
  readonly log: Pick<RecordLog, 'commit'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who changed what changed: the machine, or that time went by without it. */
const BY_MACHINE = 'machine';
const BY_TIME = 'time';

/**
 * Folds events into the machine's status and makes `machine.changed` records of what a control plane acts on: with the
 * event, in its commit, at most one a second of a machine. What came sooner after the last record is told a second after
 * it, as it is then. What is not told yet is in the machine's row, so a restart does not forget it.
 */
export class MachineChanges {
  readonly #intervalMs: number;
  readonly #retryMs: number;
  readonly #maxBatch: number;
  readonly #deps: MachineChangesDeps;
  readonly #said: OnceAMinute;
  /** Monotonic time before which nothing more is told of a machine. */
  readonly #notBefore = new Map<number, number>();
  readonly #timers = new Map<number, () => void>();
  readonly #writing = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: MachineChangesOptions, deps: MachineChangesDeps) {
    this.#intervalMs = options.intervalMs ?? 1_000;
    this.#retryMs = options.retryMs ?? 5_000;
    this.#maxBatch = options.maxBatch ?? 500;
    this.#deps = deps;
    this.#said = new OnceAMinute({}, deps);
  }

  /** Listens to the fleet, and tells what our predecessor could not. To be called before machines are served. */
  start(): void {
    const { machines, statuses } = this.#deps;
    machines.onEvent((event) => this.#onFleetEvent(event));
    for (const machine of machines.all()) if (machine.key !== null) statuses.knowVersion(machine);
    for (const machine of statuses.withUntold()) this.#later(machine, this.#intervalMs);
  }

  /** Stores what is untold, and when machines were seen last. Idempotent; to be called after all that serves machines. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await Promise.all(this.#writing);
    const { log, logger, statuses } = this.#deps;
    const left = [...new Set([...statuses.withUntold(), ...statuses.unstored()])];
    try {
      for (let from = 0; from < left.length; from += this.#maxBatch) {
        const batch = left.slice(from, from + this.#maxBatch);
        const records = batch.flatMap((machine) => this.#take(machine));
        await log.commit({ ops: batch.map((machine) => statuses.op(machine)), records });
      }
    } catch (error) {
      logger.warn({ error: errorMessage(error) }, 'what changed of machines last could not be stored');
    }
  }

  /**
   * Folds an event of the machine's boot `boot`, and stores it as `record` with what follows from it.
   * @throws SiderolinkError `storage`, `unavailable`
   */
  async event(machine: Machine, boot: number, event: MachineEvent, record: NewRecord): Promise<void> {
    const { log, statuses } = this.#deps;
    statuses.fold(machine, boot, event);
    const { names, records } = this.#due(machine.id);
    const ops = [statuses.op(machine.id)];
    try {
      await log.commit({ ops, records: [record, ...records] });
    } catch (error) {
      this.#failed(machine.id, names);
      throw error;
    }
  }

  /** Tells what is untold of a machine: at once, or as soon as its last record is old enough. */
  tell(machine: number): void {
    if (this.#stopped) return;
    const { names, records } = this.#due(machine);
    if (records.length === 0) return;
    const { log, logger, statuses } = this.#deps;
    const writing = log.commit({ ops: [statuses.op(machine)], records }).then(
      () => {},
      (error: unknown) => {
        this.#failed(machine, names);
        const before = this.#said.pass('storage');
        if (before !== undefined) {
          logger.warn({ error: errorMessage(error), before }, 'what changed of a machine could not be stored');
        }
      },
    );
    this.#writing.add(writing);
    void writing.then(() => this.#writing.delete(writing));
  }

  #onFleetEvent({ kind, machine }: FleetEvent): void {
    const { boots, statuses, clock } = this.#deps;
    if (kind === 'removed') {
      this.#forget(machine.id);
      return;
    }
    if (kind !== 'boot') return;
    statuses.begin(machine.id, machine.boot, boots.current(machine.id)?.startedAt ?? clock.now());
    statuses.knowVersion(machine);
    this.tell(machine.id);
  }

  /** What may be told of a machine now; if it is too early for that, it is told later. */
  #due(machine: number): { readonly names: ReadonlySet<Watched>; readonly records: readonly NewRecord[] } {
    const { clock, statuses } = this.#deps;
    const names = statuses.untold(machine);
    if (names.size === 0) return { names, records: [] };
    const wait = (this.#notBefore.get(machine) ?? 0) - clock.monotonic();
    if (wait > 0) {
      this.#later(machine, wait);
      return { names, records: [] };
    }
    return { names, records: this.#take(machine) };
  }

  /** The record of what is untold; none of a machine that is gone, whose records may be deleted. */
  #take(id: number): readonly NewRecord[] {
    const { clock, machines, statuses } = this.#deps;
    this.#timers.get(id)?.();
    this.#timers.delete(id);
    const names = statuses.told(id);
    const machine = machines.byId(id);
    if (machine === undefined || names.size === 0 || isGone(machine)) return [];
    this.#notBefore.set(id, clock.monotonic() + this.#intervalMs);
    const changed = [...names].sort();
    const by = changed.every((name) => name === 'lost_after_upgrade') ? BY_TIME : BY_MACHINE;
    return machineRecords(['changed'], machines.view(machine), by, { changed });
  }

  #later(machine: number, ms: number): void {
    if (this.#stopped || this.#timers.has(machine)) return;
    const cancel = this.#deps.clock.after(ms, () => {
      this.#timers.delete(machine);
      this.tell(machine);
    });
    this.#timers.set(machine, cancel);
  }

  /** The event comes again, and folds into nothing new: what it changed is told without it. */
  #failed(machine: number, names: ReadonlySet<Watched>): void {
    if (names.size === 0) return;
    this.#deps.statuses.giveBack(machine, names);
    this.#notBefore.set(machine, this.#deps.clock.monotonic() + this.#retryMs);
    this.#later(machine, this.#retryMs);
  }

  #forget(machine: number): void {
    this.#timers.get(machine)?.();
    this.#timers.delete(machine);
    this.#notBefore.delete(machine);
    this.#deps.statuses.told(machine);
  }
}

function isGone({ state }: Machine): boolean {
  return state === 'removed' || state === 'rejected' || state === 'expired';
}
