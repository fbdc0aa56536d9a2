import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type ConditionState, type Conditions, setCondition } from '../../src/domain/conditions.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import { changeLabels } from '../../src/domain/labels.ts';
import { checkVersion, decideLife, type LifeAction } from '../../src/domain/machine-life.ts';
import { addressWithHost } from '../../src/domain/overlay.ts';
import { claimable } from '../../src/domain/ownership.ts';
import type { Ownership } from '../../src/domain/record.ts';
import { NO_STATUS } from '../../src/domain/status.ts';
import type { TunnelSetting } from '../../src/domain/tunnel.ts';
import { type NodeUuid, parseNodeUuid } from '../../src/domain/uuid.ts';
import type {
  FleetEvent,
  JoinToken,
  JoinTokens,
  Machine,
  MachineAdmin,
  MachineStatus,
  Machines,
  MachineView,
  NewJoinToken,
  Registration,
} from '../../src/fleet/types.ts';
import type { LinkState } from '../../src/wireguard/types.ts';
import { NOW, overlay, uuidOf } from './fakes.ts';

export interface FakeMachine {
  readonly id: number;
  readonly ownership?: Ownership;
  readonly state?: Machine['state'];
  readonly labels?: Readonly<Record<string, string>>;
  readonly aliases?: readonly string[];
  readonly uniqueToken?: Machine['uniqueToken'];
  readonly link?: LinkState['state'];
  readonly linkHint?: string;
  /** The daemon has heard nothing of it since its start. */
  readonly isUnheard?: boolean;
  readonly lastRefusal?: MachineView['lastRefusal'];
  readonly joinWait?: MachineView['joinWait'];
  readonly hostname?: string | null;
  readonly status?: Partial<MachineStatus>;
}

export class MemoryMachines implements Machines {
  readonly #listeners: ((event: FleetEvent) => void)[] = [];
  readonly #machines = new Map<number, Machine>();
  readonly #byUuid = new Map<string, number>();
  readonly #fakes = new Map<number, FakeMachine>();
  readonly #conditions = new Map<number, Conditions>();
  /** How many views were made. */
  views = 0;

  add(...fakes: FakeMachine[]): void {
    for (const fake of fakes) {
      const uuid = parseNodeUuid(uuidOf(fake.id));
      const state = fake.state ?? 'accepted';
      this.#fakes.set(fake.id, fake);
      this.put({
        id: fake.id,
        uuid,
        address: addressWithHost(overlay, Buffer.from(fake.id.toString(16).padStart(16, 'a'), 'hex')),
        state,
        tags: { id: fake.id, server_uuid: uuid, ownership: fake.ownership ?? {} },
        labels: fake.labels ?? { rack: `r${fake.id}` },
        key: state === 'known' ? null : PrivateKey.generate().publicKey,
        boot: state === 'known' ? 0 : 1,
        talosVersion: 'v1.13.0',
        uniqueToken: state === 'known' ? 'none' : 'bound',
        madeFor: null,
        knowsUuid: true,
        aliases: (fake.aliases ?? []).map(parseNodeUuid),
        tunnel: null,
        tunnelled: false,
        createdAt: NOW - 86_400_000,
        joinedAt: state === 'known' ? null : NOW - 3_600_000,
        version: 7,
      });
    }
  }

  /** Whether that was a change. */
  setCondition(id: number, state: ConditionState): boolean {
    const before = this.#conditions.get(id) ?? [];
    const after = setCondition(before, 'ProviderSet', state, NOW);
    this.#conditions.set(id, after);
    return after !== before;
  }

  put(machine: Machine): Machine {
    this.#machines.set(machine.id, machine);
    for (const uuid of [machine.uuid, ...machine.aliases]) this.#byUuid.set(uuid, machine.id);
    return machine;
  }

  get(uuid: string): Machine | undefined {
    return this.#machines.get(this.#byUuid.get(uuid) ?? 0);
  }

  byId(id: number): Machine | undefined {
    return this.#machines.get(id);
  }

  bySource(address: string): Machine | undefined {
    return [...this.#machines.values()].find((machine) => machine.address === address);
  }

  all(): Iterable<Machine> {
    return [...this.#machines.values()].sort((a, b) => a.id - b.id);
  }

  get size(): number {
    return this.#machines.size;
  }

  peers(): never[] {
    return [];
  }

  view(machine: Machine): MachineView {
    this.views += 1;
    const fake = this.#fakes.get(machine.id);
    const up = (fake?.link ?? 'up') === 'up';
    return {
      machine,
      linkHint: fake?.linkHint ?? null,
      lastRefusal: fake?.lastRefusal ?? null,
      joinWait: fake?.joinWait ?? null,
      status: {
        ...NO_STATUS,
        stage: 'RUNNING',
        ready: true,
        unmetConditions: [],
        hostname: fake?.hostname === undefined ? `node-${machine.id}` : fake.hostname,
        addresses: [`192.0.2.${machine.id % 250}`],
        services: { apid: { state: 'RUNNING', healthy: true, message: '' } },
        sequence: { name: 'boot', action: 'STOP', error: null, since: NOW - 60_000 },
        conditions: this.#conditions.get(machine.id) ?? [],
        firstSeen: NOW - 3_600_000,
        lastSeen: NOW - 5_000,
        lost: null,
        ...fake?.status,
      },
      link: {
        state: fake?.link ?? 'up',
        endpoint: up ? '198.51.100.9:51820' : null,
        latestHandshake: up ? NOW / 1_000 - 30 : 0,
        lastRx: up && fake?.isUnheard !== true ? NOW - 2_000 : null,
        rxBytes: 2_048,
        txBytes: 4_096,
        mode: 'udp',
      },
      tokenWrite: up ? { state: 'waiting', tries: 2, lastError: 'no route', at: NOW - 9_000 } : null,
      missingLines: machine.boot === 0 ? null : 0,
    };
  }

  onEvent(listener: (event: FleetEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** What the fleet would tell. */
  tell(event: FleetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** What a control plane does to machines, by the same decisions as the fleet's, in memory. */
export class MemoryAdmin implements MachineAdmin {
  readonly #machines: MemoryMachines;
  /** Who asked for what, and what they had seen. */
  readonly calls: (readonly [action: string, by: string, seen: number | undefined])[] = [];
  /** The machines whose records were deleted with them. */
  readonly recordsDeleted: string[] = [];
  fail: Error | undefined;

  constructor(machines: MemoryMachines) {
    this.#machines = machines;
  }

  async register(uuid: NodeUuid, wanted: Registration, by: string, seen?: number) {
    const before = this.#machines.get(uuid);
    if (before === undefined) {
      this.calls.push(['register', by, seen]);
      await nextTurn();
      if (this.fail !== undefined) throw this.fail;
      this.#machines.add({ id: Number.parseInt(uuid.slice(-12), 16), state: 'known', link: 'never' });
    }
    const { ownership, labels, uniqueToken } = wanted;
    const machine = await this.#change('register', uuid, by, seen, (old) => ({
      tags: { ...old.tags, ownership },
      labels,
    }));
    return { machine, created: before === undefined, uniqueToken: uniqueToken ? 'dW5pcXVl' : null };
  }

  accept(uuid: NodeUuid, by: string, seen?: number) {
    return this.#change('accept', uuid, by, seen);
  }

  reject(uuid: NodeUuid, by: string, seen?: number) {
    return this.#change('reject', uuid, by, seen);
  }

  claim(uuid: NodeUuid, ownership: Ownership, by: string, seen?: number) {
    return this.#change('claim', uuid, by, seen, ({ tags }) => {
      if (seen === undefined && !claimable(tags.ownership, ownership)) {
        throw new SiderolinkError('conflict', `it belongs to ${tags.ownership.owner}`);
      }
      return { tags: { ...tags, ownership } };
    });
  }

  release(uuid: NodeUuid, by: string, seen?: number) {
    return this.#change('release', uuid, by, seen, ({ tags }) => {
      if (seen === undefined) throw new SiderolinkError('precondition_required', 'name the version that you saw');
      return { tags: { ...tags, ownership: {} } };
    });
  }

  label(
    uuid: NodeUuid,
    change: { set: Readonly<Record<string, string>>; unset: readonly string[] },
    by: string,
    seen?: number,
  ) {
    return this.#change('label', uuid, by, seen, ({ labels }) => ({ labels: changeLabels(labels, change) }));
  }

  setProvider(uuid: NodeUuid, state: ConditionState, by: string, seen?: number) {
    // The condition is no part of the machine, and a change is told by what is.
    return this.#change('condition', uuid, by, seen, (before) =>
      this.#machines.setCondition(before.id, state) ? { joinedAt: (before.joinedAt ?? 0) + 1 } : {},
    );
  }

  setTunnel(uuid: NodeUuid, tunnel: TunnelSetting | null, by: string, seen?: number) {
    return this.#change('tunnel', uuid, by, seen, () => ({ tunnel }));
  }

  resetToken(uuid: NodeUuid, by: string, seen?: number) {
    return this.#change('reset-token', uuid, by, seen, () => ({ uniqueToken: 'none' }));
  }

  async remove(uuid: NodeUuid, options: { readonly records: boolean }, by: string, seen?: number) {
    const machine = await this.#change('remove', uuid, by, seen);
    if (options.records) this.recordsDeleted.push(uuid);
    return machine;
  }

  readmit(uuid: NodeUuid, by: string, seen?: number) {
    return this.#change('readmit', uuid, by, seen);
  }

  async #change(
    action: LifeAction,
    uuid: NodeUuid,
    by: string,
    seen: number | undefined,
    change: (machine: Machine) => Partial<Machine> = () => ({}),
  ): Promise<Machine> {
    this.calls.push([action, by, seen]);
    // Others come between the request and its turn.
    await nextTurn();
    if (this.fail !== undefined) throw this.fail;
    const machine = this.#machines.get(uuid);
    if (machine === undefined) throw new SiderolinkError('not_found', `there is no machine ${uuid}`);
    checkVersion(machine.version, seen);
    const { state } = machine;
    const decision = decideLife(action, { state, joined: machine.key !== null, removedProvisional: false });
    if (decision.kind === 'refuse') throw new SiderolinkError('conflict', decision.message);
    const next = decision.kind === 'become' ? { state: decision.state } : {};
    const after = { ...machine, ...change(machine), ...next };
    // What would change nothing is no change.
    return isDeepStrictEqual(after, machine) ? machine : this.#machines.put({ ...after, version: after.version + 1 });
  }
}

export class MemoryTokens implements JoinTokens {
  readonly #tokens = new Map<string, JoinToken>();
  readonly callers: string[] = [];
  /** What `cutBy` answers, by token. */
  readonly cuts = new Map<string, readonly Machine[]>();
  fail: Error | undefined;
  /** Ids of those that are made next. */
  readonly ids: string[] = [];
  #made = 0;

  cutBy(id: string): readonly Machine[] {
    return this.cuts.get(id) ?? [];
  }

  async create(token: NewJoinToken, by: string) {
    this.callers.push(by);
    if (this.fail !== undefined) throw this.fail;
    this.#made += 1;
    const id = this.ids.shift() ?? `t${this.#made}`;
    const made: JoinToken = {
      id,
      name: token.name,
      // Two of a kind: a page must not stop between tokens of one moment.
      createdAt: NOW + Math.floor(this.#made / 2),
      expiresAt: token.expiresAt ?? null,
      maxUses: token.maxUses ?? null,
      uses: 0,
      lastUsedAt: null,
      revokedAt: null,
      nodeUuid: token.nodeUuid ?? null,
      ownership: token.ownership ?? {},
      labels: token.labels ?? {},
      rotates: null,
    };
    this.#tokens.set(id, made);
    return { token: made, secret: `${id}.c2VjcmV0` };
  }

  /** The newest first: the contract promises no order. */
  list(): readonly JoinToken[] {
    return [...this.#tokens.values()].reverse();
  }

  get(id: string): JoinToken | undefined {
    return this.#tokens.get(id);
  }

  async revoke(id: string, by: string): Promise<JoinToken> {
    this.callers.push(by);
    const token = this.#get(id);
    const revoked = { ...token, revokedAt: token.revokedAt ?? NOW };
    this.#tokens.set(id, revoked);
    return revoked;
  }

  async delete(id: string, by: string): Promise<void> {
    this.callers.push(by);
    const token = this.#get(id);
    if (token.revokedAt === null) throw new SiderolinkError('conflict', `join token ${id} is valid; revoke it first`);
    this.#tokens.delete(id);
  }

  async rotate(id: string, options: { readonly overlapMs: number; readonly expiresAt?: number }, by: string) {
    const old = this.#get(id);
    if (old.revokedAt !== null) throw new SiderolinkError('conflict', `join token ${id} is revoked`);
    const { name, ownership, labels } = old;
    const { expiresAt } = options;
    const made = await this.create({ name, ownership, labels, ...(expiresAt !== undefined && { expiresAt }) }, by);
    const token = { ...made.token, rotates: id };
    const rotated = { ...old, expiresAt: Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, NOW + options.overlapMs) };
    this.#tokens.set(token.id, token).set(id, rotated);
    return { token, secret: made.secret, rotated };
  }

  #get(id: string): JoinToken {
    if (this.fail !== undefined) throw this.fail;
    const token = this.#tokens.get(id);
    if (token === undefined) throw new SiderolinkError('not_found', `there is no join token ${id}`);
    return token;
  }
}
