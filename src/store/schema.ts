import type { Database } from 'better-sqlite3';
import { SiderolinkError } from '../domain/errors.ts';

/**
 * The schema's history, append only: entry i brings `user_version` from i to i + 1. What results is held against
 * `test/store/schema.sql`.
 *
 * Records live on two levels. A row of `log_chunk` or `other_chunk` is what one machine and stream had in one commit;
 * `segment`, `block` and `extent` hold the same records packed. Per series (logs: kmsg and log; others), chunks count
 * above `log_state`'s mark and segments up to it.
 */
export const MIGRATIONS: readonly string[] = [
  `
  create table machine (
    id integer primary key,
    uuid text not null unique,
    address text not null unique,
    doc text not null
  ) strict;
  -- An address, once given, is the machine's for ever (law 4).
  create trigger machine_address_is_final before update of address on machine when old.address <> new.address
    begin select raise(abort, 'the address of a machine never changes'); end;
  create trigger machine_stays before delete on machine
    begin select raise(abort, 'machines are never deleted'); end;

  create table tags (
    id integer primary key,
    server_uuid text not null,
    owner text,
    namespace text,
    cluster text,
    metal_machine text,
    machine text
  ) strict;
  -- Records refer to ownership snapshots, so these never change.
  create trigger tags_are_final before update on tags
    begin select raise(abort, 'tags never change'); end;

  create table boot (
    machine integer not null,
    boot integer not null,
    public_key text not null unique,
    doc text not null,
    primary key (machine, boot)
  ) strict, without rowid;

  create table status (machine integer primary key, doc text not null) strict;
  create table token (id text primary key, doc text not null) strict, without rowid;
  create table meta (key text primary key, value text not null) strict, without rowid;

  create table log_state (
    id integer primary key check (id = 1),
    next_seq integer not null,
    last_time integer not null,
    packed_logs integer not null,
    packed_others integer not null,
    next_block integer not null
  ) strict;
  insert into log_state values (1, 1, 0, 0, 0, 1);

  -- The payload stands last: rows are looked through without touching its overflow pages.
  create table log_chunk (
    first_seq integer primary key,
    count integer not null,
    machine integer not null,
    stream integer not null,
    boot integer not null,
    tags integer not null,
    time integer not null,
    first_kseq integer,
    last_kseq integer,
    levels integer not null,
    names text not null,
    bytes integer not null,
    details blob not null,
    payload blob not null
  ) strict;
  create index log_chunk_machine on log_chunk (machine);
  create table other_chunk (
    first_seq integer primary key,
    count integer not null,
    machine integer not null,
    stream integer not null,
    boot integer not null,
    tags integer not null,
    time integer not null,
    first_kseq integer,
    last_kseq integer,
    levels integer not null,
    names text not null,
    bytes integer not null,
    details blob not null,
    payload blob not null
  ) strict;
  create index other_chunk_machine on other_chunk (machine);

  -- Blocks of a segment are first_block, first_block + 1, …
  create table segment (
    series integer not null,
    id integer not null,
    first_seq integer not null,
    last_seq integer not null,
    first_time integer not null,
    last_time integer not null,
    records integer not null,
    bytes integer not null,
    first_block integer not null,
    blocks integer not null,
    primary key (series, id)
  ) strict, without rowid;
  create index segment_seq on segment (series, last_seq);
  create table block (id integer primary key, data blob not null) strict;
  create table extent (
    series integer not null,
    segment integer not null,
    ordinal integer not null,
    machine integer not null,
    stream integer not null,
    boot integer not null,
    tags integer not null,
    block integer not null,
    offset integer not null,
    bytes integer not null,
    count integer not null,
    levels integer not null,
    names text not null,
    runs blob not null,
    primary key (series, segment, ordinal)
  ) strict, without rowid;
  create index extent_machine on extent (machine, series, segment);
  `,
  // A machine's former key may come again as that of an identity made for a newcomer, so a key can have two boots.
  `
  create table boot_of_any_key (
    machine integer not null,
    boot integer not null,
    public_key text not null,
    doc text not null,
    primary key (machine, boot)
  ) strict, without rowid;
  insert into boot_of_any_key select machine, boot, public_key, doc from boot;
  drop table boot;
  alter table boot_of_any_key rename to boot;
  `,
  // Records of a machine and series up to a seq that are deleted. `version` grows with every change, so that readers need
  // only look at what is new; `cleared`: the rows of chunks and extents are gone as well.
  `
  create table deletion (
    machine integer not null,
    series integer not null,
    through integer not null,
    version integer not null unique,
    cleared integer not null,
    primary key (machine, series)
  ) strict, without rowid;
  create index deletion_to_clear on deletion (machine) where cleared = 0;
  `,
  // Everything of a lane up to this seq was acknowledged by the broker.
  'create table publish_cursor (lane integer primary key, seq integer not null) strict;',
  // What retention dropped: everything of a series up to `through`, whose newest record was received at `time`, is gone, and
  // so are all segments up to `segment`. Blocks and extents of those in `dropped_segment` are still to be removed.
  `
  create table dropped (
    series integer primary key,
    through integer not null,
    time integer not null,
    segment integer not null,
    records integer not null
  ) strict;
  create table dropped_segment (
    series integer not null,
    id integer not null,
    first_block integer not null,
    blocks integer not null,
    primary key (series, id)
  ) strict, without rowid;
  -- Pages that the segment took when it was inserted, those of indexes included; 0 for one from before this was counted.
  alter table segment add column pages integer not null default 0;
  `,
  '-- Blocks may stand in columns from here on (packed-block.ts): a program that does not know them would take them for damaged.',
  // Of a row of `extent` and what it counts from (segment-directory.ts); null for one from before.
  'alter table extent add column checksum integer;',
  // Of a chunk (chunk-row.ts); null for one from before. They stand behind the payload because a column can only be added
  // there, and no table is copied that may be damaged. SQLite comes to them without reading what lies between: with
  // auto_vacuum it knows which page follows which.
  // `lost`: unpacked records that could not be read any more when their neighbours were packed. Null: nobody knows.
  `
  alter table log_chunk add column head_checksum integer;
  alter table log_chunk add column checksum integer;
  alter table other_chunk add column head_checksum integer;
  alter table other_chunk add column checksum integer;
  create table lost (
    series integer not null,
    first_seq integer not null,
    last_seq integer not null,
    machine integer,
    count integer,
    time integer not null,
    primary key (series, first_seq)
  ) strict, without rowid;
  `,
];

/** Brings the database to the newest schema. @throws SiderolinkError `configuration` if it is newer than this program. */
export function migrate(db: Database): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > MIGRATIONS.length) {
    throw new SiderolinkError(
      'configuration',
      `the store was written by a newer siderolinkd (schema ${version}, this one knows ${MIGRATIONS.length})`,
    );
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${index + 1}`);
    }).immediate();
  }
}
