import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { execute } from '../../src/cli/execute.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { ctlHere } from './harness.ts';

const CONTENT = randomBytes(3 * 2 ** 20);
const SHA256 = createHash('sha256').update(CONTENT).digest();

let control: Harness;
let sent = CONTENT;
let number = 0;
let file: string;

beforeAll(async () => {
  const make = async () => ({
    bytes: CONTENT.length,
    sha256: SHA256,
    read: () => Readable.from([sent]),
    [Symbol.asyncDispose]: async () => {},
  });
  control = await startControl({}, undefined, { backups: { make } });
});
afterAll(() => control[Symbol.asyncDispose]());
beforeEach(() => {
  sent = CONTENT;
  number += 1;
  file = join(control.directory, `backup-${number}`);
});

describe('siderolinkctl backup', () => {
  it('writes a file for its owner alone, and says what it holds', async () => {
    const { code, out, err } = await ctlHere(control.socket, ['backup', file]);
    expect({ code, out }).toEqual({ code: 0, out: `${file}  3.0 MiB  sha256 ${SHA256.toString('hex')}\n` });
    expect(err).toMatch(/^it holds the private keys/);
    expect(readFileSync(file).equals(CONTENT)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.part`)).toBe(false);
  });

  it('says how far it is on a terminal, and clears that away', async () => {
    const { err } = await ctlHere(control.socket, ['backup', file], { tty: true });
    expect(err).toContain(' of 3.0 MiB');
    expect(err).toContain('\r\x1b[Kit holds');
  });

  it('is one line of JSON for a program', async () => {
    const { out } = await ctlHere(control.socket, ['-o', 'json', 'backup', file]);
    expect(JSON.parse(out)).toEqual({ file, bytes: CONTENT.length, sha256: SHA256.toString('hex') });
  });

  it('writes over nothing without --force', async () => {
    writeFileSync(file, 'precious');
    const refused = await ctlHere(control.socket, ['backup', file]);
    expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('--force') });
    expect(readFileSync(file, 'utf8')).toBe('precious');
    expect((await ctlHere(control.socket, ['backup', '--force', file])).code).toBe(0);
    expect(readFileSync(file).equals(CONTENT)).toBe(true);
  });

  it('takes the place of what a killed one left, whoever may read that', async () => {
    writeFileSync(`${file}.part`, 'half', { mode: 0o644 });
    expect((await ctlHere(control.socket, ['backup', file])).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['is another', () => Buffer.concat([CONTENT.subarray(1), Buffer.of(0)]), 70, /SHA-256/],
    ['breaks off', () => CONTENT.subarray(0, 1_000_000), 69, /broke off/],
  ])('keeps nothing of what %s', async (_, what, code, words) => {
    sent = what();
    const result = await ctlHere(control.socket, ['backup', file]);
    expect(result).toMatchObject({ code, err: expect.stringMatching(words) });
    expect(readdirSync(control.directory).filter((name) => name.startsWith(`backup-${number}`))).toEqual([]);
  });

  it('says that a directory is not there', async () => {
    const { code, err } = await ctlHere(control.socket, ['backup', '/nonexistent/file']);
    expect({ code, err }).toMatchObject({ code: 74, err: expect.stringContaining('/nonexistent/file.part') });
  });

  it('refuses a terminal', async () => {
    const { code, err } = await ctlHere(control.socket, ['backup', '-'], { tty: true });
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('no text') });
  });

  it('gives the bytes to standard output', async () => {
    const chunks: Buffer[] = [];
    const rawOut = new Writable({
      write(chunk, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    let err = '';
    const code = await execute(['--socket', control.socket, 'backup', '-'], {
      out: () => {},
      err: (text) => {
        err += text;
      },
      rawOut,
      env: {},
      outIsTty: false,
      errIsTty: false,
      ask: undefined,
      clock: systemClock,
      signal: new AbortController().signal,
    });
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringMatching(/^it holds/) });
    expect(Buffer.concat(chunks).equals(CONTENT)).toBe(true);
  });
});
