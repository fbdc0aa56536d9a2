import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareSocketPath } from '../../src/control/socket.ts';
import { startControl } from './harness.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'siderolink-control-'));
});
afterEach(() => rm(directory, { recursive: true }));

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe('the control socket', () => {
  it('is 0660 in a directory 0750, whatever the umask, and gone after the stop', async () => {
    const before = process.umask(0o007);
    try {
      await using control = await startControl();
      expect(await mode(control.socket)).toBe('660');
      expect(await mode(join(control.directory, 'run'))).toBe('750');
      await control.server.stop(1_000);
      await expect(stat(control.socket)).rejects.toThrow(/ENOENT/);
    } finally {
      process.umask(before);
    }
  });

  it('of a killed process is replaced', async () => {
    const path = join(directory, 'control.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await stat(path)).isSocket()).toBe(true);
    await prepareSocketPath(path);
    await expect(stat(path)).rejects.toThrow(/ENOENT/);
  });

  it('that somebody listens on is left alone', async () => {
    const path = join(directory, 'control.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    await expect(prepareSocketPath(path)).rejects.toMatchObject({ code: 'conflict', message: /running already/ });
    expect((await stat(path)).isSocket()).toBe(true);
    server.close();
    await once(server, 'close');
  });

  it('never takes the place of a file', async () => {
    const path = join(directory, 'control.sock');
    await writeFile(path, 'precious');
    await expect(prepareSocketPath(path)).rejects.toMatchObject({ code: 'configuration', message: /no socket/ });
  });

  it('keeps the mode of a directory that was there', async () => {
    const there = join(directory, 'there');
    await mkdir(there);
    await chmod(there, 0o711);
    await prepareSocketPath(join(there, 'control.sock'));
    expect(await mode(there)).toBe('711');
  });

  it('has a path that fits', async () => {
    const long = join(directory, 'x'.repeat(120));
    await expect(prepareSocketPath(long)).rejects.toMatchObject({ code: 'configuration', message: /107 bytes/ });
  });
});
