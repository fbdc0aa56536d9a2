import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

// A fresh clone on a host that has nothing: what would be installed is noted instead.

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));
/** What every Debian has, and Node, which is new enough here. */
const THERE = [
  'bash',
  'cat',
  'dirname',
  'env',
  'find',
  'flock',
  'mkdir',
  'mktemp',
  'rm',
  'sed',
  'sha256sum',
  'tee',
  'touch',
];

let clone: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'siderolinkd-with-'));
  cpSync(SCRIPTS, join(clone, 'scripts'), { recursive: true });
  writeFileSync(join(clone, 'package-lock.json'), '{}');
  mkdirSync(join(clone, 'bin'));
  for (const name of THERE) {
    symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(clone, 'bin', name));
  }
  const note = `printf '%s\\n' "\${0##*/} $*" >>${clone}/done`;
  stub('apt-get', note);
  stub('npm', `case $1 in --version) echo 11.0.0 ;; *) ${note}; mkdir -p ${clone}/node_modules ${clone}/dist ;; esac`);
  // The real ones must not be reached: they would end services of this host.
  for (const name of ['service', 'systemctl', 'sudo']) stub(name, note);
  stub('uname', 'echo x86_64');
  // Looks like a Node that brings its headers, whatever the one is that runs this.
  stub('node', 'case $1 in --version) echo v24.0.0 ;; -e) printf /opt/node ;; esac');
});
afterEach(() => rmSync(clone, { recursive: true }));

function stub(name: string, script: string): void {
  const file = join(clone, 'bin', name);
  writeFileSync(file, `#!/bin/bash\n${script}\n`);
  chmodSync(file, 0o755);
}

/** Runs a command by scripts/with; gives its standard output, and what was installed and built for it, one a line. */
function run(...args: readonly string[]): { readonly out: string; readonly done: readonly string[] } {
  const env = { PATH: join(clone, 'bin'), HOME: clone, GOROOT: clone };
  const out = execFileSync(join(clone, 'scripts/with'), args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const file = join(clone, 'done');
  const done = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  rmSync(file, { force: true });
  return { out, done };
}

const installed = (done: readonly string[]) =>
  done
    .filter((line) => line.startsWith('apt-get install'))
    .join(' ')
    .split(' ');

it('for a command there are the npm packages, and nothing else is installed or built', () => {
  const { out, done } = run('bash', '-c', 'echo "$PATH"');
  expect(done).toEqual([expect.stringMatching(/^npm ci /)]);
  expect(out.split(':')[0]).toBe(join(clone, 'node_modules/.bin'));
  expect(run('bash', '-c', 'echo once more')).toEqual({ out: 'once more\n', done: [] });
});

it.each([
  { args: ['npx', 'vitest', 'run', 'test/config'] },
  { args: ['npm', 'test'] },
  { args: ['--tests', 'bash', '-c', ':'] },
])('$args comes with what tests need, and with what is tested', ({ args }) => {
  stub('npx', ':');
  const { done } = run(...args);
  const packages = installed(done);
  expect(packages).toEqual(expect.arrayContaining(['wireguard-go', 'shellcheck', 'qemu-system-x86']));
  expect(packages).not.toContain('buildah');
  expect(done).toContain('npm run --silent build');
});

it('long tests come with more', () => {
  expect(installed(run('npm', 'run', 'test:long').done)).toContain('buildah');
});

it('long tests come with the genuine client where there is Go, built once; else they are told that there is none', () => {
  // What `build` compares with what is built.
  const sources = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
  for (const name of sources) writeFileSync(join(clone, name), '');
  const needs = ['--long', 'bash', '-c', 'echo "$SIDEROLINK_INTEROP"'];
  const { out, done } = run(...needs);
  expect([out, done.filter((line) => line.startsWith('go '))]).toEqual(['no\n', []]);
  const folder = join(clone, 'test/interop');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'main.go'), '');
  stub('go', `echo go "$@" >>${clone}/done && mkdir -p bin && : >bin/interop && /bin/chmod +x bin/interop`);
  const built = () => {
    const second = run(...needs);
    return [second.out, second.done.filter((line) => line.startsWith('go '))];
  };
  expect(built()).toEqual(['\n', ['go build -o bin/interop .']]);
  expect(built()).toEqual(['\n', []]);
  utimesSync(join(folder, 'bin/interop'), 0, 0);
  expect(built()).toEqual(['\n', ['go build -o bin/interop .']]);
});
