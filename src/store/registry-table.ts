import type { Database, Statement } from 'better-sqlite3';
import type { PublicKey } from '../domain/keys.ts';
import type { OverlayAddress } from '../domain/overlay.ts';
import { OWNERSHIP_FIELDS } from '../domain/ownership.ts';
import type { Ownership, Tags } from '../domain/record.ts';
import type { RegistryImage, RegistryOp } from '../domain/registry.ts';
import type { NodeUuid } from '../domain/uuid.ts';
import type { DeletionTable } from './deletion-table.ts';
import type { RetentionTable } from './retention-table.ts';

interface TagsRow {
  readonly id: number;
  readonly server_uuid: string;
  readonly owner: string | null;
  readonly namespace: string | null;
  readonly cluster: string | null;
  readonly metal_machine: string | null;
  readonly machine: string | null;
}

/** Applies registry changes. Runs inside the caller's transaction; SQLite's constraint errors pass through. */
export class RegistryTable {
  readonly #deletions: DeletionTable;
  readonly #retention: RetentionTable;
  readonly #updateMachine: Statement;
  readonly #insertMachine: Statement;
  readonly #putTags: Statement;
  readonly #sameTags: Statement;
  readonly #putBoot: Statement;
  readonly #patchBoot: Statement;
  readonly #deleteBoot: Statement;
  readonly #putStatus: Statement;
  readonly #deleteStatus: Statement;
  readonly #putToken: Statement;
  readonly #deleteToken: Statement;
  readonly #putMeta: Statement;
  readonly #putPublishCursor: Statement;

  constructor(db: Database, deps: { readonly deletions: DeletionTable; readonly retention: RetentionTable }) {
    this.#deletions = deps.deletions;
    this.#retention = deps.retention;
    // In one statement ("on conflict do update") the trigger of updates makes SQLite copy the pages of an insert too.
    this.#updateMachine = db.prepare('update machine set uuid = ?, address = ?, doc = ? where id = ?');
    this.#insertMachine = db.prepare('insert into machine (uuid, address, doc, id) values (?, ?, ?, ?)');
    this.#putTags = db.prepare(
      `insert into tags (id, server_uuid, owner, namespace, cluster, metal_machine, machine)
       values (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#sameTags = db
      .prepare(
        `select 1 from tags where id = ? and server_uuid = ? and owner is ? and namespace is ? and cluster is ?
         and metal_machine is ? and machine is ?`,
      )
      .pluck();
    this.#putBoot = db.prepare(
      `insert into boot (machine, boot, public_key, doc) values (?, ?, ?, ?)
       on conflict (machine, boot) do update set public_key = excluded.public_key, doc = excluded.doc`,
    );
    this.#patchBoot = db.prepare('update boot set doc = json_patch(doc, ?) where machine = ? and boot = ?');
    this.#deleteBoot = db.prepare('delete from boot where machine = ? and boot = ?');
    this.#putStatus = db.prepare(
      'insert into status (machine, doc) values (?, ?) on conflict (machine) do update set doc = excluded.doc',
    );
    this.#deleteStatus = db.prepare('delete from status where machine = ?');
    this.#putToken = db.prepare(
      'insert into token (id, doc) values (?, ?) on conflict (id) do update set doc = excluded.doc',
    );
    this.#deleteToken = db.prepare('delete from token where id = ?');
    this.#putMeta = db.prepare(
      'insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value',
    );
    this.#putPublishCursor = db.prepare(
      'insert into publish_cursor (lane, seq) values (?, ?) on conflict (lane) do update set seq = excluded.seq',
    );
  }

  /** @param head seq of the newest record that stands before the change */
  apply(op: RegistryOp, head: number): void {
    switch (op.op) {
      case 'putMachine':
        this.#putMachine(op.uuid, op.address, op.doc, op.id);
        return;
      case 'putTags':
        this.#insertTags(op.id, op.server_uuid, op.ownership);
        return;
      case 'putBoot':
        this.#putBoot.run(op.machine, op.boot, op.publicKey, op.doc);
        return;
      case 'patchBoot':
        this.#patchBoot.run(op.patch, op.machine, op.boot);
        return;
      case 'deleteBoot':
        this.#deleteBoot.run(op.machine, op.boot);
        return;
      case 'putStatus':
        this.#putStatus.run(op.machine, op.doc);
        return;
      case 'deleteStatus':
        this.#deleteStatus.run(op.machine);
        return;
      case 'putToken':
        this.#putToken.run(op.id, op.doc);
        return;
      case 'deleteToken':
        this.#deleteToken.run(op.id);
        return;
      case 'deleteRecords':
        this.#deletions.add(op, head);
        return;
      case 'dropSegments':
        this.#retention.drop(op);
        return;
      case 'putMeta':
        this.#putMeta.run(op.key, op.value);
        return;
      case 'putPublishCursors':
        for (const [lane, seq] of op.cursors) this.#putPublishCursor.run(lane, seq);
        return;
    }
  }

  #putMachine(...row: readonly [uuid: string, address: string, doc: string, id: number]): void {
    if (this.#updateMachine.run(...row).changes === 0) this.#insertMachine.run(...row);
  }

  /** Writing the same snapshot again is allowed; another one under its number is a constraint error. */
  #insertTags(id: number, uuid: string, ownership: Ownership): void {
    const { owner = null, namespace = null, cluster = null, metal_machine = null, machine = null } = ownership;
    const values = [id, uuid, owner, namespace, cluster, metal_machine, machine];
    if (this.#sameTags.get(...values) === undefined) this.#putTags.run(...values);
  }
}

/** Everything the registry holds. */
export function readImage(db: Database): RegistryImage {
  const machines = db.prepare('select id, uuid, address, doc from machine order by id').all();
  const boots = db.prepare('select machine, boot, public_key as publicKey, doc from boot order by machine, boot').all();
  const tags = db.prepare('select * from tags order by id').all() as TagsRow[];
  const meta = db.prepare('select key, value from meta').raw().all() as [string, string][];
  const cursors = db.prepare('select lane, seq from publish_cursor').raw().all() as [number, number][];
  return {
    machines: machines as { id: number; uuid: NodeUuid; address: OverlayAddress; doc: string }[],
    tags: tags.map(tagsOfRow) as { id: number; server_uuid: NodeUuid; ownership: Ownership }[],
    boots: boots as { machine: number; boot: number; publicKey: PublicKey; doc: string }[],
    statuses: db.prepare('select machine, doc from status order by machine').all() as RegistryImage['statuses'],
    tokens: db.prepare('select id, doc from token order by id').all() as RegistryImage['tokens'],
    meta: new Map(meta),
    publishCursors: new Map(cursors),
  };
}

function tagsOfRow(row: TagsRow): Tags {
  const { id, server_uuid } = row;
  const ownership: { -readonly [Field in keyof Ownership]: Ownership[Field] } = {};
  for (const field of OWNERSHIP_FIELDS) {
    const value = row[field];
    if (value !== null) ownership[field] = value;
  }
  return { id, server_uuid: server_uuid as NodeUuid | '', ownership };
}

/** Looks up ownership snapshots by number. They never change, so what was read once is kept. */
export class TagsTable {
  readonly #select: Statement;
  readonly #known = new Map<number, Tags>();

  constructor(db: Database) {
    this.#select = db.prepare('select * from tags where id = ?');
  }

  get(id: number): Tags {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const row = this.#select.get(id) as TagsRow | undefined;
    if (row === undefined) return { id, server_uuid: '', ownership: {} };
    const tags = tagsOfRow(row);
    this.#known.set(id, tags);
    return tags;
  }
}
