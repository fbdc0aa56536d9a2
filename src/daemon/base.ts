import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What every part is given. */
export interface Base {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
}
