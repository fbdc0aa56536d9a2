import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { MIGRATIONS } from '../../src/store/schema.ts';
import { eventOf, linesOf, openLog, readAll, sourceOf, temporaryStore } from '../stream/harness.ts';

/** The schema since which the pages of segments are counted. */
const PAGES_COUNTED = 5;
const FOR_EVER = { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
const LOGS = { filters: ['siderolink.*.*.kmsg.>'] };

const store = temporaryStore();
const opened: Awaited<ReturnType<typeof openLog>>[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ log }) => log.close(5000)));
  for (const suffix of ['', '-wal', '-shm', '.new']) rmSync(`${store.path}${suffix}`, { force: true });
});

async function open(options: Partial<Parameters<typeof openLog>[0]>) {
  const found = await openLog({ path: store.path, segmentRecords: 500, retentionMs: 5, freeBytes: 0, ...options });
  opened.push(found);
  return found;
}

/** Makes of the store one as a program wrote it that knew the first so many migrations. */
function makeOld(version: number): void {
  const path = `${store.path}.new`;
  const old = new Database(path);
  // Pages were smaller once. From when they are counted they are what was counted.
  const now = new Database(store.path, { readonly: true });
  old.pragma(`page_size = ${version < PAGES_COUNTED ? 8192 : now.pragma('page_size', { simple: true })}`);
  now.close();
  old.pragma('auto_vacuum = incremental');
  for (const sql of MIGRATIONS.slice(0, version)) old.exec(sql);
  old.pragma(`user_version = ${version}`);
  old.exec(`attach '${store.path}' as now; delete from log_state`);
  const tables = old.prepare("select name from main.sqlite_schema where type = 'table'").pluck().all() as string[];
  for (const table of tables) {
    const columns = old.prepare(`select group_concat(name) from pragma_table_info('${table}')`).pluck().get();
    old.exec(`insert into main.${table} (${columns}) select ${columns} from now.${table}`);
  }
  old.close();
  rmSync(store.path);
  new Database(path).exec(`vacuum into '${store.path}'`).close();
}

const versions = Array.from({ length: MIGRATIONS.length - 1 }, (_, i) => i + 1);
test.each(versions)('a store of schema %i opens with all that it holds, and its oldest go', async (version) => {
  const { log } = await open({});
  for (let n = 0; n < 64; n++) {
    const lines = Array.from({ length: 50 }, () => randomBytes(150).toString('base64'));
    log.appendLog(sourceOf(1 + (n % 4)), linesOf(lines));
    await log.commit({ ops: [], records: [eventOf(1, 'x', `${n}`)] });
    await log.flush();
  }
  await log.packed();
  const before = await readAll(log);
  await log.close(5000);
  makeOld(version);

  const again = await open({});
  expect(await readAll(again.log)).toEqual(before);
  // Sizes were not counted then: what they are judged to be is about what they are.
  const seriesBytes = async () =>
    Number(/^siderolinkd_store_series_bytes\{series="logs"\} (\d+)/m.exec(await again.metrics())?.[1] ?? 0);
  await expect.poll(seriesBytes).toBeGreaterThan(0);
  const judged = await seriesBytes();
  const db = new Database(store.path, { readonly: true });
  const real = db
    .prepare("select sum(pgsize) from dbstat where name in ('block', 'extent', 'extent_machine', 'log_chunk')")
    .pluck()
    .get() as number;
  db.close();
  expect(judged / real).toBeGreaterThan(0.8);
  expect(judged / real).toBeLessThan(1.3);
  await again.log.close(5000);

  const { log: small } = await open({ retention: { logs: { ...FOR_EVER, maxBytes: judged / 2 }, others: FOR_EVER } });
  const gapsOf = async () =>
    (await readAll(small, { filters: ['siderolink._._.gap.retention'] })).map(({ json }) => JSON.parse(json).body);
  await expect.poll(async () => (await gapsOf()).length).toBeGreaterThan(0);
  const [gap] = await gapsOf();
  expect(gap).toMatchObject({ from: 2, reason: 'bytes', series: 'logs' });
  const left = before.filter(({ seq, json }) => !json.includes('.kmsg.') || seq > gap.to).map(({ seq }) => seq);
  expect((await readAll(small)).map(({ seq }) => seq).slice(0, left.length)).toEqual(left);
  expect((await readAll(small, LOGS)).length).toBe(3200 - gap.count);
});
