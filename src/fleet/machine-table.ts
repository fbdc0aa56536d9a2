import type { MachineState } from '../domain/join-types.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { Tags } from '../domain/record.ts';
import type { RegistryImage } from '../domain/registry.ts';
import type { VirtualAddress } from '../domain/tunnel.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import { type MachineRow, machineRow } from './machine-row.ts';

/** The rows of all machines, by everything that names one. A row is replaced, never changed. */
export class MachineTable {
  readonly #byId = new Map<number, MachineRow>();
  readonly #byUuid = new Map<NodeUuid, MachineRow>();
  readonly #byAlias = new Map<NodeUuid, NodeUuid>();
  readonly #byAddress = new Map<string, MachineRow>();
  /** By the virtual addresses that it was told: the current one and the one before. */
  readonly #byVirtual = new Map<VirtualAddress, number>();
  /** Identities made for an asked text, by it and their current key. */
  readonly #byAskedKey = new Map<string, number>();
  /** The same by the hashes of their unique tokens. */
  readonly #byAskedHash = new Groups();
  readonly #byLastToken = new Groups();
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

  /** Machines that count against the limit: removed ones do not, and provisional ones have a limit of their own. */
  get counted(): number {
    return this.size - this.countOf('removed') - this.countOf('expired') - this.countOf('provisional');
  }

  countOf(state: MachineState): number {
    return this.#states.get(state) ?? 0;
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

  byVirtual(address: VirtualAddress): MachineRow | undefined {
    const id = this.#byVirtual.get(address);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** The identity made for this text whose current key this is. */
  identityWithKey(asked: string, key: PublicKey): MachineRow | undefined {
    const id = this.#byAskedKey.get(askedName(key, asked));
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /**
   * The identity made for this text that holds the unique token. Two can hold one if META was copied from one to the
   * other; then the one that was there first.
   */
  identityHolding(asked: string, hash: string): MachineRow | undefined {
    const [id] = this.#byAskedHash.get(askedName(hash, asked));
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** Machines whose latest join used this join token. */
  *joinedWith(tokenId: string): Iterable<MachineRow> {
    for (const id of this.#byLastToken.get(tokenId)) {
      const row = this.#byId.get(id);
      if (row !== undefined) yield row;
    }
  }

  rows(): Iterable<MachineRow> {
    return this.#byId.values();
  }

  put(row: MachineRow): void {
    const { machine } = row;
    const before = this.#byId.get(machine.id);
    if (before !== undefined) this.#unindex(before);
    this.#byId.set(machine.id, row);
    this.#byUuid.set(machine.uuid, row);
    this.#byAddress.set(machine.address, row);
    for (const alias of machine.aliases) this.#byAlias.set(alias, machine.uuid);
    if (row.lastToken !== null) this.#byLastToken.add(row.lastToken, machine.id);
    for (const address of virtualAddresses(row)) this.#byVirtual.set(address, machine.id);
    if (machine.madeFor !== null) {
      if (machine.key !== null) this.#byAskedKey.set(askedName(machine.key, machine.madeFor), machine.id);
      for (const { hash } of row.uniqueTokens) this.#byAskedHash.add(askedName(hash, machine.madeFor), machine.id);
    }
    if (before?.machine.state === machine.state) return;
    if (before !== undefined) this.#count(before.machine.state, -1);
    this.#count(machine.state, 1);
  }

  /** Only for a machine that was never committed: all others stay for ever (law 4). */
  drop(row: MachineRow): void {
    const { machine } = row;
    this.#unindex(row);
    this.#byId.delete(machine.id);
    this.#byUuid.delete(machine.uuid);
    this.#byAddress.delete(machine.address);
    this.#count(machine.state, -1);
  }

  /** Takes a row out of the indexes whose keys may change with the next one. */
  #unindex(row: MachineRow): void {
    const { machine, uniqueTokens, lastToken } = row;
    for (const alias of machine.aliases) this.#byAlias.delete(alias);
    if (lastToken !== null) this.#byLastToken.remove(lastToken, machine.id);
    for (const address of virtualAddresses(row)) this.#byVirtual.delete(address);
    if (machine.madeFor === null) return;
    if (machine.key !== null) {
      const name = askedName(machine.key, machine.madeFor);
      if (this.#byAskedKey.get(name) === machine.id) this.#byAskedKey.delete(name);
    }
    for (const { hash } of uniqueTokens) this.#byAskedHash.remove(askedName(hash, machine.madeFor), machine.id);
  }

  #count(state: MachineState, by: number): void {
    const count = (this.#states.get(state) ?? 0) + by;
    this.#states.set(state, count);
    this.#onCount(state, count);
  }
}

/** Keys and hashes have one length each, so what was asked may hold anything. */
function askedName(keyOrHash: string, asked: string): string {
  return `${keyOrHash} ${asked}`;
}

function virtualAddresses({ tunnel }: MachineRow): readonly VirtualAddress[] {
  return [tunnel?.current, tunnel?.former?.address].filter((address) => address != null);
}

/** Machine numbers by a name, ascending. */
class Groups {
  readonly #members = new Map<string, Set<number>>();

  get(name: string): readonly number[] {
    return [...(this.#members.get(name) ?? [])].sort((a, b) => a - b);
  }

  add(name: string, id: number): void {
    const members = this.#members.get(name);
    if (members === undefined) this.#members.set(name, new Set([id]));
    else members.add(id);
  }

  remove(name: string, id: number): void {
    const members = this.#members.get(name);
    members?.delete(id);
    if (members?.size === 0) this.#members.delete(name);
  }
}

function frozenTags({ id, server_uuid, ownership }: Tags): Tags {
  return Object.freeze({ id, server_uuid, ownership: Object.freeze({ ...ownership }) });
}
