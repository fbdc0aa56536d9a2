import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BELIEVED_AFTER_MS } from '../../src/domain/believed-time.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createStoreMetrics } from '../../src/store/metrics.ts';
import { STORE_DEFAULTS, Store, type StoreOptions } from '../../src/store/store.ts';
import type { RecordLogOptions, StoredRecordLog } from '../../src/stream/record-log.ts';
import { Retention } from '../../src/stream/retention.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { eventOf, linesOf, openLog, readAll, sourceOf, temporaryStore } from '../stream/harness.ts';

const FOR_EVER = { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
const DAY = 24 * 3_600_000;
const LOGS = { filters: ['siderolink.*.*.kmsg.>'] };

let store: ReturnType<typeof temporaryStore>;
let open: StoredRecordLog[];
/** What the test adds to the wall clock, and to the monotonic one. */
let ahead: number;
let later: number;
beforeEach(() => {
  store = temporaryStore();
  open = [];
  ahead = 0;
  later = 0;
});
afterEach(async () => {
  await Promise.all(open.map((log) => log.close(5000)));
  store.remove();
});

const clock = {
  ...systemClock,
  now: () => Date.now() + ahead + later,
  monotonic: () => systemClock.monotonic() + later,
};

async function openKeeping(options: Partial<RecordLogOptions>) {
  const small = { segmentRecords: 100, sliceRows: 3, sliceBytes: 4000, retentionMs: 5, freeBytes: 0 };
  const opened = await openLog({ path: store.path, ...small, ...options }, clock);
  open.push(opened.log);
  return opened;
}

/** So many segments of 100 lines of 600 bytes. */
async function write(log: StoredRecordLog, segments: number): Promise<void> {
  for (let n = 0; n < segments * 10; n++) {
    const lines = Array.from({ length: 10 }, () => randomBytes(450).toString('base64'));
    log.appendLog(sourceOf(1 + (n % 2)), linesOf(lines));
    await log.flush();
  }
  await log.packed();
}

async function writeAndClose(segments: number): Promise<void> {
  const { log } = await openKeeping({});
  await write(log, segments);
  await log.close(5000);
}

/** On a busy host what takes a moment takes longer. */
const eventually = <T>(get: () => T) => expect.poll(get);

function edit<T>(change: (db: Database.Database) => T): T {
  const db = new Database(store.path);
  try {
    return change(db);
  } finally {
    db.close();
  }
}

const gapsOf = async (log: StoredRecordLog, detail = 'retention') =>
  (await readAll(log, { filters: [`siderolink._._.gap.${detail}`] })).map(({ json }) => JSON.parse(json).body);
const conditionOf = (health: Health, name: string) => health.conditions.find((condition) => condition.name === name);

const MONTH = { logs: { ...FOR_EVER, maxAgeMs: 30 * DAY }, others: FOR_EVER };

test('a clock that leaps ahead by years takes nothing, also not after a restart, until it has stayed so for hours', async () => {
  await writeAndClose(4);
  ahead = 20_000 * DAY;
  const first = await openKeeping({ retention: MONTH });
  await expect
    .poll(() => conditionOf(first.health, 'store_clock'))
    .toMatchObject({
      severity: 'warning',
      message: expect.stringContaining('the clock is 20000 days ahead'),
    });
  // Stored with the wrong time: the next run must not take that for the truth.
  await write(first.log, 1);
  await first.log.close(5000);

  const second = await openKeeping({ retention: MONTH });
  await eventually(() => conditionOf(second.health, 'store_clock')?.severity).toBe('warning');
  later = BELIEVED_AFTER_MS - 60_000;
  await eventually(() => conditionOf(second.health, 'store_retention')?.severity).toBe('ok');
  expect((await readAll(second.log, LOGS)).length).toBe(500);
  expect(await gapsOf(second.log)).toEqual([]);

  later = BELIEVED_AFTER_MS + 60_000;
  await eventually(async () => (await readAll(second.log, LOGS)).length).toBe(100);
  expect(conditionOf(second.health, 'store_clock')?.severity).toBe('ok');
  await second.log.close(5000);
  expect(edit((db) => db.prepare("select value from meta where key = 'clock_leapt_at'").pluck().get())).toBe('');
});

test('a clock that is set right again has cost nothing', async () => {
  await writeAndClose(3);
  ahead = 400 * DAY;
  const { log, health } = await openKeeping({ retention: MONTH });
  await eventually(() => conditionOf(health, 'store_clock')?.severity).toBe('warning');
  ahead = 0;
  await eventually(() => conditionOf(health, 'store_clock')?.severity).toBe('ok');
  // Years back, as on a host without a battery, and then right.
  ahead = -20_000 * DAY;
  await write(log, 1);
  later = 2 * BELIEVED_AFTER_MS;
  await write(log, 1);
  ahead = 0;
  await write(log, 1);
  expect((await readAll(log, LOGS)).length).toBe(600);
  // What is really too old goes even so.
  later = 29 * DAY;
  await write(log, 1);
  later = 32 * DAY;
  await write(log, 1);
  later += BELIEVED_AFTER_MS;
  await eventually(async () => (await readAll(log, LOGS)).length).toBeLessThan(201);
});

test('records with times that are still to come say nothing about the time, also after a restart', async () => {
  await writeAndClose(3);
  ahead = 400 * DAY;
  const wrong = await openKeeping({ retention: MONTH });
  await write(wrong.log, 1);
  ahead = 0;
  await eventually(() => conditionOf(wrong.health, 'store_clock')?.severity).toBe('ok');
  await wrong.log.close(5000);
  const { log, health } = await openKeeping({ retention: MONTH });
  await eventually(() => conditionOf(health, 'store_retention')?.severity).toBe('ok');
  expect((await readAll(log, LOGS)).length).toBe(400);
  expect(await gapsOf(log)).toEqual([]);
});

test('what counts is all of the file that is not the registry, also what is free in it', async () => {
  const { log, metrics } = await openKeeping({ segmentRecords: 1500, freeBytes: 1e9 });
  await write(log, 60);
  const gauge = async (name: string) =>
    [...(await metrics()).matchAll(new RegExp(`^siderolinkd_store_${name}(?:{.*})? (\\d+)`, 'gm'))]
      .map(([, value]) => Number(value))
      .reduce((sum, value) => sum + value, 0);
  const page = edit((db) => Number(db.pragma('page_size', { simple: true })));
  const pages = edit((db) => Number(db.pragma('page_count', { simple: true })));
  await eventually(() => gauge('free_bytes')).toBeGreaterThan(50 * page);
  // The registry's tables and indexes take a page each while they are empty.
  await eventually(async () => pages - (await gauge('series_bytes')) / page).toBeLessThan(40);
  expect((await gauge('series_bytes')) / page).toBeLessThan(pages);
});

/** The store with a retention beside it whose disk is short of a few MiB, and that only notes what it would drop. */
async function shortOfDisk(options: Partial<StoreOptions> = {}) {
  const health = new Health(() => clock.now());
  const logger = pino({ level: 'silent' });
  const metrics = createStoreMetrics(createRegistry());
  const deps = { clock, health, logger, metrics };
  const opened = await Store.open(
    { ...STORE_DEFAULTS, path: store.path, prefix: 'siderolink', walWaitMs: 20, walCheckMs: 3_600_000, ...options },
    deps,
  );
  const told: unknown[] = [];
  const limits = { retention: { logs: FOR_EVER, others: FOR_EVER }, retentionMs: 10_000, freeBytes: 0 };
  const retention = new Retention(
    { ...limits, publishes: false },
    {
      ...{ ...deps, store: opened },
      commit: async ({ ops }) => void told.push(...ops),
      shortOf: async () => 100_000,
    },
  );
  return { opened, retention, told };
}

test('the disk is short while somebody reads for long: nothing goes, as nothing would be given back', async () => {
  await writeAndClose(8);
  const foreign = new Database(store.path, { readonly: true });
  const { opened, retention, told } = await shortOfDisk();
  foreign.exec('begin');
  foreign.prepare('select next_seq from log_state').get();
  // Something in the WAL that the reader does not see.
  edit((db) => db.exec("insert into meta values ('x', 'y')"));
  for (let round = 0; round < 3; round++) expect(await retention.round()).toBe(false);
  expect(told).toEqual([]);
  foreign.exec('commit');
  foreign.close();
  expect(await retention.round()).toBe(true);
  expect(told).toMatchObject([{ op: 'dropSegments', series: 'logs' }]);
  // It may be others who take what becomes free: so much, and then not again at once.
  expect(await retention.round()).toBe(false);
  later = 10_000;
  expect(await retention.round()).toBe(true);
  expect(told.length).toBe(2);
  await opened.close(AbortSignal.timeout(5000));
});

test('the disk is short: what else stays free in the file goes first', async () => {
  const { log } = await openKeeping({ segmentRecords: 1500, freeBytes: 1e9 });
  await write(log, 30);
  await log.close(5000);
  const freePages = () => edit((db) => Number(db.pragma('freelist_count', { simple: true })));
  const { opened } = await shortOfDisk();
  expect(await opened.tidy()).toBe(true);
  expect(freePages()).toBeGreaterThan(10);
  expect(await opened.squeeze()).toBe(true);
  expect(freePages()).toBe(0);
  await opened.close(AbortSignal.timeout(5000));
});

test('the disk is short and there are no logs: nothing else goes for it', async () => {
  const { log } = await openKeeping({});
  for (let n = 0; n < 300; n++) await log.commit({ ops: [], records: [eventOf(1, 'x', `${n}`)] });
  await log.packed();
  await log.close(5000);
  const { opened, retention, told } = await shortOfDisk();
  expect((await opened.usage()).series.others.oldest.length).toBe(3);
  expect(await retention.round()).toBe(false);
  expect(told).toEqual([]);
  await opened.close(AbortSignal.timeout(5000));
});

test('nothing is packed while there is little room, and what waited is packed then', async () => {
  const { log } = await openKeeping({ segmentRecords: 1_000_000 });
  await write(log, 3);
  await log.close(5000);
  const { opened, retention, told } = await shortOfDisk({ segmentRecords: 100 });
  await opened.beThrifty(true);
  await opened.packed();
  const segments = async () => (await opened.usage()).series.logs.oldest.length;
  expect(await segments()).toBe(0);
  // Unless there is nothing else that could go.
  expect(await retention.round()).toBe(false);
  await opened.packed();
  expect(await segments()).toBe(1);
  expect(await retention.round()).toBe(true);
  expect(told).toMatchObject([{ op: 'dropSegments', series: 'logs', through: 100 }]);
  await opened.beThrifty(false);
  await opened.packed();
  expect(await segments()).toBe(3);
  await opened.close(AbortSignal.timeout(5000));
});

test('space that cannot be freed does not keep the oldest from going', async () => {
  await writeAndClose(3);
  edit((db) => db.exec("create trigger refuse before delete on block begin select raise(abort, 'not today'); end"));
  const { log, health } = await openKeeping({ retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER } });
  await eventually(async () => (await readAll(log, LOGS)).length).toBe(0);
  await eventually(() => conditionOf(health, 'store_clearing')?.message).toContain('not today');
  await write(log, 2);
  await eventually(async () => (await readAll(log, LOGS)).length).toBe(0);
  edit((db) => db.exec('drop trigger refuse'));
  await eventually(() => conditionOf(health, 'store_clearing')?.severity).toBe('ok');
  await eventually(() => edit((db) => db.prepare('select count(*) from block').pluck().get())).toBe(0);
}, 240_000);

/** The row of the first block says that it goes on in a page that the file does not have. */
function breakFirstBlock(): void {
  const { size, at, next } = edit((db) => {
    db.pragma('wal_checkpoint(truncate)');
    const pages = db.prepare("select path, pageno from dbstat where name = 'block' order by path").raw().all();
    const [path, page] = (pages as [string, number][]).find(([where]) => where.endsWith('+000000')) ?? ['', 0];
    const row = path.slice(0, path.lastIndexOf('/') + 1);
    const [, leaf] = (pages as [string, number][]).find(([where]) => where === row) ?? ['', 0];
    return { size: Number(db.pragma('page_size', { simple: true })), at: leaf - 1, next: page };
  });
  const file = openSync(store.path, 'r+');
  const leaf = Buffer.alloc(size);
  readSync(file, leaf, 0, size, at * size);
  const pointer = Buffer.alloc(4);
  pointer.writeUInt32BE(next);
  writeSync(file, Buffer.from([0x7f, 0xff, 0xff, 0xff]), 0, 4, at * size + leaf.indexOf(pointer));
  closeSync(file);
}

test('a dropped segment that is damaged is given up, and those behind it are removed', async () => {
  await writeAndClose(4);
  breakFirstBlock();
  const { log, health, metrics } = await openKeeping({
    publishes: true,
    retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER },
  });
  await eventually(async () => (await gapsOf(log)).length).toBeGreaterThan(0);
  await eventually(() => edit((db) => db.prepare('select count(*) from dropped_segment').pluck().get())).toBe(0);
  await eventually(metrics).toMatch(/^siderolinkd_store_clear_failures_total [1-9]/m);
  await eventually(() => conditionOf(health, 'store_retention')?.severity).toBe('ok');
  await log.close(5000);
  expect(edit((db) => db.prepare('select count(*) from block').pluck().get())).toBe(1);
});

test('however many segments go at once, what was not published is counted once', async () => {
  const { log: first } = await openKeeping({ segmentRecords: 20 });
  await write(first, 5);
  await first.close(5000);
  const { log } = await openKeeping({
    publishes: true,
    retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER },
  });
  await eventually(async () => (await readAll(log, LOGS)).length).toBe(0);
  const told = { from: 1, to: 500, count: 500, reason: 'retention', series: 'logs' };
  expect(await gapsOf(log, 'publish')).toEqual([told]);
});

test('what was deleted of a machine before is not missed by anybody', async () => {
  await writeAndClose(3);
  // Lines of machines 1 and 2 by turns, ten at a time: of the first 150 machine 1 has 80.
  edit((db) => db.exec('insert into deletion values (1, 0, 150, 1, 1)'));
  const { log } = await openKeeping({
    publishes: true,
    retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER },
  });
  await eventually(async () => (await readAll(log, LOGS)).length).toBe(0);
  const gaps = await gapsOf(log, 'publish');
  expect(gaps.reduce((sum, { count }) => sum + count, 0)).toBe(300 - 80);
  expect(gaps[0]?.from).toBe(11);
});

test('what was not published is counted also where it is damaged', async () => {
  await writeAndClose(3);
  edit((db) => db.exec("update extent set runs = x'ff' where segment = 2 and machine = 1"));
  const { log } = await openKeeping({
    publishes: true,
    retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER },
  });
  await eventually(async () => (await readAll(log, LOGS)).length).toBe(0);
  const gaps = await gapsOf(log, 'publish');
  expect(gaps.reduce((sum, { count }) => sum + count, 0)).toBe(300);
});
