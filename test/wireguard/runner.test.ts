import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { groupMembers } from '../../src/wireguard/accounts.ts';
import { stderrOf } from '../../src/wireguard/command-failure.ts';
import { CommandRunner } from '../../src/wireguard/runner.ts';
import { FakeSystem } from './fake-system.ts';

const runner = new CommandRunner();
const sh = (script: string) => ['sh', '-c', script] as const;

async function failure(promise: Promise<unknown>): Promise<SiderolinkError> {
  const error = await promise.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(SiderolinkError);
  return error as SiderolinkError;
}

/** A zombie that nobody waits for has ended. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the runner', () => {
  it('gives the standard output', async () => {
    expect(await runner.run(['echo', 'a  b', 'c'])).toBe('a  b c');
  });

  it('says which command failed, how, and what it said; never what it printed', async () => {
    const error = await failure(runner.run(sh('echo secret; echo why >&2; exit 3')));
    expect(error).toMatchObject({
      code: 'command_failed',
      message: 'sh: why',
      details: { argv: 'sh -c echo secret; echo why >&2; exit 3', exitCode: 3, stderr: 'why' },
    });
    expect(stderrOf(error)).toBe('why');
    const silent = await failure(runner.run(sh('printf %s-%s private key; exit 1')));
    expect(silent.message).toBe('sh: exit code 1');
    expect(inspect(silent, { depth: 9 })).not.toContain('private-key');
  });

  it('shows the standard output of a command that complains there, without a box around nothing', async () => {
    const script = sh('echo ERROR: no socket; { echo ┌──┐; echo "│  │"; echo └──┘; } >&2; exit 1');
    const error = await failure(runner.run(script, { complainsOnStdout: true }));
    expect(error.message).toBe('sh: ERROR: no socket');
    expect(error.details['stderr']).toBe('ERROR: no socket');
  });

  it('reads a file without a process, and says what a command would have said', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'siderolink-runner-'));
    const path = join(directory, 'file');
    writeFileSync(path, 'one\ntwo\n\n');
    const asCommand = await runner.run(sh(`cat ${path}`));
    expect(await runner.run(['cat', path])).toBe(asCommand);
    rmSync(directory, { recursive: true });
    const error = await failure(runner.run(['cat', path]));
    expect(error).toMatchObject({ code: 'command_failed', details: { argv: `cat ${path}`, exitCode: 1 } });
    expect(stderrOf(error)).toContain('no such file');
  });

  it('says that a program is missing', async () => {
    const error = await failure(runner.run(['no-such-program-here']));
    expect(error.message).toBe('no-such-program-here: this program is not installed');
  });

  it('kills what does not end in time', async () => {
    const error = await failure(runner.run(['sleep', '60'], { timeoutMs: 50 }));
    expect(error.message).toBe('sleep: gave no answer within 50 ms');
  });

  it('does not wait for what a command left running with its streams', async () => {
    const error = await failure(runner.run(sh('sleep 10 & exit 0'), { timeoutMs: 300 }));
    expect(error.message).toBe('sh: gave no answer within 300 ms');
  });

  it('ends what does not stop talking, and says what a signal ended', async () => {
    const endless = await failure(runner.run(['cat', '/dev/zero', '/dev/null']));
    expect(endless.message).toBe('cat: said more than 67108864 bytes');
    const killed = await failure(runner.run(sh('kill -9 $$')));
    expect(killed).toMatchObject({ message: 'sh: was ended by a signal', details: { exitCode: null } });
  });

  it('says why the system could not run it', async () => {
    const error = await failure(runner.run(['echo', 'x'.repeat(3_000_000)]));
    expect(error).toMatchObject({ message: 'echo: E2BIG', details: { exitCode: null } });
  });

  it('a command ends with the process that ran it, unless it is detached', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'siderolink-run-'));
    const module = new URL('../../src/wireguard/runner.ts', import.meta.url).href;
    const left = (detached: boolean) => {
      const file = join(directory, String(detached));
      const script = `echo $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 60`;
      const program = `
        const { CommandRunner } = await import(${JSON.stringify(module)});
        const { existsSync } = await import('node:fs');
        void new CommandRunner().run(['sh', '-c', ${JSON.stringify(script)}], { detached: ${detached}, timeoutMs: 60_000 });
        setInterval(() => { if (existsSync(${JSON.stringify(file)})) process.exit(0); }, 5);`;
      execFileSync(process.execPath, ['--input-type=module', '--eval', program]);
      return Number(readFileSync(file, 'utf8'));
    };
    const [ended, outlives] = [left(false), left(true)];
    expect(() => process.kill(outlives, 0)).not.toThrow();
    process.kill(outlives, 'SIGKILL');
    // It was told to end before its parent did; the system may take a moment.
    await vi.waitFor(() => expect(isRunning(ended)).toBe(false), { timeout: 10_000, interval: 10 });
    rmSync(directory, { recursive: true });
  });

  it('cuts a long argv in its error', async () => {
    const error = await failure(runner.run(['false', 'x'.repeat(100_000)]));
    expect(String(error.details['argv']).length).toBeLessThan(500);
  });

  it('hands down no variables but these', async () => {
    process.env['LOG_LEVEL'] = 'verbose';
    try {
      const names = (await runner.run(['env'])).split('\n').map((line) => line.split('=', 1)[0]);
      expect(new Set(names)).toEqual(new Set(['LC_ALL', 'PATH']));
    } finally {
      delete process.env['LOG_LEVEL'];
    }
  });

  it('a detached command leads a session of its own', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'siderolink-run-'));
    const session = async (detached: boolean) => {
      const file = join(directory, String(detached));
      await runner.run(sh(`cut -d' ' -f6 /proc/self/stat > ${file}; echo $$ >> ${file}`), { detached });
      const [sid, pid] = readFileSync(file, 'utf8').trim().split('\n');
      return sid === pid;
    };
    expect([await session(true), await session(false)]).toEqual([true, false]);
    rmSync(directory, { recursive: true });
  });
});

describe('members of a group', () => {
  function accounts(): FakeSystem {
    const system = new FakeSystem();
    system.groups.set('ops', 'ops:x:990:alice,bob,gone\n');
    system.groups.set('empty', 'empty:x:991:\n');
    system.passwd = [
      'root:x:0:0:root:/root:/bin/sh',
      'alice:x:1001:1001::/home/alice:/bin/sh',
      'bob:x:1002:1002::/home/bob:/bin/sh',
      'carol:x:1003:990::/home/carol:/bin/sh',
      'broken',
      '',
    ].join('\n');
    return system;
  }

  it('are those it lists and those whose primary group it is', async () => {
    expect(await groupMembers(accounts(), 'ops')).toEqual([1001, 1002, 1003]);
  });

  it('are none of an empty one, and unknown of one that is not there', async () => {
    expect(await groupMembers(accounts(), 'empty')).toEqual([]);
    expect(await groupMembers(accounts(), 'nobody-has-it')).toBeUndefined();
  });

  it("are the system's own", async () => {
    expect(await groupMembers(runner, 'root')).toContain(0);
    expect(await groupMembers(runner, 'no-such-group-here')).toBeUndefined();
  });
});
