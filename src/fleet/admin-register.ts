import { SiderolinkError } from '../domain/errors.ts';
import { swappedUuid } from '../domain/join-request.ts';
import { type Labels, parseLabels } from '../domain/labels.ts';
import { newAddress, type Overlay } from '../domain/overlay.ts';
import { parseOwnership, sameOwnership } from '../domain/ownership.ts';
import type { Ownership } from '../domain/record.ts';
import { offer, trust } from '../domain/unique-token.ts';
import { isJunkUuid, type NodeUuid } from '../domain/uuid.ts';
import type { Clock } from '../lib/clock.ts';
import { type AdminStep, owned } from './admin-steps.ts';
import { type MachineRow, machineOp } from './machine-row.ts';
import type { FleetMetrics } from './metrics.ts';
import { machineRecords } from './records.ts';
import type { Roster } from './roster.ts';
import { hmacOf, newUniqueToken } from './secrets.ts';
import type { Machine, Registration } from './types.ts';

export interface RegistrarOptions {
  readonly overlay: Overlay;
  readonly uniqueTokenKey: Uint8Array;
  readonly maxKnown?: number;
}

export interface RegistrarDeps {
  readonly roster: Roster;
  readonly clock: Clock;
  readonly metrics: FleetMetrics;
}

/** What is wanted of a machine that has not booted yet, checked. */
export interface CheckedRegistration {
  readonly ownership: Ownership;
  readonly labels: Labels;
  readonly uniqueToken: boolean;
}

/** Makes machines known before they ever booted. Their address is theirs from then on (law 4). */
export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #deps: RegistrarDeps;

  constructor(options: RegistrarOptions, deps: RegistrarDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** @throws SiderolinkError `invalid_argument`; `conflict` if another machine goes by this UUID */
  check(uuid: NodeUuid, wanted: Registration): CheckedRegistration {
    if (isJunkUuid(uuid)) {
      throw new SiderolinkError('invalid_argument', 'many machines share this UUID: it can tell none from another');
    }
    const { table } = this.#deps.roster;
    const twin = table.byUuid(uuid) ?? table.byUuid(swappedUuid(uuid));
    if (twin !== undefined && twin.machine.uuid !== uuid) {
      const { uuid: same } = twin.machine;
      throw new SiderolinkError('conflict', `this is machine ${same} with its UUID's bytes in another order`, { same });
    }
    return {
      ownership: parseOwnership({ ...wanted.ownership }),
      labels: parseLabels(wanted.labels),
      uniqueToken: wanted.uniqueToken,
    };
  }

  /**
   * Stores a machine that nobody knew; UUID and address are taken in the same synchronous step.
   * @throws SiderolinkError `exhausted`, `storage`, `unavailable`
   */
  async add(uuid: NodeUuid, wanted: CheckedRegistration, by: string) {
    const { roster, clock, metrics } = this.#deps;
    const { table } = roster;
    const maxKnown = this.#options.maxKnown ?? 20_000;
    if (table.countOf('known') >= maxKnown) {
      throw new SiderolinkError('exhausted', `${maxKnown} machines are known and have never joined: remove some first`);
    }
    const { text, tokens } = this.#tokens(wanted, []);
    const { machine: given, ops } = owned({ uuid }, wanted.ownership, table);
    const machine: Machine = {
      id: table.nextId(),
      uuid,
      address: newAddress(this.#options.overlay, (address) => table.byAddress(address) !== undefined),
      state: 'known',
      tags: given.tags,
      labels: wanted.labels,
      key: null,
      boot: 0,
      talosVersion: null,
      uniqueToken: trust(tokens),
      madeFor: null,
      knowsUuid: true,
      aliases: [],
      tunnel: null,
      tunnelled: false,
      createdAt: clock.now(),
      joinedAt: null,
      version: 1,
    };
    const row: MachineRow = { machine, uniqueTokens: tokens, firstToken: null, lastToken: null };
    await roster.turns.take(machine.id, async () => {
      table.put(row);
      const records = machineRecords(['registered'], roster.view(machine), by);
      await roster.store({ ops: [...ops, machineOp(row)], records }, () => table.drop(row));
    });
    metrics.adminChanges.inc({ kind: 'registered' });
    roster.tell({ kind: 'changed', machine });
    return { machine, created: true, uniqueToken: text };
  }

  /** Brings one that is known to what is wanted; null if it is so already. */
  plan(
    before: MachineRow,
    wanted: CheckedRegistration,
  ): { readonly step: AdminStep; readonly uniqueToken: string | null } | null {
    const { machine } = before;
    const { text, tokens } = this.#tokens(wanted, before.uniqueTokens);
    const { ownership } = machine.tags;
    const given = sameOwnership(ownership, wanted.ownership)
      ? undefined
      : owned(machine, wanted.ownership, this.#deps.roster.table);
    const labels = sameLabels(machine.labels, wanted.labels) ? machine.labels : wanted.labels;
    if (given === undefined && labels === machine.labels && text === null) return null;
    const step: AdminStep = {
      detail: 'registered',
      machine: { ...given?.machine, labels, uniqueToken: trust(tokens) },
      row: { uniqueTokens: tokens },
      ops: given?.ops ?? [],
    };
    return { step, uniqueToken: text };
  }

  /** With a new unique token offered, if one is wanted. Its text is kept nowhere. */
  #tokens({ uniqueToken }: CheckedRegistration, before: MachineRow['uniqueTokens']) {
    if (!uniqueToken) return { text: null, tokens: before };
    const text = newUniqueToken();
    return { text, tokens: offer(before, hmacOf(this.#options.uniqueTokenKey, text)) };
  }
}

function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}
