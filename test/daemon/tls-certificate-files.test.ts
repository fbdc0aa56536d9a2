import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { CertificateFiles, type CertificateFilesOptions } from '../../src/daemon/tls/certificate-files.ts';
import { tlsMetrics } from '../../src/daemon/tls/metrics.ts';
import { GrpcEdge } from '../../src/lib/grpc.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { TestAuthority } from '../lib/certificates.ts';
import { ManualClock } from '../sinks/fakes.ts';

const DAY_MS = 86_400_000;
const HOST = 'link.example.org';
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Files, and what watches them on a clock that stands. */
function setUp(options: Partial<CertificateFilesOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-tls-'));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const clock = new ManualClock();
  const health = new Health(() => clock.now());
  const registry = createRegistry();
  const logged: string[] = [];
  const logger = createLogger('info', { write: (line: string) => void logged.push(line) });
  const paths = { certFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem') };
  const files = new CertificateFiles(
    {
      ...paths,
      setting: 'api.tls',
      hosts: [HOST],
      hostsFrom: 'siderolink.api= advertises',
      condition: 'api_certificate',
      ...options,
    },
    { clock, logger, health, metrics: tlsMetrics(registry) },
  );
  cleanups.push(() => files.stop());
  const authority = new TestAuthority(clock.now());
  let changes = 0;
  return {
    ...paths,
    directory,
    clock,
    files,
    authority,
    logged,
    condition: () => health.conditions.find(({ name }) => name === 'api_certificate'),
    changes: () => changes,
    count: () => files.onChange(() => (changes += 1)),
    leaf: (days = 90) => authority.leaf({ hosts: [HOST], notAfter: clock.now() + days * DAY_MS }),
    write({ chain, key }: { readonly chain: string; readonly key: string }) {
      writeFileSync(paths.certFile, chain);
      writeFileSync(paths.keyFile, key);
    },
    async loads(result: string): Promise<number> {
      const metric = await registry.getSingleMetric('siderolinkd_daemon_certificate_loads_total')?.get();
      return metric?.values.find(({ labels }) => labels['result'] === result)?.value ?? 0;
    },
  };
}

async function running(options: Partial<CertificateFilesOptions> = {}) {
  const all = setUp(options);
  const first = all.leaf();
  all.write(first);
  await all.files.start();
  all.count();
  return { ...all, first };
}

describe('certificate files at start', () => {
  it('serve', async () => {
    const { files, first, condition } = await running();
    expect(files.context()).toMatchObject({ cert: first.chain, key: first.key, minVersion: 'TLSv1.2' });
    expect(condition()).toMatchObject({ severity: 'ok', message: '' });
  });

  it.each<[string, (all: ReturnType<typeof setUp>) => void, RegExp]>([
    ['no certificate file', ({ certFile }) => unlinkSync(certFile), /^api\.tls: cannot read .*cert\.pem: ENOENT/],
    [
      'a directory',
      ({ keyFile }) => {
        unlinkSync(keyFile);
        mkdirSync(keyFile);
      },
      /^api\.tls: cannot read .*key\.pem: EISDIR/,
    ],
    ['a huge file', ({ keyFile }) => writeFileSync(keyFile, 'x'.repeat(1_048_577)), /more than any certificate/],
    [
      'another key',
      ({ keyFile, leaf }) => writeFileSync(keyFile, leaf().key),
      /^api\.tls: the key .* does not belong to/,
    ],
    ['an expired one', ({ write, leaf }) => write(leaf(0)), /^api\.tls: .*cert\.pem expired at .*renew it/],
  ])('are refused: %s', async (_, spoil, message) => {
    const all = setUp();
    all.write(all.leaf());
    spoil(all);
    await expect(all.files.start()).rejects.toThrow(message);
    await expect(all.files.start()).rejects.toMatchObject({ name: 'SiderolinkError', code: 'configuration' });
    expect(() => all.files.context()).toThrow(/not read yet/);
  });

  it('are warned about: no intermediate, another host', async () => {
    const all = setUp({ hosts: ['gateway.example.org'] });
    const { cert, key } = all.leaf();
    all.write({ chain: cert, key });
    await all.files.start();
    expect(all.condition()?.severity).toBe('warning');
    expect(all.condition()?.message).toMatch(/missing intermediate.*; .*not for gateway\.example\.org/);
  });
});

describe('certificate files that change', () => {
  it('are noticed by themselves, within five seconds', async () => {
    const { files, clock, write, leaf } = await running();
    const next = leaf();
    write(next);
    const changed = new Promise<void>((resolve) => void files.onChange(resolve));
    clock.advance(5_000);
    await changed;
    expect(files.context()).toMatchObject({ cert: next.chain, key: next.key });
    // And again, after the first look has set up the next one.
    await files.check();
    const third = leaf();
    write(third);
    await new Promise(setImmediate);
    const again = new Promise<void>((resolve) => void files.onChange(resolve));
    clock.advance(5_000);
    await again;
    expect(files.context().cert).toBe(third.chain);
  });

  it('are left alone while they stay as they are', async () => {
    const { files, changes, loads } = await running();
    await files.check();
    await files.check();
    expect(changes()).toBe(0);
    expect(await loads('loaded')).toBe(1);
  });

  it.each(['rename', 'links'])('by %s', async (how) => {
    const { files, directory, certFile, keyFile, leaf, changes } = await running();
    const next = leaf();
    if (how === 'rename') {
      writeFileSync(`${certFile}.new`, next.chain);
      writeFileSync(`${keyFile}.new`, next.key);
      renameSync(`${certFile}.new`, certFile);
      renameSync(`${keyFile}.new`, keyFile);
    } else {
      // As Kubernetes does it: files → ..data/file, and ..data → a directory that is swapped.
      const stage = (name: string, pair: { readonly chain: string; readonly key: string }) => {
        mkdirSync(join(directory, name));
        writeFileSync(join(directory, name, 'cert.pem'), pair.chain);
        writeFileSync(join(directory, name, 'key.pem'), pair.key);
        symlinkSync(name, join(directory, '..data.new'));
        renameSync(join(directory, '..data.new'), join(directory, '..data'));
      };
      stage('one', leaf());
      for (const file of [certFile, keyFile]) {
        unlinkSync(file);
        symlinkSync(join('..data', basename(file)), file);
      }
      await files.check();
      expect(changes()).toBe(1);
      stage('two', next);
    }
    await files.check();
    expect(files.context()).toMatchObject({ cert: next.chain, key: next.key });
  });

  it('are not read between the certificate and its key', async () => {
    const { files, certFile, keyFile, first, leaf, condition, changes, loads } = await running();
    const next = leaf();
    writeFileSync(certFile, next.chain);
    await files.check();
    expect(files.context()).toMatchObject({ cert: first.chain, key: first.key });
    expect(condition()?.severity).toBe('ok');
    writeFileSync(keyFile, next.key);
    await files.check();
    expect(files.context()).toMatchObject({ cert: next.chain, key: next.key });
    expect(changes()).toBe(1);
    expect(await loads('failed')).toBe(0);
  });

  it.each<[string, (all: Awaited<ReturnType<typeof running>>) => void, RegExp]>([
    ['gone', ({ keyFile }) => unlinkSync(keyFile), /cannot read .*key\.pem: ENOENT/],
    ['of different pairs', ({ certFile, leaf }) => writeFileSync(certFile, leaf().chain), /does not belong/],
    ['half written', ({ certFile, first }) => writeFileSync(certFile, first.chain.slice(0, 100)), /no certificate/],
    ['expired', ({ write, leaf }) => write(leaf(-1)), /expired/],
  ])('and are %s: the former pair stays, said and counted once, until they are right', async (_, spoil, message) => {
    const all = await running();
    const { files, first, condition, changes, loads, logged, write, leaf } = all;
    spoil(all);
    for (let looks = 0; looks < 4; looks += 1) await files.check();
    expect(files.context()).toMatchObject({ cert: first.chain, key: first.key });
    expect(condition()?.severity).toBe('warning');
    expect(condition()?.message).toMatch(message);
    expect(condition()?.message).toMatch(/^the certificate before it is still served/);
    expect(await loads('failed')).toBe(1);
    expect(logged.filter((line) => line.includes('cannot be used'))).toHaveLength(1);
    expect(changes()).toBe(0);

    const next = leaf();
    write(next);
    await files.check();
    expect(files.context().cert).toBe(next.chain);
    expect(condition()).toMatchObject({ severity: 'ok', message: '' });
  });

  it('and never tell the key', async () => {
    const { files, first, keyFile, condition, logged } = await running();
    const secret = first.key.split('\n')[1] ?? '';
    writeFileSync(keyFile, `-----BEGIN PRIVATE KEY-----\n${secret}\n`);
    await files.check();
    await files.check();
    expect(condition()?.message).toContain('no private key');
    expect(logged.join() + condition()?.message).not.toContain(secret);
  });

  it('are not looked at after stop', async () => {
    const { files, clock, write, leaf, first } = await running();
    await files.stop();
    write(leaf());
    clock.advance(60_000);
    await new Promise(setImmediate);
    expect(files.context().cert).toBe(first.chain);
  });
});

it('a renewed pair reaches the callers of an API that serves', async () => {
  const { files, authority, write, leaf } = await running();
  const edge = new GrpcEdge({ name: 'api', host: '127.0.0.1', certificate: files });
  cleanups.push(() => edge.stop(0));
  const { port } = await edge.listen();
  const served = async () => {
    const options = { host: '127.0.0.1', port, servername: HOST, ca: authority.root.cert, ALPNProtocols: ['h2'] };
    // The files' clock stands in another year than this process'.
    const socket = connect({ ...options, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { raw } = socket.getPeerX509Certificate() ?? {};
    socket.destroy();
    return raw;
  };
  const der = ({ cert }: { readonly cert: string }) => new X509Certificate(cert).raw;
  const next = leaf();
  write(next);
  expect(await served()).not.toEqual(der(next));
  await files.check();
  expect(await served()).toEqual(der(next));
});

describe('certificates that nobody renews', () => {
  it('are warned about, then an error, as time passes; a new one ends it', async () => {
    const { files, clock, condition, write, leaf } = await running();
    clock.advance(75 * DAY_MS);
    await files.check();
    expect(condition()?.severity).toBe('ok');
    clock.advance(2 * DAY_MS);
    await files.check();
    expect(condition()).toMatchObject({
      severity: 'warning',
      message: expect.stringMatching(/expires at .*; renew it/),
    });
    clock.advance(13 * DAY_MS);
    await files.check();
    expect(condition()).toMatchObject({ severity: 'error', message: expect.stringMatching(/expired at/) });
    write(leaf());
    await files.check();
    expect(condition()?.severity).toBe('ok');
  });
});
