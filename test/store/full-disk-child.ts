/**
 * Lives through a disk that others fill, and through one that its own logs fill, and tells what it saw, a JSON object a
 * line. Argument: a directory on a small file system.
 */
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventOf, linesOf, openLog, parse, readAll, sourceOf } from '../stream/harness.ts';

const MIB = 1024 * 1024;
const directory = process.argv[2] ?? '';
const ballast = join(directory, 'of-others');
const { log, health, metrics } = await openLog({
  path: join(directory, 'store.db'),
  reserveBytes: 6 * MIB,
  spaceMs: 20,
  retentionMs: 50,
  segmentRecords: 2000,
  segmentBytes: MIB,
  freeBytes: 0,
  walBytes: 4 * MIB,
  commitBytes: 256 * 1024,
  maxPendingBytes: MIB,
});
// Who started it may be gone: it is not to wait for ever for what does not come.
setTimeout(() => {
  writeSync(2, `${JSON.stringify({ conditions: health.conditions, stats: log.stats() })}\n`);
  process.exit(1);
}, 200_000).unref();
const tell = (facts: unknown): void => void writeSync(1, `${JSON.stringify(facts)}\n`);
const condition = () => health.conditions.find(({ name }) => name === 'store_space');
const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await sleep(5);
};
const source = sourceOf(1);
let events = 0;
const commitEvent = async () => {
  await log.commit({
    ops: [{ op: 'putMeta', key: 'events', value: `${events}` }],
    records: [eventOf(2, 'x', `${events}`)],
  });
  events++;
};
let written = 0;
/** Writes some lines; whether there is room for more. */
const writeLines = (count: number): boolean => {
  const lines = Array.from({ length: count }, () => `${written++} ${randomBytes(600).toString('base64')}`);
  return log.appendLog(source, linesOf(lines));
};
const numbersOf = async () =>
  (await readAll(log, { filters: ['siderolink.*.*.kmsg.>'] })).map((record) => Number(parse(record).msg.split(' ')[0]));

// Others take all the room.
writeLines(10);
await log.flush();
await until(() => condition()?.severity === 'ok');
const { bavail, bsize } = statfsSync(directory);
writeFileSync(ballast, Buffer.alloc(bavail * bsize - 4 * MIB, 1));
await until(() => condition()?.severity === 'error');
while (writeLines(10));
for (let i = 0; i < 200; i++) await commitEvent();
const refused = await log
  .backup({ target: join(directory, 'backup'), identity: new Map() }, new AbortController().signal)
  .catch((error: Error) => error.message);
tell({
  story: 'others',
  refused,
  condition: condition(),
  written,
  stored: (await numbersOf()).length,
  events,
  storedEvents: (await readAll(log, { filters: ['siderolink.*.*.event.>'] })).length,
  pending: log.stats().pendingBytes,
});
rmSync(ballast);
await log.flush();
await until(() => condition()?.severity === 'ok');
tell({ story: 'room', written, numbers: await numbersOf() });

// Our own logs take all the room there is, and more.
let lows = 0;
health.onChange(({ name, severity }) => {
  if (name === 'store_space' && severity === 'error') lows++;
});
const total = 1.6 * bavail * bsize;
for (let bytes = 0; bytes < total; bytes += 50 * 800) {
  if (!writeLines(50)) {
    await log.whenWritable(1);
    await commitEvent();
  }
}
await log.flush();
await until(() => condition()?.severity === 'ok');
await log.packed();
const gapsOf = async () =>
  (await readAll(log, { filters: ['siderolink._._.gap.retention'] })).map(({ json }) => JSON.parse(json).body);
// A drop that was decided a moment ago may come between two pages.
let gaps = await gapsOf();
let numbers = await numbersOf();
for (let before = -1; before !== gaps.length; numbers = await numbersOf()) {
  before = gaps.length;
  await sleep(200);
  gaps = await gapsOf();
}
const hole = numbers.findIndex((number, i) => number !== (numbers[0] ?? 0) + i);
tell({
  story: 'ourselves',
  lows,
  written,
  first: numbers[0],
  hole: hole < 0 ? [] : numbers.slice(hole - 1, hole + 1),
  stored: numbers.length,
  dropped: gaps.reduce((sum, { count }) => sum + count, 0),
  reasons: [...new Set(gaps.map(({ reason }) => reason))],
  events,
  storedEvents: (await readAll(log, { filters: ['siderolink.*.*.event.>'] })).length,
  failures: /^siderolinkd_store_commit_failures_total (\d+)/m.exec(await metrics())?.[1],
});
await log.close(5000);
