import { SiderolinkError } from '../domain/errors.ts';
import { parseLabels } from '../domain/labels.ts';
import { parseOwnership } from '../domain/ownership.ts';
import type { NewRecord } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import { isJunkUuid, type NodeUuid } from '../domain/uuid.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import { hashSecret, newTokenSecret, sameHash, splitToken } from './secrets.ts';
import { type TokenRow, tokenOp, tokenRecord, tokenRow } from './token-rows.ts';
import type { JoinToken, JoinTokens, NewJoinToken } from './types.ts';

/** A use that is counted in memory; `op` stores it, `undo` takes it back if the commit fails. */
export interface TokenReservation {
  readonly op: RegistryOp;
  undo(): void;
}

export interface TokensOptions {
  /** More tokens than this are refused. Default 10,000. */
  readonly maxTokens?: number;
}

/** A row in memory, and how often it was handed out to be stored. */
interface Entry extends TokenRow {
  readonly written: number;
}

/** RFC 3339 writes no later moment: a year has four digits. */
const LAST_MOMENT = Date.parse('9999-12-31T23:59:59.999Z');

/** Hashed when no token has the id, so that a guess at an id takes as long as a guess at a secret. */
const NO_HASH = hashSecret('');

/** The join tokens: a memory image of their rows. Secrets are in it as hashes only. */
export class TokenRegistry implements JoinTokens {
  readonly #log: Pick<RecordLog, 'commit'>;
  readonly #clock: Clock;
  readonly #maxTokens: number;
  readonly #entries = new Map<string, Entry>();
  /** Tokens that are bound to a UUID, by it. */
  readonly #bound = new Map<NodeUuid, Set<string>>();
  readonly #revoking = new Map<string, Promise<JoinToken>>();
  /** Their deletion is under way: nothing more of them may be stored. */
  readonly #leaving = new Set<string>();

  /** Reads the registry's image. @throws SyntaxError of a row that is no JSON */
  constructor(
    options: TokensOptions,
    deps: { readonly log: Pick<RecordLog, 'commit' | 'image'>; readonly clock: Clock },
  ) {
    this.#log = deps.log;
    this.#clock = deps.clock;
    this.#maxTokens = options.maxTokens ?? 10_000;
    for (const row of deps.log.image.tokens) this.#put(tokenRow(row));
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

  /** Whether a token that may still be used is bound to this UUID. */
  isReserved(uuid: NodeUuid): boolean {
    for (const id of this.#bound.get(uuid) ?? []) {
      const token = this.get(id);
      if (token !== undefined && this.#isValid(token)) return true;
    }
    return false;
  }

  /** @throws SiderolinkError `invalid_argument`, `exhausted`, `storage` */
  async create(wanted: NewJoinToken, by: string) {
    const { name, expiresAt = null, maxUses = null, nodeUuid = null } = wanted;
    this.#check({ name, expiresAt, maxUses, nodeUuid });
    const ownership = parseOwnership({ ...wanted.ownership });
    const labels = parseLabels({ ...wanted.labels });
    const made = this.#make({ name, expiresAt, maxUses, nodeUuid, ownership, labels, rotates: null });
    await this.#log.commit({ ops: [tokenOp(made.row)], records: [tokenRecord('created', made.row.token, by)] });
    this.#put(made.row);
    return { token: made.row.token, secret: made.text };
  }

  async revoke(id: string, by: string): Promise<JoinToken> {
    // Nobody is told that a token is revoked before that is stored.
    const running = this.#revoking.get(id);
    if (running !== undefined) return await running;
    const { token } = this.#entry(id);
    if (token.revokedAt !== null) return token;
    const revoking = this.#revoke(id, by).finally(() => this.#revoking.delete(id));
    this.#revoking.set(id, revoking);
    return await revoking;
  }

  async #revoke(id: string, by: string): Promise<JoinToken> {
    // At once: a token that its owner has given up must not admit anyone while the disk is slow.
    const revoked = this.#update(id, (now) => ({ ...now, revokedAt: this.#clock.now() }));
    await this.#store(revoked, [tokenRecord('revoked', revoked.token, by)], (now) => ({ ...now, revokedAt: null }));
    return this.get(id) ?? revoked.token;
  }

  async delete(id: string, by: string): Promise<void> {
    const { token } = this.#entry(id);
    if (this.#isValid(token)) {
      throw new SiderolinkError('conflict', 'only a revoked or expired token can be deleted: revoke it first', { id });
    }
    if (this.#leaving.has(id)) throw new SiderolinkError('not_found', 'no such join token', { id });
    this.#leaving.add(id);
    try {
      await this.#log.commit({ ops: [{ op: 'deleteToken', id }], records: [tokenRecord('deleted', token, by)] });
      this.#drop(token);
    } finally {
      this.#leaving.delete(id);
    }
  }

  /**
   * The new one lives as long as this one was meant to, where no expiry is given.
   * @throws SiderolinkError `not_found`, `conflict`, `invalid_argument`, `exhausted`, `storage`
   */
  async rotate(id: string, options: { readonly overlapMs: number; readonly expiresAt?: number }, by: string) {
    const { token } = this.#entry(id);
    if (!this.#isValid(token)) {
      throw new SiderolinkError('conflict', 'the token is revoked or expired: create another', { id });
    }
    const now = this.#clock.now();
    const lifetime = token.expiresAt === null ? null : token.expiresAt - token.createdAt;
    const expiresAt = options.expiresAt ?? (lifetime === null ? null : Math.min(now + lifetime, LAST_MOMENT));
    if (!Number.isSafeInteger(options.overlapMs) || options.overlapMs < 0) {
      throw new SiderolinkError('invalid_argument', 'overlap: a duration that is not negative');
    }
    this.#check({ ...token, expiresAt });
    const { name, maxUses, nodeUuid, ownership, labels } = token;
    const made = this.#make({ name, expiresAt, maxUses, nodeUuid, ownership, labels, rotates: id });
    const endsAt = Math.min(token.expiresAt ?? LAST_MOMENT, now + options.overlapMs);
    const rotated = this.#update(id, (current) => ({ ...current, expiresAt: endsAt }));
    const records = [
      tokenRecord('created', made.row.token, by),
      tokenRecord('rotated', rotated.token, by, { successor: made.row.token.id }),
    ];
    const takeBack = (current: JoinToken) => ({ ...current, expiresAt: token.expiresAt });
    await this.#store(rotated, records, takeBack, [tokenOp(made.row)]);
    this.#put(made.row);
    return { token: made.row.token, secret: made.text, rotated: this.get(id) ?? rotated.token };
  }

  /** Notes that a join rests on a token, and takes one of its uses for a machine's first join. */
  reserve(id: string, takesUse: boolean): TokenReservation {
    this.#entry(id);
    const taken = takesUse ? 1 : 0;
    const lastUsedAt = this.#clock.now();
    const entry = this.#update(id, (token) => ({ ...token, lastUsedAt, uses: token.uses + taken }));
    return {
      op: tokenOp(entry),
      undo: () => this.#takeBack(entry, (token) => ({ ...token, uses: token.uses - taken })),
    };
  }

  async #store(
    entry: Entry,
    records: NewRecord[],
    takeBack: (now: JoinToken) => JoinToken,
    more: readonly RegistryOp[] = [],
  ): Promise<void> {
    try {
      await this.#log.commit({ ops: [...more, tokenOp(entry)], records });
    } catch (error) {
      this.#takeBack(entry, takeBack);
      throw error;
    }
  }

  /**
   * Undoes a change whose commit failed. What was handed out to be stored since then holds it too, so if there is such,
   * the truth is stored after it; should that fail as well, the token's next use stores it.
   */
  #takeBack({ token: { id }, written }: Entry, change: (now: JoinToken) => JoinToken): void {
    const now = this.#entries.get(id);
    if (now === undefined) return;
    if (now.written === written) {
      this.#entries.set(id, { ...now, token: change(now.token) });
      return;
    }
    const truth = this.#update(id, change);
    if (this.#leaving.has(id)) return;
    this.#log.commit({ ops: [tokenOp(truth)], records: [] }).catch(() => {});
  }

  /** Another row, which the caller hands out to be stored. */
  #update(id: string, change: (token: JoinToken) => JoinToken): Entry {
    const before = this.#entry(id);
    const entry = { ...before, token: change(before.token), written: before.written + 1 };
    this.#entries.set(id, entry);
    return entry;
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new SiderolinkError('not_found', 'no such join token', { id });
    return entry;
  }

  #put(row: TokenRow): void {
    const { id, nodeUuid } = row.token;
    this.#entries.set(id, { ...row, written: 0 });
    if (nodeUuid === null) return;
    const bound = this.#bound.get(nodeUuid) ?? new Set();
    this.#bound.set(nodeUuid, bound.add(id));
  }

  #drop({ id, nodeUuid }: JoinToken): void {
    this.#entries.delete(id);
    if (nodeUuid === null) return;
    const bound = this.#bound.get(nodeUuid);
    bound?.delete(id);
    if (bound?.size === 0) this.#bound.delete(nodeUuid);
  }

  #isValid({ revokedAt, expiresAt }: JoinToken): boolean {
    return revokedAt === null && (expiresAt === null || expiresAt > this.#clock.now());
  }

  #make(wanted: Omit<JoinToken, 'id' | 'createdAt' | 'uses' | 'lastUsedAt' | 'revokedAt'>) {
    const { id, text, hash } = newTokenSecret();
    const token: JoinToken = {
      ...wanted,
      id,
      createdAt: this.#clock.now(),
      uses: 0,
      lastUsedAt: null,
      revokedAt: null,
    };
    return { row: { token, hash }, text };
  }

  #check({ name, expiresAt, maxUses, nodeUuid }: Pick<JoinToken, 'name' | 'expiresAt' | 'maxUses' | 'nodeUuid'>): void {
    if (Buffer.byteLength(name) > 256) throw new SiderolinkError('invalid_argument', 'name: at most 256 bytes');
    if (maxUses !== null && (!Number.isSafeInteger(maxUses) || maxUses < 1)) {
      throw new SiderolinkError('invalid_argument', 'max_uses: a whole number, at least 1');
    }
    if (expiresAt !== null && !(expiresAt > this.#clock.now())) {
      throw new SiderolinkError('invalid_argument', 'expires_at: must be in the future');
    }
    if (expiresAt !== null && expiresAt > LAST_MOMENT) {
      throw new SiderolinkError('invalid_argument', 'expires_at: lies behind the year 9999');
    }
    if (nodeUuid !== null && isJunkUuid(nodeUuid)) {
      throw new SiderolinkError('invalid_argument', 'node_uuid: many machines have this one, it binds to none');
    }
    if (this.#entries.size >= this.#maxTokens) {
      throw new SiderolinkError('exhausted', `there are ${this.#maxTokens} join tokens: delete some first`);
    }
  }
}
