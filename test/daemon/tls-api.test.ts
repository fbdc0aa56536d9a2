import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { loadInstallation } from '../../src/daemon/state-dir.ts';
import { apiUsesTls, handshakeFailures, startApiTls } from '../../src/daemon/tls/api-tls.ts';
import { tlsMetrics } from '../../src/daemon/tls/metrics.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { TestAuthority } from '../lib/certificates.ts';
import { ManualClock } from '../sinks/fakes.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function setUp(api: string) {
  const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-tls-api-'));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const clock = new ManualClock();
  const health = new Health(() => clock.now());
  const logged: string[] = [];
  const logger = createLogger('info', { write: (line: string) => void logged.push(line) });
  const deps = { clock, health, logger, metrics: tlsMetrics(createRegistry()) };
  const endpoints = 'wireguard: { endpoints: ["192.0.2.7:51821", "[2001:db8::7]:51821", "link.example.org:51821"] }';
  const config = parseConfig(`state_dir: ${directory}\n${endpoints}\napi: ${api.replaceAll('DIR', directory)}\n`);
  const start = async (url: string) => {
    const tls = await startApiTls(config, loadInstallation(directory), url, deps);
    if (tls !== undefined) cleanups.push(() => tls.certificate.stop());
    return tls;
  };
  return { directory, clock, health, logged, deps, config, start };
}

describe('what the API proves itself with', () => {
  it('is nothing by default', async () => {
    const { config, start } = setUp('{}');
    expect(apiUsesTls(config)).toBe(false);
    expect(await start('grpc://192.0.2.7:8081')).toBeUndefined();
  });

  it('is a certificate of our own authority, for every name of this gateway', async () => {
    const { config, directory, start } = setUp('{ tls: { self_signed: true } }');
    expect(apiUsesTls(config)).toBe(true);
    const tls = await start('https://[2001:db8::8]:8081');
    const served = new X509Certificate(String(tls?.certificate.context().cert));
    expect(served.subjectAltName).toBe(
      'IP Address:2001:DB8:0:0:0:0:0:8, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, DNS:link.example.org',
    );
    expect(served.checkIssued(new X509Certificate(tls?.authority ?? ''))).toBe(true);
    expect(statSync(join(directory, 'api-ca.pem')).mode & 0o777).toBe(0o600);
    expect((await start('https://192.0.2.7:8081'))?.authority).toBe(tls?.authority);
  });

  it('is files, which must be for the host that is advertised', async () => {
    const { config, directory, clock, health, start } = setUp(
      '{ tls: { cert_file: DIR/cert.pem, key_file: DIR/key.pem } }',
    );
    expect(apiUsesTls(config)).toBe(true);
    await expect(start('https://link.example.org:8081')).rejects.toMatchObject({ code: 'configuration' });
    const { chain, key } = new TestAuthority(clock.now()).leaf({ hosts: ['link.example.org'] });
    writeFileSync(join(directory, 'cert.pem'), chain);
    writeFileSync(join(directory, 'key.pem'), key);
    const tls = await start('https://link.example.org:8081');
    expect(tls?.authority).toBeUndefined();
    expect(health.conditions).toEqual([expect.objectContaining({ name: 'api_certificate', severity: 'ok' })]);
    await start('https://192.0.2.7:8081');
    expect(health.conditions).toEqual([
      expect.objectContaining({
        severity: 'warning',
        message: expect.stringMatching(/for DNS:link\.example\.org, not for 192\.0\.2\.7, which siderolink\.api=/),
      }),
    ]);
  });
});

describe('handshakes that fail', () => {
  it('are counted each, and said once a minute and reason, with who and why', async () => {
    const { clock, logged, deps } = setUp('{}');
    const failed = handshakeFailures(deps);
    for (let times = 0; times < 3; times += 1) failed('untrusted', '198.51.100.9');
    failed('plaintext', '198.51.100.8');
    failed('closed', '');
    expect(logged).toHaveLength(2);
    expect(logged[0]).toMatch(/"source":"198\.51\.100\.9".*does not trust our certificate/);
    expect(logged[1]).toMatch(/"source":"198\.51\.100\.8".*speaks no TLS/);
    clock.advance(60_000);
    failed('untrusted', '198.51.100.9');
    expect(logged[2]).toContain('"heldBack":2');
    const { values } = await deps.metrics.handshakesFailed.get();
    expect(Object.fromEntries(values.map(({ labels, value }) => [labels.reason, value]))).toEqual({
      untrusted: 4,
      plaintext: 1,
      closed: 1,
    });
  });
});
