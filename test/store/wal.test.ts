import { statSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStoreMetrics } from '../../src/store/metrics.ts';
import { WalKeeper } from '../../src/store/wal-keeper.ts';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { ManualClock } from '../sinks/fakes.ts';
import { linesOf, openLog, sourceOf, temporaryStore } from '../stream/harness.ts';

const MIB = 1024 * 1024;

let store: ReturnType<typeof temporaryStore>;
let opened: StoredRecordLog[];
beforeEach(() => {
  store = temporaryStore();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((log) => log.close(5000)));
  store.remove();
});

const walBytes = () => statSync(`${store.path}-wal`).size;

async function open(options: Partial<Parameters<typeof openLog>[0]>) {
  const result = await openLog({ path: store.path, walCheckMs: 20, ...options });
  opened.push(result.log);
  return result;
}

async function write(log: StoredRecordLog, mebibytes: number, written: () => void = () => {}): Promise<void> {
  const lines = linesOf(Array.from({ length: 256 }, (_, n) => `${n} ${'x'.repeat(4000)}`));
  for (let n = 0; n < mebibytes; n++) {
    log.appendLog(sourceOf(1), lines);
    await log.flush();
    written();
  }
}

test('the WAL stays bounded while pages are read without a pause and much is written', async () => {
  // A page may take much longer than commits wait for those who read.
  const pages = { pageMs: 2000, walWaitMs: 50 };
  const { log, health } = await open({ walBytes: 12 * MIB, walWarnBytes: 64 * MIB, segmentRecords: 2000, ...pages });
  await write(log, 10);
  let read = 0;
  let isWriting = true;
  let highest = 0;
  const look = () => {
    highest = Math.max(highest, walBytes());
  };
  // Several at a time, so that the reader's thread begins the next page as soon as one is done.
  const readers = [1, 2, 3].map(async () => {
    while (isWriting) {
      await log.read({ filters: [], grep: 'is nowhere', limit: 10 });
      read++;
      look();
    }
  });
  await write(log, 150, look);
  // Until one of them has begun again.
  while (read <= 3) await write(log, 10, look);
  isWriting = false;
  await Promise.all(readers);
  // What one look finds above the bound, with what is written until the page that is read has ended. All that was written
  // is four times as much.
  expect(highest).toBeLessThan(40 * MIB);
  expect(health.conditions.find(({ name }) => name === 'store_wal')?.severity).toBe('ok');
}, 240_000);

test('a reader that stays is told of, commits go on, and the WAL is small again when it goes', async () => {
  const { log, health, metrics } = await open({ walBytes: 4 * MIB, walWarnBytes: 8 * MIB, walWaitMs: 5 });
  await write(log, 1);
  const foreign = new Database(store.path, { readonly: true });
  foreign.exec('begin');
  foreign.prepare('select next_seq from log_state').get();
  await write(log, 20);
  const condition = () => health.conditions.find(({ name }) => name === 'store_wal');
  await expect
    .poll(condition)
    .toMatchObject({ severity: 'warning', message: expect.stringContaining('reads for long') });
  expect(walBytes()).toBeGreaterThan(20 * MIB);
  foreign.exec('commit');
  foreign.close();
  await expect.poll(condition).toMatchObject({ severity: 'ok' });
  expect(walBytes()).toBeLessThan(4 * MIB);
  await expect.poll(metrics).toMatch(/^siderolinkd_store_wal_bytes \d{1,7}$/m);
});

test('a reader that stays does not make commits wait at each look', async () => {
  writeFileSync(`${store.path}-wal`, Buffer.alloc(1000));
  writeFileSync(store.path, '');
  const clock = new ManualClock();
  const tried: number[] = [];
  let isPinned = true;
  const keeper = new WalKeeper(
    store.path,
    { walCheckMs: 1000, walBytes: 100, walWarnBytes: MIB, walWaitMs: 50, walIdleMs: 3_600_000 },
    {
      checkpoint: async () => {
        tried.push(clock.monotonic() / 1000);
        return { isPinned };
      },
      ...{ clock, health: new Health(() => 0), logger: pino({ level: 'silent' }) },
      metrics: createStoreMetrics(createRegistry()),
    },
  );
  const lookFor = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      await keeper.check();
      clock.advance(1000);
    }
  };
  await lookFor(200);
  expect(tried).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
  isPinned = false;
  await lookFor(60);
  // From then on whenever it is too large.
  expect(tried.slice(9)).toEqual(Array.from({ length: 17 }, (_, i) => 243 + i));
});

test('when nothing is committed for a while the WAL is emptied', async () => {
  const { log } = await open({ walIdleMs: 50 });
  await write(log, 2);
  await expect.poll(walBytes).toBe(0);
  await write(log, 1);
  expect(walBytes()).toBeGreaterThan(MIB);
  await expect.poll(walBytes).toBe(0);
});
