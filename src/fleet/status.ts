import ipaddr from 'ipaddr.js';
import { SiderolinkError } from '../domain/errors.ts';
import type { MachineEvent } from '../domain/event.ts';
import type { RegistryImage, RegistryOp } from '../domain/registry.ts';
import { type EventStatus, foldStatus, NO_STATUS } from '../domain/status.ts';
import type { Clock } from '../lib/clock.ts';
import type { Machine, MachineStatus, Statuses } from './types.ts';

export interface StatusOptions {
  /** CIDRs left out of machine addresses. */
  readonly negativeAddressFilter?: readonly string[];
}

/** A status row in the registry, as JSON. `last_seen` is milliseconds since the epoch. */
interface StatusDoc {
  readonly status: EventStatus;
  readonly last_seen: number | null;
  readonly link?: ToldLink;
}

/** What the last `link.up` or `link.down` record of a machine said, and of which boot. */
interface ToldLink {
  readonly boot: number;
  readonly state: 'up' | 'down';
}

/** Hears of a machine's stage: what it reported last, and in which boot. */
export type StageListener = (machine: number, stage: string | null, boot: number) => void;

/** The folded status of each machine: in memory, and with each event in the registry. */
export class StatusTable implements Statuses {
  readonly #clock: Clock;
  readonly #filter: AddressFilter;
  readonly #statuses = new Map<number, EventStatus>();
  readonly #lastSeen = new Map<number, number>();
  readonly #links = new Map<number, ToldLink>();
  readonly #stageListeners = new Set<StageListener>();

  /** @throws SiderolinkError `configuration` for a filter that is no CIDR, `storage` for a row that is no JSON */
  constructor(
    options: StatusOptions,
    deps: { readonly image: Pick<RegistryImage, 'statuses'>; readonly clock: Clock },
  ) {
    this.#clock = deps.clock;
    this.#filter = addressFilter(options.negativeAddressFilter ?? []);
    for (const row of deps.image.statuses) {
      const doc = parseDoc(row);
      this.#statuses.set(row.machine, { ...NO_STATUS, ...doc.status });
      if (doc.last_seen !== null) this.#lastSeen.set(row.machine, doc.last_seen);
      if (doc.link !== undefined) this.#links.set(row.machine, doc.link);
    }
  }

  get(machine: number): MachineStatus {
    const { boot: _, ...status } = this.#statuses.get(machine) ?? NO_STATUS;
    return { ...status, lastSeen: this.#lastSeen.get(machine) ?? null };
  }

  /** Notes that the machine sent something. Stored with its next event. */
  touch(machine: number): void {
    this.#lastSeen.set(machine, this.#clock.now());
  }

  /** Folds an event of the machine's boot `boot` in and returns the row for the commit that stores the event. */
  fold(machine: Pick<Machine, 'id' | 'address'>, boot: number, event: MachineEvent): RegistryOp {
    this.touch(machine.id);
    const before = this.#statuses.get(machine.id) ?? NO_STATUS;
    const keep = (address: string) => address !== machine.address && this.#filter(address);
    const status = foldStatus(before, event, boot, keep);
    this.#statuses.set(machine.id, status);
    // An event of a former boot that came late says nothing of now.
    const reported = event.message === 'MachineStatusEvent' && boot === status.boot;
    if (reported || status.stage !== before.stage) {
      for (const listener of this.#stageListeners) listener(machine.id, status.stage, status.boot);
    }
    return this.op(machine.id);
  }

  /** The stage that the machine reported last, with the boot that it is of: 0 and null before its first event. */
  stage(machine: number): { readonly stage: string | null; readonly boot: number } {
    const { stage, boot } = this.#statuses.get(machine) ?? NO_STATUS;
    return { stage, boot };
  }

  /**
   * Called within `fold`, thus before the commit of the event, for each report of a stage and whenever the stage is
   * another. A listener is quick and does not throw.
   */
  onStage(listener: StageListener): void {
    this.#stageListeners.add(listener);
  }

  /** What the stream was told last of the link of this boot; undefined if nothing. */
  toldLink({ machine, number }: { readonly machine: number; readonly number: number }): 'up' | 'down' | undefined {
    const told = this.#links.get(machine);
    return told?.boot === number ? told.state : undefined;
  }

  /** Notes what the stream is told of a link. Stored with `op`, in the commit of that record. */
  tellLink({ id, boot }: Pick<Machine, 'id' | 'boot'>, state: 'up' | 'down'): void {
    this.#links.set(id, { boot, state });
  }

  /** The machine's row as it is now. */
  op(machine: number): RegistryOp {
    const link = this.#links.get(machine);
    const doc: StatusDoc = {
      status: this.#statuses.get(machine) ?? NO_STATUS,
      last_seen: this.#lastSeen.get(machine) ?? null,
      ...(link !== undefined && { link }),
    };
    return { op: 'putStatus', machine, doc: JSON.stringify(doc) };
  }
}

type AddressFilter = (address: string) => boolean;

/**
 * Keeps an address that parses and lies in none of the prefixes. A prefix matches addresses of its own family only, as
 * Sidero Metal's does (facts/sidero-metal.md section 3.5).
 */
function addressFilter(prefixes: readonly string[]): AddressFilter {
  const ranges = prefixes.map((prefix) => {
    if (!ipaddr.isValidCIDR(prefix)) {
      throw new SiderolinkError('configuration', `status.negative_address_filter: ${prefix} is not a CIDR`);
    }
    return ipaddr.parseCIDR(prefix);
  });
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.parse(text);
    return !ranges.some(([network, bits]) => network.kind() === address.kind() && address.match([network, bits]));
  };
}

function parseDoc(row: { readonly machine: number; readonly doc: string }): StatusDoc {
  try {
    return JSON.parse(row.doc) as StatusDoc;
  } catch (cause) {
    throw new SiderolinkError('storage', 'a status in the registry is not JSON', { machine: row.machine }, { cause });
  }
}
