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
