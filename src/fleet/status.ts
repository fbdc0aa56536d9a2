import { bootSummary } from '../domain/boot-summary.ts';
import { type ConditionState, type ConditionType, setCondition } from '../domain/conditions.ts';
import type { MachineEvent } from '../domain/event.ts';
import type { RegistryImage, RegistryOp } from '../domain/registry.ts';
import { beginBoot, type EventStatus, foldStatus, NO_STATUS } from '../domain/status.ts';
import { statusChanges, type Watched } from '../domain/status-change.ts';
import type { Clock } from '../lib/clock.ts';
import { type AddressFilter, addressFilter } from './status-addresses.ts';
import { entryText, NOTHING, newEntry, parseEntry, type StatusEntry } from './status-row.ts';
import type { LostMachine, Machine, MachineStatus, Statuses } from './types.ts';

export interface StatusOptions {
  /** CIDRs left out of machine addresses. */
  readonly negativeAddressFilter?: readonly string[];
}

export interface StatusDeps {
  /** Boots are those of the image that the boot table is made of; without them none began unseen. */
  readonly image: Pick<RegistryImage, 'statuses'> & Partial<Pick<RegistryImage, 'boots'>>;
  readonly clock: Clock;
}

/** Hears of a machine's stage: what it reported last, and in which boot. */
export type StageListener = (machine: number, stage: string | null, boot: number) => void;

/** The folded status of each machine: in memory, and with each event in the registry. */
export class StatusTable implements Statuses {
  readonly #clock: Clock;
  readonly #filter: AddressFilter;
  readonly #entries = new Map<number, StatusEntry>();
  readonly #stageListeners = new Set<StageListener>();
  /** Machines that were seen after their row was made. */
  readonly #seenSince = new Set<number>();

  /** @throws SiderolinkError `configuration` for a filter that is no CIDR, `storage` for a row that is no JSON */
  constructor(options: StatusOptions, { image, clock }: StatusDeps) {
    this.#clock = clock;
    this.#filter = addressFilter(options.negativeAddressFilter ?? []);
    for (const row of image.statuses) this.#entries.set(row.machine, parseEntry(row));
    // A boot has no event yet, so no row tells that it began; its own does.
    const newest = new Map<number, RegistryImage['boots'][number]>();
    for (const row of image.boots ?? []) newest.set(row.machine, row);
    for (const [machine, row] of newest) {
      const entry = this.#entries.get(machine);
      if (entry === undefined || entry.status.boot < row.boot)
        this.begin(machine, row.boot, bootSummary(row).startedAt);
    }
  }

  /**
   * What is known of a machine that is in its boot `boot`; of the boot that was heard last without it. Of a boot that
   * begins just now nothing is known but how the one before ended.
   */
  get(machine: number, boot = 0): MachineStatus {
    const { status, firstSeen, lastSeen, lost } = this.#entries.get(machine) ?? NEVER_HEARD;
    const isNew = boot > status.boot;
    return {
      ...(isNew ? beginBoot(status, boot, this.#clock.now()) : status),
      firstSeen,
      lastSeen,
      lost: isNew ? null : lost,
    };
  }

  /** Notes that the machine sent something. Stored with its next event, or by `unstored`. */
  touch(machine: number): void {
    const entry = this.#entry(machine);
    entry.lastSeen = this.#clock.now();
    entry.firstSeen ??= entry.lastSeen;
    this.#seenSince.add(machine);
  }

  /** A boot of the machine begins at `at`, milliseconds since the epoch. Stored with its first event. */
  begin(machine: number, boot: number, at: number): void {
    const entry = this.#entry(machine);
    if (boot <= entry.status.boot) return;
    const before = entry.status;
    entry.status = beginBoot(before, boot, at);
    // `machine.rebooted` has told the rest.
    if (entry.lost !== null) this.setLost(machine, null);
    if (entry.status.stage !== before.stage) this.#tellStage(machine, entry.status);
  }

  /** Folds an event of the machine's boot `boot` in. To be stored with the event: `op` has the row. */
  fold(machine: Pick<Machine, 'id' | 'address'>, boot: number, event: MachineEvent): void {
    this.touch(machine.id);
    const entry = this.#entry(machine.id);
    const before = entry.status;
    const keepAddress = (address: string) => address !== machine.address && this.#filter(address);
    const status = foldStatus(before, event, { boot, now: this.#clock.now(), keepAddress });
    entry.status = status;
    this.#note(entry, statusChanges(before, status));
    if (entry.lost !== null && boot === status.boot) this.setLost(machine.id, null);
    // An event of a former boot that came late says nothing of now.
    const reported = event.message === 'MachineStatusEvent' && boot === status.boot;
    if (reported || status.stage !== before.stage) this.#tellStage(machine.id, status);
  }

  /**
   * Sets a condition that only the control plane knows; null if it says so already. The row with it is `op`, and `undo`
   * takes it back if that cannot be stored.
   */
  setCondition(machine: number, type: ConditionType, state: ConditionState) {
    const entry = this.#entry(machine);
    const before = entry.status.conditions;
    const conditions = setCondition(before, type, state, this.#clock.now());
    if (conditions === before) return null;
    const former = before.find((condition) => condition.type === type);
    entry.status = { ...entry.status, conditions };
    const undo = () => {
      // Events may have changed the others since.
      const others = entry.status.conditions.filter((condition) => condition.type !== type);
      const all = former === undefined ? others : [...others, former].sort((a, b) => (a.type < b.type ? -1 : 1));
      entry.status = { ...entry.status, conditions: all };
      // An event that came meanwhile may have stored it.
      this.#seenSince.add(machine);
    };
    return { op: this.op(machine), undo };
  }

  /** Notes since when a machine is lost after it went to another boot, or that it is not. */
  setLost(machine: number, lost: LostMachine | null): void {
    const entry = this.#entry(machine);
    if (entry.lost === lost) return;
    entry.lost = lost;
    this.#note(entry, ['lost_after_upgrade']);
  }

  /** Notes the Talos version with which a machine joined. */
  knowVersion({ id, talosVersion }: Pick<Machine, 'id' | 'talosVersion'>): void {
    const entry = this.#entry(id);
    if (entry.talosVersion === talosVersion) return;
    const isFirst = entry.talosVersion === undefined;
    entry.talosVersion = talosVersion;
    if (!isFirst) this.#note(entry, ['talos_version']);
  }

  /** The stage that the machine reported last, with the boot that it is of: 0 and null before its first event. */
  stage(machine: number): { readonly stage: string | null; readonly boot: number } {
    const { stage, boot } = this.#entries.get(machine)?.status ?? NO_STATUS;
    return { stage, boot };
  }

  /**
   * Called within `fold` and `begin`, thus before the commit of the event, for each report of a stage and whenever the
   * stage is another. A listener is quick and does not throw.
   */
  onStage(listener: StageListener): void {
    this.#stageListeners.add(listener);
  }

  /** What has changed of a machine and is in no record yet. */
  untold(machine: number): ReadonlySet<Watched> {
    return this.#entries.get(machine)?.untold ?? NOTHING;
  }

  /** Machines of which something is untold. */
  withUntold(): number[] {
    return [...this.#entries].filter(([, { untold }]) => untold.size > 0).map(([machine]) => machine);
  }

  /** What was untold is in the record that is stored with the next `op`; if it is not stored, give it back. */
  told(machine: number): ReadonlySet<Watched> {
    const entry = this.#entry(machine);
    const { untold } = entry;
    entry.untold = NOTHING;
    return untold;
  }

  giveBack(machine: number, names: Iterable<Watched>): void {
    this.#note(this.#entry(machine), [...names]);
  }

  /** What the stream was told last of the link of this boot; undefined if nothing. */
  toldLink({ machine, number }: { readonly machine: number; readonly number: number }): 'up' | 'down' | undefined {
    const told = this.#entries.get(machine)?.link;
    return told?.boot === number ? told.state : undefined;
  }

  /** Notes what the stream is told of a link. Stored with `op`, in the commit of that record. */
  tellLink({ id, boot }: Pick<Machine, 'id' | 'boot'>, state: 'up' | 'down'): void {
    this.#entry(id).link = { boot, state };
  }

  /** Where this boot's packets came from when the stream was told of its link last; undefined where nobody knows. */
  lastEndpoint({ id, boot }: Pick<Machine, 'id' | 'boot'>): string | undefined {
    const seen = this.#entries.get(id)?.endpoint;
    return seen?.boot === boot ? seen.endpoint : undefined;
  }

  /** Notes where they come from; null where that is nothing to go back to. Stored with `op`. */
  noteEndpoint({ id, boot }: Pick<Machine, 'id' | 'boot'>, endpoint: string | null): void {
    this.#entry(id).endpoint = endpoint === null ? undefined : { boot, endpoint };
  }

  /** Machines that were seen since their row was made, each once. */
  unstored(): number[] {
    return [...this.#seenSince];
  }

  /** The machine's row as it is now. */
  op(machine: number): RegistryOp {
    this.#seenSince.delete(machine);
    return { op: 'putStatus', machine, doc: entryText(this.#entry(machine)) };
  }

  forget(machine: number): RegistryOp {
    this.#entries.delete(machine);
    this.#seenSince.delete(machine);
    return { op: 'deleteStatus', machine };
  }

  #entry(machine: number): StatusEntry {
    const known = this.#entries.get(machine);
    if (known !== undefined) return known;
    const entry = newEntry();
    this.#entries.set(machine, entry);
    return entry;
  }

  #note(entry: StatusEntry, names: readonly Watched[]): void {
    if (names.length > 0) entry.untold = new Set([...entry.untold, ...names]);
  }

  #tellStage(machine: number, { stage, boot }: EventStatus): void {
    for (const listener of this.#stageListeners) listener(machine, stage, boot);
  }
}

const NEVER_HEARD = newEntry();
