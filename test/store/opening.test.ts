import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryStore } from '../stream/harness.ts';

let store: ReturnType<typeof temporaryStore>;
beforeEach(() => {
  store = temporaryStore();
});
afterEach(() => store.remove());

/** Where SQLite looks for a place for temporary files (sqlite.org/tempfiles.html): all read-only, and so is the working directory. */
const READ_ONLY = `set -e
for place in /var/tmp /usr/tmp /tmp; do
  [ -d $place ] || continue
  mount --bind $place $place
  mount -o remount,bind,ro $place
done
mount -t tmpfs none "$2"
cd /tmp
exec "$1" "$3" "$2/store.db"
`;

test('a store is made and written where nobody may make temporary files', async () => {
  const child = new URL('./opening-child.ts', import.meta.url).pathname;
  const { SQLITE_TMPDIR: _, TMPDIR: __, ...env } = process.env;
  const script = ['sh', '-c', READ_ONLY, 'sh', process.execPath, dirname(store.path), child];
  const options = { env, timeout: 100_000 };
  const { stdout } = await promisify(execFile)('unshare', ['--mount', '--propagation', 'private', ...script], options);
  expect(JSON.parse(stdout)).toEqual({ done: ['fulfilled', 'rejected', 'fulfilled'], head: 2 });
});
