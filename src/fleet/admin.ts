import type { ConditionState } from '../domain/conditions.ts';
import { SiderolinkError } from '../domain/errors.ts';
import { changeLabels } from '../domain/labels.ts';
import { checkVersion, decideLife, isUnacceptedIdentity, type LifeAction } from '../domain/machine-life.ts';
import type { Overlay } from '../domain/overlay.ts';
import { claimable, parseClaim, sameOwnership } from '../domain/ownership.ts';
import type { NewRecord, Ownership } from '../domain/record.ts';
import type { TunnelSetting } from '../domain/tunnel.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import type { WireGuard } from '../wireguard/types.ts';
import { AdminLinks } from './admin-links.ts';
import { Registrar } from './admin-register.ts';
import { type AdminStep, after, owned } from './admin-steps.ts';
import { type MachineRow, machineOp } from './machine-row.ts';
import type { FleetMetrics } from './metrics.ts';
import { machineRecords } from './records.ts';
import { deleteLast, Removals, type RemovalsOptions } from './removals.ts';
import type { Roster } from './roster.ts';
import type { Boots, Machine, MachineAdmin, Registration, SeenVersion, Statuses } from './types.ts';

export interface FleetAdminOptions extends RemovalsOptions {
  readonly overlay: Overlay;
  /** Key of the HMAC under which unique tokens are kept; a secret of the state directory, 32 bytes. */
  readonly uniqueTokenKey: Uint8Array;
  /** Machines that are known and never joined; more are refused. Default 20,000. */
  readonly maxKnown?: number;
}

export interface FleetAdminDeps {
  readonly roster: Roster;
  readonly log: Pick<RecordLog, 'commit' | 'flush'>;
  readonly boots: Pick<Boots, 'current' | 'ofKey'>;
  readonly statuses: Pick<Statuses, 'setCondition' | 'forget'>;
  readonly wireguard: Pick<WireGuard, 'apply'>;
  readonly clock: Clock;
  readonly metrics: FleetMetrics;
}

/** What is asked of a machine, by whom, and on which version it is based. */
interface Ask {
  readonly uuid: NodeUuid;
  readonly action: LifeAction;
  readonly by: string;
  readonly seen: SeenVersion;
}

interface Work {
  /** The change of a machine that goes to the state of `machine`, or stays in it; null if nothing is different. */
  readonly plan: (before: MachineRow, state: Machine['state']) => AdminStep | null;
  /** What follows once it is stored, and again when the same is asked for again. */
  readonly finish?: (machine: Machine) => Promise<unknown>;
}

/**
 * What a control plane does to machines. A change waits for its machine's turn, is decided on what is there then, and
 * stored with its record in one transaction; listeners hear of it before the device is asked.
 */
export class FleetAdmin implements MachineAdmin {
  readonly #deps: FleetAdminDeps;
  readonly #roster: Roster;
  readonly #links: AdminLinks;
  readonly #registrar: Registrar;
  readonly #removals: Removals;

  constructor(options: FleetAdminOptions, deps: FleetAdminDeps) {
    this.#deps = deps;
    this.#roster = deps.roster;
    this.#links = new AdminLinks(deps);
    this.#registrar = new Registrar(options, deps);
    this.#removals = new Removals(options, deps);
  }

  async register(uuid: NodeUuid, wanted: Registration, by: string, seen?: SeenVersion) {
    const registration = this.#registrar.check(uuid, wanted);
    if (this.#roster.table.byUuid(uuid) === undefined) {
      if (seen !== undefined) throw new SiderolinkError('stale', 'there is no such machine', { seen });
      return await this.#registrar.add(uuid, registration, by);
    }
    let uniqueToken: string | null = null;
    const machine = await this.#change(
      { uuid, action: 'register', by, seen },
      {
        plan: (before) => {
          if (seen === undefined) checkOwner(before, registration.ownership);
          const planned = this.#registrar.plan(before, registration);
          uniqueToken = planned?.uniqueToken ?? null;
          return planned?.step ?? null;
        },
      },
    );
    return { machine, created: false, uniqueToken };
  }

  accept(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine> {
    return this.#change(
      { uuid, action: 'accept', by, seen },
      { plan: goTo('accepted'), finish: (machine) => this.#links.link(machine) },
    );
  }

  reject(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine> {
    return this.#change(
      { uuid, action: 'reject', by, seen },
      { plan: goTo('rejected'), finish: (machine) => this.#links.unlink(machine) },
    );
  }

  async claim(uuid: NodeUuid, ownership: Ownership, by: string, seen?: SeenVersion): Promise<Machine> {
    const wanted = parseClaim({ ...ownership });
    const plan = (before: MachineRow) => {
      if (seen === undefined) checkOwner(before, wanted);
      return this.#giveTo(before, wanted, 'claimed');
    };
    return await this.#change({ uuid, action: 'claim', by, seen }, { plan });
  }

  release(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine> {
    const plan = (before: MachineRow) => {
      if (seen === undefined) {
        throw new SiderolinkError('precondition_required', 'a release must name the version that was seen (If-Match)');
      }
      return this.#giveTo(before, {}, 'released');
    };
    return this.#change({ uuid, action: 'release', by, seen }, { plan });
  }

  label(
    uuid: NodeUuid,
    change: { readonly set: Readonly<Record<string, string>>; readonly unset: readonly string[] },
    by: string,
    seen?: SeenVersion,
  ): Promise<Machine> {
    const plan = ({ machine }: MachineRow): AdminStep | null => {
      const labels = changeLabels(machine.labels, change);
      if (labels === machine.labels) return null;
      return { detail: 'labeled', machine: { labels }, more: { set: change.set, unset: change.unset } };
    };
    return this.#change({ uuid, action: 'label', by, seen }, { plan });
  }

  setProvider(uuid: NodeUuid, state: ConditionState, by: string, seen?: SeenVersion): Promise<Machine> {
    const plan = ({ machine }: MachineRow): AdminStep | null => {
      const set = this.#deps.statuses.setCondition(machine.id, 'ProviderSet', state);
      return set && { detail: 'changed', ops: [set.op], undo: set.undo, more: { changed: ['conditions'] } };
    };
    return this.#change({ uuid, action: 'condition', by, seen }, { plan });
  }

  setTunnel(uuid: NodeUuid, setting: TunnelSetting | null, by: string, seen?: SeenVersion): Promise<Machine> {
    const plan = ({ machine }: MachineRow): AdminStep | null => {
      if (machine.tunnel === setting) return null;
      return { detail: 'changed', machine: { tunnel: setting }, more: { changed: ['tunnel'] } };
    };
    return this.#change({ uuid, action: 'tunnel', by, seen }, { plan });
  }

  resetToken(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine> {
    const plan = ({ machine, uniqueTokens }: MachineRow): AdminStep | null => {
      if (uniqueTokens.length === 0) return null;
      const more = { previous_unique_token: machine.uniqueToken };
      return { detail: 'token_reset', machine: { uniqueToken: 'none' }, row: { uniqueTokens: [] }, more };
    };
    return this.#change({ uuid, action: 'reset-token', by, seen }, { plan });
  }

  remove(uuid: NodeUuid, { records }: { readonly records: boolean }, by: string, seen?: SeenVersion): Promise<Machine> {
    const plan = (before: MachineRow, state: Machine['state']): AdminStep | null => {
      const { machine, removal } = before;
      if (state === machine.state && (removal?.records === true || !records)) return null;
      const provisional = removal?.provisional ?? (isUnacceptedIdentity(machine.state) || before.unaccepted === true);
      return {
        detail: 'removed',
        machine: { state },
        row: { removal: { provisional, records, ...(records && { pending: true as const }) } },
        more: { previous_state: machine.state, records_deleted: records },
        ops: records ? [{ op: 'deleteRecords', machine: machine.id, what: 'all' }] : [],
      };
    };
    const finish = async (machine: Machine) => {
      const [unlinked, deleted] = await Promise.allSettled([
        this.#links.unlink(machine),
        records ? this.#removals.finish(machine) : undefined,
      ]);
      for (const step of [unlinked, deleted]) if (step.status === 'rejected') throw step.reason;
    };
    return this.#change({ uuid, action: 'remove', by, seen }, { plan, finish });
  }

  /** Ends removals that an earlier run began: before anything may come of a machine. @throws SiderolinkError `storage` */
  resume(): Promise<readonly NodeUuid[]> {
    return this.#removals.resume();
  }

  readmit(uuid: NodeUuid, by: string, seen?: SeenVersion): Promise<Machine> {
    return this.#change(
      { uuid, action: 'readmit', by, seen },
      { plan: goTo('readmitted'), finish: (machine) => this.#links.link(machine) },
    );
  }

  #change(ask: Ask, { plan, finish }: Work): Promise<Machine> {
    return this.#inTurn(ask.uuid, async (before) => {
      checkVersion(before.machine.version, ask.seen);
      const { state } = before.machine;
      const joined = before.machine.joinedAt !== null;
      const removedProvisional = before.removal?.provisional === true;
      const decision = decideLife(ask.action, { state, joined, removedProvisional });
      if (decision.kind === 'refuse') throw new SiderolinkError('conflict', decision.message, { state });
      const step = plan(before, decision.kind === 'become' ? decision.state : state);
      const machine = step === null ? before.machine : await this.#store(before, step, ask.by);
      try {
        if (step !== null) this.#roster.tell({ kind: isCut(machine) ? 'removed' : 'changed', machine });
      } finally {
        await finish?.(machine);
      }
      return machine;
    });
  }

  /** Waits for the machine's turn; what it is then is what counts. @throws SiderolinkError `not_found` */
  #inTurn(uuid: NodeUuid, change: (before: MachineRow) => Promise<Machine>): Promise<Machine> {
    const row = (): MachineRow => {
      const found = this.#roster.table.byUuid(uuid);
      if (found === undefined) throw new SiderolinkError('not_found', 'no such machine', { uuid });
      return found;
    };
    const take = async (): Promise<Machine> => {
      const { id } = row().machine;
      return await this.#roster.turns.take(id, async () => {
        const now = row();
        // A registration that failed and another that came meanwhile: that one's turn counts.
        return now.machine.id === id ? await change(now) : await take();
      });
    };
    return take();
  }

  async #store(before: MachineRow, step: AdminStep, by: string): Promise<Machine> {
    const { table } = this.#roster;
    const row = after(before, step);
    const { machine } = row;
    // What is taken from a machine is gone at once, however slow the disk is; all else counts when it is stored, because
    // lines that refer to tags must not be stored before them.
    if (isCut(machine)) table.put(row);
    await this.#roster.store(
      {
        ops: [...(step.ops ?? []), machineOp(row)],
        records: this.#records(before.machine, machine, step, by),
      },
      () => {
        table.put(before);
        step.undo?.();
      },
    );
    table.put(row);
    this.#roster.wantPeer(machine);
    this.#deps.metrics.adminChanges.inc({ kind: step.detail });
    return machine;
  }

  /**
   * What an owner loses is told on its own subjects, with no word of who has it now; and no record tells an owner who had
   * it before.
   */
  #records(before: Machine, machine: Machine, { detail, more }: AdminStep, by: string): NewRecord[] {
    const view = this.#roster.view(machine);
    const { owner } = before.tags.ownership;
    if (owner === undefined || owner === machine.tags.ownership.owner) return machineRecords([detail], view, by, more);
    const released = machineRecords(['released'], { ...view, machine: { ...machine, tags: before.tags } }, by);
    return detail === 'released' ? released : [...released, ...machineRecords([detail], view, by, more)];
  }

  #giveTo({ machine }: MachineRow, ownership: Ownership, detail: 'claimed' | 'released'): AdminStep | null {
    if (sameOwnership(machine.tags.ownership, ownership)) return null;
    return { detail, ...owned(machine, ownership, this.#roster.table) };
  }
}

/** The plan of a change that is one of state alone. */
function goTo(detail: 'accepted' | 'rejected' | 'readmitted') {
  return ({ machine, removal }: MachineRow, state: Machine['state']): AdminStep | null => {
    if (state === machine.state) return null;
    // What its removal did not come to goes now, before it says anything new.
    const ops = removal?.pending === true ? [deleteLast(machine)] : [];
    const unaccepted = detail === 'rejected' && isUnacceptedIdentity(machine.state);
    const row = { removal: undefined, unaccepted };
    return { detail, machine: { state }, row, ops, more: { previous_state: machine.state } };
  };
}

/** Its connections are to be closed. */
function isCut({ state }: Machine): boolean {
  return state === 'removed' || state === 'rejected';
}

/** @throws SiderolinkError `conflict` if the machine has an owner and it is another one */
function checkOwner({ machine }: MachineRow, wanted: Ownership): void {
  const current = machine.tags.ownership;
  if (current.owner === undefined || claimable(current, wanted)) return;
  throw new SiderolinkError(
    'conflict',
    'the machine has another owner: to change that, name the version seen (If-Match)',
  );
}
