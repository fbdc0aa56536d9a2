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
  const { stdout } = await promisify(execFile)('unshare', run, { timeout: 100_000 });
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
}, 120_000);

test('a start on a disk without a free byte: the store is migrated and opened with what was kept for that', async () => {
  const [told] = await onSmallDisk('./full-start-child.ts');
  expect(told).toEqual({ events: 1, isExplained: true, more: 1500, blocks: 0 });
}, 120_000);
