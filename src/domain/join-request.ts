import { SiderolinkError } from './errors.ts';
import { type PublicKey, parsePublicKey } from './keys.ts';
import { asNodeUuid, type NodeUuid } from './uuid.ts';

/** The fields of a `ProvisionRequest` as they came; null where an optional one is absent. */
export interface JoinFields {
  readonly node_uuid: string;
  readonly node_public_key: string;
  readonly join_token: string | null;
  readonly node_unique_token: string | null;
  readonly talos_version: string | null;
  readonly wireguard_over_grpc: boolean | null;
}

/** A call of `Provision`, checked. The two secrets stay in here: they go into no log and no record. */
export interface JoinRequest {
  /** The UUID sent, lower-cased; it may be none at all. */
  readonly asked: string;
  /** `asked`, if it is a UUID. */
  readonly uuid: NodeUuid | undefined;
  readonly key: PublicKey;
  readonly joinToken: string | null;
  /** Null if the field was absent or empty. */
  readonly uniqueToken: string | null;
  /** Whether the field was there, even empty: Talos has sent it since 1.6. */
  readonly knowsUniqueTokens: boolean;
  readonly talosVersion: string | null;
  /** The machine asked for WireGuard over gRPC. */
  readonly tunnel: boolean;
}

const MAX_UUID_BYTES = 64;
/** Omni's tokens have some 150 bytes; what we write has 43. */
const MAX_TOKEN_BYTES = 4096;
const VERSION_TEXT = /^[\w.+-]{1,64}$/;

/**
 * Row 1 of the table. `ownKey` is the gateway's: no device takes it for a peer's, so once stored it would fail every
 * repair from then on, and every start.
 *
 * @throws SiderolinkError `invalid_argument`; no message holds what was sent
 */
export function parseJoinRequest(fields: JoinFields, ownKey: PublicKey): JoinRequest {
  if (Buffer.byteLength(fields.node_uuid) > MAX_UUID_BYTES) {
    throw new SiderolinkError('invalid_argument', `node_uuid has more than ${MAX_UUID_BYTES} bytes`);
  }
  for (const [name, secret] of [
    ['join_token', fields.join_token],
    ['node_unique_token', fields.node_unique_token],
  ] as const) {
    if (secret !== null && Buffer.byteLength(secret) > MAX_TOKEN_BYTES) {
      throw new SiderolinkError('invalid_argument', `${name} has more than ${MAX_TOKEN_BYTES} bytes`);
    }
  }
  const key = parsePublicKey(fields.node_public_key);
  if (key === ownKey) throw new SiderolinkError('invalid_argument', "node_public_key is the server's own");
  const version = fields.talos_version;
  return {
    asked: fields.node_uuid.toLowerCase(),
    uuid: asNodeUuid(fields.node_uuid),
    key,
    joinToken: fields.join_token || null,
    uniqueToken: fields.node_unique_token || null,
    knowsUniqueTokens: fields.node_unique_token !== null,
    talosVersion: version !== null && VERSION_TEXT.test(version) ? version : null,
    tunnel: fields.wireguard_over_grpc === true,
  };
}

/**
 * The UUID in the other byte order of its first three groups: firmware before SMBIOS 2.6, iPXE and Redfish disagree
 * about them (facts/users.md A4).
 */
export function swappedUuid(uuid: NodeUuid): NodeUuid {
  const at = (from: number) => uuid.slice(from, from + 2);
  const a = at(6) + at(4) + at(2) + at(0);
  return `${a}-${at(11)}${at(9)}-${at(16)}${at(14)}${uuid.slice(18)}` as NodeUuid;
}
