import { SiderolinkError } from '../domain/errors.ts';
import { sidero } from '../gen/proto.js';

/** What one release of Talos sends and does (facts/talos-client.md section 7.1). */
export interface TalosProfile {
  /** `major.minor`, as asked for. */
  readonly version: string;
  /** What the machine calls itself: `v1.13.0`. */
  readonly tag: string;
  /** The Linux of that release, for its kernel lines. */
  readonly kernel: string;
  /** The API is a URL with scheme and join token; before, a bare `host:port`. */
  readonly urls: boolean;
  readonly joinToken: boolean;
  /** Sends `node_unique_token` (possibly empty) and `talos_version`; META may override the UUID. */
  readonly uniqueToken: boolean;
  /** Reads `server_endpoint` as a list, first and last swapped; before, as one string: the last on the wire. */
  readonly endpointList: boolean;
  /** Knows WireGuard over gRPC, and asks for it where the kernel argument says so. */
  readonly tunnel: boolean;
  /** Reads `talos.config.early=`. */
  readonly earlyConfig: boolean;
  /** Looks every 30 s whether the peer is down; before, it provisions once a boot. */
  readonly reconnects: boolean;
  /** Deadline of a Provision call in milliseconds; null waits for ever. */
  readonly provisionDeadlineMs: number | null;
  /** An input change forgets endpoints that were not tried yet. */
  readonly dropsEndpointsOnChange: boolean;
  /** MTU that it sets on the link; null leaves the kernel's. */
  readonly mtu: number | null;
  readonly machineStatusEvents: boolean;
  readonly actorId: boolean;
  /** Services pass through the state STARTING. */
  readonly serviceStarting: boolean;
  /** An overrun event ring starts again at its oldest event; before, no more events until the reboot. */
  readonly eventsSurviveOverrun: boolean;
  /** Retries one kernel line; before, any send error replays the ring from its start. */
  readonly kmsgRetries: boolean;
  /** Ends a boot's kernel log with one record of zeros. */
  readonly kmsgZeroRecord: boolean;
  /** Boot time is known exactly; before, to one second and anew for each reader. */
  readonly exactBootTime: boolean;
  /** Answers Version in maintenance mode. */
  readonly maintenanceVersion: boolean;
  /** Takes MetaWrite and MetaDelete in maintenance mode. */
  readonly maintenanceMeta: boolean;
  /** In maintenance mode a peer outside of SideroLink is a reader; before, such calls did not exist for it. */
  readonly maintenanceRoles: boolean;
}

const KERNELS: readonly (readonly [minor: number, kernel: string])[] = [
  [13, '6.18.24-talos'],
  [12, '6.18.1-talos'],
  [11, '6.12.43-talos'],
  [8, '6.6.43-talos'],
  [6, '6.1.67-talos'],
  [5, '6.1.45-talos'],
  [3, '5.15.83-talos'],
  [0, '5.15.32-talos'],
];

const OLDEST_MINOR = 0;
const NEWEST_MINOR = 14;

/**
 * The profile of a release, `1.13` or `v1.13`, from 1.0 to 1.14.
 * @throws SiderolinkError `invalid_argument`
 */
export function talosProfile(version: string): TalosProfile {
  const minor = Number(/^v?1\.(\d{1,2})(?:\.\d+)?$/.exec(version)?.[1] ?? -1);
  if (minor < OLDEST_MINOR || minor > NEWEST_MINOR) {
    throw new SiderolinkError('invalid_argument', `no Talos version from 1.${OLDEST_MINOR} to 1.${NEWEST_MINOR}`, {
      version,
    });
  }
  const patch = /^v?1\.\d+\.(\d+)$/.exec(version)?.[1] ?? '0';
  return {
    version: `1.${minor}`,
    tag: `v1.${minor}.${patch}`,
    kernel: KERNELS.find(([since]) => minor >= since)?.[1] ?? '5.15.32-talos',
    urls: minor >= 1,
    joinToken: minor >= 1,
    uniqueToken: minor >= 6,
    endpointList: minor >= 6,
    tunnel: minor >= 7,
    earlyConfig: minor >= 11,
    reconnects: minor >= 5 || (minor === 4 && Number(patch) >= 2),
    provisionDeadlineMs: minor >= 12 || (minor === 11 && Number(patch) >= 4) ? 30_000 : null,
    dropsEndpointsOnChange: minor >= 12 || (minor === 11 && Number(patch) >= 6),
    mtu: minor >= 3 ? 1280 : null,
    machineStatusEvents: minor >= 2,
    actorId: minor >= 6,
    serviceStarting: minor >= 7,
    eventsSurviveOverrun: minor >= 5,
    kmsgRetries: minor >= 5,
    kmsgZeroRecord: minor <= 4,
    exactBootTime: minor >= 13,
    maintenanceVersion: minor >= 2,
    maintenanceMeta: minor >= 6,
    maintenanceRoles: minor >= 13,
  };
}

/** What a machine knows when it calls Provision. */
export interface ProvisionInputs {
  readonly uuid: string;
  readonly publicKey: string;
  /** Empty for none. */
  readonly joinToken: string;
  /** META 16; empty for none yet. */
  readonly uniqueToken: string;
  readonly tunnel: boolean;
}

/** The request in the fields that this release sends, encoded (facts/talos-client.md section 2.1). */
export function encodeProvisionRequest(profile: TalosProfile, inputs: ProvisionInputs): Uint8Array {
  return sidero.link.ProvisionRequest.encode({
    node_uuid: inputs.uuid,
    node_public_key: inputs.publicKey,
    ...(profile.joinToken && inputs.joinToken !== '' ? { join_token: inputs.joinToken } : {}),
    ...(profile.uniqueToken ? { node_unique_token: inputs.uniqueToken, talos_version: profile.tag } : {}),
    ...(profile.tunnel && inputs.tunnel ? { wireguard_over_grpc: true } : {}),
  }).finish();
}

/**
 * The endpoints in the order in which this release tries them: the list with first and last swapped, or, read as one
 * string, the last of the wire (facts/talos-client.md section 2.4).
 */
export function logicalEndpoints(profile: TalosProfile, wire: readonly string[]): string[] {
  const list = [...wire];
  const first = list[0];
  const last = list.at(-1);
  if (first === undefined || last === undefined) return [];
  if (!profile.endpointList) return [last];
  list[0] = last;
  list[list.length - 1] = first;
  return list;
}
