import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));

/** siderolinkd as a user starts it. */
const siderolinkd = (...args: readonly string[]) => promisify(execFile)(process.execPath, [MAIN, ...args]);

it('tells its name and version, or the version alone for programs', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  const asked = await Promise.all(['--version', '-V', 'version', '--help'].map((how) => siderolinkd(how)));
  const [long, short, alone, help] = asked.map(({ stdout }) => stdout);
  expect([long, short, alone]).toEqual([`siderolinkd ${version}\n`, `siderolinkd ${version}\n`, `${version}\n`]);
  expect(help).toMatch(/^ {2}-V, --version +print name and version$/m);
  expect(help).toMatch(/^ {2}version +print the version alone/m);
});
