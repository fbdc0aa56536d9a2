import { SiderolinkError } from '../domain/errors.ts';
import type { Admission, JoinAsk, JoinFacts, JoinMachine, NewKey, NewMachine, Repeat } from '../domain/join.ts';
import { type JoinRequest, swappedUuid } from '../domain/join-request.ts';
import type { PublicKey } from '../domain/keys.ts';
import { newAddress, type Overlay } from '../domain/overlay.ts';
import type { NewRecord } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import { trust } from '../domain/unique-token.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import type { LinkMonitor, PeerSpec } from '../wireguard/types.ts';
import { type MachineRow, machineOp } from './machine-row.ts';
import { MachineTable } from './machine-table.ts';
import type { FleetMetrics } from './metrics.ts';
import { linkRecord, type MachineDetail, machineRecords } from './records.ts';
import { hmacOf } from './secrets.ts';
import { TokenRegistry } from './tokens.ts';
import type { Boot, Boots, FleetEvent, Machine, Machines, MachineView, Statuses } from './types.ts';

export interface FleetOptions {
  readonly overlay: Overlay;
  /** Key of the HMAC under which unique tokens are kept; a secret of the state directory, 32 bytes. */
  readonly uniqueTokenKey: Uint8Array;
  /** Default 10,000. */
  readonly maxTokens?: number;
}

export interface FleetDeps {
  readonly log: Pick<RecordLog, 'image' | 'commit'>;
  readonly boots: Boots;
  readonly statuses: Statuses;
  readonly links: Pick<LinkMonitor, 'state'>;
  readonly clock: Clock;
  readonly metrics: FleetMetrics;
}

/** A join that is reserved in memory and not yet committed: key, address and token use are taken. */
export interface JoinReservation {
  readonly machine: Machine;
  /** The key whose peer the new one replaces. */
  readonly previousKey: PublicKey | null;
  /** The boot that ends with this join, if one does. */
  readonly previousBoot: Boot | undefined;
  /** Stores it; a failure takes the reservation back. @throws SiderolinkError `storage`, `unavailable` */
  commit(): Promise<void>;
}

/** Who did what a machine's own call did. */
const BY_JOIN = 'join';

/** The machines and join tokens: what the registry holds, in memory, and the only way to change it. */
export class Fleet implements Machines {
  readonly tokens: TokenRegistry;
  readonly #options: FleetOptions;
  readonly #deps: FleetDeps;
  readonly #table: MachineTable;
  /** What the device should have: only what is committed. */
  readonly #peers = new Map<number, PeerSpec>();
  readonly #listeners = new Set<(event: FleetEvent) => void>();

  /** Reads the registry's image. @throws SiderolinkError `storage` if a row cannot be read */
  constructor(options: FleetOptions, deps: FleetDeps) {
    this.#options = options;
    this.#deps = deps;
    const { image } = deps.log;
    try {
      this.#table = new MachineTable(image, {
        onCount: (state, count) => deps.metrics.machines.set({ state }, count),
      });
      this.tokens = new TokenRegistry(options.maxTokens === undefined ? {} : { maxTokens: options.maxTokens }, deps);
    } catch (cause) {
      throw new SiderolinkError('storage', 'the registry has a row that cannot be read', {}, { cause });
    }
    for (const { machine } of this.#table.rows()) this.#wantPeer(machine);
  }

  get size(): number {
    return this.#table.size;
  }

  get(uuid: NodeUuid): Machine | undefined {
    return this.#table.byUuid(uuid)?.machine;
  }

  byId(id: number): Machine | undefined {
    return this.#table.byId(id)?.machine;
  }

  bySource(address: string): Machine | undefined {
    const machine = this.#table.byAddress(address)?.machine;
    return machine !== undefined && maySend(machine) ? machine : undefined;
  }

  *all(): Iterable<Machine> {
    for (const { machine } of this.#table.rows()) yield machine;
  }

  peers(): readonly PeerSpec[] {
    return [...this.#peers.values()];
  }

  view(machine: Machine): MachineView {
    const { statuses, links } = this.#deps;
    return {
      machine,
      status: statuses.get(machine.id),
      link: machine.key === null ? NO_LINK : links.state(machine.key),
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

  /** A call as the decision sees it: no secret in it. */
  ask(request: JoinRequest): JoinAsk {
    const { asked, uuid, key, knowsUniqueTokens, talosVersion, uniqueToken } = request;
    const uniqueTokenHash = uniqueToken === null ? null : hmacOf(this.#options.uniqueTokenKey, uniqueToken);
    return { asked, uuid, key, knowsUniqueTokens, talosVersion, uniqueTokenHash };
  }

  /** What is known about a call now. Costs the same whatever the number of machines. */
  facts(ask: JoinAsk, joinToken: string | null): JoinFacts {
    const incumbent = ask.uuid === undefined ? undefined : this.#table.byUuid(ask.uuid);
    const swapped =
      ask.uuid === undefined || incumbent !== undefined ? undefined : this.#table.byUuid(swappedUuid(ask.uuid));
    return {
      now: this.#deps.clock.now(),
      candidates: incumbent === undefined ? [] : [this.#joinMachine(incumbent)],
      swapped: swapped === undefined ? undefined : this.#joinMachine(swapped),
      keyOwner: this.#deps.boots.ofKey(ask.key)?.machine,
      token: joinToken === null ? undefined : this.tokens.match(joinToken),
      machines: this.#table.counted,
    };
  }

  /**
   * Takes everything an admission needs, in one synchronous step: nothing can come between the decision and this. Null
   * if there is nothing to store.
   */
  reserve(ask: JoinAsk, decision: Admission): JoinReservation | null {
    switch (decision.kind) {
      case 'new':
        return this.#reserveNew(ask, decision);
      case 'rekey':
        return this.#reserveKey(ask, decision);
      case 'repeat':
        return this.#reserveTokens(decision);
    }
  }

  /** Stores that someone tried to join as this machine, or with its key. @throws SiderolinkError `storage` */
  async recordConflict(machine: Machine, newcomer: Readonly<Record<string, string>>): Promise<void> {
    const records = machineRecords(['conflict'], this.view(machine), BY_JOIN, { newcomer });
    await this.#deps.log.commit({ ops: [], records });
  }

  #reserveNew(ask: JoinAsk, decision: NewMachine): JoinReservation {
    const { boots, clock } = this.#deps;
    const table = this.#table;
    const now = clock.now();
    const id = table.nextId();
    const tags = table.newTags(decision.uuid, {});
    const begun = boots.begin(id, ask.key);
    const row: MachineRow = {
      machine: {
        id,
        uuid: decision.uuid,
        address: newAddress(this.#options.overlay, (address) => table.byAddress(address) !== undefined),
        state: decision.state,
        tags,
        labels: {},
        key: ask.key,
        boot: begun.boot.number,
        talosVersion: ask.talosVersion,
        uniqueToken: trust(decision.uniqueTokens),
        createdAt: now,
        joinedAt: now,
        version: 1,
      },
      uniqueTokens: decision.uniqueTokens,
      firstToken: decision.token?.id ?? null,
      aliases: [],
    };
    table.put(row);
    const putTags: RegistryOp = { op: 'putTags', id: tags.id, server_uuid: decision.uuid, ownership: tags.ownership };
    const ops = [putTags, machineOp(row), begun.op];
    const details: MachineDetail[] = decision.state === 'accepted' ? ['discovered', 'accepted'] : ['discovered'];
    return this.#joining(row, decision, {
      ops,
      details,
      previousKey: null,
      previousBoot: undefined,
      undo: () => {
        table.drop(row);
        begun.undo();
      },
    });
  }

  #reserveKey(ask: JoinAsk, decision: NewKey): JoinReservation {
    const { boots, clock } = this.#deps;
    const before = this.#row(decision.machine);
    const previousBoot = boots.current(decision.machine);
    const begun = boots.begin(decision.machine, ask.key);
    const row: MachineRow = {
      machine: {
        ...before.machine,
        state: decision.state,
        key: ask.key,
        boot: begun.boot.number,
        talosVersion: ask.talosVersion ?? before.machine.talosVersion,
        uniqueToken: trust(decision.uniqueTokens),
        joinedAt: before.machine.joinedAt ?? clock.now(),
        version: before.machine.version + 1,
      },
      uniqueTokens: decision.uniqueTokens,
      firstToken: before.firstToken ?? (decision.token?.takesUse === true ? decision.token.id : null),
      aliases: decision.alias === null ? before.aliases : [...before.aliases, decision.alias],
    };
    this.#table.put(row);
    return this.#joining(row, decision, {
      ops: [machineOp(row), begun.op],
      details: before.machine.key === null ? ['discovered', 'accepted'] : ['rebooted'],
      previousKey: before.machine.key,
      previousBoot,
      undo: () => {
        this.#table.put(before);
        begun.undo();
      },
    });
  }

  #reserveTokens(decision: Repeat): JoinReservation | null {
    if (decision.uniqueTokens === null) return null;
    const before = this.#row(decision.machine);
    const uniqueToken = trust(decision.uniqueTokens);
    const row: MachineRow = {
      ...before,
      machine: { ...before.machine, uniqueToken, version: before.machine.version + 1 },
      uniqueTokens: decision.uniqueTokens,
    };
    this.#table.put(row);
    const visible = uniqueToken !== before.machine.uniqueToken;
    return {
      machine: row.machine,
      previousKey: null,
      previousBoot: undefined,
      commit: async () => {
        const records = machineRecords(visible ? ['changed'] : [], this.view(row.machine), BY_JOIN);
        await this.#store({ ops: [machineOp(row)], records }, () => this.#table.put(before));
        if (visible) this.tell({ kind: 'changed', machine: row.machine });
      },
    };
  }

  #joining(
    row: MachineRow,
    decision: NewMachine | NewKey,
    step: {
      readonly ops: RegistryOp[];
      readonly details: readonly MachineDetail[];
      readonly previousKey: PublicKey | null;
      readonly previousBoot: Boot | undefined;
      readonly undo: () => void;
    },
  ): JoinReservation {
    const { machine } = row;
    const { previousKey, previousBoot } = step;
    const use = decision.token === null ? undefined : this.tokens.reserve(decision.token.id, decision.token.takesUse);
    return {
      machine,
      previousKey,
      previousBoot,
      commit: async () => {
        const view = this.view(machine);
        const more = {
          join_token_id: decision.token?.id ?? null,
          ...(previousBoot !== undefined && { previous_boot: endOf(previousBoot) }),
        };
        const records = machineRecords(step.details, view, BY_JOIN, more);
        records.push(linkRecord('provisioned', machine, view.link));
        const ops = use === undefined ? step.ops : [...step.ops, use.op];
        await this.#store({ ops, records }, () => {
          step.undo();
          use?.undo();
        });
        this.#wantPeer(machine);
      },
    };
  }

  async #store(change: { readonly ops: RegistryOp[]; readonly records: NewRecord[] }, undo: () => void): Promise<void> {
    try {
      await this.#deps.log.commit(change);
    } catch (error) {
      undo();
      throw error;
    }
  }

  #wantPeer(machine: Machine): void {
    if (machine.key !== null && maySend(machine)) {
      this.#peers.set(machine.id, { publicKey: machine.key, address: machine.address });
    } else {
      this.#peers.delete(machine.id);
    }
  }

  #row(id: number): MachineRow {
    const row = this.#table.byId(id);
    if (row === undefined)
      throw new SiderolinkError('internal', 'a decision names a machine that is not there', { id });
    return row;
  }

  #joinMachine({ machine, uniqueTokens, firstToken }: MachineRow): JoinMachine {
    const { id, uuid, address, state, key } = machine;
    const reportedReset = this.#deps.statuses.get(id).sequence?.name === 'reset';
    return { id, uuid, address, state, key, uniqueTokens, firstToken, reportedReset, tunnelled: false };
  }
}

/** Known key, not removed or rejected: the device has it, and what comes from its address is its own. */
function maySend(machine: Machine): boolean {
  return machine.key !== null && machine.state !== 'removed' && machine.state !== 'rejected';
}

/** The link of a machine that never joined. */
const NO_LINK = { state: 'never', endpoint: null, latestHandshake: 0, lastRx: null, rxBytes: 0, txBytes: 0 } as const;

/** Where the previous boot's log ends: what it said after that cannot be known (law 2). */
function endOf(boot: Boot): { boot: number; public_key: PublicKey; seq: number | null; clock: number | null } {
  return {
    boot: boot.number,
    public_key: boot.publicKey,
    seq: boot.lastSeq ?? null,
    clock: boot.lastClock ?? null,
  };
}
