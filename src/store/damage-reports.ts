import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { StoreMetrics } from './metrics.ts';
import type { Loss } from './protocol.ts';

const HEALTH = 'store_damaged';
/** Places that are told apart; more of them are one. */
const MAX_PLACES = 1_000;
/** Places that the condition names. */
const NAMED = 3;

/** Tells of damage that readers met: each place once, however often it is met. */
export class DamageReports {
  readonly #places = new Set<string>();
  readonly #deps: { readonly health: Health; readonly logger: Logger; readonly metrics: StoreMetrics };

  constructor(deps: { readonly health: Health; readonly logger: Logger; readonly metrics: StoreMetrics }) {
    this.#deps = deps;
    deps.health.set(HEALTH, 'ok');
  }

  note(losses: readonly Loss[]): void {
    const { health, logger, metrics } = this.#deps;
    const isNew = (place: string) => !this.#places.has(place) && this.#places.size < MAX_PLACES;
    for (const { place, series, from, to, count, why } of losses) {
      if (!isNew(place)) continue;
      this.#places.add(place);
      metrics.damagedPlaces.inc({ series });
      logger.error({ place, from, to, count, error: why }, 'the store is damaged: records cannot be read');
      const places = [...this.#places];
      const more = places.length > NAMED ? ` and ${places.length - NAMED} more` : '';
      const what = `records in ${places.slice(0, NAMED).join(', ')}${more} cannot be read, and are told as gaps`;
      health.set(HEALTH, 'warning', `${what}: check the disk, and restore a backup if they are needed`);
    }
  }
}
