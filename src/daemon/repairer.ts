import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Repair } from '../wireguard/types.ts';

export interface RepairerDeps {
  readonly repair: () => Promise<Repair>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Looks at the device again and again: others delete routes, addresses and tables (facts/users.md B10). What it finds
 * wrong is repaired and said; a failure is the device's health condition and is tried again.
 */
export class Repairer {
  readonly #intervalMs: number;
  readonly #deps: RepairerDeps;
  #sleeping = new AbortController();
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /** `intervalMs`: from the end of one look to the next. Default 30 s. */
  constructor(options: { readonly intervalMs?: number }, deps: RepairerDeps) {
    this.#intervalMs = options.intervalMs ?? 30_000;
    this.#deps = deps;
  }

  /** Resolves after the first look. A peer that cannot be repaired must not keep all others from their gateway. */
  async start(): Promise<void> {
    await this.#look();
    this.#running = this.#run();
  }

  /** Looks now, unless it does already: someone found the device unreadable. */
  wake(): void {
    this.#sleeping.abort();
  }

  /** Waits for a repair under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#sleeping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#sleeping = new AbortController();
      // Stopped while it looked: then there is nothing left to wake it.
      if (!this.#stopped) await this.#deps.clock.sleep(this.#intervalMs, this.#sleeping.signal);
      if (this.#stopped) return;
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { logger, repair } = this.#deps;
    try {
      const { added, removed, changed } = await repair();
      if (added + removed + changed > 0) logger.info({ added, removed, changed }, 'repaired WireGuard peers');
    } catch (error) {
      logger.error({ error: errorMessage(error) }, 'cannot repair the WireGuard device');
    }
  }
}
