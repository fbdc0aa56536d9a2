import { type NewRecord, NO_TAGS, type Ownership } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { JoinToken } from './types.ts';

/** A join token with what is kept of its secret: the SHA-256 in hex. */
export interface TokenRow {
  readonly token: JoinToken;
  readonly hash: string;
}

/** A token's row in the registry, as JSON. Times are milliseconds since the epoch. */
interface TokenDoc {
  readonly name: string;
  readonly hash: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly max_uses: number | null;
  readonly uses: number;
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
  // Rows from before bound tokens have none of these.
  readonly node_uuid?: NodeUuid | null;
  readonly ownership?: Ownership;
  readonly labels?: Readonly<Record<string, string>>;
  readonly rotates?: string | null;
}

export function tokenOp({ token, hash }: TokenRow): RegistryOp {
  const doc: TokenDoc = {
    name: token.name,
    hash,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    max_uses: token.maxUses,
    uses: token.uses,
    last_used_at: token.lastUsedAt,
    revoked_at: token.revokedAt,
    node_uuid: token.nodeUuid,
    ownership: token.ownership,
    labels: token.labels,
    rotates: token.rotates,
  };
  return { op: 'putToken', id: token.id, doc: JSON.stringify(doc) };
}

/** @throws SyntaxError of a row that is no JSON */
export function tokenRow(row: { readonly id: string; readonly doc: string }): TokenRow {
  const doc = JSON.parse(row.doc) as TokenDoc;
  const token: JoinToken = {
    id: row.id,
    name: doc.name,
    createdAt: doc.created_at,
    expiresAt: doc.expires_at,
    maxUses: doc.max_uses,
    uses: doc.uses,
    lastUsedAt: doc.last_used_at,
    revokedAt: doc.revoked_at,
    nodeUuid: doc.node_uuid ?? null,
    ownership: doc.ownership ?? {},
    labels: doc.labels ?? {},
    rotates: doc.rotates ?? null,
  };
  return { token, hash: doc.hash };
}

/** `_._.token.…`: a token belongs to no machine. Its secret is in no record. */
export function tokenRecord(
  detail: 'created' | 'rotated' | 'revoked' | 'deleted',
  token: JoinToken,
  by: string,
  more: Readonly<Record<string, string>> = {},
): NewRecord {
  const body = {
    id: token.id,
    name: token.name,
    created_at: time(token.createdAt),
    expires_at: time(token.expiresAt),
    max_uses: token.maxUses,
    uses: token.uses,
    last_used_at: time(token.lastUsedAt),
    revoked_at: time(token.revokedAt),
    node_uuid: token.nodeUuid,
    // The names of ownership belong to whom a record is about, and a token is nobody's.
    confers: token.ownership,
    labels: token.labels,
    rotates: token.rotates,
    by,
    ...more,
  };
  return { machine: 0, stream: 'token', boot: 0, tags: NO_TAGS, detail, body: JSON.stringify(body) };
}

function time(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
