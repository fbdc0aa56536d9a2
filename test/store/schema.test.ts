import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { MIGRATIONS, migrate } from '../../src/store/schema.ts';

const GOLDEN = new URL('./schema.sql', import.meta.url);

/** Every statement of the schema as SQLite keeps it. */
function schemaOf(db: Database.Database): string {
  const statements = db
    .prepare("select sql from sqlite_schema where sql is not null order by type <> 'table', name")
    .pluck()
    .all() as string[];
  return `${statements.join(';\n')};\n`;
}

test('the migrations end at the golden schema', () => {
  const db = new Database(':memory:');
  migrate(db);
  expect(schemaOf(db)).toBe(readFileSync(GOLDEN, 'utf8'));
  expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
});

test('migrating again changes nothing', () => {
  const db = new Database(':memory:');
  migrate(db);
  const before = schemaOf(db);
  migrate(db);
  expect(schemaOf(db)).toBe(before);
});

test('a store from before a key could have two boots keeps its boots', () => {
  const db = new Database(':memory:');
  db.exec(MIGRATIONS[0] ?? '');
  db.pragma('user_version = 1');
  db.exec(`insert into boot values (1, 1, 'K', '{}'), (1, 2, 'L', '{"seq":7}')`);
  migrate(db);
  db.exec(`insert into boot values (2, 1, 'K', '{}')`);
  expect(db.prepare('select * from boot order by machine, boot').raw().all()).toEqual([
    [1, 1, 'K', '{}'],
    [1, 2, 'L', '{"seq":7}'],
    [2, 1, 'K', '{}'],
  ]);
});
