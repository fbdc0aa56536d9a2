import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ERRORS } from '../../src/domain/errors.ts';
import { STREAMS } from '../../src/domain/record.ts';
import { CONDITIONS } from '../../src/telemetry/conditions.ts';
import { root, trackedFiles } from './sources.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the reference of errors is the table of errors', () => {
  const rows = [...read('docs/reference/errors.md').matchAll(/^\| `(\w+)` \| (\d+) \w+ \| (\d+) \| (\d+) \|/gm)];
  const documented = rows.map(([, code, grpc, http, exit]) => [
    code,
    { grpc: Number(grpc), http: Number(http), exit: Number(exit) },
  ]);
  expect(Object.fromEntries(documented)).toEqual(ERRORS);
});

test('the reference of exit codes has every one', () => {
  const documented = [...read('docs/reference/exit-codes.md').matchAll(/^\| (\d+)/gm)].map(([, code]) => Number(code));
  const missing = Object.values(ERRORS).filter(({ exit }) => !documented.includes(exit));
  expect(missing).toEqual([]);
});

test('the reference of health conditions has every one, and all are spelled alike', () => {
  const rows = [...read('docs/reference/conditions.md').matchAll(/^\| `([^`]+)` \| (?:warning|error) \|/gm)];
  expect(rows.map(([, name]) => name)).toEqual([...CONDITIONS]);
  expect(CONDITIONS.filter((name) => !/^[a-z]+(_[a-z]+)*$/.test(name))).toEqual([]);
});

test('the reference of subjects has every stream', () => {
  const page = read('docs/reference/subjects.md');
  expect(STREAMS.filter((stream) => !page.includes(`| \`${stream}\` |`))).toEqual([]);
});

test('the README leads to every page', () => {
  const readme = read('README.md');
  const pages = trackedFiles().filter((path) => /^docs\/.*\.md$/.test(path));
  expect(pages.filter((path) => !readme.includes(`](${path})`))).toEqual([]);
});

test('links between documents lead somewhere', () => {
  const broken = trackedFiles()
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map(([, target]) => target ?? '')
        .filter((target) => !existsSync(join(root, dirname(path), target)))
        .map((target) => `${path} -> ${target}`),
    );
  expect(broken).toEqual([]);
});
