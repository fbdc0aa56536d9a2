import { randomBytes } from 'node:crypto';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { type PublicKey, parsePublicKey } from '../../src/domain/keys.ts';
import type { NewRecord } from '../../src/domain/record.ts';
import type { RegistryImage, RegistryOp } from '../../src/domain/registry.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Change, RecordLog } from '../../src/stream/types.ts';
import type { LinkEvent, LinkMonitor, LinkState, PeerChange, PeerSpec, WireGuard } from '../../src/wireguard/types.ts';

/** A clock that moves when it is told to. Sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  #wall = Date.parse('2026-01-01T00:00:00Z');
  #monotonic = 0;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#monotonic + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const until = this.#monotonic + ms;
    for (;;) {
      const [next] = [...this.#timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#move(next.at - this.#monotonic);
      next.callback();
    }
    this.#move(until - this.#monotonic);
  }

  #move(ms: number): void {
    this.#monotonic += ms;
    this.#wall += ms;
  }
}

/** A gate that holds callers until it is opened; open at first. */
class Gate {
  #closed: PromiseWithResolvers<void> | undefined;
  #arrived = 0;
  readonly #watchers = new Set<{ readonly count: number; readonly resolve: () => void }>();

  close(): void {
    this.#closed ??= Promise.withResolvers<void>();
  }

  open(): void {
    this.#closed?.resolve();
    this.#closed = undefined;
  }

  async pass(): Promise<void> {
    this.#arrived += 1;
    for (const watcher of this.#watchers) {
      if (this.#arrived < watcher.count) continue;
      this.#watchers.delete(watcher);
      watcher.resolve();
    }
    await this.#closed?.promise;
  }

  /** Resolves when so many in all have come to the gate. */
  arrived(count: number): Promise<void> {
    if (this.#arrived >= count) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.add({ count, resolve }));
  }
}

/** The record log in memory: what a change stores is in the image of the next start, and only that. */
export class MemoryLog implements Pick<RecordLog, 'image' | 'commit' | 'flush'> {
  readonly image: RegistryImage;
  readonly changes: Change[] = [];
  readonly gate = new Gate();
  /** How many of the next commits fail. */
  failures = 0;
  readonly #machines: Map<number, RegistryImage['machines'][number]>;
  readonly #tags: Map<number, RegistryImage['tags'][number]>;
  readonly #boots: Map<string, RegistryImage['boots'][number]>;
  readonly #statuses: Map<number, RegistryImage['statuses'][number]>;
  readonly #tokens: Map<string, RegistryImage['tokens'][number]>;
  #seq = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(image: RegistryImage = EMPTY) {
    this.image = image;
    this.#machines = new Map(image.machines.map((row) => [row.id, row]));
    this.#tags = new Map(image.tags.map((row) => [row.id, row]));
    this.#boots = new Map(image.boots.map((row) => [`${row.machine}.${row.boot}`, row]));
    this.#statuses = new Map(image.statuses.map((row) => [row.machine, row]));
    this.#tokens = new Map(image.tokens.map((row) => [row.id, row]));
  }

  get records(): readonly NewRecord[] {
    return this.changes.flatMap((change) => change.records);
  }

  commit(change: Change): Promise<readonly number[]> {
    // Changes commit in the order of the calls, whatever each waits for.
    const turn = this.#last.then(() => this.#commit(change));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Resolves when all that was given before is committed or has failed. */
  async flush(): Promise<void> {
    await this.#last;
  }

  /** The log as it is after a restart: the same image, rows with equal keys replaced. */
  reopen(): MemoryLog {
    return new MemoryLog({
      machines: [...this.#machines.values()],
      tags: [...this.#tags.values()],
      boots: [...this.#boots.values()].sort((a, b) => a.machine - b.machine || a.boot - b.boot),
      statuses: [...this.#statuses.values()],
      tokens: [...this.#tokens.values()],
      meta: new Map(),
      publishCursors: new Map(),
    });
  }

  /** What a start finds if the process ended when so many changes were stored. */
  async imageAfter(changes: number): Promise<RegistryImage> {
    const log = new MemoryLog(this.image);
    for (const change of this.changes.slice(0, changes)) await log.commit(change);
    return log.reopen().image;
  }

  async #commit(change: Change): Promise<readonly number[]> {
    await this.gate.pass();
    if (this.failures > 0) {
      this.failures -= 1;
      throw new SiderolinkError('storage', 'disk full');
    }
    for (const op of change.ops) this.#apply(op);
    this.changes.push(change);
    return change.records.map(() => {
      this.#seq += 1;
      return this.#seq;
    });
  }

  #apply(op: RegistryOp): void {
    switch (op.op) {
      case 'putMachine': {
        const taken = [...this.#machines.values()].some((row) => row.id !== op.id && row.address === op.address);
        if (taken) throw new SiderolinkError('storage', 'UNIQUE constraint failed: address');
        this.#machines.set(op.id, op);
        return;
      }
      case 'putTags':
        this.#tags.set(op.id, op);
        return;
      case 'putBoot':
        this.#boots.set(`${op.machine}.${op.boot}`, op);
        return;
      case 'deleteBoot':
        this.#boots.delete(`${op.machine}.${op.boot}`);
        return;
      case 'putStatus':
        this.#statuses.set(op.machine, op);
        return;
      case 'deleteStatus':
        this.#statuses.delete(op.machine);
        return;
      case 'putToken':
        this.#tokens.set(op.id, op);
        return;
      case 'deleteToken':
        this.#tokens.delete(op.id);
        return;
      // It is a matter of records, which this log only gathers.
      case 'deleteRecords':
        return;
      case 'patchBoot': {
        const name = `${op.machine}.${op.boot}`;
        const row = this.#boots.get(name);
        const patch = JSON.parse(op.patch) as Record<string, unknown>;
        if (row !== undefined)
          this.#boots.set(name, { ...row, doc: JSON.stringify({ ...JSON.parse(row.doc), ...patch }) });
        return;
      }
      case 'putMeta':
      case 'putPublishCursors':
      case 'dropSegments':
        throw new Error('not used by the fleet');
    }
  }
}

const EMPTY: RegistryImage = {
  machines: [],
  tags: [],
  boots: [],
  statuses: [],
  tokens: [],
  meta: new Map(),
  publishCursors: new Map(),
};

/** A device as the kernel treats it: an AllowedIP belongs to one peer, and setting it takes it from another. */
export class MemoryDevice implements Pick<WireGuard, 'apply' | 'publicKey'> {
  readonly publicKey: PublicKey;
  readonly changes: PeerChange[] = [];
  readonly gate = new Gate();
  failures = 0;
  readonly #addresses = new Map<PublicKey, string | null>();

  constructor(publicKey: PublicKey = newKey()) {
    this.publicKey = publicKey;
  }

  async apply(change: PeerChange): Promise<void> {
    await this.gate.pass();
    if (this.failures > 0) {
      this.failures -= 1;
      throw new SiderolinkError('command_failed', 'wg: Operation not permitted');
    }
    this.changes.push(change);
    if (change.remove !== undefined) this.#addresses.delete(change.remove);
    if (change.set === undefined) return;
    for (const [key, address] of this.#addresses) {
      if (address === change.set.address) this.#addresses.set(key, null);
    }
    this.#addresses.set(change.set.publicKey, change.set.address);
  }

  /** Reads, compares and repairs, as the daemon does every half minute. */
  repair(desired: readonly PeerSpec[]): void {
    this.#addresses.clear();
    for (const { publicKey, address } of desired) this.#addresses.set(publicKey, address);
  }

  /** Peers as `key → address`; null for one whose address was taken by another. */
  get peers(): ReadonlyMap<PublicKey, string | null> {
    return this.#addresses;
  }
}

/** Links that the test sets. A peer answers probes if it is in `alive`. */
export class MemoryLinks implements Pick<LinkMonitor, 'state' | 'isAlive' | 'unknownFor' | 'onEvent'> {
  readonly alive = new Set<PublicKey>();
  /** Peers that were made anew and whose place nobody knows: so long their silence proves nothing, milliseconds. */
  readonly unknown = new Map<PublicKey, number>();
  readonly probes: { readonly peer: PeerSpec; readonly withinMs: number; readonly ended: boolean }[] = [];
  readonly gate = new Gate();
  readonly #states = new Map<PublicKey, LinkState>();
  readonly #listeners: ((event: LinkEvent) => void)[] = [];

  state(publicKey: PublicKey): LinkState {
    return this.#states.get(publicKey) ?? NEVER;
  }

  set(publicKey: PublicKey, state: Partial<LinkState>): void {
    this.#states.set(publicKey, { ...NEVER, ...state });
  }

  unknownFor(publicKey: PublicKey): number {
    return this.unknown.get(publicKey) ?? 0;
  }

  async isAlive(peer: PeerSpec, withinMs: number, ended = false): Promise<boolean> {
    this.probes.push({ peer, withinMs, ended });
    await this.gate.pass();
    const isUnknown = !ended && !this.alive.has(peer.publicKey) && this.unknownFor(peer.publicKey) > 0;
    if (isUnknown) throw new SiderolinkError('unavailable', 'its peer was made anew');
    return this.alive.has(peer.publicKey);
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#listeners.push(listener);
  }

  emit(kind: LinkEvent['kind'], publicKey: PublicKey, state: Partial<LinkState> = {}): void {
    this.set(publicKey, state);
    for (const listener of this.#listeners) listener({ kind, publicKey, link: this.state(publicKey) });
  }
}

const NEVER: LinkState = {
  state: 'never',
  endpoint: null,
  latestHandshake: 0,
  lastRx: null,
  rxBytes: 0,
  txBytes: 0,
};

/** A key that nobody has the private half of: 32 random bytes. */
export function newKey(): PublicKey {
  return parsePublicKey(randomBytes(32).toString('base64'));
}
