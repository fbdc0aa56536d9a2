import { SiderolinkError } from '../../src/domain/errors.ts';
import { PrivateKey, type PublicKey } from '../../src/domain/keys.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import type { RegistryImage, RegistryOp } from '../../src/domain/registry.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { MachineChanges } from '../../src/fleet/changes.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import type { FleetEvent, Machine, Machines, MachineView } from '../../src/fleet/types.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { sinkMetrics } from '../../src/sinks/metrics.ts';
import type { Change, LogLines, LogSource, Page, Query, RecordLog } from '../../src/stream/types.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  #elapsed = 0;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return Date.UTC(2026, 0, 1) + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      signal?.addEventListener('abort', () => resolve(), { once: true });
      this.after(ms, resolve);
    });
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms: number): void {
    this.#elapsed += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#elapsed)) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}

/** A boot whose key the device has. */
export function startBoot(boots: BootTable, machine: number, key = newKey()) {
  const begun = boots.begin(machine, key);
  boots.activate(machine);
  return begun;
}

export const newKey = (): PublicKey => PrivateKey.generate().publicKey;

const NO_LINK = { state: 'never', endpoint: null, latestHandshake: 0, lastRx: null, rxBytes: 0, txBytes: 0 } as const;

/** What the store has of boots after these changes. A patch of a row that is not there changes nothing. */
export function bootRows(...ops: (RegistryOp | undefined)[]): RegistryImage['boots'] {
  const rows = new Map<string, RegistryImage['boots'][number]>();
  for (const op of ops) {
    if (op?.op === 'putBoot') rows.set(`${op.machine} ${op.boot}`, op);
    if (op?.op !== 'patchBoot') continue;
    const row = rows.get(`${op.machine} ${op.boot}`);
    if (row === undefined) continue;
    const members = Object.entries({ ...JSON.parse(row.doc), ...JSON.parse(op.patch) });
    const doc = JSON.stringify(Object.fromEntries(members.filter(([, value]) => value !== null)));
    rows.set(`${op.machine} ${op.boot}`, { ...row, doc });
  }
  return [...rows.values()];
}

/** Machines by address, without a fleet behind them. */
class FakeMachines implements Pick<Machines, 'bySource' | 'byId' | 'all' | 'view' | 'onEvent'> {
  readonly #machines = new Map<number, Machine>();
  readonly #listeners: ((event: FleetEvent) => void)[] = [];
  readonly #statuses: StatusTable;

  constructor(statuses: StatusTable) {
    this.#statuses = statuses;
  }

  add(id: number, address: string, boot = 1): Machine {
    const uuid = parseNodeUuid(`00000000-0000-4000-8000-${String(id).padStart(12, '0')}`);
    const machine: Machine = {
      id,
      uuid,
      address: address as OverlayAddress,
      state: 'accepted',
      tags: { id, server_uuid: uuid, ownership: {} },
      labels: {},
      key: newKey(),
      boot,
      talosVersion: 'v1.13.0',
      uniqueToken: 'none',
      madeFor: null,
      knowsUuid: true,
      aliases: [],
      tunnel: null,
      tunnelled: false,
      createdAt: 0,
      joinedAt: 0,
      version: 1,
    };
    this.#machines.set(id, machine);
    return machine;
  }

  change(id: number, change: Partial<Machine>): Machine {
    const before = this.#machines.get(id);
    if (before === undefined) throw new Error(`no machine ${id}`);
    const machine = { ...before, ...change };
    this.#machines.set(id, machine);
    return machine;
  }

  emit(event: FleetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  all(): Iterable<Machine> {
    return this.#machines.values();
  }

  view(machine: Machine): MachineView {
    return {
      machine,
      status: this.#statuses.get(machine.id, machine.boot),
      link: { ...NO_LINK, mode: 'udp' },
      linkHint: null,
      lastRefusal: null,
      joinWait: null,
      tokenWrite: null,
      missingLines: 0,
    };
  }

  bySource(address: string): Machine | undefined {
    return [...this.#machines.values()].find((machine) => machine.address === address && machine.state !== 'removed');
  }

  byId(id: number): Machine | undefined {
    return this.#machines.get(id);
  }

  onEvent(listener: (event: FleetEvent) => void): void {
    this.#listeners.push(listener);
  }
}

export interface Appended {
  readonly source: LogSource;
  /** The lines as text, without their line feeds. */
  readonly lines: string[];
  readonly details: string[];
  readonly levels: number;
  readonly firstKseq: number | null;
  readonly lastKseq: number | null;
}

/** A record log in memory that can be full, slow or broken. */
export class FakeLog implements Pick<RecordLog, 'appendLog' | 'whenWritable' | 'commit' | 'read' | 'flush'> {
  readonly appended: Appended[] = [];
  readonly changes: Change[] = [];
  readonly queries: Query[] = [];
  #waiters: { readonly done: () => boolean; readonly resolve: () => void }[] = [];
  #writable: PromiseWithResolvers<void> | undefined;
  /** Commits wait for this. */
  gate: Promise<void> = Promise.resolve();
  broken = false;
  /** `flush` waits for this. */
  flushed: Promise<void> = Promise.resolve();
  /** Calls of `commit`, also those that wait or fail. */
  commits = 0;

  get lines(): string[] {
    return this.appended.flatMap(({ lines }) => lines);
  }

  /** Kernel seqs in the order of arrival. */
  get seqs(): number[] {
    return this.lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
  }

  /** Without what is told of the machine as a whole. */
  get bodies(): Record<string, unknown>[] {
    return this.changes.flatMap(({ records }) =>
      records
        .filter(({ stream }) => stream !== 'machine')
        .map(({ body }) => JSON.parse(body) as Record<string, unknown>),
    );
  }

  full(): void {
    this.#writable = Promise.withResolvers();
  }

  drained(): void {
    this.#writable?.resolve();
    this.#writable = undefined;
  }

  /** Resolves as soon as `done` holds after an append, a wait for room or a commit. */
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ done, resolve }));
  }

  appendLog(source: LogSource, lines: LogLines): boolean {
    const text = Buffer.from(lines.payload).toString('utf8');
    if (!text.endsWith('\n')) throw new Error('payload without a last line feed');
    const split = text.slice(0, -1).split('\n');
    if (split.length !== lines.details.length) throw new Error('lines and details differ');
    for (const line of split) JSON.parse(line);
    const details = [...lines.details].map((index) => lines.names[index] ?? '?');
    const { levels, firstKseq, lastKseq } = lines;
    this.appended.push({ source, lines: split, details, levels, firstKseq, lastKseq });
    this.#tell();
    return this.#writable === undefined;
  }

  whenWritable(): Promise<void> {
    const writable = this.#writable?.promise ?? Promise.resolve();
    queueMicrotask(() => this.#tell());
    return writable;
  }

  async commit(change: Change): Promise<readonly number[]> {
    this.commits += 1;
    this.#tell();
    await this.gate;
    if (this.broken) throw new SiderolinkError('storage', 'disk full');
    this.changes.push(change);
    this.#tell();
    return change.records.map((_, i) => this.changes.length * 100 + i);
  }

  flush(): Promise<void> {
    return this.flushed;
  }

  /** The events of a machine, as an ascending page before `before`. */
  async read(query: Query): Promise<Page> {
    this.queries.push(query);
    const records = this.changes
      .flatMap((change) => change.records)
      .filter((record) => record.stream === 'event' && record.machine === query.machine)
      .map((record, i) => ({ seq: i + 1, json: `{"boot":${record.boot},"body":${record.body}}` }))
      .filter(({ seq }) => seq < (query.before ?? Number.POSITIVE_INFINITY))
      .slice(-query.limit);
    return { records, next: 0, end: true, complete: true };
  }

  #tell(): void {
    this.#waiters = this.#waiters.filter(({ done, resolve }) => {
      if (!done()) return true;
      resolve();
      return false;
    });
  }
}

/** Everything a sink needs, with a fleet of its own. */
export function world(image: Partial<RegistryImage> = {}) {
  const clock = new ManualClock();
  const registry = createRegistry();
  const logged: string[] = [];
  const logger = createLogger('debug', { write: (line) => logged.push(line) });
  const boots = new BootTable({}, { image: { boots: image.boots ?? [] }, clock });
  const statuses = new StatusTable({}, { image: { statuses: image.statuses ?? [] }, clock });
  const machines = new FakeMachines(statuses);
  const log = new FakeLog();
  return {
    clock,
    registry,
    logged,
    logger,
    metrics: sinkMetrics(registry),
    machines,
    boots,
    statuses,
    changes: new MachineChanges({}, { machines, boots, statuses, log, clock, logger }),
    log,
  };
}

export type World = ReturnType<typeof world>;

/** Value of a metric, of the series with these labels. */
export async function metric(from: World, name: string, labels: Record<string, string> = {}): Promise<number> {
  const values = (await from.registry.getSingleMetric(`siderolinkd_sinks_${name}`)?.get())?.values ?? [];
  const matches = values.filter((value) =>
    Object.entries(labels).every(([label, text]) => value.labels[label as never] === text),
  );
  return matches.reduce((sum, { value }) => sum + value, 0);
}

/** A kernel line as Talos writes it. */
export function kernelLine(seq: number, change: { msg?: string; clock?: number; level?: string } = {}): string {
  const { msg = `line ${seq}\n`, clock = seq * 1_000 + 7, level = 'info' } = change;
  return JSON.stringify({
    clock,
    facility: 'kern',
    msg,
    priority: 'info',
    seq,
    'talos-level': level,
    'talos-time': '2026-01-01T00:00:00.000000001Z',
  });
}
