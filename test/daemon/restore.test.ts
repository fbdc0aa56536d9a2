import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Backups } from '../../src/daemon/backups.ts';
import { restore } from '../../src/daemon/restore.ts';
import {
  ensureStateDir,
  loadIdentity,
  loadInstallation,
  lockStateDir,
  messageIdPrefix,
  stateFiles,
} from '../../src/daemon/state-dir.ts';
import { eventOf, linesOf, openLog, putTags, readAll, sourceOf, tagsOf } from '../stream/harness.ts';

const AUTHORITY = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----';
const never = new AbortController().signal;

let root: string;
let old: string;
let fresh: string;
let file: string;
let records: string[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'siderolinkd-restore-'));
  [old, fresh, file] = [join(root, 'old'), join(root, 'fresh'), join(root, 'backup')];
  ensureStateDir(old);
  loadIdentity(old);
  writeFileSync(stateFiles(old).authority, `${AUTHORITY}\n`, { mode: 0o600 });
  const { log } = await openLog({ path: stateFiles(old).database });
  await putTags(log, tagsOf(1));
  log.appendLog(sourceOf(1), linesOf(['a', 'b', 'c']));
  await log.flush();
  await log.commit({ ops: [{ op: 'putToken', id: 't', doc: '{"x":1}' }], records: [eventOf(1, 'x', 'd')] });
  records = (await readAll(log)).map(({ json }) => json);
  const backups = new Backups({ stateDir: old }, { log });
  await backups.start();
  await using backup = await backups.make(never);
  const chunks: Buffer[] = [];
  for await (const chunk of backup.read()) chunks.push(chunk);
  writeFileSync(file, Buffer.concat(chunks));
  await log.close(5000);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function expectRestored(directory = fresh): Promise<void> {
  expect(loadInstallation(directory)).toEqual(loadInstallation(old));
  expect(readFileSync(stateFiles(directory).authority, 'utf8').trim()).toBe(AUTHORITY);
  const files = readdirSync(directory).filter((name) => name !== 'lock');
  for (const name of files) expect(statSync(join(directory, name)).mode & 0o777, name).toBe(0o600);
  expect(existsSync(stateFiles(directory).restoring)).toBe(false);
  const { log } = await openLog({ path: stateFiles(directory).database });
  expect((await readAll(log)).slice(0, -1).map(({ json }) => json)).toEqual(records);
  expect(log.image.tokens).toEqual([{ id: 't', doc: '{"x":1}' }]);
  await log.close(5000);
}

describe('restore', () => {
  it('makes the installation anew: identity, authority, records, tokens; what is published is told apart', async () => {
    const restored = restore(file, fresh, Date.now());
    expect(restored).toMatchObject({ head: 4, restores: 1 });
    await expectRestored();
    const { shortId } = restored;
    expect([0, 1, 12].map((n) => messageIdPrefix(restored, n))).toEqual([shortId, `${shortId}.1`, `${shortId}.12`]);
    const release = lockStateDir(fresh);
    release();
  });

  it('takes nothing of a database that was removed by hand', async () => {
    ensureStateDir(fresh);
    const { log } = await openLog({ path: join(root, 'removed.db') });
    await putTags(log, tagsOf(9));
    for (const suffix of ['-wal', '-shm']) {
      writeFileSync(`${stateFiles(fresh).database}${suffix}`, readFileSync(join(root, `removed.db${suffix}`)));
    }
    await log.close(5000);
    restore(file, fresh, 0);
    await expectRestored();
  });

  it('is only for a directory without a database', async () => {
    restore(file, fresh, 0);
    const before = readFileSync(stateFiles(fresh).database);
    expect(() => restore(file, fresh, 0)).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(readFileSync(stateFiles(fresh).database).equals(before)).toBe(true);
  });

  it('leaves another identity, and the directory, as they are', () => {
    ensureStateDir(fresh);
    const identity = loadIdentity(fresh);
    const before = readdirSync(fresh);
    expect(() => restore(file, fresh, 0)).toThrow(/identity of another installation \(installation-id, private-key/);
    expect(readdirSync(fresh).filter((name) => name !== 'lock')).toEqual(before);
    expect(loadIdentity(fresh)).toEqual(identity);
  });

  it('is not for a directory that a daemon uses', () => {
    ensureStateDir(fresh);
    const release = lockStateDir(fresh);
    expect(() => restore(file, fresh, 0)).toThrow(/another siderolinkd uses/);
    release();
    expect(readdirSync(fresh)).toEqual(['lock']);
  });

  it('makes nothing of a file that is no backup', () => {
    expect(() => restore(stateFiles(old).database, fresh, 0)).toThrow(/is no backup/);
    expect(existsSync(fresh)).toBe(false);
  });

  it('leaves everything to the user of the directory', () => {
    ensureStateDir(fresh);
    const root = process.getuid?.() === 0;
    const { uid, gid } = root ? { uid: 12_345, gid: 12_346 } : statSync(fresh);
    chownSync(fresh, uid, gid);
    restore(file, fresh, 0);
    // What is taken of the disk for when it is full is no part of a backup.
    const kept = readdirSync(old).filter((name) => !name.endsWith('-reserve'));
    expect(readdirSync(fresh).sort()).toEqual(kept.concat('lock').sort());
    for (const name of readdirSync(fresh)) expect(statSync(join(fresh, name)), name).toMatchObject({ uid, gid });
  });

  it('takes a backup that it may only read', async () => {
    chmodSync(file, 0o400);
    restore(file, fresh, 0);
    await expectRestored();
  });
});

describe('a restore that was cut off', () => {
  /** What is there after the files named were written, in any order. */
  function cutOff(names: readonly string[], staged: Buffer): void {
    ensureStateDir(fresh);
    writeFileSync(stateFiles(fresh).restoring, staged);
    for (const name of names) writeFileSync(join(fresh, name), readFileSync(join(old, name)), { mode: 0o600 });
  }
  const { installationId, privateKey, uniqueTokenKey, authority } = stateFiles('');
  const all = [installationId, privateKey, uniqueTokenKey, authority].map((path) => basename(path));

  it.each([0, 1, 2, 3, 4])(
    'keeps the daemon from starting, and is finished by the same one: %i files',
    async (count) => {
      const whole = readFileSync(file);
      cutOff(all.slice(0, count), whole.subarray(0, 10_000));
      writeFileSync(`${stateFiles(fresh).restoring}-wal`, 'of a database that is gone');
      const before = readdirSync(fresh);
      expect(() => loadInstallation(fresh)).toThrow(/was begun and not finished/);
      expect(readdirSync(fresh)).toEqual(before);
      restore(file, fresh, 0);
      await expectRestored();
    },
  );

  it('is not finished by a backup of another installation', () => {
    cutOff(all.slice(0, 2), Buffer.alloc(0));
    const id = join(fresh, basename(installationId));
    writeFileSync(id, 'another\n');
    expect(() => restore(file, fresh, 0)).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(readFileSync(id, 'utf8')).toBe('another\n');
    expect(() => loadInstallation(fresh)).toThrow(/was begun and not finished/);
  });
});

describe('backups in the state directory', () => {
  it('are made one at a time, and leave nothing', async () => {
    const { log } = await openLog({ path: stateFiles(old).database });
    const backups = new Backups({ stateDir: old }, { log });
    writeFileSync(stateFiles(old).backup, 'of a daemon that was killed');
    await backups.start();
    expect(existsSync(stateFiles(old).backup)).toBe(false);
    {
      await using first = await backups.make(never);
      await expect(backups.make(never)).rejects.toMatchObject({ code: 'conflict' });
      expect(existsSync(stateFiles(old).backup)).toBe(false);
      expect((await text(first.read())).length).toBeGreaterThan(0);
    }
    await expect(backups.make(AbortSignal.abort())).rejects.toMatchObject({ code: 'unavailable' });
    await (await backups.make(never))[Symbol.asyncDispose]();
    expect(readdirSync(old).filter((name) => name.includes('backup'))).toEqual([]);
    await log.close(5000);
  });
});
