import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWriter, unsynced } from '../../src/store/database.ts';

const NORMAL = 1;
const FULL = 2;

let directory: string;
let db: ReturnType<typeof openWriter>;
const synchronous = () => db.pragma('synchronous', { simple: true });
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unsynced-'));
  db = openWriter(join(directory, 'store.db'), 1000);
});
afterEach(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

test('only the transaction itself goes without an fsync, also one that fails', () => {
  expect(synchronous()).toBe(FULL);
  expect(unsynced(db, synchronous)).toBe(NORMAL);
  expect(synchronous()).toBe(FULL);
  const failing = () => db.transaction(() => db.exec('insert into nowhere values (1)')).immediate();
  expect(() => unsynced(db, failing)).toThrow('no such table');
  expect(synchronous()).toBe(FULL);
});

test('a handle that never syncs stays as it is', () => {
  db.pragma('synchronous = off');
  unsynced(db, () => expect(synchronous()).toBe(0));
  expect(synchronous()).toBe(0);
});
