import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BELIEVED_AFTER_MS } from '../../src/domain/believed-time.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createStoreMetrics } from '../../src/store/metrics.ts';
import { STORE_DEFAULTS, Store } from '../../src/store/store.ts';
import type { RecordLogOptions, StoredRecordLog } from '../../src/stream/record-log.ts';
import { Retention } from '../../src/stream/retention.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { linesOf, openLog, readAll, sourceOf, temporaryStore } from '../stream/harness.ts';

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
    .poll(() => conditionOf(first.health, 'store-clock'))
    .toMatchObject({
      severity: 'warning',
      message: expect.stringContaining('the clock is 20000 days ahead'),
    });
  // Stored with the wrong time: the next run must not take that for the truth.
  await write(first.log, 1);
  await first.log.close(5000);

  const second = await openKeeping({ retention: MONTH });
  await expect.poll(() => conditionOf(second.health, 'store-clock')?.severity).toBe('warning');
  later = BELIEVED_AFTER_MS - 60_000;
  await expect.poll(() => conditionOf(second.health, 'store-retention')?.severity).toBe('ok');
  expect((await readAll(second.log, LOGS)).length).toBe(500);
  expect(await gapsOf(second.log)).toEqual([]);

  later = BELIEVED_AFTER_MS + 60_000;
  await expect.poll(async () => (await readAll(second.log, LOGS)).length).toBe(100);
  expect(conditionOf(second.health, 'store-clock')?.severity).toBe('ok');
  await second.log.close(5000);
  expect(edit((db) => db.prepare("select value from meta where key = 'clock_leapt_at'").pluck().get())).toBe('');
});

test('a clock that is set right again has cost nothing', async () => {
  await writeAndClose(3);
  ahead = 400 * DAY;
  const { log, health } = await openKeeping({ retention: MONTH });
  await expect.poll(() => conditionOf(health, 'store-clock')?.severity).toBe('warning');
  ahead = 0;
  await expect.poll(() => conditionOf(health, 'store-clock')?.severity).toBe('ok');
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
  await expect.poll(async () => (await readAll(log, LOGS)).length).toBeLessThan(201);
});

/** The store with a retention beside it whose disk is short of a few MiB, and that only notes what it would drop. */
async function shortOfDisk() {
  const health = new Health(() => clock.now());
  const logger = pino({ level: 'silent' });
  const metrics = createStoreMetrics(createRegistry());
  const deps = { clock, health, logger, metrics };
  const opened = await Store.open(
    { ...STORE_DEFAULTS, path: store.path, prefix: 'siderolink', walWaitMs: 20, walCheckMs: 3_600_000 },
    deps,
  );
  const told: unknown[] = [];
  const options = {
    retention: { logs: FOR_EVER, others: FOR_EVER },
    ...{ retentionMs: 10_000, freeBytes: 0, publishes: false },
  };
  const retention = new Retention(options, {
    ...{ ...deps, store: opened },
    commit: async ({ ops }) => void told.push(...ops),
    shortOf: async () => 100_000,
  });
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

test('space that cannot be freed does not keep the oldest from going', async () => {
  await writeAndClose(3);
  edit((db) => db.exec("create trigger refuse before delete on block begin select raise(abort, 'not today'); end"));
  const { log, health } = await openKeeping({ retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER } });
  await expect.poll(async () => (await readAll(log, LOGS)).length).toBe(0);
  await expect.poll(() => conditionOf(health, 'store-clearing')?.message).toContain('not today');
  await write(log, 2);
  await expect.poll(async () => (await readAll(log, LOGS)).length).toBe(0);
  edit((db) => db.exec('drop trigger refuse'));
  await expect.poll(() => conditionOf(health, 'store-clearing')?.severity, { timeout: 10_000 }).toBe('ok');
  await expect.poll(() => edit((db) => db.prepare('select count(*) from block').pluck().get())).toBe(0);
}, 30_000);

test('a dropped segment that is damaged is given up, and those behind it are removed', async () => {
  await writeAndClose(4);
  const offset = edit((db) => {
    db.pragma('wal_checkpoint(truncate)');
    const overflow = db.prepare(
      `select (pageno - 1) * (select page_size from pragma_page_size) from dbstat
       where name = 'block' and pagetype = 'overflow' order by path limit 1`,
    );
    return overflow.pluck().get() as number;
  });
  // Its next page is one that the file does not have.
  const file = openSync(store.path, 'r+');
  writeSync(file, Buffer.from([0x7f, 0xff, 0xff, 0xff]), 0, 4, offset);
  closeSync(file);
  const { log, health, metrics } = await openKeeping({
    publishes: true,
    retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER },
  });
  await expect.poll(async () => (await gapsOf(log)).length).toBeGreaterThan(0);
  await expect.poll(() => edit((db) => db.prepare('select count(*) from dropped_segment').pluck().get())).toBe(0);
  expect(await metrics()).toMatch(/^siderolinkd_store_clear_failures_total [1-9]/m);
  await expect.poll(() => conditionOf(health, 'store-retention')?.severity).toBe('ok');
  await log.close(5000);
  expect(edit((db) => db.prepare('select count(*) from block').pluck().get())).toBe(1);
});

test('what was not published is counted also where it is damaged', async () => {
  await writeAndClose(3);
  edit((db) => db.exec("update extent set runs = x'ff' where segment = 2 and machine = 1"));
  const { log } = await openKeeping({
    publishes: true,
    retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER },
  });
  await expect.poll(async () => (await readAll(log, LOGS)).length).toBe(0);
  const gaps = await gapsOf(log, 'publish');
  expect(gaps.reduce((sum, { count }) => sum + count, 0)).toBe(300);
});
