import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, expect, test } from 'vitest';
import { temporaryStore } from '../stream/harness.ts';

const childAt = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** A disk of its own for one process, in a file; where no loop device is to be had, of memory. */
const WITH_SMALL_DISK = `
mkdir "$0.disk"
truncate -s 64M "$0.image"
mkfs.ext4 -q -F -m 0 "$0.image" && mount -o loop "$0.image" "$0.disk" || mount -t tmpfs -o size=58m tmpfs "$0.disk"
exec "$@" "$0.disk"
`;

const store = temporaryStore();
afterEach(() => {
  rmSync(`${store.path}.disk`, { recursive: true, force: true });
  rmSync(`${store.path}.image`, { force: true });
});
afterAll(() => store.remove());

/** What a program says that lives on a small disk, line by line. */
async function onSmallDisk(program: string) {
  const command = ['--mount', '--propagation', 'private', 'sh', '-ec', WITH_SMALL_DISK, store.path];
  const run = [...command, process.execPath, childAt(program)];
  const { stdout } = await promisify(execFile)('unshare', run, { timeout: 210_000 });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('a disk nearly full: lines wait, joins and events go on, and it recovers by itself', async () => {
  const [others, room, ourselves] = await onSmallDisk('./full-disk-child.ts');

  expect(others.condition).toMatchObject({
    severity: 'error',
    message: expect.stringMatching(/^the disk of the store is nearly full: log lines wait until \d+ MiB are free/),
  });
  expect(others).toMatchObject({ stored: 10, events: 200, storedEvents: 200 });
  expect(others.refused).toBe('the disk of the store is nearly full');
  expect(others.written).toBeGreaterThan(1000);
  expect(others.pending).toBeLessThan(1.2 * 1024 * 1024);
  expect(room.numbers).toEqual(Array.from({ length: room.written }, (_, i) => i));

  expect(ourselves.lows).toBeGreaterThan(0);
  expect(ourselves.reasons).toEqual(['disk']);
  expect(ourselves.hole).toEqual([]);
  expect(ourselves.dropped).toBe(ourselves.first);
  expect(ourselves.stored + ourselves.dropped).toBe(ourselves.written);
  expect(ourselves.storedEvents).toBe(ourselves.events);
}, 220_000);

test('a start on a disk without a free byte: the store is migrated and opened with what was kept for that', async () => {
  const [{ full, end, head, ...left }] = (await onSmallDisk('./full-start-child.ts')) as [FullStart];
  const before = [...numbered('packed', 1500), ...numbered('unpacked', 300)];
  // Whatever retention had dropped by then, it had told.
  const atFirst = accounted(full, before);
  expect(atFirst.said.filter((text) => text === 'stored')).toHaveLength(1);
  expect(atFirst.said).toHaveLength(before.length - atFirst.missing.length + 1);

  const { said, missing, gaps } = accounted(end, before);
  // All that was packed went, and is told of once; what was not packed, and what came later, is all there.
  expect(missing).toEqual(Array.from({ length: 1500 }, (_, i) => i + 1));
  expect(gaps.flatMap(({ from, to }) => [from, to])).toEqual(
    gaps.flatMap(({ from, to }) => [from, to]).toSorted(ascending),
  );
  expect(gaps.every(({ from, to, count }) => count === to - from + 1)).toBe(true);
  expect(gaps.reduce((sum, { count }) => sum + count, 0)).toBe(1500);
  expect(said.toSorted()).toEqual([...numbered('unpacked', 300), 'stored', ...numbered('more', 1500)].toSorted());
  expect(said.filter((text) => text.startsWith('more'))).toEqual(numbered('more', 1500));
  const seqs = [...missing, ...end.map(({ seq }) => seq)];
  expect(seqs).toEqual(Array.from({ length: head }, (_, i) => i + 1));
  expect(left).toEqual({ blocks: 0, extents: 0 });
}, 220_000);

interface Gap {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

interface FullStart {
  readonly full: readonly Seen[];
  readonly end: readonly Seen[];
  readonly head: number;
  readonly blocks: number;
  readonly extents: number;
}

type Seen = { readonly seq: number } & (
  | { readonly said: string; readonly gap?: undefined }
  | { readonly said?: undefined; readonly subject: string; readonly gap: Gap }
);

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name} ${i}`);
const ascending = (a: number, b: number) => a - b;

/** Holds that each record of a list, the first seq of which is 1, is there as it was or lies in exactly one gap. */
function accounted(seen: readonly Seen[], before: readonly string[]) {
  const bySeq = new Map(seen.map((one) => [one.seq, one]));
  expect(bySeq.size).toBe(seen.length);
  const gaps = seen.flatMap((one) => (one.gap === undefined ? [] : [one]));
  for (const one of gaps) {
    expect(one).toMatchObject({
      subject: 'siderolink._._.gap.retention',
      gap: { reason: 'disk', series: 'logs' },
    });
  }
  const ranges = gaps.map(({ gap }) => gap);
  const missing = before.flatMap((_, i) => (bySeq.has(i + 1) ? [] : [i + 1]));
  expect(before.flatMap((text, i) => (missing.includes(i + 1) ? [] : [[text, bySeq.get(i + 1)?.said]]))).toEqual(
    before.flatMap((text, i) => (missing.includes(i + 1) ? [] : [[text, text]])),
  );
  const told = missing.map((seq) => ranges.filter(({ from, to }) => from <= seq && seq <= to).length);
  expect(told).toEqual(missing.map(() => 1));
  return { missing, gaps: ranges, said: seen.flatMap(({ said }) => said ?? []) };
}
