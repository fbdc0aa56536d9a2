import type { GapReport } from '../domain/gap.ts';
import { type NewRecord, NO_TAGS } from '../domain/record.ts';
import type { BootLog } from '../fleet/boot-log.ts';
import type { Machines } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import type { RecordLog } from '../stream/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { SinkMetrics } from './metrics.ts';

/** After our restart every machine has a hole: they are committed in parts. */
const BOOTS_PER_COMMIT = 200;

export interface GapReporterDeps {
  readonly machines: Pick<Machines, 'byId'>;
  readonly boots: { withGaps(): readonly BootLog[] };
  readonly log: Pick<RecordLog, 'commit' | 'flush'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SinkMetrics;
}

/** Looks at intervals for holes in kernel logs that are old enough, and makes `gap.kmsg` records of them (law 2). */
export class GapReporter {
  readonly #intervalMs: number;
  readonly #deps: GapReporterDeps;
  readonly #said: OnceAMinute;
  #cancel: (() => void) | undefined;
  /** Ends the wait of a report for lines that cannot be stored. */
  #giveUp: () => void = () => {};
  #running: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: { readonly intervalMs?: number }, deps: GapReporterDeps) {
    this.#intervalMs = options.intervalMs ?? 1_000;
    this.#deps = deps;
    this.#said = new OnceAMinute({}, deps);
  }

  start(): void {
    this.#cancel = this.#deps.clock.after(this.#intervalMs, () => {
      this.#running = this.report().then(() => {
        if (!this.#stopping) this.start();
      });
    });
  }

  /** Waits for a report under way. Holes that are not told yet are told after the next start. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#giveUp();
    this.#cancel?.();
    await this.#running;
  }

  /** Reports what is due now; what cannot be stored stays due. */
  async report(): Promise<void> {
    if (this.#deps.boots.withGaps().length === 0) return;
    // While the store takes no lines, gaps wait too: the lines that are to fill them may be among those that wait.
    if (!(await this.#linesStored())) return;
    const boots = this.#deps.boots.withGaps();
    for (let i = 0; i < boots.length; i += BOOTS_PER_COMMIT) {
      await this.#reportOf(boots.slice(i, i + BOOTS_PER_COMMIT));
    }
  }

  /** False if there is no sense in going on: stopping, or the record log is gone, which ends the daemon by itself. */
  async #linesStored(): Promise<boolean> {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    this.#giveUp = resolve;
    try {
      await Promise.race([this.#deps.log.flush(), stopped]);
    } catch (error) {
      this.#deps.logger.debug({ err: error }, 'gap records wait: the record log is gone');
      return false;
    }
    return !this.#stopping;
  }

  async #reportOf(boots: readonly BootLog[]): Promise<void> {
    const due = boots.flatMap((boot) => {
      const reports = boot.takeGaps();
      return reports.length > 0 ? [{ boot, reports }] : [];
    });
    if (due.length === 0) return;
    const records = due.flatMap(({ boot, reports }) => reports.map((report) => this.#record(boot, report)));
    try {
      await this.#deps.log.commit({ ops: due.map(({ boot }) => boot.gapsOp()), records });
    } catch (error) {
      for (const { boot } of due) boot.giveBackGaps();
      if (this.#said.pass('gaps') !== undefined) {
        this.#deps.logger.warn({ err: error, boots: due.length }, 'gap records could not be stored; trying again');
      }
      return;
    }
    for (const { boot, reports } of due) {
      boot.gapsTold();
      for (const { reason, count } of reports) this.#deps.metrics.gapLines.inc({ reason }, count);
    }
  }

  #record(boot: BootLog, { from, to, count, reason }: GapReport): NewRecord {
    const machine = this.#deps.machines.byId(boot.machine);
    return {
      machine: machine === undefined ? 0 : boot.machine,
      stream: 'gap',
      boot: boot.number,
      tags: machine?.tags ?? NO_TAGS,
      detail: 'kmsg',
      body: JSON.stringify({ from, to, count, reason }),
    };
  }
}
