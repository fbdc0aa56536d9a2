import { SiderolinkError } from '../domain/errors.ts';
import type { MachineState } from '../domain/join-types.ts';
import { linkHint } from '../domain/link-hint.ts';
import { admitsVirtual, type VirtualAddress } from '../domain/tunnel.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { Change, RecordLog } from '../stream/types.ts';
import type { LinkMonitor, PeerSpec } from '../wireguard/types.ts';
import type { JoinWaits } from './join-waits.ts';
import { machineLink, NO_LINK } from './machine-link.ts';
import type { MachineRow } from './machine-row.ts';
import { MachineTable } from './machine-table.ts';
import type { FleetMetrics } from './metrics.ts';
import type { Refusals } from './refusals.ts';
import type { TokenWrites } from './token-writes.ts';
import type { TunnelSources } from './tunnel-sources.ts';
import { Turns } from './turns.ts';
import type {
  Boot,
  Boots,
  FleetEvent,
  Machine,
  MachineLink,
  MachineStatus,
  Machines,
  MachineView,
  Statuses,
} from './types.ts';

export interface RosterDeps {
  readonly log: Pick<RecordLog, 'image' | 'commit'>;
  readonly boots: Boots;
  readonly statuses: Statuses;
  readonly links: Pick<LinkMonitor, 'state'>;
  readonly tokenWrites: Pick<TokenWrites, 'get'>;
  readonly tunnelSources: Pick<TunnelSources, 'get'>;
  readonly refusals: Pick<Refusals, 'get'>;
  readonly waits: Pick<JoinWaits, 'get'>;
  readonly metrics: FleetMetrics;
}

/**
 * The machines in memory: their rows, what the device should have, who listens. Joins and administration change them
 * through it, one change of a machine after the other (`turns`).
 */
export class Roster implements Machines {
  readonly table: MachineTable;
  readonly turns = new Turns();
  readonly #deps: RosterDeps;
  /** What the device should have: only what is committed. */
  readonly #peers = new Map<number, PeerSpec>();
  readonly #listeners = new Set<(event: FleetEvent) => void>();

  /** Reads the registry's image. @throws SyntaxError of a row that is no JSON */
  constructor(deps: RosterDeps) {
    this.#deps = deps;
    this.table = new MachineTable(deps.log.image, {
      onCount: (state, count) => deps.metrics.machines.set({ state }, count),
    });
    for (const { machine } of this.table.rows()) this.wantPeer(machine);
  }

  get size(): number {
    return this.table.size;
  }

  get(uuid: NodeUuid): Machine | undefined {
    return this.table.byUuid(uuid)?.machine;
  }

  byId(id: number): Machine | undefined {
    return this.table.byId(id)?.machine;
  }

  bySource(address: string): Machine | undefined {
    const machine = this.table.byAddress(address)?.machine;
    return machine !== undefined && maySend(machine) ? machine : undefined;
  }

  *all(): Iterable<Machine> {
    for (const { machine } of this.table.rows()) yield machine;
  }

  peers(): readonly PeerSpec[] {
    return [...this.#peers.values()];
  }

  view(machine: Machine): MachineView {
    const { boots, refusals, statuses, tokenWrites, waits } = this.#deps;
    const boot = boots.current(machine.id);
    const status = statuses.get(machine.id, machine.boot);
    const link = this.#linkOf(machine);
    return {
      machine,
      status,
      link,
      linkHint: boot?.number === machine.boot ? hintOf(link, boot, status) : null,
      tokenWrite: tokenWrites.get(machine.id) ?? null,
      // The boot of a join that is being stored has said nothing.
      missingLines: machine.boot === 0 ? null : boot?.number === machine.boot ? (boot.missing ?? 0) : 0,
      lastRefusal: refusals.get(machine.id),
      joinWait: waits.get(machine.id),
    };
  }

  /** The machine that may come with this virtual address now. It may lose its link, never its claim to the address. */
  byVirtual(address: VirtualAddress, now: number): Machine | undefined {
    const row = this.table.byVirtual(address);
    if (row === undefined || !row.tunnel || !maySend(row.machine)) return undefined;
    return admitsVirtual(row.tunnel, address, now) ? row.machine : undefined;
  }

  onEvent(listener: (event: FleetEvent) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Tells the listeners; for `boot` the caller has seen to it that the device has the key. One that fails does not keep
   * it from the others. @throws the first listener's error, when all have heard
   */
  tell(event: FleetEvent): void {
    if (event.kind === 'boot') this.#deps.boots.activate(event.machine.id);
    const errors: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Commits a change; if that fails, takes back what was reserved for it. @throws SiderolinkError `storage`, `unavailable` */
  async store(change: Change, undo: () => void): Promise<void> {
    try {
      await this.#deps.log.commit(change);
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** What the device should have of a machine follows from its committed row. */
  wantPeer(machine: Machine): void {
    if (machine.key !== null && maySend(machine)) {
      this.#peers.set(machine.id, { publicKey: machine.key, address: machine.address });
    } else {
      this.#peers.delete(machine.id);
    }
  }

  /** A machine that was cut off is down at once, not when the device is read next. */
  #linkOf(machine: Machine): MachineLink {
    const { links, tunnelSources } = this.#deps;
    const link = machineLink(machine, machine.key === null ? NO_LINK : links.state(machine.key), tunnelSources);
    return UNLINKED.has(machine.state) && link.state === 'up' ? { ...link, state: 'down' } : link;
  }

  /** @throws SiderolinkError `internal` if there is none: decisions name machines that are there */
  row(id: number): MachineRow {
    const row = this.table.byId(id);
    if (row === undefined)
      throw new SiderolinkError('internal', 'a decision names a machine that is not there', { id });
    return row;
  }
}

function hintOf({ state, mode, lastRx }: MachineLink, boot: Boot, { lastSeen }: MachineStatus): string | null {
  const { startedAt: bootStartedAt, lastSeq } = boot;
  const heard = (lastSeq ?? null) !== null || (lastSeen !== null && lastSeen >= bootStartedAt);
  return linkHint({ state, mode, lastRx, bootStartedAt, heard });
}

/** States in which a machine has no peer, and what comes from its address is nobody's. */
const UNLINKED: ReadonlySet<string> = new Set<MachineState>(['removed', 'rejected', 'expired']);

/** Known key, and a state with a link: the device has it, and what comes from its address is its own. */
function maySend(machine: Machine): boolean {
  return machine.key !== null && !UNLINKED.has(machine.state);
}
