import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { integer, oid, sequence, time } from '../../src/lib/der.ts';
import { issueCertificate } from '../../src/lib/x509.ts';
import { newEcKey, TestAuthority } from './certificates.ts';

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** OpenSSL's own verdict, by its strictest rules. */
function verify(authority: TestAuthority, leaf: string, ...args: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-x509-'));
  directories.push(directory);
  const write = (name: string, pem: string) => {
    writeFileSync(join(directory, name), pem);
    return join(directory, name);
  };
  const roots = ['-x509_strict', '-CAfile', write('root.pem', authority.root.cert)];
  const chain = ['-untrusted', write('intermediate.pem', authority.intermediate.cert)];
  const all = ['verify', ...roots, ...chain, '-purpose', 'sslserver', ...args, write('leaf.pem', leaf)];
  return execFileSync('openssl', all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe('certificates', () => {
  const authority = new TestAuthority();
  const hosts = ['link.example.org', '192.0.2.7', '2001:db8::7'];

  it('are what OpenSSL takes by its strictest rules, for each host and no other', () => {
    const { cert } = authority.leaf({ hosts });
    expect(verify(authority, cert, '-verify_hostname', 'link.example.org')).toContain('OK');
    expect(verify(authority, cert, '-verify_ip', '192.0.2.7')).toContain('OK');
    expect(verify(authority, cert, '-verify_ip', '2001:db8::7')).toContain('OK');
    expect(() => verify(authority, cert, '-verify_hostname', 'example.org')).toThrow(/hostname mismatch/i);
  });

  it('say who may do what', () => {
    const root = new X509Certificate(authority.root.cert);
    const leaf = new X509Certificate(authority.leaf({ hosts }).cert);
    expect(root.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(false);
    // Nobody below the intermediate may sign.
    const { cert, key } = authority.leaf({ hosts });
    expect(key).toContain('PRIVATE KEY');
    expect(() => verify(authority, issuedBy(cert), '-verify_hostname', 'a.example')).toThrow();
  });

  function issuedBy(issuerCert: string): string {
    const issuer = { name: new X509Certificate(issuerCert).subject.replace('CN=', ''), key: newEcKey() };
    const range = { notBefore: Date.now() - 1_000, notAfter: Date.now() + 86_400_000 };
    return issueCertificate({
      subject: 'x',
      key: newEcKey(),
      issuer,
      ...range,
      purpose: { hosts: ['a.example'] },
    });
  }

  it('hold any name, time and number of hosts', () => {
    const key = newEcKey();
    const second = fc.integer({ min: 0, max: 7_258_118_399 }).map((seconds) => seconds * 1_000);
    const domain = fc.domain();
    fc.assert(
      fc.property(
        fc
          .string({ unit: 'grapheme-composite', minLength: 1, maxLength: 40 })
          .filter((name) => !/[\n\\+",;<>=#\0]/.test(name)),
        second,
        second,
        fc.array(fc.oneof(domain, fc.ipV4()), { minLength: 1, maxLength: 30 }),
        (name, notBefore, notAfter, all) => {
          const made = { subject: name, key, issuer: { name, key }, notBefore, notAfter, purpose: { hosts: all } };
          const certificate = new X509Certificate(issueCertificate(made));
          expect(certificate.validFromDate.getTime()).toBe(notBefore);
          expect(certificate.validToDate.getTime()).toBe(notAfter);
          expect(certificate.verify(certificate.publicKey)).toBe(true);
          expect(certificate.subjectAltName?.split(', ')).toHaveLength(all.length);
          expect(BigInt(`0x${certificate.serialNumber}`)).toBeGreaterThan(0n);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are signed with P-256 only', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const range = { notBefore: 0, notAfter: 1 };
    const fields = { subject: 'x', key: publicKey, ...range, purpose: { hosts: ['a'] } };
    expect(() => issueCertificate({ ...fields, issuer: { name: 'x', key: privateKey } })).toThrow(TypeError);
  });
});

describe('DER', () => {
  it.each([
    ['integer 0', integer(Buffer.from([0])), '020100'],
    ['integer 127, not in its shortest form', integer(Buffer.from([0, 0, 127])), '02017f'],
    ['integer 128, which must not become negative', integer(Buffer.from([128])), '02020080'],
    ['an identifier', oid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    ['the last second of two-digit years', time(Date.UTC(2049, 11, 31, 23, 59, 59)), `170d${ascii('491231235959Z')}`],
    ['the first second of four-digit years', time(Date.UTC(2050, 0, 1)), `180f${ascii('20500101000000Z')}`],
    ['a length of 127', sequence(Buffer.alloc(127)).subarray(0, 2), '307f'],
    ['a length of 128', sequence(Buffer.alloc(128)).subarray(0, 3), '308180'],
    ['a length of 256', sequence(Buffer.alloc(256)).subarray(0, 4), '30820100'],
  ])('%s', (_, encoded, hex) => {
    expect(encoded.toString('hex')).toBe(hex);
  });

  function ascii(text: string): string {
    return Buffer.from(text).toString('hex');
  }
});
