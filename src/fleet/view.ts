import { type Condition, type ConditionType, configErrors } from '../domain/conditions.ts';
import type { MachineState, RefusalReason } from '../domain/join-types.ts';
import { type RebootKind, rebootKind } from '../domain/reboot.ts';
import type { Ownership } from '../domain/record.ts';
import { stageRegression } from '../domain/status.ts';
import type { TunnelSetting } from '../domain/tunnel.ts';
import type { LinkState } from '../wireguard/types.ts';
import type { JoinWait } from './join-waits.ts';
import type { TokenWrite } from './token-writes.ts';
import type { MachineLink, MachineStatus, MachineView } from './types.ts';

/** A machine's link in JSON: times are RFC 3339, null for never. */
export interface LinkJson {
  state: LinkState['state'];
  /** `host:port` the machine sends from; null while no packet came, and without a stream for one in the tunnel. */
  endpoint: string | null;
  last_handshake: string | null;
  last_rx: string | null;
  rx_bytes: number;
  tx_bytes: number;
  /** How its last packet came; before the first one, how it was told to come. */
  mode: MachineLink['mode'];
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
  /** Its own setting of `join.tunnel`; null inherits. */
  tunnel: TunnelSetting | null;
  token_write: TokenWriteJson | null;
  created_at: string;
  joined_at: string | null;
  version: number;
  stage: string | null;
  /** When it reported this stage first. */
  stage_since: string | null;
  ready: boolean | null;
  unmet_conditions: { name: string; reason: string }[];
  hostname: string | null;
  addresses: string[];
  services: Record<string, { state: string; healthy: boolean | null; message: string }>;
  sequence: { name: string; action: string; error: string | null; since: string | null } | null;
  /** The phase of the sequence and the tasks that run now. */
  phase: string | null;
  tasks: string[];
  /** The reboot that began the current boot; null for the first. */
  last_reboot: { at: string; kind: RebootKind; command: string | null } | null;
  config_errors: { kind: 'load' | 'validation'; message: string; since: string }[];
  conditions: ConditionJson[];
  /** It ran, and is to be installed again though nobody reset it. */
  stage_regression: { from: string; to: string; since: string } | null;
  /** Silent after it went to another boot. */
  lost_after_upgrade: { since: string; sequence: string } | null;
  /** Kernel lines of the current boot that are missing; null before the first join. */
  missing_lines: number | null;
  first_seen: string | null;
  last_seen: string | null;
  link: LinkJson & { hint: string | null };
}

/** A condition as Sidero Metal has it (facts/sidero-metal.md section 3.3). */
export interface ConditionJson {
  type: ConditionType;
  status: 'True' | 'False';
  /** Null for a condition that is true, as are reason and message. */
  severity: 'Error' | 'Warning' | 'Info' | null;
  reason: string | null;
  message: string | null;
  /** RFC 3339 in UTC, whole seconds. */
  last_transition_time: string;
}

/** The last refusal since it was let in. */
export interface LastRefusalJson {
  at: string;
  reason: RefusalReason;
  source: string;
  count: number;
}

/** A newcomer waits until it is known whether this machine answers. */
export interface JoinWaitJson {
  since: string;
  until: string;
  reason: JoinWait['reason'];
  source: string;
}

/** The machine as the control API shows it: flat, snake_case; what ownership it has not is absent. */
export type MachineJson = { server_uuid: string } & Ownership &
  MachineRecordBody & { last_refusal: LastRefusalJson | null; join_wait: JoinWaitJson | null };

export function machineViewJson(view: MachineView): MachineJson {
  return {
    server_uuid: view.machine.uuid,
    ...ownershipJson(view.machine.tags.ownership),
    ...machineRecordBody(view),
    last_refusal: view.lastRefusal === null ? null : { ...view.lastRefusal, at: rfc3339(view.lastRefusal.at) },
    join_wait: view.joinWait === null ? null : joinWaitJson(view.joinWait),
  };
}

export function machineRecordBody(view: MachineView): MachineRecordBody {
  const { machine, status, link, linkHint, tokenWrite, missingLines } = view;
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
    tunnel: machine.tunnel,
    token_write: tokenWrite === null ? null : tokenWriteJson(tokenWrite),
    created_at: rfc3339(machine.createdAt),
    joined_at: timeOrNull(machine.joinedAt),
    version: machine.version,
    ...statusJson(status),
    missing_lines: missingLines,
    link: { ...linkJson(link), hint: linkHint },
  };
}

/** What `link.*` records and the view say of a link. */
export function linkJson(link: MachineLink): LinkJson {
  return {
    state: link.state,
    endpoint: link.endpoint,
    last_handshake: link.latestHandshake === 0 ? null : rfc3339(link.latestHandshake * 1_000),
    last_rx: timeOrNull(link.lastRx),
    rx_bytes: link.rxBytes,
    tx_bytes: link.txBytes,
    mode: link.mode,
  };
}

function joinWaitJson({ since, until, reason, source }: JoinWait): JoinWaitJson {
  return { since: rfc3339(since), until: rfc3339(until), reason, source };
}

function tokenWriteJson({ state, tries, lastError, at }: TokenWrite): TokenWriteJson {
  return { state, tries, last_error: lastError, at: rfc3339(at) };
}

function statusJson(status: MachineStatus) {
  const { sequence, lastReboot, lost } = status;
  const regression = stageRegression(status);
  return {
    stage: status.stage,
    stage_since: timeOrNull(status.stageSince),
    ready: status.ready,
    unmet_conditions: status.unmetConditions.map(({ name, reason }) => ({ name, reason })),
    hostname: status.hostname,
    addresses: [...status.addresses],
    services: Object.fromEntries(
      Object.entries(status.services).map(([name, { state, healthy, message }]) => [name, { state, healthy, message }]),
    ),
    sequence:
      sequence === null
        ? null
        : {
            name: sequence.name,
            action: sequence.action,
            error: sequence.error,
            since: timeOrNull(sequence.since),
          },
    phase: status.phase,
    tasks: [...status.tasks],
    last_reboot:
      lastReboot === null
        ? null
        : {
            at: rfc3339(lastReboot.at),
            kind: rebootKind(lastReboot.ending),
            command: lastReboot.ending.command,
          },
    config_errors: configErrors(status.conditions).map(({ kind, message, since }) => ({
      kind,
      message,
      since: rfc3339(since),
    })),
    conditions: status.conditions.map(conditionJson),
    stage_regression: regression === null ? null : { ...regression, since: rfc3339(regression.since) },
    lost_after_upgrade: lost === null ? null : { since: rfc3339(lost.since), sequence: lost.sequence },
    first_seen: timeOrNull(status.firstSeen),
    last_seen: timeOrNull(status.lastSeen),
  };
}

function conditionJson({ type, status, severity, reason, message, lastTransitionTime }: Condition): ConditionJson {
  const time = rfc3339(lastTransitionTime).replace('.000Z', 'Z');
  return { type, status, severity, reason, message, last_transition_time: time };
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
