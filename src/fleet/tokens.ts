import { SiderolinkError } from '../domain/errors.ts';
import { type NewRecord, NO_TAGS } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import { hashSecret, newTokenSecret, sameHash, splitToken } from './secrets.ts';
import type { JoinToken, JoinTokens, NewJoinToken } from './types.ts';

/** A token's row. `hash` is the SHA-256 of the secret in hex; times are milliseconds since the epoch. */
interface TokenDoc {
  readonly name: string;
  readonly hash: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly max_uses: number | null;
  readonly uses: number;
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
}

interface Entry {
  readonly token: JoinToken;
  readonly hash: string;
}

/** A use that is counted in memory; `op` stores it, `undo` takes it back if the commit fails. */
export interface TokenReservation {
  readonly op: RegistryOp;
  undo(): void;
}

export interface TokensOptions {
  /** More tokens than this are refused. Default 10,000. */
  readonly maxTokens?: number;
}

/** Hashed when no token has the id, so that a guess at an id takes as long as a guess at a secret. */
const NO_HASH = hashSecret('');

/** The join tokens: a memory image of their rows. Secrets are in it as hashes only. */
export class TokenRegistry implements JoinTokens {
  readonly #log: Pick<RecordLog, 'commit'>;
  readonly #clock: Clock;
  readonly #maxTokens: number;
  readonly #entries = new Map<string, Entry>();

  constructor(
    options: TokensOptions,
    deps: { readonly log: Pick<RecordLog, 'commit' | 'image'>; readonly clock: Clock },
  ) {
    this.#log = deps.log;
    this.#clock = deps.clock;
    this.#maxTokens = options.maxTokens ?? 10_000;
    for (const row of deps.log.image.tokens) {
      const doc = JSON.parse(row.doc) as TokenDoc;
      this.#entries.set(row.id, { token: tokenOf(row.id, doc), hash: doc.hash });
    }
  }

  list(): readonly JoinToken[] {
    return [...this.#entries.values()].map((entry) => entry.token);
  }

  get(id: string): JoinToken | undefined {
    return this.#entries.get(id)?.token;
  }

  /** The token that this text is, also if it is revoked or expired; undefined if the secret is not its own. */
  match(text: string): JoinToken | undefined {
    const { id, secret } = splitToken(text);
    const entry = this.#entries.get(id);
    const same = sameHash(hashSecret(secret), entry?.hash ?? NO_HASH);
    return entry !== undefined && same ? entry.token : undefined;
  }

  /** @throws SiderolinkError `invalid_argument`, `exhausted`, `storage` */
  async create(wanted: NewJoinToken, by: string) {
    this.#check(wanted);
    const { id, text, hash } = newTokenSecret();
    const token: JoinToken = {
      id,
      name: wanted.name,
      createdAt: this.#clock.now(),
      expiresAt: wanted.expiresAt ?? null,
      maxUses: wanted.maxUses ?? null,
      uses: 0,
      lastUsedAt: null,
      revokedAt: null,
    };
    const entry = { token, hash };
    await this.#log.commit({ ops: [putOp(entry)], records: [tokenRecord('created', token, by)] });
    this.#entries.set(id, entry);
    return { token, secret: text };
  }

  async revoke(id: string, by: string): Promise<JoinToken> {
    const entry = this.#entry(id);
    if (entry.token.revokedAt !== null) return entry.token;
    const token = { ...entry.token, revokedAt: this.#clock.now() };
    // At once: a token that its owner has given up must not admit anyone while the disk is slow.
    this.#entries.set(id, { ...entry, token });
    try {
      await this.#log.commit({
        ops: [putOp({ ...entry, token })],
        records: [tokenRecord('revoked', token, by)],
      });
    } catch (error) {
      this.#update(id, (now) => ({ ...now, revokedAt: null }));
      throw error;
    }
    return token;
  }

  async delete(id: string, by: string): Promise<void> {
    const { token } = this.#entry(id);
    const expired = token.expiresAt !== null && token.expiresAt <= this.#clock.now();
    if (token.revokedAt === null && !expired) {
      throw new SiderolinkError('conflict', 'only a revoked or expired token can be deleted: revoke it first', { id });
    }
    await this.#log.commit({ ops: [{ op: 'deleteToken', id }], records: [tokenRecord('deleted', token, by)] });
    this.#entries.delete(id);
  }

  /** Notes that a join rests on a token, and takes one of its uses for a machine's first join. */
  reserve(id: string, takesUse: boolean): TokenReservation {
    const before = this.#entry(id);
    const lastUsedAt = this.#clock.now();
    const entry = this.#update(id, (token) => ({ ...token, lastUsedAt, uses: token.uses + (takesUse ? 1 : 0) }));
    return {
      op: putOp(entry ?? before),
      undo: () => {
        if (takesUse) this.#update(id, (token) => ({ ...token, uses: token.uses - 1 }));
      },
    };
  }

  #update(id: string, change: (token: JoinToken) => JoinToken): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const changed = { ...entry, token: change(entry.token) };
    this.#entries.set(id, changed);
    return changed;
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new SiderolinkError('not_found', 'no such join token', { id });
    return entry;
  }

  #check({ name, expiresAt, maxUses }: NewJoinToken): void {
    if (Buffer.byteLength(name) > 256) throw new SiderolinkError('invalid_argument', 'name: at most 256 bytes');
    if (maxUses !== undefined && (!Number.isSafeInteger(maxUses) || maxUses < 1)) {
      throw new SiderolinkError('invalid_argument', 'max_uses: a whole number, at least 1');
    }
    if (expiresAt !== undefined && !(expiresAt > this.#clock.now())) {
      throw new SiderolinkError('invalid_argument', 'expires_at: must be in the future');
    }
    if (this.#entries.size >= this.#maxTokens) {
      throw new SiderolinkError('exhausted', `there are ${this.#maxTokens} join tokens: delete some first`);
    }
  }
}

function putOp({ token, hash }: Entry): RegistryOp {
  const doc: TokenDoc = {
    name: token.name,
    hash,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    max_uses: token.maxUses,
    uses: token.uses,
    last_used_at: token.lastUsedAt,
    revoked_at: token.revokedAt,
  };
  return { op: 'putToken', id: token.id, doc: JSON.stringify(doc) };
}

function tokenOf(id: string, doc: TokenDoc): JoinToken {
  return {
    id,
    name: doc.name,
    createdAt: doc.created_at,
    expiresAt: doc.expires_at,
    maxUses: doc.max_uses,
    uses: doc.uses,
    lastUsedAt: doc.last_used_at,
    revokedAt: doc.revoked_at,
  };
}

/** `_._.token.…`: a token belongs to no machine. */
function tokenRecord(detail: 'created' | 'revoked' | 'deleted', token: JoinToken, by: string): NewRecord {
  const body = {
    id: token.id,
    name: token.name,
    created_at: time(token.createdAt),
    expires_at: time(token.expiresAt),
    max_uses: token.maxUses,
    uses: token.uses,
    last_used_at: time(token.lastUsedAt),
    revoked_at: time(token.revokedAt),
    by,
  };
  return { machine: 0, stream: 'token', boot: 0, tags: NO_TAGS, detail, body: JSON.stringify(body) };
}

function time(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
