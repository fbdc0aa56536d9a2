import { errorMessage } from '../domain/errors.ts';
import { restorableEndpoint } from '../domain/last-endpoint.ts';
import type { NewRecord } from '../domain/record.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { LinkEvent, LinkMonitor, LinkState } from '../wireguard/types.ts';
import { machineLink } from './machine-link.ts';
import type { FleetMetrics } from './metrics.ts';
import { linkRecord } from './records.ts';
import type { StatusTable } from './status.ts';
import type { TunnelSources } from './tunnel-sources.ts';
import type { Boots, Machine, Machines } from './types.ts';

export interface LinkRecorderOptions {
  /** Records that wait for their commit; more are dropped and counted. Default 50,000. */
  readonly maxPending?: number;
  /** Records of one commit. Default 1,000. */
  readonly maxBatch?: number;
}

export interface LinkRecorderDeps {
  readonly links: Pick<LinkMonitor, 'onEvent' | 'state'>;
  readonly machines: Pick<Machines, 'byId'>;
  readonly boots: Pick<Boots, 'ofKey'>;
  readonly statuses: Pick<StatusTable, 'tellLink' | 'noteEndpoint' | 'op'>;
  readonly tunnelSources: Pick<TunnelSources, 'get' | 'onMoved' | 'takeMoved' | 'tell'>;
  readonly log: Pick<RecordLog, 'commit'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: FleetMetrics;
}

/** What comes within this time shares a commit, milliseconds: a gateway's outage is a thousand events at once. */
const GATHER_MS = 20;
/** A tunnel's source that changes all the time makes no more records than an endpoint, which is read so often. */
const SOURCES_MS = 5_000;

/** Makes records of what the link monitor sees: `link.up`, `link.down`, `link.moved`. */
export class LinkRecorder {
  readonly #deps: LinkRecorderDeps;
  readonly #maxPending: number;
  readonly #maxBatch: number;
  readonly #pending: NewRecord[] = [];
  #writing: Promise<void> | undefined;
  #cancelSources: (() => void) | undefined;

  constructor(options: LinkRecorderOptions, deps: LinkRecorderDeps) {
    this.#deps = deps;
    this.#maxPending = options.maxPending ?? 50_000;
    this.#maxBatch = options.maxBatch ?? 1_000;
  }

  /** Listens to the monitor; to be called before the monitor starts. */
  start(): void {
    const { clock, links, tunnelSources } = this.#deps;
    links.onEvent((event) => this.#note(event));
    tunnelSources.onMoved(() => {
      this.#cancelSources ??= clock.after(SOURCES_MS, () => this.#noteSources());
    });
  }

  /** Resolves when all that was noted is stored, or has failed. */
  async stop(): Promise<void> {
    if (this.#cancelSources !== undefined) this.#noteSources();
    await this.#writing;
  }

  #note(event: LinkEvent): void {
    const { machines, boots, statuses, metrics } = this.#deps;
    const boot = boots.ofKey(event.publicKey);
    const machine = boot === undefined ? undefined : machines.byId(boot.machine);
    // A key that was replaced a moment ago: its link is nobody's now.
    if (machine === undefined || machine.key !== event.publicKey) {
      metrics.linkDropped.inc({ reason: 'unknown_key' });
      return;
    }
    if (!this.#add(event.kind, machine, event.link)) return;
    if (event.kind !== 'moved') statuses.tellLink(machine, event.kind);
    // Of the device, not of the record: behind a relay of ours the machine is nowhere that we could send to.
    statuses.noteEndpoint(machine, restorableEndpoint(event.link.endpoint));
  }

  /** Machines whose tunnel comes from elsewhere now: the device knows our relays only, which stay where they are. */
  #noteSources(): void {
    const { links, machines, tunnelSources } = this.#deps;
    this.#cancelSources?.();
    this.#cancelSources = undefined;
    for (const id of tunnelSources.takeMoved()) {
      const machine = machines.byId(id);
      const link = machine?.key == null ? undefined : links.state(machine.key);
      // Its packets still come by UDP: the device will say when that changes.
      if (machine === undefined || link === undefined || machineLink(machine, link, tunnelSources).mode === 'udp')
        continue;
      this.#add('moved', machine, link);
    }
  }

  /** Whether there was room. */
  #add(kind: LinkEvent['kind'], machine: Machine, link: LinkState): boolean {
    const { metrics, tunnelSources } = this.#deps;
    if (this.#pending.length >= this.#maxPending) {
      metrics.linkDropped.inc({ reason: 'full' });
      return false;
    }
    const shown = machineLink(machine, link, tunnelSources);
    this.#pending.push(linkRecord(kind, machine, shown));
    if (shown.mode === 'tunnel') tunnelSources.tell(machine.id);
    metrics.linkRecords.inc({ kind });
    this.#writing ??= this.#write();
    return true;
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
