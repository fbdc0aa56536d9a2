import { errorMessage } from '../domain/errors.ts';
import { restorableEndpoint } from '../domain/last-endpoint.ts';
import type { NewRecord } from '../domain/record.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { LinkEvent, LinkMonitor } from '../wireguard/types.ts';
import { machineLink } from './machine-link.ts';
import type { FleetMetrics } from './metrics.ts';
import { linkRecord } from './records.ts';
import type { StatusTable } from './status.ts';
import type { TunnelSources } from './tunnel-sources.ts';
import type { Boots, Machines } from './types.ts';

export interface LinkRecorderOptions {
  /** Records that wait for their commit; more are dropped and counted. Default 50,000. */
  readonly maxPending?: number;
  /** Records of one commit. Default 1,000. */
  readonly maxBatch?: number;
}

export interface LinkRecorderDeps {
  readonly links: Pick<LinkMonitor, 'onEvent'>;
  readonly machines: Pick<Machines, 'byId'>;
  readonly boots: Pick<Boots, 'ofKey'>;
  readonly statuses: Pick<StatusTable, 'tellLink' | 'noteEndpoint' | 'op'>;
  readonly tunnelSources: Pick<TunnelSources, 'get'>;
  readonly log: Pick<RecordLog, 'commit'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: FleetMetrics;
}

/** What comes within this time shares a commit, milliseconds: a gateway's outage is a thousand events at once. */
const GATHER_MS = 20;

/** Makes records of what the link monitor sees: `link.up`, `link.down`, `link.moved`. */
export class LinkRecorder {
  readonly #deps: LinkRecorderDeps;
  readonly #maxPending: number;
  readonly #maxBatch: number;
  readonly #pending: NewRecord[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: LinkRecorderOptions, deps: LinkRecorderDeps) {
    this.#deps = deps;
    this.#maxPending = options.maxPending ?? 50_000;
    this.#maxBatch = options.maxBatch ?? 1_000;
  }

  /** Listens to the monitor; to be called before the monitor starts. */
  start(): void {
    this.#deps.links.onEvent((event) => this.#note(event));
  }

  /** Resolves when all that was noted is stored, or has failed. */
  async stop(): Promise<void> {
    await this.#writing;
  }

  #note(event: LinkEvent): void {
    const { machines, boots, statuses, tunnelSources, metrics } = this.#deps;
    const boot = boots.ofKey(event.publicKey);
    const machine = boot === undefined ? undefined : machines.byId(boot.machine);
    // A key that was replaced a moment ago: its link is nobody's now.
    if (machine === undefined || machine.key !== event.publicKey) {
      metrics.linkDropped.inc({ reason: 'unknown_key' });
      return;
    }
    if (this.#pending.length >= this.#maxPending) {
      metrics.linkDropped.inc({ reason: 'full' });
      return;
    }
    this.#pending.push(linkRecord(event.kind, machine, machineLink(machine, event.link, tunnelSources)));
    if (event.kind !== 'moved') statuses.tellLink(machine, event.kind);
    // Of the device, not of the record: behind a relay of ours the machine is nowhere that we could send to.
    statuses.noteEndpoint(machine, restorableEndpoint(event.link.endpoint));
    metrics.linkRecords.inc({ kind: event.kind });
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    const { clock, log, logger, metrics, statuses } = this.#deps;
    await clock.sleep(GATHER_MS);
    while (this.#pending.length > 0) {
      const records = this.#pending.splice(0, this.#maxBatch).filter((record) => this.#isThere(record));
      if (records.length === 0) continue;
      // So that our successor tells what changed while nobody watched, and nothing twice. Rows as they are at the commit:
      // an older one would undo what events have stored since.
      const ops = [...new Set(records.map(({ machine }) => machine))].map((machine) => statuses.op(machine));
      try {
        await log.commit({ ops, records });
      } catch (error) {
        metrics.linkDropped.inc({ reason: 'storage' }, records.length);
        logger.warn({ records: records.length, error: errorMessage(error) }, 'link changes could not be stored');
      }
    }
    this.#writing = undefined;
  }

  /** A machine that was removed meanwhile may have had its records deleted: none comes behind that. */
  #isThere(record: NewRecord): boolean {
    const isThere = this.#deps.machines.byId(record.machine)?.state !== 'removed';
    if (!isThere) this.#deps.metrics.linkDropped.inc({ reason: 'removed' });
    return isThere;
  }
}
