import { chmod, mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokensFile } from '../../src/control/tokens-file.ts';
import { newControlToken } from '../../src/domain/control-token.ts';
import { Health } from '../../src/telemetry/health.ts';
import { ManualClock } from '../wireguard/manual-clock.ts';
import { capturedLogger } from './fakes.ts';
import { tokenLine } from './tcp-harness.ts';

const [first, second] = [newControlToken(), newControlToken()];

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'siderolink-tokens-'));
  path = join(directory, 'tokens');
  await write(tokenLine(first, 'operator', 'ci'));
});
afterEach(() => rm(directory, { recursive: true }));

const write = (text: string, mode = 0o640) => writeFile(path, text, { mode });

function make(options: { maxFileBytes?: number } = {}) {
  const clock = new ManualClock();
  const health = new Health(() => clock.now());
  const { logger, lines } = capturedLogger();
  const file = new TokensFile({ path, ...options }, { clock, health, logger });
  return { file, clock, lines, condition: () => health.conditions.find(({ name }) => name === 'control_tokens') };
}

describe('the tokens file', () => {
  it('knows its tokens and no other text', async () => {
    const { file, condition } = make();
    await file.start();
    expect(file.find(first)).toMatchObject({ role: 'operator', name: 'ci' });
    for (const other of [second, '', first.slice(0, -1), `${first}a`, first.toLowerCase(), 'slc_']) {
      expect(file.find(other)).toBeUndefined();
    }
    expect(condition()).toMatchObject({ severity: 'ok' });
    await file.stop();
  });

  it('is looked at each second: a new one counts, one that is gone does not', async () => {
    const { file, clock } = make();
    await file.start();
    let changes = 0;
    file.onChange(() => changes++);
    const [before] = [file.find(first)];
    const next = join(directory, 'next');
    await writeFile(next, tokenLine(second, 'reader', 'ci'), { mode: 0o600 });
    await rename(next, path);
    expect(file.find(second)).toBeUndefined();
    await clock.advance(1_000);
    await file.check();
    expect(file.find(second)).toMatchObject({ role: 'reader' });
    expect(file.find(first)).toBeUndefined();
    expect(before !== undefined && file.holds(before)).toBe(false);
    expect(changes).toBe(1);
    // Nothing new: nothing is told.
    await file.check();
    expect(changes).toBe(1);
    await file.stop();
  });

  it('tells a role that changed from a token that stayed', async () => {
    const { file } = make();
    await file.start();
    const before = file.find(first);
    if (before === undefined) throw new Error('not found');
    expect(file.holds(before)).toBe(true);
    await write(`# touched\n${tokenLine(first, 'operator', 'renamed')}`);
    await file.check();
    expect(file.holds(before)).toBe(true);
    await write(tokenLine(first, 'reader', 'ci'));
    await file.check();
    expect(file.holds(before)).toBe(false);
    await file.stop();
  });

  it.each([
    ['broken', async () => write(`reader ${first} ci\n`), /line 1: the second word is a token itself/],
    ['gone', async () => unlink(path), /cannot be read: ENOENT/],
    ['too large', async () => write('#'.repeat(65_537)), /it has 65537 bytes/],
  ])('that is %s leaves the tokens before it in force and says so until it is put right', async (_, spoil, message) => {
    const { file, condition, lines } = make();
    await file.start();
    await spoil();
    await file.check();
    expect(file.find(first)).toBeDefined();
    expect(condition()).toMatchObject({ severity: 'warning', message: expect.stringMatching(message) });
    expect(condition()?.message).toContain('stay in force');
    expect(lines.join('')).not.toContain(first);
    await write(tokenLine(second, 'admin', 'b'));
    await file.check();
    expect(condition()).toMatchObject({ severity: 'ok' });
    expect(file.find(second)).toBeDefined();
    await file.stop();
  });

  it('must be right at the start', async () => {
    await write('nonsense\n');
    await expect(make().file.start()).rejects.toMatchObject({
      code: 'configuration',
      message: `control.tokens_file ${path}: line 1: not three words: role, token hash, name`,
    });
    await unlink(path);
    await expect(make().file.start()).rejects.toMatchObject({
      code: 'configuration',
      message: /cannot be read: ENOENT/,
    });
  });

  it('that everybody may read, or that holds no token, is warned about', async () => {
    const { file, condition } = make();
    await chmod(path, 0o644);
    await file.start();
    expect(condition()).toMatchObject({ severity: 'warning', message: expect.stringContaining('chmod') });
    await chmod(path, 0o640);
    await file.check();
    expect(condition()).toMatchObject({ severity: 'ok' });
    await write('# nobody\n');
    await file.check();
    expect(condition()).toMatchObject({ severity: 'warning', message: expect.stringContaining('holds no token') });
    await file.stop();
  });
});
