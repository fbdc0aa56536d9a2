import { randomUUID } from 'node:crypto';
import type {
  Admission,
  JoinAsk,
  MachineState,
  NewKey,
  NewMachine,
  NewProvisional,
  Repeat,
  TokenUse,
} from '../domain/join-types.ts';
import type { PublicKey } from '../domain/keys.ts';
import { MAX_LABELS } from '../domain/labels.ts';
import { newAddress, type Overlay } from '../domain/overlay.ts';
import { sameOwnership } from '../domain/ownership.ts';
import type { Tags } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import {
  newVirtualAddress,
  nextTunnel,
  type Tunnel,
  type TunnelAsk,
  type TunnelSetting,
  wantsTunnel,
} from '../domain/tunnel.ts';
import { trust, type UniqueTokens } from '../domain/unique-token.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { Clock } from '../lib/clock.ts';
import type { LinkMonitor } from '../wireguard/types.ts';
import { type MachineRow, machineOp } from './machine-row.ts';
import { linkRecord, type MachineDetail, machineRecords } from './records.ts';
import type { Roster } from './roster.ts';
import type { TokenRegistry } from './tokens.ts';
import type { Boot, Boots, JoinToken, Machine, MachineLink, MachineView, Statuses } from './types.ts';

export interface ReservationOptions {
  readonly overlay: Overlay;
  /** `join.tunnel`. Default `auto`. */
  readonly tunnel?: TunnelSetting;
}

export interface ReservationDeps {
  readonly roster: Roster;
  readonly tokens: TokenRegistry;
  readonly boots: Boots;
  readonly statuses: Statuses;
  readonly links: Pick<LinkMonitor, 'state'>;
  readonly clock: Clock;
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
export const BY_JOIN = 'join';

/** A change of one machine's row, with what goes into its commit. */
interface Step {
  readonly row: MachineRow;
  readonly token: TokenUse | null;
  readonly ops: readonly RegistryOp[];
  readonly details: readonly MachineDetail[];
  /** The token that gave it its ownership, by id. */
  readonly claimedBy: string | null;
  readonly previousKey: PublicKey | null;
  readonly previousBoot: Boot | undefined;
  readonly undo: () => void;
}

/** Turns decisions into reserved rows, boots and token uses. All of it is synchronous up to the commit. */
export class Reservations {
  readonly #options: ReservationOptions;
  readonly #deps: ReservationDeps;
  readonly #roster: Roster;

  constructor(options: ReservationOptions, deps: ReservationDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#roster = deps.roster;
  }

  /** Null if there is nothing to store. `peerDown`: the peer of the key had its last handshake long ago. */
  make(ask: JoinAsk, decision: Admission, peerDown: boolean): JoinReservation | null {
    switch (decision.kind) {
      case 'new':
        return this.#first(ask, decision, { uuid: decision.uuid, state: decision.state, madeFor: null });
      case 'provisional':
        return this.#first(ask, decision, { uuid: this.#unusedUuid(), state: 'provisional', madeFor: ask.asked });
      case 'rekey':
        return this.#anotherKey(ask, decision);
      case 'repeat':
        return this.#repeat(ask, decision, peerDown);
    }
  }

  /** Another row of a machine that keeps its key; `machine.changed` if the view shows the difference. */
  change(row: MachineRow): JoinReservation {
    const before = this.#roster.row(row.machine.id);
    const { machine } = row;
    const changed = (['state', 'unique_token'] as const).filter((name) =>
      name === 'state' ? machine.state !== before.machine.state : machine.uniqueToken !== before.machine.uniqueToken,
    );
    const visible = changed.length > 0;
    const rerouted = machine.tunnelled !== before.machine.tunnelled;
    // That it knows its UUID is in no view, but whoever writes it to the machine waits for it.
    const heard = visible || rerouted || machine.knowsUuid !== before.machine.knowsUuid;
    this.#roster.table.put(row);
    return {
      machine,
      previousKey: null,
      previousBoot: undefined,
      commit: async () => {
        const view = this.#roster.view(machine);
        const records = machineRecords(visible ? ['changed'] : [], view, BY_JOIN, { changed });
        if (rerouted) records.push(linkRecord('provisioned', machine, told(view)));
        await this.#roster.store({ ops: [machineOp(row)], records }, () => this.#roster.table.put(before));
        this.#roster.wantPeer(machine);
        if (heard) this.#roster.tell({ kind: 'changed', machine });
      },
    };
  }

  #first(
    ask: JoinAsk,
    { uniqueTokens, token }: NewMachine | NewProvisional,
    { uuid, state, madeFor }: { uuid: NodeUuid; state: MachineState; madeFor: string | null },
  ): JoinReservation {
    const { boots, clock } = this.#deps;
    const { table } = this.#roster;
    const now = clock.now();
    const id = table.nextId();
    const conferring = this.#conferring(token);
    const tags = table.newTags(uuid, conferring?.ownership ?? {});
    const begun = boots.begin(id, ask.key);
    const tunnel = this.#tunnel(ask, undefined, { newKey: true, down: false });
    const row: MachineRow = {
      machine: {
        id,
        uuid,
        address: newAddress(this.#options.overlay, (address) => table.byAddress(address) !== undefined),
        state,
        tags,
        labels: conferring?.labels ?? {},
        key: ask.key,
        boot: begun.boot.number,
        talosVersion: ask.talosVersion,
        uniqueToken: trust(uniqueTokens),
        madeFor,
        knowsUuid: madeFor === null,
        aliases: [],
        tunnel: null,
        tunnelled: isTunnelled(tunnel),
        createdAt: now,
        joinedAt: now,
        version: 1,
      },
      uniqueTokens,
      firstToken: token?.id ?? null,
      lastToken: token?.id ?? null,
      tunnel,
    };
    table.put(row);
    return this.#joining({
      row,
      token,
      ops: [putTags(tags), machineOp(row), ...begun.ops],
      details: state === 'accepted' ? ['discovered', 'accepted'] : ['discovered'],
      claimedBy: isEmpty(tags) ? null : (conferring?.id ?? null),
      previousKey: null,
      previousBoot: undefined,
      undo: () => {
        table.drop(row);
        begun.undo();
      },
    });
  }

  #anotherKey(ask: JoinAsk, decision: NewKey): JoinReservation {
    const { boots, clock } = this.#deps;
    const { table } = this.#roster;
    const before = this.#roster.row(decision.machine);
    const { machine } = before;
    const isFirst = machine.key === null;
    const { tags, labels } = isFirst ? this.#conferred(machine, this.#conferring(decision.token)) : machine;
    const previousBoot = boots.current(machine.id);
    const begun = boots.begin(machine.id, ask.key, previousBoot !== undefined && this.#isSilent(previousBoot));
    const tunnel = this.#tunnel(ask, before, { newKey: true, down: false });
    const row: MachineRow = {
      ...before,
      tunnel,
      machine: {
        ...machine,
        state: decision.state,
        tags,
        labels,
        key: ask.key,
        boot: begun.boot.number,
        talosVersion: ask.talosVersion ?? machine.talosVersion,
        uniqueToken: trust(decision.uniqueTokens),
        knowsUuid: machine.knowsUuid || ask.uuid === machine.uuid,
        aliases: decision.alias === null ? machine.aliases : [...machine.aliases, decision.alias],
        tunnelled: isTunnelled(tunnel),
        joinedAt: machine.joinedAt ?? clock.now(),
        version: machine.version + 1,
      },
      uniqueTokens: decision.uniqueTokens,
      firstToken: before.firstToken ?? (decision.token?.takesUse === true ? decision.token.id : null),
      lastToken: decision.token?.id ?? null,
      losesMeta: decision.row === 12 && (before.losesMeta === true || trust(before.uniqueTokens) === 'bound'),
    };
    table.put(row);
    const isNewTags = tags !== machine.tags;
    const details: MachineDetail[] = [isFirst ? 'discovered' : 'rebooted'];
    if (decision.state === 'accepted' && machine.state !== 'accepted') details.push('accepted');
    return this.#joining({
      row,
      token: decision.token,
      ops: [...(isNewTags ? [putTags(tags)] : []), machineOp(row), ...begun.ops],
      details,
      claimedBy: isNewTags ? (decision.token?.id ?? null) : null,
      previousKey: machine.key,
      previousBoot,
      undo: () => {
        table.put(before);
        begun.undo();
      },
    });
  }

  #repeat(ask: JoinAsk, decision: Repeat, peerDown: boolean): JoinReservation | null {
    const { uniqueTokens, state, learntUuid } = decision;
    const before = this.#roster.row(decision.machine);
    const tunnel = this.#tunnel(ask, before, { newKey: false, down: peerDown });
    const proved = uniqueTokens !== null || state !== null || learntUuid;
    if (!proved && tunnel === (before.tunnel ?? null)) return null;
    const kept: UniqueTokens = uniqueTokens ?? before.uniqueTokens;
    const { machine } = before;
    return this.change({
      ...before,
      tunnel,
      machine: {
        ...machine,
        state: state ?? machine.state,
        uniqueToken: trust(kept),
        knowsUuid: machine.knowsUuid || learntUuid,
        tunnelled: isTunnelled(tunnel),
        // The way of its packets is the link's, and what a claim is based on is not.
        version: proved ? machine.version + 1 : machine.version,
      },
      uniqueTokens: kept,
    });
  }

  #joining(step: Step): JoinReservation {
    const { token, previousKey, previousBoot, claimedBy } = step;
    const { machine } = step.row;
    const use = token === null ? undefined : this.#deps.tokens.reserve(token.id, token.takesUse);
    return {
      machine,
      previousKey,
      previousBoot,
      commit: async () => {
        const view = this.#roster.view(machine);
        const more = {
          join_token_id: token?.id ?? null,
          ...(previousBoot !== undefined && { previous_boot: endOf(previousBoot) }),
        };
        const records = machineRecords(step.details, view, BY_JOIN, more);
        if (claimedBy !== null) records.push(...machineRecords(['claimed'], view, `join token ${claimedBy}`));
        records.push(linkRecord('provisioned', machine, told(view)));
        const ops = use === undefined ? [...step.ops] : [...step.ops, use.op];
        // Its peer is put into the device together with those of others, for which it waits longer.
        await this.#roster.store({ ops, records, isPatient: true }, () => {
          step.undo();
          use?.undo();
        });
        this.#roster.wantPeer(machine);
      },
    };
  }

  #tunnel(ask: JoinAsk, before: MachineRow | undefined, change: Pick<TunnelAsk, 'newKey' | 'down'>): Tunnel | null {
    const { overlay, tunnel: setting = 'auto' } = this.#options;
    const { table } = this.#roster;
    const wanted = wantsTunnel(ask, before?.machine.tunnel ?? setting);
    return nextTunnel(before?.tunnel ?? null, { ...change, wanted, now: this.#deps.clock.now() }, () =>
      newVirtualAddress(overlay, (address) => table.byVirtual(address) !== undefined),
    );
  }

  #conferring(use: TokenUse | null): JoinToken | undefined {
    return use === null ? undefined : this.#deps.tokens.get(use.id);
  }

  /** What a pre-registered machine has goes before what the token confers. */
  #conferred(machine: Machine, token: JoinToken | undefined): Pick<Machine, 'tags' | 'labels'> {
    if (token === undefined) return machine;
    const ownership = { ...token.ownership, ...machine.tags.ownership };
    const labels = { ...token.labels, ...machine.labels };
    return {
      tags: sameOwnership(ownership, machine.tags.ownership)
        ? machine.tags
        : this.#roster.table.newTags(machine.uuid, ownership),
      labels: Object.keys(labels).length > MAX_LABELS ? machine.labels : labels,
    };
  }

  #unusedUuid(): NodeUuid {
    for (;;) {
      const uuid = randomUUID() as NodeUuid;
      if (this.#roster.table.byUuid(uuid) === undefined) return uuid;
    }
  }

  /** Nothing ever came from it, as far as we could see. After a restart we cannot know, so such a boot never is. */
  #isSilent(boot: Boot): boolean {
    const { links, statuses } = this.#deps;
    if (boot.restored !== false || (boot.lastSeq ?? null) !== null) return false;
    const { latestHandshake, rxBytes } = links.state(boot.publicKey);
    return latestHandshake === 0 && rxBytes === 0 && (statuses.get(boot.machine).lastSeen ?? 0) < boot.startedAt;
  }
}

function putTags({ id, server_uuid, ownership }: Tags): RegistryOp {
  return { op: 'putTags', id, server_uuid: server_uuid as NodeUuid, ownership };
}

function isTunnelled(tunnel: Tunnel | null): boolean {
  return (tunnel?.current ?? null) !== null;
}

/** The link as the machine is told to make it; what its last packet says is of before. */
function told({ machine, link }: MachineView): MachineLink {
  const mode = machine.tunnelled ? 'tunnel' : 'udp';
  return mode === link.mode ? link : { ...link, mode, endpoint: null };
}

function isEmpty({ ownership }: Tags): boolean {
  return sameOwnership(ownership, {});
}

/** Where the previous boot's log ends: what it said after that cannot be known (law 2). */
function endOf(boot: Boot): { boot: number; public_key: PublicKey; seq: number | null; clock: number | null } {
  return {
    boot: boot.number,
    public_key: boot.publicKey,
    seq: boot.lastSeq ?? null,
    clock: boot.lastClock ?? null,
  };
}
