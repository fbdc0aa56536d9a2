import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeparateRunner } from '../../src/wireguard/separate-runner.ts';

describe('commands from a process of their own', () => {
  let runner: SeparateRunner;
  beforeEach(() => {
    runner = new SeparateRunner();
  });
  afterEach(() => runner.stop(5000));

  it('give their output, each its own, whatever the order in which they end', async () => {
    const outputs = await Promise.all([
      runner.run(['sh', '-c', 'sleep 0.2; echo slow']),
      runner.run(['echo', 'fast']),
      runner.run(['seq', '200000']),
    ]);
    expect(outputs[0]).toBe('slow');
    expect(outputs[1]).toBe('fast');
    expect(outputs[2]).toHaveLength(1_288_894);
  });

  it('fail as they would here', async () => {
    await expect(runner.run(['sh', '-c', 'echo no such thing >&2; exit 3'])).rejects.toMatchObject({
      code: 'command_failed',
      message: 'sh: no such thing',
      details: { exitCode: 3, stderr: 'no such thing' },
    });
    await expect(runner.run(['sleep', '10'], { timeoutMs: 50 })).rejects.toThrow(/no answer within 50 ms/);
  });

  it('fail when their process dies, and the next one gets a new process', async () => {
    const killer = runner.run(['sh', '-c', 'kill -9 $PPID']);
    await expect(killer).rejects.toMatchObject({ code: 'unavailable' });
    expect(await runner.run(['echo', 'again'])).toBe('again');
  });

  it('do not hold up the end when their process does not answer', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runner-'));
    const mark = join(directory, 'stopped');
    const unanswered = runner.run(['sh', '-c', `kill -STOP $PPID; touch ${mark}`]);
    await expect.poll(() => existsSync(mark)).toBe(true);
    rmSync(directory, { recursive: true });
    await runner.stop(50);
    await expect(unanswered).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('are refused once it is stopped', async () => {
    runner.start();
    await runner.stop(5000);
    await runner.stop(5000);
    await expect(runner.run(['echo'])).rejects.toMatchObject({ code: 'unavailable' });
  });
});
