import { Obstructed } from '../domain/errors.ts';
import type { RegistryOp } from '../domain/registry.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import { type MachineRow, machineOp } from './machine-row.ts';
import type { Roster } from './roster.ts';
import type { Machine, Statuses } from './types.ts';

export interface RemovalsOptions {
  /** How long lines of a machine whose records are deleted may take to be stored first, milliseconds. Default 10,000. */
  readonly flushTimeoutMs?: number;
}

export interface RemovalsDeps {
  readonly roster: Roster;
  readonly log: Pick<RecordLog, 'commit' | 'flush'>;
  readonly statuses: Pick<Statuses, 'forget'>;
  readonly clock: Clock;
}

/** Only lines: the record of the removal itself stays. */
export function deleteLast({ id }: Machine): RegistryOp {
  return { op: 'deleteRecords', machine: id, what: 'logs' };
}

/**
 * Ends removals with records. The removal itself deletes what is stored; lines that had been accepted before the machine's
 * connections were closed come behind it. Its row says that they are to go as well until they went, so that a daemon which
 * is killed in between goes on where it was.
 */
export class Removals {
  readonly #flushTimeoutMs: number;
  readonly #deps: RemovalsDeps;

  constructor(options: RemovalsOptions, deps: RemovalsDeps) {
    this.#flushTimeoutMs = options.flushTimeoutMs ?? 10_000;
    this.#deps = deps;
  }

  /** In the machine's turn. @throws Obstructed if its lines wait to be stored; SiderolinkError `storage` */
  async finish({ id }: Machine): Promise<void> {
    await this.#flush();
    await this.#deleteLast(this.#deps.roster.row(id));
  }

  /** Ends those that an earlier run did not come to the end of. Nothing of that run waits to be stored any more. */
  async resume(): Promise<readonly NodeUuid[]> {
    const { roster } = this.#deps;
    const resumed: NodeUuid[] = [];
    for (const { machine, removal } of [...roster.table.rows()]) {
      if (removal?.pending !== true) continue;
      await roster.turns.take(machine.id, async () => {
        const row = roster.row(machine.id);
        if (row.removal?.pending !== true) return;
        await this.#deleteLast(row);
        resumed.push(machine.uuid);
      });
    }
    return resumed;
  }

  async #deleteLast(row: MachineRow): Promise<void> {
    const { roster, log, statuses } = this.#deps;
    const { id } = row.machine;
    const { removal } = row;
    const done = { ...row, removal: removal && { provisional: removal.provisional, records: removal.records } };
    await log.commit({ ops: [deleteLast(row.machine), statuses.forget(id), machineOp(done)], records: [] });
    roster.table.put(done);
  }

  async #flush(): Promise<void> {
    const { log, clock } = this.#deps;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(this.#flushTimeoutMs, () =>
      reject(
        new Obstructed(
          'the machine is removed, but its last lines wait to be stored before they can be deleted: remove it with its records once more, or they go at the next start of the daemon',
        ),
      ),
    );
    try {
      await Promise.race([log.flush(), late]);
    } finally {
      cancel();
    }
  }
}
