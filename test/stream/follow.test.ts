import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { FollowItem } from '../../src/stream/types.ts';
import {
  eventOf,
  linesOf,
  type OpenLog,
  openLog,
  parse,
  putTags,
  readAll,
  sourceOf,
  tagsOf,
  take,
  temporaryStore,
} from './harness.ts';

let store: ReturnType<typeof temporaryStore>;
let opened: OpenLog | undefined;
beforeEach(() => {
  store = temporaryStore();
});
afterEach(async () => {
  await opened?.log.close(5000);
  store.remove();
});

test('a follower that falls behind memory goes through the store and back without hole or repeat', async () => {
  opened = await openLog({ path: store.path, recentBytes: 2000, itemRecords: 7, segmentRecords: 500 });
  const { log } = opened;
  const total = 3000;
  const items = log.follow({ filters: [], after: 0 }, AbortSignal.timeout(60_000));
  const seqs: number[] = [];
  const consumer = (async () => {
    for await (const item of items) {
      if (item.type === 'records') for (const { seq } of item.records) seqs.push(seq);
      if (seqs.length >= total) return;
      // Now and then slower than the producer: several commits pass, then it catches up with memory again.
      if (seqs.length % 91 < 7) for (let i = 0; i < 30; i++) await new Promise(setImmediate);
    }
  })();
  const sources = [1, 2, 3].map((machine) => sourceOf(machine));
  for (let n = 0; n < total; n += 3) {
    for (const source of sources) log.appendLog(source, linesOf([`${n}`]));
    if (n % 30 === 0) await log.flush();
  }
  await consumer;
  expect(seqs).toEqual(Array.from({ length: total }, (_, i) => i + 1));
});

test('without a start a follower gets what is committed from now on, also what came before it was first asked', async () => {
  opened = await openLog({ path: store.path });
  const { log } = opened;
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'before')] });
  const items = log.follow({ filters: [] }, AbortSignal.timeout(60_000));
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'a'), eventOf(1, 'x', 'b')] });
  expect((await take(items, 2)).map((record) => parse(record).msg)).toEqual(['a', 'b']);
});

test('followers with filters get their records only, rendered as reads render them', async () => {
  opened = await openLog({ path: store.path });
  const { log } = opened;
  for (const machine of [1, 2]) await putTags(log, tagsOf(machine));
  const signal = AbortSignal.timeout(60_000);
  const warnings = take(log.follow({ filters: ['siderolink.*.*.kmsg.warn'] }, signal), 2);
  const ofTwo = take(log.follow({ filters: [], machine: 2 }, signal), 6);
  await new Promise(setImmediate);
  for (const machine of [1, 2]) log.appendLog(sourceOf(machine), linesOf(['a', 'b', 'c', 'd', 'e']));
  await log.commit({ ops: [], records: [eventOf(2, 'x', 'f')] });
  const all = await readAll(log);
  expect(await warnings).toEqual(all.filter(({ json }) => json.includes('kmsg.warn')));
  expect(await ofTwo).toEqual(await readAll(log, { machine: 2 }));
});

test('a narrow filter is told the position, by number and by time', async () => {
  const clock = manualClock();
  opened = await openLog({ path: store.path, positionRecords: 10 }, clock);
  const { log } = opened;
  const items = log.follow({ filters: ['siderolink.*.*.event.>'], after: 0 }, AbortSignal.timeout(60_000));
  const iterator = items[Symbol.asyncIterator]();
  const next = async (): Promise<FollowItem> => (await iterator.next()).value;
  log.appendLog(sourceOf(1), linesOf(Array.from({ length: 12 }, (_, i) => `${i}`)));
  const first = next();
  clock.advance(5);
  await log.flush();
  expect(await first).toEqual({ type: 'position', seq: 12 });
  const second = next();
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'y')] });
  expect(await second).toMatchObject({ type: 'records', records: [{ seq: 13 }] });
  const third = next();
  await new Promise(setImmediate);
  clock.advance(15_000);
  expect(await third).toEqual({ type: 'position', seq: 13 });
});

test('what did not match behind the last record is told as a position, however much of it was read with that', async () => {
  opened = await openLog({ path: store.path, positionRecords: 10 }, manualClock());
  const { log } = opened;
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'y')] });
  for (let seq = 2; seq <= 12; seq++) await log.commit({ ops: [], records: [eventOf(2, 'z', `${seq}`)] });
  const items = log.follow({ filters: ['siderolink.*.*.event.x'], after: 0 }, AbortSignal.timeout(60_000));
  const iterator = items[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toMatchObject({ type: 'records', records: [{ seq: 1 }] });
  // No time passes here: ten of the eleven are reason enough.
  expect((await iterator.next()).value).toEqual({ type: 'position', seq: 12 });
});

test('a start in the middle of what one commit has in memory gives the rest of it', async () => {
  opened = await openLog({ path: store.path });
  const { log } = opened;
  const signal = AbortSignal.timeout(60_000);
  // While somebody follows, memory has it.
  const first = take(log.follow({ filters: [], after: 0 }, signal), 10);
  await new Promise(setImmediate);
  log.appendLog(sourceOf(1), linesOf(Array.from({ length: 10 }, (_, i) => `${i}`)));
  const second = log.follow({ filters: [], after: 4 }, signal)[Symbol.asyncIterator]();
  const next = second.next();
  expect((await first).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect((await next).value).toMatchObject({ records: [5, 6, 7, 8, 9, 10].map((seq) => ({ seq })) });
});

test('following ends with its signal, with the log, and leaves no memory behind', async () => {
  opened = await openLog({ path: store.path });
  const { log } = opened;
  const abort = new AbortController();
  const ends = [
    take(log.follow({ filters: [] }, abort.signal), 9),
    take(log.follow({ filters: [] }, new AbortController().signal), 9),
  ];
  await new Promise(setImmediate);
  expect(log.stats().followers).toBe(2);
  await log.commit({ ops: [], records: [eventOf(1, 'x', 'y')] });
  abort.abort();
  expect((await ends[0])?.length).toBe(1);
  await log.close(5000);
  expect((await ends[1])?.length).toBe(1);
  expect(log.stats()).toMatchObject({ followers: 0, recentBytes: 0 });
});

test('a malformed filter is refused at once', async () => {
  opened = await openLog({ path: store.path });
  const { log } = opened;
  expect(() => log.follow({ filters: ['a..b'] }, AbortSignal.abort())).toThrowError(/malformed/);
  await expect(log.read({ filters: ['>.a'], limit: 1 })).rejects.toMatchObject({ code: 'invalid_argument' });
});

/** A clock that moves when told. */
function manualClock(): Clock & { advance(ms: number): void } {
  let now = 0;
  let timers: { at: number; callback: () => void }[] = [];
  return {
    ...systemClock,
    now: () => 1_795_000_000_000 + now,
    monotonic: () => now,
    after: (ms, callback) => {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance: (ms) => {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { callback } of due) callback();
    },
  };
}
