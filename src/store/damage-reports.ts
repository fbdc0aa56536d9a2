import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { MEND } from './damaged.ts';
import type { StoreMetrics } from './metrics.ts';
import type { Loss } from './protocol.ts';

const HEALTH = 'store_damaged';
/** Places that are told apart; more of them are one. */
const MAX_PLACES = 1_000;
/** Places that the condition names. */
const NAMED = 3;

const STORED = 'stored';
/** What cannot be done with all there is where the file is damaged, by the kind of a request to a thread. */
const UNDONE: Readonly<Record<string, string>> = {
  commit: STORED,
  page: 'read',
  boots: 'read',
  pack: 'packed',
  segment: 'packed',
  insert: 'packed',
  sweep: 'packed',
  unfinished: 'packed',
  clear: 'deleted',
  usage: 'dropped',
  unpublished: 'dropped',
  backup: 'backed up',
};
const ELSE_UNDONE = 'cleared away';

/**
 * Tells of damage that was met: of places that were passed over, each once, however often it is met; and of what cannot be
 * done, for as long as the program runs, as the same may work at one moment and fail at the next.
 */
export class DamageReports {
  readonly #places = new Set<string>();
  readonly #undone = new Set<string>();
  readonly #deps: { readonly health: Health; readonly logger: Logger; readonly metrics: StoreMetrics };

  constructor(deps: { readonly health: Health; readonly logger: Logger; readonly metrics: StoreMetrics }) {
    this.#deps = deps;
    deps.health.set(HEALTH, 'ok');
  }

  note(losses: readonly Loss[]): void {
    const { logger, metrics } = this.#deps;
    const isNew = (place: string) => !this.#places.has(place) && this.#places.size < MAX_PLACES;
    for (const { place, series, from, to, count, why } of losses) {
      if (!isNew(place)) continue;
      this.#places.add(place);
      metrics.damagedPlaces.inc({ series });
      logger.error({ place, from, to, count, error: why }, 'the store is damaged: records cannot be read');
      this.#tell();
    }
  }

  /** A request of this kind failed for damage that cannot be passed over. */
  broken(kind: string): void {
    const undone = UNDONE[kind] ?? ELSE_UNDONE;
    if (this.#undone.has(undone)) return;
    this.#undone.add(undone);
    this.#deps.logger.error({ undone }, `the store is damaged where it cannot be passed over: ${MEND}`);
    this.#tell();
  }

  #tell(): void {
    const places = [...this.#places];
    const more = places.length > NAMED ? ` and ${places.length - NAMED} more` : '';
    const what = `records in ${places.slice(0, NAMED).join(', ')}${more} cannot be read, and are told as gaps`;
    if (this.#undone.size === 0) {
      this.#deps.health.set(HEALTH, 'warning', `${what}: check the disk, and restore a backup if they are needed`);
      return;
    }
    const undone = `the file is damaged where that cannot be passed over, so not everything can be ${[...this.#undone].join(', ')}`;
    const severity = this.#undone.has(STORED) ? 'error' : 'warning';
    this.#deps.health.set(HEALTH, severity, `${places.length > 0 ? `${what}; ` : ''}${undone}: ${MEND}`);
  }
}
