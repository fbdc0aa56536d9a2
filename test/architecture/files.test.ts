import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, sources, trackedFiles } from './sources.ts';

const LONGEST_FILE = 400;

test(`no source file has more than ${LONGEST_FILE} lines: it would do more than one thing`, () => {
  const long = sources().filter(({ lines }) => lines > LONGEST_FILE);
  expect(long.map(({ path, lines }) => `${path}: ${lines}`)).toEqual([]);
});

test('the generated code is what the protocol files give', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gen-'));
  try {
    execFileSync('npm', ['run', '--silent', 'gen'], { cwd: root, env: { ...process.env, GEN_DIR: directory } });
    for (const name of ['proto.js', 'proto.d.ts']) {
      const fresh = readFileSync(join(directory, name), 'utf8');
      const committed = readFileSync(join(root, 'src/gen', name), 'utf8');
      // Compared before expecting: a diff of a megabyte helps nobody.
      expect(fresh === committed, `src/gen/${name} is stale: npm run gen`).toBe(true);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('what is generated of WebAssembly is what its sources give', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gen-'));
  try {
    execFileSync(join(root, 'scripts/gen-wasm'), { env: { ...process.env, GEN_DIR: directory } });
    for (const name of ['kernel-lines.js', 'kernel-lines.d.ts', 'line-columns.js', 'line-columns.d.ts']) {
      const fresh = readFileSync(join(directory, name), 'utf8');
      expect(readFileSync(join(root, 'src/gen', name), 'utf8'), 'stale: scripts/gen-wasm').toBe(fresh);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

// In pieces, so that this file does not find itself.
const FOREIGN = [
  // Where checkouts of this project have stood.
  ['/wo', 'rk/'],
  ['registry.', 'npmjs.org'],
  ['npm.pkg.', 'github.com'],
  ['deb.', 'debian.org'],
  ['proxy.', 'golang.org'],
  ['goproxy.', 'io'],
].map((pieces) => pieces.join(''));

test('no file names a package registry or a path of one machine', () => {
  const found = trackedFiles().flatMap((path) => {
    const content = readTracked(path);
    return FOREIGN.filter((name) => content.includes(name)).map((name) => `${path} has ${name}`);
  });
  expect(found).toEqual([]);
});

/** Empty for a file that is deleted and not yet committed, or binary. */
function readTracked(path: string): string {
  try {
    const bytes = readFileSync(join(root, path));
    return bytes.includes(0) ? '' : bytes.toString('utf8');
  } catch {
    return '';
  }
}
