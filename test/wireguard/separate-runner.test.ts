import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeparateRunner } from '../../src/wireguard/separate-runner.ts';

/** Memory for an output, and what is in it. */
function memory() {
  let bytes = Buffer.from('of before');
  return {
    take(length: number, write: (memory: Uint8Array) => void) {
      bytes = Buffer.alloc(length);
      write(bytes);
    },
    get text() {
      return bytes.toString();
    },
  };
}

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

  it('put their output where they are told, each its own', async () => {
    const outputs = Array.from({ length: 5 }, () => memory());
    const answers = await Promise.all([
      ...outputs.map((into, n) => runner.run(['sh', '-c', `sleep 0.0${5 - n}; seq ${n} 20000; echo`], { into })),
      runner.run(['echo', 'not among them']),
    ]);
    expect(answers).toEqual(['', '', '', '', '', 'not among them']);
    // As in an answer: without the last line feed.
    const numbers = (from: number) => Array.from({ length: 20_001 - from }, (_, n) => `${from + n}\n`).join('');
    for (const [n, { text }] of outputs.entries()) expect(text).toBe(numbers(n));
  });

  it('put nothing there when they fail, and nothing of it is in the next output', async () => {
    const into = memory();
    await expect(runner.run(['sh', '-c', 'echo half; exit 4'], { into })).rejects.toMatchObject({
      details: { exitCode: 4 },
    });
    expect(into.text).toBe('of before');
    expect(await runner.run(['true'], { into })).toBe('');
    expect(into.text).toBe('');
    await runner.run(['echo', 'größer'], { into });
    expect(into.text).toBe('größer');
  });

  it('give it as their answer where it does not fit, as others may have filled the memory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runner-'));
    // A mount that nobody else sees and that ends with its process.
    const holder = spawn(
      'unshare',
      [
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        `mount -t tmpfs -o size=16k tmpfs ${directory} && echo && cat`,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await once(holder.stdout, 'data');
    const small = new SeparateRunner({ memory: `/proc/${holder.pid}/root${directory}` });
    const into = memory();
    expect(await small.run(['seq', '1000'], { into })).toBe('');
    expect(into.text).toHaveLength(3892);
    expect(await small.run(['seq', '20000'], { into })).toHaveLength(108_893);
    expect(into.text).toHaveLength(3892);
    await small.run(['echo', 'short'], { into });
    expect(into.text).toBe('short');
    await small.stop(5000);
    holder.stdin.end();
    rmSync(directory, { recursive: true });
  });

  it('give it as their answer where no file system is in memory', async () => {
    const elsewhere = new SeparateRunner({ memory: '/proc' });
    const into = memory();
    expect(await elsewhere.run(['echo', 'answer'], { into })).toBe('answer');
    expect(into.text).toBe('of before');
    await elsewhere.stop(5000);
  });
});
