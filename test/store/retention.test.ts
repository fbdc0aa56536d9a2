import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { laneOf } from '../../src/domain/lane.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { RecordLogOptions, StoredRecordLog } from '../../src/stream/record-log.ts';
import {
  eventOf,
  linesOf,
  openLog,
  parse,
  putTags,
  readAll,
  sourceOf,
  tagsOf,
  take,
  temporaryStore,
  uuidOf,
} from '../stream/harness.ts';

const FOR_EVER = { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
const HOUR = 3_600_000;

let store: ReturnType<typeof temporaryStore>;
let open: StoredRecordLog[];
let ahead: number;
beforeEach(() => {
  store = temporaryStore();
  open = [];
  ahead = 0;
});
afterEach(async () => {
  await Promise.all(open.map((log) => log.close(5000)));
  store.remove();
});

/** Time goes on by what the test adds to `ahead`. */
const clock = { ...systemClock, now: () => Date.now() + ahead };

async function openKeeping(options: Partial<RecordLogOptions>) {
  const small = { segmentRecords: 200, sliceRows: 3, sliceBytes: 4000, retentionMs: 5, freeBytes: 0 };
  const opened = await openLog({ path: store.path, ...small, ...options }, clock);
  open.push(opened.log);
  return opened;
}

/** On a busy host what takes a moment takes longer. */
const eventually = <T>(get: () => T) => expect.poll(get);

/** Lines of several machines, in so many commits of 20 lines. */
async function write(log: StoredRecordLog, commits: number, name: string): Promise<void> {
  for (let n = 0; n < commits; n++) {
    for (const machine of [1, 2, 3, 4]) {
      const lines = Array.from({ length: 5 }, (_, i) => `${name} ${n} ${i} ${'.'.repeat((n * 7 + i) % 50)}`);
      log.appendLog(sourceOf(machine), linesOf(lines));
    }
    await log.flush();
  }
  await log.packed();
}

const bodyOf = ({ json }: { readonly json: string }) => JSON.parse(json).body;
const gapsOf = async (log: StoredRecordLog, detail = 'retention') =>
  (await readAll(log, { filters: [`siderolink._._.gap.${detail}`] })).map(bodyOf);

/** What is in the file, once the log is closed. */
function inspect<T>(look: (count: (sql: string) => number) => T): T {
  const db = new Database(store.path, { readonly: true });
  try {
    return look((sql) => db.prepare(sql).pluck().get() as number);
  } finally {
    db.close();
  }
}

test('what is too old goes with its segment, the younger stays, and a record tells of it', async () => {
  const { log } = await openKeeping({ retention: { logs: { ...FOR_EVER, maxAgeMs: HOUR }, others: FOR_EVER } });
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'an event')] });
  await write(log, 30, 'old');
  const stop = new AbortController();
  const gaps = take(log.follow({ filters: ['siderolink._._.gap.>'] }, stop.signal), 1);
  ahead = 0.9 * HOUR;
  await write(log, 5, 'young');
  expect((await readAll(log, { filters: ['siderolink.*.*.kmsg.>'] })).length).toBe(700);

  ahead = 1.05 * HOUR;
  const [gap] = (await gaps).map(bodyOf);
  expect(gap).toMatchObject({ reason: 'age', series: 'logs', from: 2 });
  expect(gap.count).toBe(gap.to - gap.from + 1);
  await eventually(async () => (await readAll(log, { filters: ['siderolink.*.*.kmsg.>'] })).length).toBeLessThan(301);
  const left = (await readAll(log)).map(parse);
  expect(left.filter(({ msg }) => msg?.startsWith('young')).length).toBe(100);
  expect(left.some(({ msg }) => msg === 'an event')).toBe(true);
  const dropped = (await gapsOf(log)).reduce((sum, { count }) => sum + count, 0);
  expect(left.filter(({ subject }) => subject.includes('kmsg')).length).toBe(700 - dropped);
  // Those of one machine, too, whose extents may still be there.
  expect((await readAll(log, { machine: 2, filters: ['siderolink.*.*.kmsg.>'] })).length).toBe((700 - dropped) / 4);
});

test('who follows from before what is kept hears first, for each series, what is missing', async () => {
  const { log } = await openKeeping({
    retention: { logs: { ...FOR_EVER, maxAgeMs: HOUR }, others: { ...FOR_EVER, maxAgeMs: HOUR } },
  });
  await write(log, 2, 'old');
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'an event')] });
  ahead = 0.5 * HOUR;
  await eventually(() => packedThrough()).toBe(41);
  await write(log, 1, 'young');
  ahead = 1.2 * HOUR;
  await eventually(async () => (await gapsOf(log)).length).toBe(2);

  // Before it knew of them; behind the lines that are gone, so that of these nothing is missing.
  for (const { after, gone } of [
    { after: 0, gone: { logs: 40, others: 41 } },
    { after: 40, gone: { others: 41 } },
  ]) {
    const wanted = Object.keys(gone).length + 20;
    const heard = await take(log.follow({ filters: [], after, gaps: true }, AbortSignal.timeout(60_000)), wanted);
    const missing = heard.slice(0, wanted - 20).map(bodyOf);
    expect(missing.map(({ reason, from }) => ({ reason, from }))).toEqual(
      missing.map(() => ({ reason: 'retention', from: after + 1 })),
    );
    expect(Object.fromEntries(missing.map(({ series, to }) => [series, to]))).toEqual(gone);
    expect(heard.slice(wanted - 20, wanted).map((record) => parse(record).msg.split(' ')[0])).toEqual(
      Array(20).fill('young'),
    );
  }
});

test('a series that never fills a segment leaves by age as well', async () => {
  const { log } = await openKeeping({
    retention: { logs: { ...FOR_EVER, maxAgeMs: HOUR }, others: { ...FOR_EVER, maxAgeMs: HOUR } },
  });
  await write(log, 2, 'few');
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'an event')] });
  ahead = 0.5 * HOUR;
  // Few as they are they become a segment; the next ones are not in it.
  await eventually(() => packedThrough()).toBe(41);
  await write(log, 1, 'later');
  ahead = 1.2 * HOUR;
  await eventually(
    async () => (await readAll(log)).map(parse).filter(({ subject }) => !subject.includes('gap')).length,
  ).toBe(20);
  const gaps = await gapsOf(log);
  expect(gaps.map(({ series, count, reason }) => ({ series, count, reason }))).toEqual([
    { series: 'logs', count: 40, reason: 'age' },
    { series: 'others', count: 1, reason: 'age' },
  ]);
});

function packedThrough(): number {
  return inspect((count) => count('select packed_others from log_state'));
}

test('bytes: the oldest go, as many as it takes, and the file gets smaller', async () => {
  const first = await openKeeping({ segmentRecords: 2000 });
  for (let n = 0; n < 120; n++) {
    const noise = Array.from({ length: 100 }, () => randomBytes(100).toString('hex'));
    first.log.appendLog(sourceOf(1 + (n % 4)), linesOf(noise));
    await first.log.flush();
  }
  await first.log.packed();
  await first.log.close(5000);
  const before = inspect((count) => ({
    segments: count('select count(*) from segment'),
    page: count('pragma page_size'),
    bytes: count('select sum(pages) from segment') * count('pragma page_size'),
    all: count("select sum(pgsize) from dbstat where name in ('block', 'extent', 'extent_machine')"),
  }));
  const size = statSync(store.path).size;
  expect(before.segments).toBe(6);
  // What was counted while inserting is what is there.
  expect(Math.abs(before.bytes - before.all)).toBeLessThan(before.all / 20 + 3 * before.page);

  const kept = Math.floor(before.bytes / 2);
  const { log, metrics } = await openKeeping({
    segmentRecords: 2000,
    retention: { logs: { ...FOR_EVER, maxBytes: kept }, others: FOR_EVER },
  });
  await eventually(async () => (await gapsOf(log)).length).toBeGreaterThan(0);
  // Until a round finds that it is enough, and nothing of it is left to be removed.
  const seriesBytes = async () =>
    Number((await metrics()).match(/^siderolinkd_store_series_bytes\{series="logs"\} (\d+)/m)?.[1]);
  await eventually(seriesBytes).toBeLessThanOrEqual(kept);
  const left = () => inspect((count) => count('select count(*) from dropped_segment') + count('pragma freelist_count'));
  await eventually(left).toBe(0);
  const gaps = await gapsOf(log);
  const dropped = gaps.reduce((sum, { count }) => sum + count, 0);
  expect(dropped / 2000).toBeGreaterThanOrEqual(3);
  expect(dropped / 2000).toBeLessThanOrEqual(4);
  const seqs = (await readAll(log, { filters: ['siderolink.*.*.kmsg.>'] })).map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: 12_000 - dropped }, (_, i) => dropped + 1 + i));
  await log.close(5000);

  inspect((count) => {
    expect(
      count("select sum(pgsize) from dbstat where name in ('block', 'extent', 'extent_machine', 'log_chunk')"),
    ).toBeLessThanOrEqual(kept);
    expect(count('select count(*) from dropped_segment')).toBe(0);
    expect(count('select count(*) from block')).toBe(count('select sum(blocks) from segment where series = 0'));
    expect(count('select count(*) from extent where segment not in (select id from segment where series = 0)')).toBe(0);
    expect(count('select through from dropped where series = 0')).toBe(dropped);
    expect(count('select records from dropped where series = 0')).toBe(dropped);
  });
  expect(statSync(store.path).size).toBeLessThan(size - before.bytes / 3);
});

test('when all went, the next segment has a number and blocks that none had before', async () => {
  const { log } = await openKeeping({ retention: { logs: { ...FOR_EVER, maxBytes: 1 }, others: FOR_EVER } });
  for (let round = 1; round <= 3; round++) {
    await write(log, 10, `round ${round}`);
    await eventually(async () => (await readAll(log, { filters: ['siderolink.*.*.kmsg.>'] })).length).toBe(0);
  }
  await log.close(5000);
  const again = await openKeeping({});
  await write(again.log, 10, 'kept');
  expect((await readAll(again.log, { machine: 3 })).map(parse).every(({ msg }) => msg.startsWith('kept'))).toBe(true);
  await again.log.close(5000);
  inspect((count) => {
    expect(count('select min(id) from segment where series = 0')).toBe(4);
    expect(count('select min(id) from block')).toBeGreaterThan(3);
  });
});

test('readers see whole segments or none while the oldest go', async () => {
  const { log } = await openKeeping({
    retentionMs: 1,
    // A read is one page, and so one transaction: between two of them something may go.
    pageMs: 60_000,
    sliceRows: 1,
    retention: { logs: { ...FOR_EVER, maxBytes: 250_000 }, others: FOR_EVER },
  });
  for (const machine of [1, 2, 3, 4]) await putTags(log, tagsOf(machine));
  const total = 2000;
  const writing = (async () => {
    for (let n = 0; n < total; n += 20) {
      // Numbers of a machine's lines follow each other, and so do those of all lines.
      for (const machine of [1, 2, 3, 4]) {
        const lines = Array.from({ length: 5 }, (_, i) => `${n / 4 + i} ${randomBytes(150).toString('base64')}`);
        log.appendLog(sourceOf(machine), linesOf(lines));
      }
      await log.flush();
    }
    await log.packed();
  })();
  const numbersOf = (records: Awaited<ReturnType<typeof log.read>>['records']) =>
    records
      .map(parse)
      .filter(({ subject }) => subject.includes('kmsg'))
      .map(({ msg }) => Number(msg.split(' ')[0]));
  const isWhole = (numbers: readonly number[]) => numbers.every((number, i) => number === (numbers[0] ?? 0) + i);
  let isWriting = true;
  void writing.finally(() => {
    isWriting = false;
  });
  let oldest = 0;
  let newest = 0;
  while (isWriting) {
    const tail = await log.read({ filters: ['siderolink.*.*.kmsg.>'], machine: 2, tail: true, limit: 10_000 });
    const page = await log.read({ filters: ['siderolink.*.*.kmsg.>'], machine: 3, limit: 10_000 });
    const everybody = await log.read({ filters: ['siderolink.*.*.kmsg.>'], limit: 10_000 });
    expect(isWhole(numbersOf(tail.records))).toBe(true);
    expect(isWhole(numbersOf(page.records))).toBe(true);
    for (const machine of [1, 2, 3, 4]) {
      const own = everybody.records.filter(({ json }) => json.includes(uuidOf(machine)));
      expect(isWhole(numbersOf(own))).toBe(true);
    }
    // What is gone does not come back, what came stays.
    const numbers = numbersOf(tail.records);
    expect(numbers[0] ?? oldest).toBeGreaterThanOrEqual(oldest);
    expect(numbers.at(-1) ?? newest).toBeGreaterThanOrEqual(newest);
    oldest = numbers[0] ?? oldest;
    newest = numbers.at(-1) ?? newest;
  }
  await writing;
  expect(oldest).toBeGreaterThan(0);
});

test('records that NATS has not acknowledged are counted and leave a record of their own', async () => {
  const { log, metrics } = await openKeeping({
    publishes: true,
    retention: { logs: { ...FOR_EVER, maxAgeMs: HOUR }, others: FOR_EVER },
  });
  for (const machine of [1, 2, 3, 4]) await putTags(log, tagsOf(machine));
  await write(log, 10, 'line');
  const seqs = (await readAll(log)).map((record) => ({
    seq: record.seq,
    lane: laneOf(uuidOf(machineOf(record.json))),
  }));
  // Everything of machine 1, of machine 2 the first half.
  const cursors = [
    [laneOf(uuidOf(1)), 200],
    [laneOf(uuidOf(2)), 100],
  ] as const;
  await log.commit({ ops: [{ op: 'putPublishCursors', cursors }], records: [] });
  const open = seqs.filter(({ seq, lane }) => seq > (new Map<number, number>(cursors).get(lane) ?? 0));
  ahead = 1.01 * HOUR;
  await eventually(async () => (await gapsOf(log, 'publish')).length).toBe(1);
  const told = { from: open[0]?.seq, to: open.at(-1)?.seq, count: open.length };
  expect(await gapsOf(log, 'publish')).toEqual([{ ...told, reason: 'retention', series: 'logs' }]);
  expect(await metrics()).toContain(`siderolinkd_store_unpublished_dropped_total{series="logs"} ${open.length}`);
});

function machineOf(json: string): number {
  return Number(`0x${JSON.parse(json).body.server_uuid.slice(-12)}`);
}

test('a failure is told and tried again; nothing else waits for it', async () => {
  const { log, health } = await openKeeping({ retention: { logs: { ...FOR_EVER, maxAgeMs: HOUR }, others: FOR_EVER } });
  await write(log, 10, 'line');
  const db = new Database(store.path);
  db.exec(`create trigger refuse before delete on segment begin select raise(abort, 'not today'); end`);
  ahead = 2 * HOUR;
  const condition = () => health.conditions.find(({ name }) => name === 'store_retention');
  await eventually(condition).toMatchObject({ severity: 'warning', message: expect.stringContaining('not today') });
  expect((await readAll(log)).length).toBe(200);
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'an event')] });
  db.exec('drop trigger refuse');
  db.close();
  await eventually(condition).toMatchObject({ severity: 'ok' });
  await eventually(async () => (await gapsOf(log)).length).toBe(1);
});
