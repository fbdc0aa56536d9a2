import { SiderolinkError } from '../domain/errors.ts';
import { decideJoin } from '../domain/join.ts';
import type { JoinRequest } from '../domain/join-request.ts';
import type { Admission, JoinAsk, JoinPolicy, Liveness, ProbeFirst, Refusal } from '../domain/join-types.ts';
import type { PublicKey } from '../domain/keys.ts';
import { isPeerDown } from '../domain/tunnel.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { JoinWait } from '../fleet/join-waits.ts';
import type { JoinReservation } from '../fleet/reservations.ts';
import type { FleetEvent, Machine } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { LinkMonitor, PeerChange, WireGuard } from '../wireguard/types.ts';
import type { Prober } from './prober.ts';

export interface AdmissionDeps {
  readonly fleet: Pick<Fleet, 'joins' | 'machines' | 'waits'>;
  readonly prober: Pick<Prober, 'ask'>;
  readonly wireguard: Pick<WireGuard, 'apply'>;
  readonly links: Pick<LinkMonitor, 'state' | 'unknownFor'>;
  readonly clock: Clock;
  /** A newcomer has to wait until it is known whether the machine of its UUID answers. */
  readonly onWait: (machine: number, wait: JoinWait) => void;
}

/** `conflictWith`: the machine that keeps the UUID asked for, if the admitted one had to get another. */
export type Outcome =
  | {
      readonly kind: 'admitted';
      readonly by: Admission['kind'];
      readonly machine: Machine;
      /** Its virtual address and port if it is to come through the tunnel; null for UDP. */
      readonly tunnel: string | null;
      readonly conflictWith: number | null;
    }
  | Refusal;

/** What an admitted machine is told. */
type Admitted = Pick<Extract<Outcome, { kind: 'admitted' }>, 'machine' | 'tunnel'>;

interface Step {
  readonly reservation: JoinReservation | null;
  /** The peer of the same key had its last handshake long ago. */
  readonly peerDown: boolean;
}

/** What joins left behind when the device failed after the commit; the next call makes up for it. */
interface Unfinished {
  readonly remove: ReadonlySet<PublicKey>;
  readonly events: readonly FleetEvent[];
}

/** Left for commit, device and reply after a probe, milliseconds. */
const AFTER_PROBE_MS = 1_500;

/**
 * Takes one call from its request to an address in the device: decide, probe if need be, decide again, reserve, commit,
 * device, listeners. A machine's joins and what is done to it from outside go one after the other; a call that finds its
 * machine busy decides anew.
 */
export class AdmissionDesk {
  readonly #policy: JoinPolicy;
  readonly #deps: AdmissionDeps;
  readonly #unfinished = new Map<number, Unfinished>();

  constructor(policy: JoinPolicy, deps: AdmissionDeps) {
    this.#policy = policy;
    this.#deps = deps;
  }

  /**
   * @param giveUpAt monotonic milliseconds after which no probe is worth its while
   * @param source address of whoever called
   * @throws SiderolinkError `unavailable`, `exhausted`, `storage`, `command_failed`
   */
  async admit(request: JoinRequest, giveUpAt: number, source: string): Promise<Outcome> {
    const { fleet, prober, clock } = this.#deps;
    const ask = fleet.joins.ask(request);
    let liveness: Liveness | undefined;
    let waitedFor: number | undefined;
    for (;;) {
      const decision = decideJoin(ask, fleet.joins.facts(ask, request.joinToken), this.#policy, liveness);
      if (waitedFor !== undefined && decision.kind !== 'probe') fleet.waits.end(waitedFor);
      if (decision.kind === 'refuse') return decision;
      const busy = 'machine' in decision ? fleet.machines.turns.busy(decision.machine) : undefined;
      if (busy !== undefined) {
        await busy;
        // What was done meanwhile may have been the present machine coming back: its silence is of before.
        liveness = undefined;
        if (clock.monotonic() >= giveUpAt) throw new SiderolinkError('unavailable', 'the machine is busy');
      } else if (decision.kind === 'probe') {
        if (clock.monotonic() + decision.withinMs + AFTER_PROBE_MS > giveUpAt) {
          throw new SiderolinkError('unavailable', 'no time left to ask the present machine');
        }
        this.#noteWait(decision, source);
        waitedFor = decision.machine;
        liveness = await prober.ask(decision);
      } else {
        const conflictWith = decision.kind === 'provisional' ? decision.conflictWith : null;
        return { kind: 'admitted', by: decision.kind, ...(await this.#carryOut(ask, decision)), conflictWith };
      }
    }
  }

  #noteWait({ machine, key, withinMs, ended }: ProbeFirst, source: string): void {
    const { fleet, links, onWait } = this.#deps;
    const unknownForMs = ended ? 0 : links.unknownFor(key);
    const reason = unknownForMs > 0 ? 'made_anew' : 'asked';
    onWait(machine, fleet.waits.note(machine, { forMs: Math.max(unknownForMs, withinMs), reason, source }));
  }

  /** Synchronous up to the reservation, so nothing comes between the decision and it. */
  #carryOut(ask: JoinAsk, decision: Admission): Promise<Admitted> {
    const { joins, machines } = this.#deps.fleet;
    // Judged once: a peer that is made anew and a stream that is not would wait for each other.
    const peerDown = decision.kind === 'repeat' && this.#isPeerDown(ask.key);
    const reservation = joins.reserve(ask, decision, peerDown);
    const machine = reservation?.machine ?? this.#machine(decision);
    const done = this.#finish(machine, decision, { reservation, peerDown });
    machines.turns.hold(machine.id, done);
    return done;
  }

  async #finish(machine: Machine, decision: Admission, { reservation, peerDown }: Step): Promise<Admitted> {
    await reservation?.commit();
    const before = this.#unfinished.get(machine.id);
    const events = [...(before?.events ?? [])];
    if (reservation !== null && decision.kind !== 'repeat') {
      events.push({ kind: 'boot', machine, previousBoot: reservation.previousBoot });
    }
    const remove = new Set(before?.remove);
    if (reservation !== null && reservation.previousKey !== null) remove.add(reservation.previousKey);
    try {
      for (const change of this.#peerChanges(machine, remove, peerDown)) await this.#deps.wireguard.apply(change);
    } catch (error) {
      // Committed, so it stands: the machine calls again and finds its own key.
      if (events.length > 0 || remove.size > 0) this.#unfinished.set(machine.id, { remove, events });
      throw error;
    }
    this.#unfinished.delete(machine.id);
    for (const event of events) this.#deps.fleet.machines.tell(event);
    return { machine, tunnel: this.#deps.fleet.joins.tunnelOf(machine.id) };
  }

  /** The last one is the swap that gives the key its address; older keys that stayed behind go first. */
  #peerChanges(machine: Machine, remove: ReadonlySet<PublicKey>, peerDown: boolean): readonly PeerChange[] {
    const { key, address } = machine;
    if (key === null) throw new SiderolinkError('internal', 'a joined machine has no key', { uuid: machine.uuid });
    const set = { publicKey: key, address };
    // A newcomer may have come with one of them since: it is the key of another machine's peer now.
    const former = [...remove].filter((other) => other !== key && this.#deps.fleet.joins.mayBeOf(other, machine.id));
    const last = former.pop();
    const older = former.map((other) => ({ remove: other }));
    if (last !== undefined) return [...older, { remove: last, set }];
    return peerDown ? [{ remove: key, set }] : [{ set }];
  }

  /**
   * A clock that went back makes the device refuse handshakes until the peer is made anew (facts/users.md B9). Was it ours,
   * the last handshake is still to come, for as long as that was: then its silence counts, which no clock can set.
   */
  #isPeerDown(key: PublicKey): boolean {
    const { latestHandshake, state } = this.#deps.links.state(key);
    const now = this.#deps.clock.now();
    return isPeerDown(latestHandshake, now) || (latestHandshake * 1_000 > now && state === 'down');
  }

  #machine(decision: Admission): Machine {
    const machine = 'machine' in decision ? this.#deps.fleet.machines.byId(decision.machine) : undefined;
    if (machine === undefined) throw new SiderolinkError('internal', 'a decision names a machine that is not there');
    return machine;
  }
}
