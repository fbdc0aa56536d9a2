import { randomUUID } from 'node:crypto';
import type { MachineState } from '../../src/domain/join-types.ts';
import type { PublicKey } from '../../src/domain/keys.ts';
import { newAddress, overlayOf } from '../../src/domain/overlay.ts';
import type { Ownership } from '../../src/domain/record.ts';
import type { RegistryImage } from '../../src/domain/registry.ts';
import { trust, type UniqueTokens } from '../../src/domain/unique-token.ts';
import { type NodeUuid, parseNodeUuid } from '../../src/domain/uuid.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { machineOp } from '../../src/fleet/machine-row.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import type { FleetEvent } from '../../src/fleet/types.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { ManualClock, MemoryDevice, MemoryLinks, MemoryLog, newKey } from './fakes.ts';

export const overlay = overlayOf('administration');

/** A machine as it was left by an earlier run. */
export interface Given {
  readonly uuid?: string;
  readonly state?: MachineState;
  /** Null for one that never joined. */
  readonly key?: PublicKey | null;
  readonly ownership?: Ownership;
  readonly labels?: Readonly<Record<string, string>>;
  readonly uniqueTokens?: UniqueTokens;
  readonly madeFor?: string;
  readonly aliases?: readonly NodeUuid[];
}

/** The registry that holds these machines, numbered from 1. */
export function registryOf(machines: readonly Given[]): RegistryImage {
  const rows: RegistryImage['machines'][number][] = [];
  const tags: RegistryImage['tags'][number][] = [];
  const boots: RegistryImage['boots'][number][] = [];
  for (const [index, given] of machines.entries()) {
    const id = index + 1;
    const uuid = parseNodeUuid(given.uuid ?? randomUUID());
    const state = given.state ?? 'accepted';
    const key = given.key === undefined ? (state === 'known' ? null : newKey()) : given.key;
    const uniqueTokens = given.uniqueTokens ?? [];
    const own = { id, server_uuid: uuid, ownership: given.ownership ?? {} };
    tags.push(own);
    const op = machineOp({
      machine: {
        id,
        uuid,
        address: newAddress(overlay, (address) => rows.some((row) => row.address === address)),
        state,
        tags: own,
        labels: given.labels ?? {},
        key,
        boot: key === null ? 0 : 1,
        talosVersion: null,
        uniqueToken: trust(uniqueTokens),
        madeFor: given.madeFor ?? null,
        knowsUuid: true,
        aliases: given.aliases ?? [],
        tunnel: null,
        tunnelled: false,
        createdAt: 0,
        joinedAt: key === null ? null : 0,
        version: 1,
      },
      uniqueTokens,
      firstToken: null,
      lastToken: null,
    });
    if (op.op === 'putMachine') rows.push(op);
    const doc = JSON.stringify({ started_at: 0, seen: [], seq: null, clock: null });
    if (key !== null) boots.push({ machine: id, boot: 1, publicKey: key, doc });
  }
  return { machines: rows, tags, boots, statuses: [], tokens: [], meta: new Map(), publishCursors: new Map() };
}

/** A fleet of these machines, with everything around it in memory. */
export function adminWorld(
  machines: readonly Given[] = [],
  log = new MemoryLog(registryOf(machines)),
  options: { readonly maxKnown?: number } = {},
) {
  const clock = new ManualClock();
  const registry = createRegistry();
  const device = new MemoryDevice();
  const boots = new BootTable({}, { image: log.image, clock });
  const statuses = new StatusTable({}, { image: log.image, clock });
  const links = new MemoryLinks();
  const fleet = new Fleet(
    { overlay, uniqueTokenKey: Buffer.alloc(32, 7), ...options },
    { log, boots, statuses, links, wireguard: device, clock, metrics: fleetMetrics(registry) },
  );
  const events: FleetEvent[] = [];
  fleet.machines.onEvent((event) => events.push(event));
  const machine = (id = 1) => {
    const found = fleet.machines.byId(id);
    if (found === undefined) throw new Error(`no machine ${id}`);
    return found;
  };
  return {
    clock,
    registry,
    device,
    boots,
    links,
    log,
    fleet,
    admin: fleet.admin,
    machines: fleet.machines,
    events,
    machine,
    /** `<detail>` of each record, with its body. */
    records: () =>
      log.records.map(({ detail, body, tags }) => ({
        detail,
        body: JSON.parse(body) as Record<string, unknown>,
        tags,
      })),
    /** What the next run finds. */
    restarted: () => adminWorld([], log.reopen()),
  };
}

export type AdminWorld = ReturnType<typeof adminWorld>;
