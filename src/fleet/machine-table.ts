import type { Tags } from '../domain/record.ts';
import type { RegistryImage } from '../domain/registry.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import { type MachineRow, machineRow } from './machine-row.ts';
import type { MachineState } from './types.ts';

/** The rows of all machines, by everything that names one. A row is replaced, never changed. */
export class MachineTable {
  readonly #byId = new Map<number, MachineRow>();
  readonly #byUuid = new Map<NodeUuid, MachineRow>();
  readonly #byAlias = new Map<NodeUuid, NodeUuid>();
  readonly #byAddress = new Map<string, MachineRow>();
  readonly #states = new Map<MachineState, number>();
  readonly #onCount: (state: MachineState, count: number) => void;
  #lastId = 0;
  #lastTags = 0;

  constructor(
    image: Pick<RegistryImage, 'machines' | 'tags'>,
    deps: { readonly onCount: (state: MachineState, count: number) => void },
  ) {
    this.#onCount = deps.onCount;
    const tags = new Map<number, Tags>();
    for (const row of image.tags) {
      tags.set(row.id, frozenTags(row));
      this.#lastTags = Math.max(this.#lastTags, row.id);
    }
    for (const row of image.machines) {
      this.#lastId = Math.max(this.#lastId, row.id);
      this.put(machineRow(row, tags));
    }
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Machines that count against the limit: all but the removed ones. */
  get counted(): number {
    return this.size - (this.#states.get('removed') ?? 0);
  }

  /** A number that no machine ever had. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  newTags(server_uuid: NodeUuid, ownership: Tags['ownership']): Tags {
    this.#lastTags += 1;
    return frozenTags({ id: this.#lastTags, server_uuid, ownership });
  }

  byId(id: number): MachineRow | undefined {
    return this.#byId.get(id);
  }

  byUuid(uuid: NodeUuid): MachineRow | undefined {
    const row = this.#byUuid.get(uuid);
    if (row !== undefined) return row;
    const alias = this.#byAlias.get(uuid);
    return alias === undefined ? undefined : this.#byUuid.get(alias);
  }

  byAddress(address: string): MachineRow | undefined {
    return this.#byAddress.get(address);
  }

  rows(): Iterable<MachineRow> {
    return this.#byId.values();
  }

  put(row: MachineRow): void {
    const { machine } = row;
    const before = this.#byId.get(machine.id);
    this.#byId.set(machine.id, row);
    this.#byUuid.set(machine.uuid, row);
    this.#byAddress.set(machine.address, row);
    for (const alias of before?.aliases ?? []) this.#byAlias.delete(alias);
    for (const alias of row.aliases) this.#byAlias.set(alias, machine.uuid);
    if (before?.machine.state === machine.state) return;
    if (before !== undefined) this.#count(before.machine.state, -1);
    this.#count(machine.state, 1);
  }

  /** Only for a machine that was never committed: all others stay for ever (law 4). */
  drop({ machine, aliases }: MachineRow): void {
    this.#byId.delete(machine.id);
    this.#byUuid.delete(machine.uuid);
    this.#byAddress.delete(machine.address);
    for (const alias of aliases) this.#byAlias.delete(alias);
    this.#count(machine.state, -1);
  }

  #count(state: MachineState, by: number): void {
    const count = (this.#states.get(state) ?? 0) + by;
    this.#states.set(state, count);
    this.#onCount(state, count);
  }
}

function frozenTags({ id, server_uuid, ownership }: Tags): Tags {
  return Object.freeze({ id, server_uuid, ownership: Object.freeze({ ...ownership }) });
}
