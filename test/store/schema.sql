CREATE TABLE block (id integer primary key, data blob not null) strict;
CREATE TABLE "boot" (
    machine integer not null,
    boot integer not null,
    public_key text not null,
    doc text not null,
    primary key (machine, boot)
  ) strict, without rowid;
CREATE TABLE deletion (
    machine integer not null,
    series integer not null,
    through integer not null,
    version integer not null unique,
    cleared integer not null,
    primary key (machine, series)
  ) strict, without rowid;
CREATE TABLE dropped (
    series integer primary key,
    through integer not null,
    time integer not null,
    segment integer not null,
    records integer not null
  ) strict;
CREATE TABLE dropped_segment (
    series integer not null,
    id integer not null,
    first_block integer not null,
    blocks integer not null,
    primary key (series, id)
  ) strict, without rowid;
CREATE TABLE extent (
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
    runs blob not null, checksum integer,
    primary key (series, segment, ordinal)
  ) strict, without rowid;
CREATE TABLE log_chunk (
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
  , head_checksum integer, checksum integer) strict;
CREATE TABLE log_state (
    id integer primary key check (id = 1),
    next_seq integer not null,
    last_time integer not null,
    packed_logs integer not null,
    packed_others integer not null,
    next_block integer not null
  ) strict;
CREATE TABLE lost (
    series integer not null,
    first_seq integer not null,
    last_seq integer not null,
    machine integer,
    count integer,
    time integer not null,
    primary key (series, first_seq)
  ) strict, without rowid;
CREATE TABLE machine (
    id integer primary key,
    uuid text not null unique,
    address text not null unique,
    doc text not null
  ) strict;
CREATE TABLE meta (key text primary key, value text not null) strict, without rowid;
CREATE TABLE other_chunk (
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
  , head_checksum integer, checksum integer) strict;
CREATE TABLE publish_cursor (lane integer primary key, seq integer not null) strict;
CREATE TABLE segment (
    series integer not null,
    id integer not null,
    first_seq integer not null,
    last_seq integer not null,
    first_time integer not null,
    last_time integer not null,
    records integer not null,
    bytes integer not null,
    first_block integer not null,
    blocks integer not null, pages integer not null default 0,
    primary key (series, id)
  ) strict, without rowid;
CREATE TABLE status (machine integer primary key, doc text not null) strict;
CREATE TABLE tags (
    id integer primary key,
    server_uuid text not null,
    owner text,
    namespace text,
    cluster text,
    metal_machine text,
    machine text
  ) strict;
CREATE TABLE token (id text primary key, doc text not null) strict, without rowid;
CREATE INDEX deletion_to_clear on deletion (machine) where cleared = 0;
CREATE INDEX extent_machine on extent (machine, series, segment);
CREATE INDEX log_chunk_machine on log_chunk (machine);
CREATE TRIGGER machine_address_is_final before update of address on machine when old.address <> new.address
    begin select raise(abort, 'the address of a machine never changes'); end;
CREATE TRIGGER machine_stays before delete on machine
    begin select raise(abort, 'machines are never deleted'); end;
CREATE INDEX other_chunk_machine on other_chunk (machine);
CREATE INDEX segment_seq on segment (series, last_seq);
CREATE TRIGGER tags_are_final before update on tags
    begin select raise(abort, 'tags never change'); end;
