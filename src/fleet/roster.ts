import { SiderolinkError } from '../domain/errors.ts';
import type { MachineState } from '../domain/join-types.ts';
import type { NewRecord } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { RecordLog } from '../stream/types.ts';
import type { LinkMonitor, LinkState, PeerSpec } from '../wireguard/types.ts';
import type { MachineRow } from './machine-row.ts';
import { MachineTable } from './machine-table.ts';
import type { FleetMetrics } from './metrics.ts';
import type { TokenWrites } from './token-writes.ts';
import { Turns } from './turns.ts';
import type { Boots, FleetEvent, Machine, Machines, MachineView, Statuses } from './types.ts';

export interface RosterDeps {
  readonly log: Pick<RecordLog, 'image' | 'commit'>;
  readonly boots: Boots;
  readonly statuses: Statuses;
  readonly links: Pick<LinkMonitor, 'state'>;
  readonly tokenWrites: Pick<TokenWrites, 'get'>;
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
    const { boots, statuses, links, tokenWrites } = this.#deps;
    const boot = boots.current(machine.id);
    return {
      machine,
      status: statuses.get(machine.id, machine.boot),
      link: linkOf(machine, links),
      tokenWrite: tokenWrites.get(machine.id) ?? null,
      // The boot of a join that is being stored has said nothing.
      missingLines: machine.boot === 0 ? null : boot?.number === machine.boot ? (boot.missing ?? 0) : 0,
    };
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
  async store(change: { readonly ops: RegistryOp[]; readonly records: NewRecord[] }, undo: () => void): Promise<void> {
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

  /** @throws SiderolinkError `internal` if there is none: decisions name machines that are there */
  row(id: number): MachineRow {
    const row = this.table.byId(id);
    if (row === undefined)
      throw new SiderolinkError('internal', 'a decision names a machine that is not there', { id });
    return row;
  }
}

/** States in which a machine has no peer, and what comes from its address is nobody's. */
const UNLINKED: ReadonlySet<string> = new Set<MachineState>(['removed', 'rejected', 'expired']);

/** Known key, and a state with a link: the device has it, and what comes from its address is its own. */
function maySend(machine: Machine): boolean {
  return machine.key !== null && !UNLINKED.has(machine.state);
}

/** A machine that was cut off is down at once, not when the device is read next. */
function linkOf({ key, state }: Machine, links: Pick<LinkMonitor, 'state'>): LinkState {
  if (key === null) return NO_LINK;
  const link = links.state(key);
  return UNLINKED.has(state) && link.state === 'up' ? { ...link, state: 'down' } : link;
}

/** The link of a machine that never joined. */
const NO_LINK = { state: 'never', endpoint: null, latestHandshake: 0, lastRx: null, rxBytes: 0, txBytes: 0 } as const;
