import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { LinkMonitor, WireGuard } from '../wireguard/types.ts';
import { machineOp } from './machine-row.ts';
import { machineRecords } from './records.ts';
import type { Roster } from './roster.ts';
import type { Boots, Machine, Statuses } from './types.ts';

export interface ProvisionalOptions {
  /** From the end of one look to the next, milliseconds. Default 10 min. */
  readonly intervalMs?: number;
  /** Silence after which an identity that nobody accepted is forgotten, milliseconds. Default 24 h. */
  readonly forgetAfterMs?: number;
}

export interface ProvisionalDeps {
  readonly roster: Roster;
  readonly boots: Pick<Boots, 'current'>;
  readonly statuses: Statuses;
  readonly links: Pick<LinkMonitor, 'state'>;
  readonly wireguard: Pick<WireGuard, 'apply'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const BY_TIME = 'time';

/**
 * Forgets provisional identities that nobody accepted and that have been silent: they become `expired`, which has no
 * peer and counts against no limit. UUID and address stay their own, and they may join again (DESIGN section 6).
 */
export class ProvisionalKeeper {
  readonly #intervalMs: number;
  readonly #forgetAfterMs: number;
  readonly #deps: ProvisionalDeps;
  /** Nobody heard them before it: their silence is not older than this. */
  readonly #startedAt: number;
  #cancel: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: ProvisionalOptions, deps: ProvisionalDeps) {
    this.#intervalMs = options.intervalMs ?? 600_000;
    this.#forgetAfterMs = options.forgetAfterMs ?? 86_400_000;
    this.#deps = deps;
    this.#startedAt = deps.clock.now();
  }

  start(): void {
    this.#cancel = this.#deps.clock.after(this.#intervalMs, () => {
      this.#running = this.look().then(() => {
        if (!this.#stopping) this.start();
      });
    });
  }

  /** Waits for a look under way. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancel?.();
    await this.#running;
  }

  /** Forgets those that are due now. What cannot be stored stays due, and is said. */
  async look(): Promise<void> {
    const { roster, logger } = this.#deps;
    if (roster.table.countOf('provisional') === 0) return;
    for (const { id, uuid } of [...roster.all()].filter((machine) => this.#isDue(machine))) {
      if (this.#stopping) return;
      try {
        await roster.turns.take(id, () => this.#expire(id));
      } catch (error) {
        logger.warn({ uuid, error: errorMessage(error) }, 'a provisional identity could not be forgotten');
      }
    }
  }

  async #expire(id: number): Promise<void> {
    const { roster, wireguard } = this.#deps;
    const before = roster.row(id);
    const { machine } = before;
    // Its turn came late: it may have been heard, accepted or removed since.
    if (!this.#isDue(machine)) return;
    const row = { ...before, machine: { ...machine, state: 'expired' as const, version: machine.version + 1 } };
    roster.table.put(row);
    const records = machineRecords(['expired'], roster.view(row.machine), BY_TIME);
    await roster.store({ ops: [machineOp(row)], records }, () => roster.table.put(before));
    roster.wantPeer(row.machine);
    try {
      roster.tell({ kind: 'removed', machine: row.machine });
    } finally {
      // If the device fails, repair takes the peer away.
      if (machine.key !== null) await wireguard.apply({ remove: machine.key });
    }
  }

  #isDue({ id, state, key }: Machine): boolean {
    if (state !== 'provisional') return false;
    const { boots, clock, links, statuses } = this.#deps;
    // Whatever a clock that was set tells of its age.
    if (key !== null && links.state(key).state === 'up') return false;
    const heard = [
      key === null ? null : links.state(key).lastRx,
      statuses.get(id).lastSeen,
      boots.current(id)?.startedAt ?? null,
      this.#startedAt,
    ];
    const last = Math.max(...heard.map((time) => time ?? 0));
    return clock.now() - last >= this.#forgetAfterMs;
  }
}
