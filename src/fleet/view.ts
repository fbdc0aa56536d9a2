import type { MachineState } from '../domain/join-types.ts';
import type { Ownership } from '../domain/record.ts';
import type { LinkState } from '../wireguard/types.ts';
import type { TokenWrite } from './token-writes.ts';
import type { MachineStatus, MachineView } from './types.ts';

/** A machine's link in JSON: times are RFC 3339, null for never. */
export interface LinkJson {
  state: LinkState['state'];
  /** `host:port` the machine sends from; null while no packet came. */
  endpoint: string | null;
  last_handshake: string | null;
  last_rx: string | null;
  rx_bytes: number;
  tx_bytes: number;
  mode: 'udp';
}

/** How writing a unique token (and UUID) to the machine goes. */
export interface TokenWriteJson {
  state: TokenWrite['state'];
  tries: number;
  last_error: string | null;
  at: string;
}

/** What `machine.*` records say of a machine: the view without the names of tags, which the record log adds. */
export interface MachineRecordBody {
  address: string;
  state: MachineState;
  labels: Record<string, string>;
  public_key: string | null;
  boot: number;
  talos_version: string | null;
  unique_token: 'none' | 'offered' | 'bound' | 'proven';
  /** What it asked with, if its UUID was assigned. */
  made_for: string | null;
  aliases: string[];
  token_write: TokenWriteJson | null;
  created_at: string;
  joined_at: string | null;
  version: number;
  stage: string | null;
  ready: boolean | null;
  unmet_conditions: { name: string; reason: string }[];
  hostname: string | null;
  addresses: string[];
  services: Record<string, { state: string; healthy: boolean | null; message: string }>;
  sequence: { name: string; action: string } | null;
  last_seen: string | null;
  link: LinkJson;
}

/** The machine as the control API shows it: flat, snake_case; what ownership it has not is absent. */
export type MachineJson = { server_uuid: string } & Ownership & MachineRecordBody;

export function machineViewJson(view: MachineView): MachineJson {
  return {
    server_uuid: view.machine.uuid,
    ...ownershipJson(view.machine.tags.ownership),
    ...machineRecordBody(view),
  };
}

export function machineRecordBody({ machine, status, link, tokenWrite }: MachineView): MachineRecordBody {
  return {
    address: machine.address,
    state: machine.state,
    labels: { ...machine.labels },
    public_key: machine.key,
    boot: machine.boot,
    talos_version: machine.talosVersion,
    unique_token: machine.uniqueToken,
    made_for: machine.madeFor,
    aliases: [...machine.aliases],
    token_write: tokenWrite === null ? null : tokenWriteJson(tokenWrite),
    created_at: rfc3339(machine.createdAt),
    joined_at: timeOrNull(machine.joinedAt),
    version: machine.version,
    ...statusJson(status),
    link: linkJson(link),
  };
}

/** What `link.*` records and the view say of a link. */
export function linkJson(link: LinkState): LinkJson {
  return {
    state: link.state,
    endpoint: link.endpoint,
    last_handshake: link.latestHandshake === 0 ? null : rfc3339(link.latestHandshake * 1_000),
    last_rx: timeOrNull(link.lastRx),
    rx_bytes: link.rxBytes,
    tx_bytes: link.txBytes,
    mode: 'udp',
  };
}

function tokenWriteJson({ state, tries, lastError, at }: TokenWrite): TokenWriteJson {
  return { state, tries, last_error: lastError, at: rfc3339(at) };
}

function statusJson(status: MachineStatus) {
  return {
    stage: status.stage,
    ready: status.ready,
    unmet_conditions: status.unmetConditions.map(({ name, reason }) => ({ name, reason })),
    hostname: status.hostname,
    addresses: [...status.addresses],
    services: Object.fromEntries(
      Object.entries(status.services).map(([name, { state, healthy, message }]) => [name, { state, healthy, message }]),
    ),
    sequence: status.sequence === null ? null : { name: status.sequence.name, action: status.sequence.action },
    last_seen: timeOrNull(status.lastSeen),
  };
}

/** Only the five names of ownership: a snapshot may carry more one day, a view must not grow by accident. */
export function ownershipJson(ownership: Ownership): Ownership {
  const { owner, namespace, cluster, metal_machine, machine } = ownership;
  return {
    ...(owner !== undefined && { owner }),
    ...(namespace !== undefined && { namespace }),
    ...(cluster !== undefined && { cluster }),
    ...(metal_machine !== undefined && { metal_machine }),
    ...(machine !== undefined && { machine }),
  };
}

function timeOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : rfc3339(milliseconds);
}

/** RFC 3339 in UTC with milliseconds. */
function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
