import { createPublicKey, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { tlsMetrics } from '../../src/daemon/tls/metrics.ts';
import { loadAuthority } from '../../src/daemon/tls/own-authority.ts';
import { OwnCertificate } from '../../src/daemon/tls/own-certificate.ts';
import * as der from '../../src/lib/der.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { newEcKey, pemOf, TestAuthority } from '../lib/certificates.ts';
import { ManualClock } from '../sinks/fakes.ts';

const DAY_MS = 86_400_000;
const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function newFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-ca-'));
  directories.push(directory);
  return join(directory, 'api-ca.pem');
}

/** A key and its authority as others make them: with an organization in its name. */
function authorityOfAcme(now: number): string {
  const key = newEcKey();
  const attribute = (id: string, value: string) => der.set(der.sequence(der.oid(id), der.text(value)));
  const name = der.sequence(attribute('2.5.4.10', 'Acme'), attribute('2.5.4.3', 'Acme CA'));
  const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'));
  const constraints = der.octets(der.sequence(der.boolean(true)));
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(Buffer.from([7])),
    algorithm,
    name,
    der.sequence(der.time(now - DAY_MS), der.time(now + DAY_MS)),
    name,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    der.explicit(3, der.sequence(der.sequence(der.oid('2.5.29.19'), der.boolean(true), constraints))),
  );
  const bytes = der.sequence(body, algorithm, der.bits(sign('sha256', body, key)));
  return `${pemOf(key)}-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`;
}

describe('the authority of an installation', () => {
  const now = Date.UTC(2026, 0, 1);

  it('is made once, for its user alone, and for longer than the machines last', () => {
    const file = newFile();
    const made = loadAuthority(file, '1a2b3c4d', now);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = loadAuthority(file, '1a2b3c4d', now + DAY_MS);
    expect(again.cert).toBe(made.cert);
    expect(pemOf(again.key)).toBe(pemOf(made.key));
    const certificate = new X509Certificate(made.cert);
    expect(certificate.ca).toBe(true);
    expect(certificate.subject).toBe('CN=siderolinkd 1a2b3c4d CA');
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(certificate.validToDate.getTime()).toBeGreaterThan(now + 10 * 365 * DAY_MS);
    // Machines call before NTP has put their clocks right.
    expect(certificate.validFromDate.getTime()).toBeLessThan(now - 300 * DAY_MS);
    expect(made.cert).not.toContain('PRIVATE');
  });

  it('stays itself under another installation id', () => {
    const file = newFile();
    const made = loadAuthority(file, 'one', now);
    expect(loadAuthority(file, 'two', now)).toMatchObject({ cert: made.cert, name: 'siderolinkd one CA' });
  });

  const foreign = new TestAuthority(now);
  const leaf = foreign.leaf();
  it.each([
    ['nothing', '', /no private key/],
    ['a certificate without its key', foreign.root.cert, /no private key/],
    ['the key of another', foreign.root.cert + pemOf(newEcKey()), /does not belong/],
    ['a certificate that signs nothing', leaf.cert + leaf.key, /no certificate of an authority/],
    // What we sign would leave out its organization, and machines would not find who signed.
    ['an authority with another form of name', authorityOfAcme(now), /siderolinkd did not make it/],
  ])('is not made anew over a file that holds %s', (_, content, message) => {
    const file = newFile();
    writeFileSync(file, content);
    const load = () => loadAuthority(file, 'x', now);
    expect(load).toThrow(message);
    expect(load).toThrow(/Put back .*api-ca\.pem from a backup/);
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  it('is refused after its end', () => {
    const file = newFile();
    loadAuthority(file, 'x', now);
    expect(() => loadAuthority(file, 'x', now + 21 * 365 * DAY_MS)).toThrow(/expired/);
  });
});

describe('its server certificate', () => {
  function setUp(hosts = ['link.example.org', '192.0.2.7', '2001:db8::7']) {
    const clock = new ManualClock();
    const health = new Health(() => clock.now());
    const logger = createLogger('error', { write: () => {} });
    const authority = loadAuthority(newFile(), 'x', clock.now());
    const metrics = tlsMetrics(createRegistry());
    const options = { setting: 'api.tls', condition: 'api_certificate' as const, hosts };
    const certificate = new OwnCertificate(options, authority, { clock, health, logger, metrics });
    return {
      clock,
      health,
      authority,
      certificate,
      served: () => new X509Certificate(String(certificate.context().cert)),
    };
  }

  it('is for the hosts that machines dial, and of the authority', () => {
    const { authority, served } = setUp();
    expect(served().checkHost('link.example.org')).toBe('link.example.org');
    expect(served().checkIP('192.0.2.7')).toBe('192.0.2.7');
    expect(served().checkIP('2001:db8::7')).toBe('2001:db8::7');
    const ca = new X509Certificate(authority.cert);
    expect(served().checkIssued(ca)).toBe(true);
    expect(served().verify(ca.publicKey)).toBe(true);
    expect(served().ca).toBe(false);
  });

  it('is another one when two thirds of its life are over, and always valid', () => {
    const { clock, certificate, served, health } = setUp();
    certificate.start();
    let changes = 0;
    certificate.onChange(() => {
      changes += 1;
    });
    const first = served().serialNumber;
    for (let days = 0; days < 3 * 365; days += 1) {
      clock.advance(DAY_MS);
      expect(served().validToDate.getTime() - clock.now()).toBeGreaterThan(100 * DAY_MS);
    }
    expect(changes).toBe(4);
    expect(served().serialNumber).not.toBe(first);
    expect(health.conditions).toEqual([expect.objectContaining({ name: 'api_certificate', severity: 'ok' })]);
    certificate.stop();
    clock.advance(400 * DAY_MS);
    expect(changes).toBe(4);
  });

  it('has an authority that somebody must replace one day, and is told in time', () => {
    const { clock, certificate, health } = setUp();
    clock.advance(20 * 365 * DAY_MS - 10 * DAY_MS);
    certificate.start();
    expect(health.conditions).toEqual([
      expect.objectContaining({ severity: 'warning', message: expect.stringMatching(/api-ca\.pem expires at/) }),
    ]);
    certificate.stop();
  });
});
