import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FollowItem, Page } from '../../src/stream/types.ts';
import { eventOf, linesOf, type OpenLog, openLog, parse, readAll, sourceOf, take, temporaryStore } from './harness.ts';

let store: ReturnType<typeof temporaryStore>;
let opened: OpenLog | undefined;
beforeEach(() => {
  store = temporaryStore();
});
afterEach(async () => {
  await opened?.log.close(5000);
  store.remove();
});

test('a tail whose text fills a page says so, and the rest can be had', async () => {
  opened = await openLog({ path: store.path, pageText: 10_000 });
  const { log } = opened;
  const long = 'x'.repeat(900);
  log.appendLog(sourceOf(1), linesOf(Array.from({ length: 100 }, (_, i) => `${i} ${long}`)));
  await log.flush();
  const seen: number[] = [];
  let pages = 0;
  for (let before: number | undefined = log.head + 1; before !== undefined; pages++) {
    const page: Page = await log.read({ filters: [], tail: true, limit: 60, before });
    expect(page.records.length).toBeLessThan(15);
    seen.unshift(...page.records.map(({ seq }) => seq));
    expect(page.complete).toBe(page.before === undefined);
    before = page.before;
  }
  expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  expect(pages).toBeGreaterThan(5);
  const whole = await log.read({ filters: [], tail: true, limit: 5, after: 97 });
  expect(whole.records.map(({ seq }) => seq)).toEqual([98, 99, 100]);
  expect(whole).not.toHaveProperty('before');
  expect(whole.complete).toBe(true);
  // As many as were asked for are all, though there are others before them.
  expect(await log.read({ filters: [], tail: true, limit: 3 })).toMatchObject({ complete: true, before: 98 });
  expect(await log.read({ filters: [], limit: 3 })).toMatchObject({ complete: true, end: false });
  expect(await log.read({ filters: [], limit: 60 })).toMatchObject({ complete: false, end: false });
});

test('a follower that starts at a time is told the place, then what was received since', async () => {
  opened = await openLog({ path: store.path });
  const { log } = opened;
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'before')] });
  const [last] = await readAll(log);
  const since = Date.parse(last === undefined ? '' : parse(last).received_at) + 1;
  while (Date.now() <= since) await new Promise(setImmediate);
  const items = log.follow({ filters: [], since, gaps: true }, AbortSignal.timeout(60_000))[Symbol.asyncIterator]();
  const next = async (): Promise<FollowItem> => (await items.next()).value;
  expect(await next()).toEqual({ type: 'position', seq: 1 });
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'after')] });
  expect(await next()).toMatchObject({ type: 'records', records: [{ seq: 2 }] });
  await items.return?.(undefined);
});

test('a block that rots is a gap to readers and followers, a warning and a number; whoever follows goes on', async () => {
  opened = await openLog({ path: store.path, segmentRecords: 50 });
  const first = opened.log;
  for (let n = 0; n < 4; n++) {
    first.appendLog(sourceOf(1), linesOf(Array.from({ length: 50 }, (_, i) => `${n} ${i}`)));
    await first.flush();
    await first.packed();
  }
  await first.close(5000);
  const db = new Database(store.path);
  const { id } = db.prepare('select min(id) + 1 as id from block').get() as { id: number };
  db.prepare("update block set data = x'00' where id = ?").run(id);
  db.close();
  const measured = await openLog({ path: store.path, segmentRecords: 50 });
  opened = measured;
  const { log, health } = opened;
  const gap = { subject: 'siderolink._._.gap.damaged', seq: 100 };
  const page = await log.read({ filters: [], limit: 1000, gaps: true });
  expect(page.records.map(({ seq }) => seq)).toEqual(
    [...Array(201).keys()].filter((seq) => seq > 0 && (seq <= 50 || seq >= 100)),
  );
  expect(page.records.map(parse)).toContainEqual(expect.objectContaining(gap));
  expect(page.records[50]?.json).toContain('"body":{"from":51,"to":100,"reason":"damaged","count":50,"series":"logs"}');
  const back = await log.read({ filters: [], limit: 1000, tail: true, gaps: true });
  expect(back.records).toEqual(page.records);
  expect((await readAll(log)).length).toBe(150);
  const followed = await take(log.follow({ filters: [], after: 0, gaps: true }, AbortSignal.timeout(60_000)), 151);
  expect(followed).toEqual(page.records);
  expect(health.conditions.find(({ name }) => name === 'store_damaged')).toMatchObject({
    severity: 'warning',
    message: expect.stringContaining('segment 2 of logs (seq 51 to 100)'),
  });
  expect(await measured.metrics()).toContain('siderolinkd_store_damaged_places_total{series="logs"} 1\n');
});
