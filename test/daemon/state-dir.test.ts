import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adopt, ensureStateDir, loadIdentity, lockStateDir, stateFiles } from '../../src/daemon/state-dir.ts';
import { overlayOf } from '../../src/domain/overlay.ts';
import vectors from '../fixtures/vectors.json' with { type: 'json' };

let root: string;
let directory: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siderolinkd-state-'));
  directory = join(root, 'state');
  ensureStateDir(directory);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('the identity of an installation', () => {
  it('is made once and stays', () => {
    const first = loadIdentity(directory);
    const second = loadIdentity(directory);
    expect(second.installationId).toBe(first.installationId);
    expect(second.privateKey.reveal()).toBe(first.privateKey.reveal());
    expect(second.uniqueTokenKey).toEqual(first.uniqueTokenKey);
    expect(second.uniqueTokenKey).toHaveLength(32);
  });

  it('is readable by its owner alone', () => {
    loadIdentity(directory);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  it('can be adopted from an existing installation, so that machines keep their kernel arguments', () => {
    const known = vectors.overlay[0];
    adopt(stateFiles(directory).installationId, known?.installation_id ?? '');
    adopt(stateFiles(directory).privateKey, vectors.wireguard_key.private);
    const identity = loadIdentity(directory);
    expect(overlayOf(identity.installationId).prefix).toBe(known?.prefix);
    expect(identity.privateKey.publicKey).toBe(vectors.wireguard_key.public);
  });

  it('may have an empty id, as the reference agent has', () => {
    adopt(stateFiles(directory).installationId, '');
    expect(overlayOf(loadIdentity(directory).installationId).prefix).toBe('fdae:41e4:649b:9303::/64');
  });

  it('is never replaced by another one', () => {
    loadIdentity(directory);
    expect(() => adopt(stateFiles(directory).installationId, 'another')).toThrow(/exists and differs/);
  });

  it('refuses a broken key file without showing what is in it', () => {
    writeFileSync(stateFiles(directory).privateKey, 'c2VjcmV0\n');
    expect(() => loadIdentity(directory)).toThrow(/holds no WireGuard private key/);
    expect(() => loadIdentity(directory)).not.toThrow(/c2VjcmV0/);
  });
});

describe('a state directory that is not whole', () => {
  it('with a database but not its identity is refused: another identity would lock its machines out', () => {
    loadIdentity(directory);
    const { database, uniqueTokenKey, privateKey } = stateFiles(directory);
    writeFileSync(database, '');
    loadIdentity(directory);
    for (const file of [uniqueTokenKey, privateKey]) rmSync(file);
    expect(() => loadIdentity(directory)).toThrow(
      expect.objectContaining({
        code: 'configuration',
        message: expect.stringMatching(/not private-key, unique-token-key: put back/),
      }),
    );
    expect(readdirSync(directory).sort()).toEqual(['installation-id', 'siderolinkd.db']);
  });

  it.each(['', 'c2hvcnQ='])('with %j for the key of the unique tokens is refused', (text) => {
    writeFileSync(stateFiles(directory).uniqueTokenKey, text);
    expect(() => loadIdentity(directory)).toThrow(/does not hold 32 bytes/);
  });

  it('says what is wrong with a file that cannot be read', () => {
    mkdirSync(stateFiles(directory).privateKey);
    expect(() => loadIdentity(directory)).toThrow(/cannot read .*private-key: EISDIR/);
  });
});

describe('the lock of the state directory', () => {
  it('is no other daemon’s where it only cannot be had', () => {
    const { lock } = stateFiles(directory);
    writeFileSync(lock, 'no database'.repeat(100));
    expect(() => lockStateDir(directory)).toThrow(
      expect.objectContaining({
        code: 'configuration',
        message: expect.stringMatching(/cannot lock .*not a database/),
      }),
    );
    expect(() => lockStateDir(join(directory, 'missing'))).toThrow(/cannot lock/);
  });

  it('admits one holder, and the next one after its release', () => {
    const release = lockStateDir(directory);
    expect(() => lockStateDir(directory)).toThrow(/another siderolinkd uses/);
    release();
    lockStateDir(directory)();
  });

  it('is free again when its holder was killed', () => {
    const module = new URL('../../src/daemon/state-dir.ts', import.meta.url).href;
    const script = `const { lockStateDir } = await import(${JSON.stringify(module)}); lockStateDir(process.argv[1]); process.kill(process.pid, 'SIGKILL');`;
    expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script, directory])).toThrow();
    lockStateDir(directory)();
  });
});
