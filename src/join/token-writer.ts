import { errorMessage } from '../domain/errors.ts';
import {
  begun,
  isWritable,
  META_UNIQUE_TOKEN,
  type MetaKey,
  maintained,
  mayWrite,
  newProgress,
  nextTokenWrite,
  type TokenWriteStep,
  type TryResult,
  tried,
  type WriteProgress,
} from '../domain/token-write.ts';
import type { StatusTable } from '../fleet/status.ts';
import type { TokenWrite, TokenWrites } from '../fleet/token-writes.ts';
import type { FleetEvent, Machine, Machines } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import { MachineApiError, type MachineApiFault } from '../talos/api-error.ts';
import type { MachineApi } from '../talos/machine-api.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { JoinMetrics } from './metrics.ts';

export interface UniqueTokenWriterOptions {
  /** Writes at once, over all machines; the others wait in the order in which they came. Default 64. */
  readonly maxConcurrent?: number;
  /** How often machines whose link is not up are looked at again, milliseconds. Default 5,000. */
  readonly linkCheckMs?: number;
}

/** Who keeps unique tokens. */
export interface TokenOffers {
  /**
   * Makes a unique token for a machine, commits its hash as *offered* and gives the token, which nobody keeps.
   * @throws SiderolinkError if the machine may not have one now, or it could not be stored
   */
  offerUniqueToken(machine: number): Promise<string>;
}

export interface UniqueTokenWriterDeps {
  readonly machines: Pick<Machines, 'byId' | 'all' | 'onEvent' | 'view'>;
  readonly offers: TokenOffers;
  readonly stages: Pick<StatusTable, 'stage' | 'onStage'>;
  readonly api: Pick<MachineApi, 'metaWrite'>;
  readonly writes: Pick<TokenWrites, 'get' | 'set' | 'forget'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<JoinMetrics, 'metaWrites' | 'metaWaiting'>;
}

/** A report that came over the link so many milliseconds ago proves it as well as its counters do: three keepalives. */
const HEARD_MS = 75_000;

/** What is kept of a machine from its first report of maintenance in a boot until the next boot. */
interface Entry {
  progress: WriteProgress;
  /** Monotonic time of its last report of maintenance that we heard. */
  heardAt: number;
  lastError: string | null;
  cancelTimer: () => void;
}

/**
 * Writes unique tokens, and UUIDs that were assigned, into the META partition of machines in maintenance, over the link
 * (DESIGN section 4). When and what is decided by `nextTokenWrite`; this waits, keeps to one write at a time for a
 * machine and to `maxConcurrent` in all, and ends a write at once when it may not go on.
 */
export class UniqueTokenWriter {
  readonly #maxConcurrent: number;
  readonly #linkCheckMs: number;
  readonly #deps: UniqueTokenWriterDeps;
  readonly #said: OnceAMinute;
  readonly #entries = new Map<number, Entry>();
  /** Machines whose turn it is, oldest first. */
  readonly #ready = new Set<number>();
  readonly #unlinked = new Set<number>();
  readonly #running = new Map<number, { readonly abort: AbortController; readonly done: Promise<void> }>();
  #cancelLinkCheck: (() => void) | undefined;
  #stopped = false;

  constructor(options: UniqueTokenWriterOptions, deps: UniqueTokenWriterDeps) {
    this.#maxConcurrent = options.maxConcurrent ?? 64;
    this.#linkCheckMs = options.linkCheckMs ?? 5_000;
    this.#deps = deps;
    this.#said = new OnceAMinute({}, deps);
  }

  /** Listens from now on, and considers what machines reported before our start. */
  start(): void {
    const { machines, stages } = this.#deps;
    machines.onEvent((event) => this.#hear(event));
    stages.onStage((machine, stage, boot) => this.#hearStage(machine, stage, boot));
    for (const { id } of machines.all()) this.#consider(id);
  }

  /** Ends what runs and waits for its end, at most `deadlineMs`. Idempotent. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    this.#cancelLinkCheck?.();
    for (const entry of this.#entries.values()) entry.cancelTimer();
    this.#entries.clear();
    this.#ready.clear();
    this.#unlinked.clear();
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort();
    if (running.length === 0) return;
    const waiting = new AbortController();
    await Promise.race([
      Promise.all(running.map(({ done }) => done)),
      this.#deps.clock.sleep(deadlineMs, waiting.signal),
    ]);
    waiting.abort();
  }

  #hear({ machine }: FleetEvent): void {
    this.#consider(machine.id);
  }

  #hearStage(id: number, stage: string | null, boot: number): void {
    if (this.#stopped) return;
    const machine = this.#deps.machines.byId(id);
    if (machine !== undefined && mayWrite(machine, { stage, boot })) {
      const entry = this.#entryOf(machine);
      entry.heardAt = this.#deps.clock.monotonic();
      entry.progress = maintained(entry.progress);
    }
    this.#consider(id);
  }

  /** Decides what is to be done about a machine now, and sees to it. */
  #consider(id: number): void {
    if (this.#stopped) return;
    const machine = this.#deps.machines.byId(id);
    if (machine === undefined || !isWritable(machine)) {
      this.#forget(id);
      return;
    }
    const reported = this.#deps.stages.stage(id);
    const running = this.#running.get(id);
    if (running !== undefined && !mayWrite(machine, reported)) running.abort.abort();
    // Most machines are not in maintenance: nothing is kept of them.
    if (this.#entries.get(id)?.progress.boot !== machine.boot && !mayWrite(machine, reported)) {
      this.#forget(id);
      return;
    }
    const entry = this.#entryOf(machine);
    if (running !== undefined) return;
    this.#follow(machine, entry, this.#decide(machine, entry));
    this.#pump();
  }

  #decide(machine: Machine, { progress, heardAt }: Entry): TokenWriteStep {
    const { stages, clock } = this.#deps;
    const now = clock.monotonic();
    const linked = now - heardAt < HEARD_MS || this.#isUp(machine.id);
    return nextTokenWrite({ machine, reported: stages.stage(machine.id), linked, progress, now });
  }

  #follow(machine: Machine, entry: Entry, step: TokenWriteStep): void {
    const { id } = machine;
    entry.cancelTimer();
    // Whoever waits keeps its place.
    if (step.kind === 'write') this.#ready.add(id);
    else this.#ready.delete(id);
    if (step.kind === 'wait_for_link') this.#unlinked.add(id);
    else this.#unlinked.delete(id);
    if (step.kind === 'wait') entry.cancelTimer = this.#after(step.until, () => this.#consider(id));
    if (step.kind === 'wait_for_link') this.#checkLinksSoon();
    this.#show(machine, entry, step.kind === 'nothing' ? step.why : 'waiting');
  }

  #after(until: number, callback: () => void): () => void {
    const { clock } = this.#deps;
    return clock.after(Math.max(0, until - clock.monotonic()), callback);
  }

  #isUp(id: number): boolean {
    const { machines } = this.#deps;
    const machine = machines.byId(id);
    return machine !== undefined && machines.view(machine).link.state === 'up';
  }

  #checkLinksSoon(): void {
    this.#cancelLinkCheck ??= this.#deps.clock.after(this.#linkCheckMs, () => {
      this.#cancelLinkCheck = undefined;
      for (const id of [...this.#unlinked]) if (this.#isUp(id)) this.#consider(id);
      if (this.#unlinked.size > 0) this.#checkLinksSoon();
    });
  }

  #pump(): void {
    for (const id of this.#ready) {
      if (this.#running.size >= this.#maxConcurrent) break;
      this.#ready.delete(id);
      const machine = this.#deps.machines.byId(id);
      const entry = this.#entries.get(id);
      if (machine === undefined || entry === undefined) continue;
      // Its link may have gone down while it waited.
      const step = this.#decide(machine, entry);
      if (step.kind === 'write') this.#begin(machine, entry, step.key);
      else this.#follow(machine, entry, step);
    }
    this.#deps.metrics.metaWaiting.set(this.#ready.size);
  }

  #begin(machine: Machine, entry: Entry, key: MetaKey): void {
    const { id } = machine;
    const abort = new AbortController();
    this.#show(machine, entry, 'writing');
    // Not within this call: it comes from those who tell us something, and they may be about to tell more.
    const written = Promise.resolve().then(() => this.#write(machine, entry, key, abort.signal));
    const done = written.then((result) => {
      this.#running.delete(id);
      // If the machine is in another boot by now, this entry is nobody's any more.
      entry.progress = tried(entry.progress, key, result, this.#deps.clock.monotonic());
      this.#consider(id);
      this.#pump();
    });
    this.#running.set(id, { abort, done });
  }

  /** One try. It never throws: how it ended is its result. */
  async #write(machine: Machine, entry: Entry, key: MetaKey, signal: AbortSignal): Promise<TryResult> {
    const { id, uuid, address } = machine;
    let value: string;
    try {
      value = key === META_UNIQUE_TOKEN ? await this.#deps.offers.offerUniqueToken(id) : uuid;
    } catch (error) {
      return this.#failed(machine, entry, key, 'not_tried', errorMessage(error));
    }
    // The commit took its time: what held before it may not hold now.
    if (signal.aborted || !this.#isStillDue(id, entry, key)) return this.#failed(machine, entry, key, 'aborted', null);
    entry.progress = begun(entry.progress);
    try {
      await this.#deps.api.metaWrite(address, key, value, signal);
    } catch (error) {
      const fault = error instanceof MachineApiError ? error.fault : 'broken';
      return this.#failed(machine, entry, key, fault, errorMessage(error));
    }
    entry.lastError = null;
    this.#count(key, 'written');
    this.#deps.logger.info({ uuid, meta: key, tries: entry.progress.tries }, 'META written over the link');
    return 'written';
  }

  /** Whether this write would be begun now. */
  #isStillDue(id: number, entry: Entry, key: MetaKey): boolean {
    const machine = this.#deps.machines.byId(id);
    if (machine === undefined || this.#entries.get(id) !== entry) return false;
    const step = this.#decide(machine, entry);
    return step.kind === 'write' && step.key === key;
  }

  #failed(
    { id, uuid }: Machine,
    entry: Entry,
    key: MetaKey,
    fault: MachineApiFault | 'not_tried',
    error: string | null,
  ): TryResult {
    this.#count(key, fault);
    if (fault === 'aborted') return resultOf(fault);
    entry.lastError = error;
    const before = this.#said.pass(`${fault} ${id}`);
    if (before !== undefined) {
      const { tries } = entry.progress;
      this.#deps.logger.info(
        { uuid, meta: key, reason: fault, error, tries, before },
        'META not written over the link',
      );
    }
    return resultOf(fault);
  }

  #count(key: MetaKey, result: string): void {
    this.#deps.metrics.metaWrites.inc({ value: key === META_UNIQUE_TOKEN ? 'unique_token' : 'uuid', result });
  }

  /** The machine's entry; a new one if it is in another boot now, whose predecessor's write is ended. */
  #entryOf({ id, boot }: Machine): Entry {
    const known = this.#entries.get(id);
    if (known?.progress.boot === boot) return known;
    this.#forget(id);
    const entry: Entry = {
      progress: newProgress(boot),
      heardAt: Number.NEGATIVE_INFINITY,
      lastError: null,
      cancelTimer: () => {},
    };
    this.#entries.set(id, entry);
    return entry;
  }

  #forget(id: number): void {
    this.#running.get(id)?.abort.abort();
    this.#entries.get(id)?.cancelTimer();
    this.#entries.delete(id);
    if (this.#ready.delete(id)) this.#deps.metrics.metaWaiting.set(this.#ready.size);
    this.#unlinked.delete(id);
    this.#deps.writes.forget(id);
  }

  /** What people see; nothing while there was nothing to do. */
  #show({ id }: Machine, { progress, lastError }: Entry, state: TokenWrite['state']): void {
    const { writes, clock } = this.#deps;
    const { tries } = progress;
    const shown = writes.get(id);
    if (shown === null && state === 'idle') return;
    if (shown?.state === state && shown.tries === tries && shown.lastError === lastError) return;
    writes.set(id, { state, tries, lastError, at: clock.now() });
  }
}

function resultOf(fault: MachineApiFault | 'not_tried'): TryResult {
  switch (fault) {
    case 'not_tried':
    case 'certificate_demanded':
    case 'unimplemented':
      return fault;
    case 'unreachable':
    case 'timeout':
    case 'refused':
    case 'broken':
    case 'aborted':
      return 'failed';
  }
}
