import { errorMessage } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Machine } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { JoinMetrics } from './metrics.ts';

const HOUR_MS = 3_600_000;

export interface Newcomer {
  readonly asked: string;
  readonly key: PublicKey;
  readonly source: string;
  readonly reason: string;
  /** The UUID of the identity that it got instead; null if it got none. */
  readonly uuid: NodeUuid | null;
}

/** Writes `machine.conflict` records: at most one an hour for a machine and a key, and a bounded number in all. */
export class Conflicts {
  readonly #maxPerHour: number;
  readonly #deps: ConflictsDeps;
  /** When a record was last made, oldest first. */
  readonly #made = new Map<string, number>();

  constructor(options: { readonly maxPerHour: number }, deps: ConflictsDeps) {
    this.#maxPerHour = options.maxPerHour;
    this.#deps = deps;
  }

  note(machine: Machine, newcomer: Newcomer): void {
    const { clock, fleet, logger, metrics } = this.#deps;
    this.#forget(clock.monotonic() - HOUR_MS);
    const name = `${machine.id} ${newcomer.key}`;
    const repeated = this.#made.has(name);
    if (repeated || this.#made.size >= this.#maxPerHour) {
      metrics.conflicts.inc({ result: repeated ? 'repeated' : 'full' });
      return;
    }
    this.#made.set(name, clock.monotonic());
    const { asked, key, source, reason, uuid } = newcomer;
    const told = { asked, public_key: key, source, reason, ...(uuid !== null && { uuid }) };
    fleet.joins.recordConflict(machine, told).then(
      () => metrics.conflicts.inc({ result: 'recorded' }),
      (error) => {
        this.#made.delete(name);
        metrics.conflicts.inc({ result: 'failed' });
        logger.warn({ uuid: machine.uuid, error: errorMessage(error) }, 'a conflict could not be stored');
      },
    );
  }

  #forget(before: number): void {
    for (const [name, time] of this.#made) {
      if (time > before) break;
      this.#made.delete(name);
    }
  }
}

interface ConflictsDeps {
  readonly fleet: Pick<Fleet, 'joins'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: JoinMetrics;
}
