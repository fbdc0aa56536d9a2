import { SiderolinkError } from '../domain/errors.ts';
import { type JoinRequest, swappedUuid } from '../domain/join-request.ts';
import type { Admission, JoinAsk, JoinFacts, JoinMachine } from '../domain/join-types.ts';
import type { PublicKey } from '../domain/keys.ts';
import { toldItsEnd } from '../domain/reboot.ts';
import { isRelayEndpoint, virtualEndpoint } from '../domain/tunnel.ts';
import { holds, offer, trust } from '../domain/unique-token.ts';
import type { RecordLog } from '../stream/types.ts';
import type { MachineRow } from './machine-row.ts';
import { machineRecords } from './records.ts';
import {
  BY_JOIN,
  type JoinReservation,
  type ReservationDeps,
  type ReservationOptions,
  Reservations,
} from './reservations.ts';
import type { Roster } from './roster.ts';
import { hmacOf, newUniqueToken } from './secrets.ts';
import type { Machine } from './types.ts';

export interface JoinLedgerOptions extends ReservationOptions {
  /** Key of the HMAC under which unique tokens are kept; a secret of the state directory, 32 bytes. */
  readonly uniqueTokenKey: Uint8Array;
}

export interface JoinLedgerDeps extends ReservationDeps {
  readonly log: Pick<RecordLog, 'commit'>;
}

/** What joining knows of the machines, and how it changes them. */
export class JoinLedger {
  readonly #options: JoinLedgerOptions;
  readonly #deps: JoinLedgerDeps;
  readonly #roster: Roster;
  readonly #reservations: Reservations;

  constructor(options: JoinLedgerOptions, deps: JoinLedgerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#roster = deps.roster;
    this.#reservations = new Reservations(options, deps);
  }

  /** A call as the decision sees it: no secret in it. */
  ask(request: JoinRequest): JoinAsk {
    const { asked, uuid, key, knowsUniqueTokens, talosVersion, tunnel, uniqueToken } = request;
    const uniqueTokenHash = uniqueToken === null ? null : hmacOf(this.#options.uniqueTokenKey, uniqueToken);
    return { asked, uuid, key, knowsUniqueTokens, talosVersion, tunnel, uniqueTokenHash };
  }

  /** What is known about a call now. Costs the same whatever the number of machines and identities. */
  facts({ asked, uuid, key, uniqueTokenHash }: JoinAsk, joinToken: string | null): JoinFacts {
    const { boots, clock, tokens } = this.#deps;
    const { table } = this.#roster;
    const swapped = uuid === undefined ? undefined : swappedUuid(uuid);
    const incumbent = uuid === undefined ? undefined : table.byUuid(uuid);
    const swappedRow = swapped === undefined || incumbent !== undefined ? undefined : table.byUuid(swapped);
    const names = uuid === undefined || swapped === undefined ? [] : [uuid, swapped];
    return {
      now: clock.now(),
      incumbent: this.#joinMachine(incumbent),
      holder: this.#joinMachine(this.#holder(asked, incumbent, uniqueTokenHash)),
      sameKey: this.#joinMachine(table.identityWithKey(asked, key)),
      swapped: this.#joinMachine(swappedRow),
      keyOwner: boots.ofKey(key)?.machine,
      token: joinToken === null ? undefined : tokens.match(joinToken),
      reserved: names.filter((name) => tokens.isReserved(name)),
      machines: table.counted,
      provisional: table.countOf('provisional'),
    };
  }

  /**
   * Takes everything an admission needs, in one synchronous step: nothing can come between the decision and this. Null
   * if there is nothing to store.
   *
   * @param peerDown the peer of the key had its last handshake long ago
   */
  reserve(ask: JoinAsk, decision: Admission, peerDown = false): JoinReservation | null {
    return this.#reservations.make(ask, decision, peerDown);
  }

  /** What a machine that joined is told of the tunnel: its virtual address and port; null is UDP. */
  tunnelOf(machine: number): string | null {
    const current = this.#roster.row(machine).tunnel?.current ?? null;
    return current === null ? null : virtualEndpoint(current);
  }

  /** Whether a key that this machine had is still nobody else's. */
  mayBeOf(key: PublicKey, machine: number): boolean {
    const owner = this.#deps.boots.ofKey(key)?.machine;
    return owner === undefined || owner === machine;
  }

  /** Stores that someone tried to join as this machine, or with its key. @throws SiderolinkError `storage` */
  async recordConflict(machine: Machine, newcomer: Readonly<Record<string, string>>): Promise<void> {
    const records = machineRecords(['conflict'], this.#roster.view(machine), BY_JOIN, { newcomer });
    await this.#deps.log.commit({ ops: [], records });
  }

  /**
   * Makes a unique token for a machine and stores its hash as offered, before anyone writes it there.
   * @returns the token's text, to be written to the machine and kept nowhere
   * @throws SiderolinkError `not_found`, `conflict` for a machine that may not join or has brought one back, `storage`
   */
  async offerUniqueToken(machine: number): Promise<string> {
    const text = newUniqueToken();
    await this.#roster.turns.take(machine, () => this.#offer(machine, hmacOf(this.#options.uniqueTokenKey, text)));
    return text;
  }

  /** The machines that could not join any more if this join token were revoked: nothing else vouches for them. */
  cutBy(tokenId: string): readonly Machine[] {
    const cut: Machine[] = [];
    for (const { machine, uniqueTokens, losesMeta } of this.#roster.table.joinedWith(tokenId)) {
      const gone = machine.state === 'removed' || machine.state === 'rejected' || machine.state === 'expired';
      const trusted = trust(uniqueTokens);
      const vouched = trusted === 'proven' || (trusted === 'bound' && losesMeta !== true);
      if (!gone && !vouched) cut.push(machine);
    }
    return cut;
  }

  async #offer(id: number, hash: string): Promise<void> {
    const before = this.#roster.table.byId(id);
    if (before === undefined) throw new SiderolinkError('not_found', 'no such machine');
    const { machine } = before;
    if (machine.state === 'removed' || machine.state === 'rejected' || machine.state === 'expired') {
      throw new SiderolinkError('conflict', `the machine is ${machine.state}`, { uuid: machine.uuid });
    }
    if (machine.uniqueToken === 'bound' || machine.uniqueToken === 'proven') {
      throw new SiderolinkError('conflict', 'the machine has a unique token', { uuid: machine.uuid });
    }
    const uniqueTokens = offer(before.uniqueTokens, hash);
    const changed = { ...machine, uniqueToken: trust(uniqueTokens), version: machine.version + 1 };
    await this.#reservations.change({ ...before, machine: changed, uniqueTokens }).commit();
  }

  #holder(asked: string, incumbent: MachineRow | undefined, hash: string | null): MachineRow | undefined {
    if (hash === null) return undefined;
    if (incumbent !== undefined && holds(incumbent.uniqueTokens, hash)) return incumbent;
    return this.#roster.table.identityHolding(asked, hash);
  }

  /** In its latest boot: what a former one reported has had its join since. */
  #reportedReset({ id, boot }: Machine): boolean {
    const { statuses } = this.#deps;
    return statuses.get(id).sequence?.name === 'reset' && statuses.stage(id).boot === boot;
  }

  /** What a former boot said of its end has had its join since. */
  #toldItsEnd({ id, boot }: Machine): boolean {
    const { statuses } = this.#deps;
    return statuses.stage(id).boot === boot && toldItsEnd(statuses.get(id).ending);
  }

  /** By what it was told, or by the way its packets come: it may have been told another one a moment ago. */
  #isTunnelled({ key, tunnelled }: Machine): boolean {
    const { endpoint } = key === null ? { endpoint: null } : this.#deps.links.state(key);
    return tunnelled || (endpoint !== null && isRelayEndpoint(endpoint));
  }

  #joinMachine(row: MachineRow | undefined): JoinMachine | undefined {
    if (row === undefined) return undefined;
    const { machine, uniqueTokens, firstToken } = row;
    const { id, uuid, address, state, key, madeFor, knowsUuid } = machine;
    return {
      id,
      uuid,
      address,
      state,
      key,
      uniqueTokens,
      firstToken,
      madeFor,
      knowsUuid,
      ownership: machine.tags.ownership,
      reportedReset: this.#reportedReset(machine),
      toldItsEnd: this.#toldItsEnd(machine),
      tunnelled: this.#isTunnelled(machine),
    };
  }
}
