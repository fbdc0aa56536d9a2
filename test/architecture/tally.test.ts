import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root } from './sources.ts';

const directory = mkdtempSync(join(tmpdir(), 'tally-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Status = 'passed' | 'failed' | 'pending' | 'skipped' | 'todo';

/** A file of a report, with the status of each of its tests. */
function file(name: string, ...tests: Status[]) {
  return {
    name,
    status: tests.includes('failed') ? 'failed' : 'passed',
    assertionResults: tests.map((status, index) => ({ status, fullName: `test ${index}` })),
  };
}

/** What scripts/test would count: passed, failed, skipped. */
function tally(report: string, exitCode: number, go: 'yes' | 'no'): string {
  const path = join(directory, 'report.json');
  writeFileSync(path, report);
  return spawnSync(process.execPath, [join(root, 'scripts/lib/tally.mjs'), path, String(exitCode), go], {
    encoding: 'utf8',
  }).stdout.trim();
}

const report = (...testResults: object[]) => JSON.stringify({ testResults });

test('tests are counted', () => {
  expect(tally(report(file('a', 'passed', 'passed'), file('b', 'failed', 'passed')), 1, 'yes')).toBe('3 1 0');
});

test('a skipped test has failed, but for those of the Go client where there is no Go', () => {
  const skipping = report(file('a', 'passed', 'skipped', 'todo'), file('test/interop/b', 'pending'));
  expect(tally(skipping, 0, 'yes')).toBe('1 3 0');
  expect(tally(skipping, 0, 'no')).toBe('1 2 1');
});

test('a file that could not be loaded has failed', () => {
  expect(tally(report(file('a', 'passed'), { ...file('b'), status: 'failed' }), 1, 'yes')).toBe('1 1 0');
});

test('a run that ended badly, ran nothing or left no report has failed', () => {
  expect(tally(report(file('a', 'passed')), 1, 'yes')).toBe('1 1 0');
  expect(tally(report(), 0, 'yes')).toBe('0 1 0');
  expect(tally('{"testRes', 137, 'yes')).toBe('0 1 0');
});
