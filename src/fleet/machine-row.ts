import type { MachineState } from '../domain/join-types.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { Tags } from '../domain/record.ts';
import type { RegistryImage, RegistryOp } from '../domain/registry.ts';
import type { Tunnel, TunnelSetting } from '../domain/tunnel.ts';
import { trust, type UniqueTokens } from '../domain/unique-token.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { Machine } from './types.ts';

/** A machine with what only joining may know of it. */
export interface MachineRow {
  readonly machine: Machine;
  readonly uniqueTokens: UniqueTokens;
  /** The join token of its first join, by id. */
  readonly firstToken: string | null;
  /** The join token of its latest join, by id; null if it came without one. */
  readonly lastToken: string | null;
  /** It came back without a unique token that it had: its META does not outlive a reboot, so none of its tokens will. */
  readonly losesMeta?: boolean;
  /** What its current boot was told of the gRPC tunnel; absent and null are one: nothing. */
  readonly tunnel?: Tunnel | null;
  /** How it was removed; absent for all that are not. */
  readonly removal?: Removal | undefined;
  /** It is rejected as an identity that nobody had accepted. */
  readonly unaccepted?: boolean;
}

export interface Removal {
  /** As an identity that nobody had accepted: readmitted, it may join as one again. */
  readonly provisional: boolean;
  /** Its records were deleted. */
  readonly records: boolean;
  /** But for lines that were accepted before, and may have been stored since. */
  readonly pending?: true;
}

/** A machine's row in the registry, as JSON. Times are milliseconds since the epoch. */
interface MachineDoc {
  readonly state: MachineState;
  readonly tags: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly key: PublicKey | null;
  readonly boot: number;
  readonly talos_version: string | null;
  readonly unique_tokens: UniqueTokens;
  readonly first_token: string | null;
  readonly aliases: readonly NodeUuid[];
  readonly created_at: number;
  readonly joined_at: number | null;
  readonly version: number;
  // Rows from before provisional identities have none of these.
  readonly last_token?: string | null;
  readonly made_for?: string | null;
  readonly knows_uuid?: boolean;
  readonly loses_meta?: true;
  readonly tunnel?: Tunnel;
  readonly tunnel_setting?: TunnelSetting;
  readonly removal?: Removal;
  readonly unaccepted?: true;
}

export function machineOp(row: MachineRow): RegistryOp {
  const { machine, uniqueTokens, firstToken, lastToken } = row;
  const doc: MachineDoc = {
    state: machine.state,
    tags: machine.tags.id,
    labels: machine.labels,
    key: machine.key,
    boot: machine.boot,
    talos_version: machine.talosVersion,
    unique_tokens: uniqueTokens,
    first_token: firstToken,
    last_token: lastToken,
    made_for: machine.madeFor,
    knows_uuid: machine.knowsUuid,
    aliases: machine.aliases,
    created_at: machine.createdAt,
    joined_at: machine.joinedAt,
    version: machine.version,
    ...(row.losesMeta === true && { loses_meta: true }),
    ...(row.tunnel && { tunnel: row.tunnel }),
    ...(machine.tunnel !== null && { tunnel_setting: machine.tunnel }),
    ...(row.removal !== undefined && { removal: row.removal }),
    ...(row.unaccepted === true && { unaccepted: true }),
  };
  return { op: 'putMachine', id: machine.id, uuid: machine.uuid, address: machine.address, doc: JSON.stringify(doc) };
}

export function machineRow(row: RegistryImage['machines'][number], tags: ReadonlyMap<number, Tags>): MachineRow {
  const doc = JSON.parse(row.doc) as MachineDoc;
  const machine: Machine = {
    id: row.id,
    uuid: row.uuid,
    address: row.address,
    state: doc.state,
    tags: tags.get(doc.tags) ?? { id: doc.tags, server_uuid: row.uuid, ownership: {} },
    labels: doc.labels,
    key: doc.key,
    boot: doc.boot,
    talosVersion: doc.talos_version,
    uniqueToken: trust(doc.unique_tokens),
    madeFor: doc.made_for ?? null,
    knowsUuid: doc.knows_uuid ?? true,
    aliases: doc.aliases,
    tunnel: doc.tunnel_setting ?? null,
    tunnelled: (doc.tunnel?.current ?? null) !== null,
    createdAt: doc.created_at,
    joinedAt: doc.joined_at,
    version: doc.version,
  };
  return {
    machine,
    uniqueTokens: doc.unique_tokens,
    firstToken: doc.first_token,
    lastToken: doc.last_token === undefined ? doc.first_token : doc.last_token,
    losesMeta: doc.loses_meta === true,
    tunnel: doc.tunnel ?? null,
    removal: doc.removal,
    unaccepted: doc.unaccepted === true,
  };
}
