import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { ctlHere } from './harness.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let control: Harness;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'siderolink-completion-'));
  control = await startControl();
  control.machines.add(
    { id: 1, ownership: { owner: 'acme' }, hostname: 'cp-1' },
    { id: 2, state: 'pending', ownership: { owner: 'glo bex $(id)' }, hostname: 'cp-10' },
    { id: 3, state: 'removed', hostname: 'evil\u001b[31m\nname' },
  );
  await control.tokens.create({ name: 'rack 7' }, 'test');
  await control.tokens.create({ name: 'old' }, 'test');
  await control.tokens.revoke('t2', 'test');
  const command = join(directory, 'siderolinkctl');
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(command, 0o755);
  await writeFile(join(directory, 'completion.bash'), (await ctlHere('', ['completion', 'bash'])).out);
});
afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const complete = async (...words: string[]) => {
  const { code, out, err } = await ctlHere(control.socket, ['__complete', '--', ...words]);
  expect([code, err]).toEqual([0, '']);
  const [kind, ...lines] = out.replace(/\n$/, '').split('\n');
  return { kind, lines };
};

describe('what the daemon knows', () => {
  it.each([
    [
      ['machine', 'get', ''],
      [`${uuidOf(1)}\tcp-1, accepted`, `${uuidOf(2)}\tcp-10, pending`, `${uuidOf(3)}\tevil\\x1b[31m\\x0aname, removed`],
    ],
    [
      ['machine', 'get', 'cp'],
      [`cp-1\t${uuidOf(1)}, accepted`, `cp-10\t${uuidOf(2)}, pending`],
    ],
    [['machine', 'accept', ''], [`${uuidOf(2)}\tcp-10, pending`]],
    [['machine', 'readmit', ''], [`${uuidOf(3)}\tevil\\x1b[31m\\x0aname, removed`]],
    [['machine', 'remove', 'cp-1', ''], [`${uuidOf(2)}\tcp-10, pending`]],
    [
      ['token', 'get', ''],
      ['t1\track 7, valid', 't2\told, revoked'],
    ],
    [['token', 'rotate', ''], ['t1\track 7, valid']],
    [['token', 'delete', ''], ['t2\told, revoked']],
    [
      ['machine', 'list', '--owner', ''],
      ['_\tmachines without an owner', 'acme\t', 'glo bex $(id)\t'],
    ],
    [['machine', 'claim', '--owner=a'], ['--owner=acme\t']],
    [['logs', 'cp-1', '--service', 'a'], ['apid\t']],
  ])('%j', async (words, lines) => {
    expect(await complete(...words)).toEqual({ kind: 'words', lines });
  });

  it('is asked where the line says, and nothing is said when nobody answers', async () => {
    const { code, out, err } = await ctlHere('/nonexistent.sock', ['__complete', '--', 'machine', 'get', '']);
    expect({ code, out, err }).toEqual({ code: 0, out: 'words\n', err: '' });
    const there = await ctlHere('/nonexistent.sock', [
      ...['__complete', '--', '--socket', control.socket, 'machine', 'get', 'cp-10'],
    ]);
    expect(there.out).toBe(`words\ncp-10\t${uuidOf(2)}, pending\n`);
  });

  it('gives all that came, also when it came late', async () => {
    let now = 0;
    const clock = { monotonic: () => (now += 10_000) };
    const { out } = await ctlHere(control.socket, ['__complete', '--', 'machine', 'get', 'cp-'], { clock });
    expect(out).toBe(`words\ncp-1\t${uuidOf(1)}, accepted\ncp-10\t${uuidOf(2)}, pending\n`);
  });

  it('a path is left to the shell', async () => {
    expect((await complete('--ca-file', '')).kind).toBe('files');
  });
});

/** What bash would put in place of the last word, as its completion function is called. */
async function bash(words: readonly string[], type = '9'): Promise<readonly string[]> {
  const script = `
    source "$1"; shift
    COMP_TYPE=$1; shift
    COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _siderolinkctl
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['--norc', '-c', script, 'bash', join(directory, 'completion.bash'), type];
  const child = spawn('bash', [...args, join(directory, 'siderolinkctl'), ...words], {
    env: { PATH: process.env['PATH'], HOME: directory, SIDEROLINKCTL_SOCKET: control.socket },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  await once(child, 'close');
  expect(err).toBe('');
  return out === '' ? [] : out.trimEnd().split('\n');
}

describe('bash', () => {
  it.each([
    [['mach'], ['machine']],
    [
      ['machine', 'get', 'cp'],
      ['cp-1', 'cp-10'],
    ],
    // bash splits at = and :, and keeps what stands before them.
    [['machine', 'list', '--state', '=', 'pe'], ['pending']],
    [
      ['machine', 'list', '--link', '='],
      ['up', 'down', 'never'],
    ],
    [['machine', 'claim', '--owner', 'glo'], ['glo\\ bex\\ \\$\\(id\\)']],
    [['token', 'revoke', ''], ['t1']],
    [['--token-file', ''], []],
    [['machine', 'watch', ''], []],
  ])('%j', async (words, expected) => {
    expect(await bash(words)).toEqual(expected);
  });

  it('shows what words mean where it lists them, and never where it inserts one', async () => {
    expect(await bash(['machine', 'get', 'cp-'], '63')).toEqual([
      `cp-1  (${uuidOf(1)}, accepted)`,
      `cp-10  (${uuidOf(2)}, pending)`,
    ]);
    expect(await bash(['machine', 'get', 'cp-10'], '63')).toEqual(['cp-10']);
  });
});

describe('the scripts', () => {
  it.each(['bash', 'zsh', 'fish'])('%s is printed, with its substitutions', async (shell) => {
    const { code, out } = await ctlHere('', ['completion', shell]);
    expect(code).toBe(0);
    expect(out).toContain('__complete --');
    expect(out).not.toContain('$\\{');
  });

  it('of another shell there is none', async () => {
    const { code, err } = await ctlHere('', ['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(err).toMatch(/bash, zsh, fish/);
  });
});
