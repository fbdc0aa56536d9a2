import { generateKeyPairSync } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type ChainInput, lifetime, readChain } from '../../src/domain/certificate.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { newEcKey, pemOf, TestAuthority } from '../lib/certificates.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 5, 15);
const authority = new TestAuthority(NOW);
const { chain, cert, key } = authority.leaf({ hosts: ['link.example.org', '192.0.2.7', '2001:db8::7'] });

function input(given: Partial<ChainInput> = {}): ChainInput {
  return {
    certName: '/etc/tls/cert.pem',
    keyName: '/etc/tls/key.pem',
    cert: chain,
    key,
    hosts: ['link.example.org'],
    hostsFrom: 'siderolink.api= advertises',
    roots: rootCertificates,
    ...given,
  };
}

const warningsOf = (given: Partial<ChainInput>) => readChain(input(given)).warnings;

describe('a certificate with its chain', () => {
  it('is right: leaf, intermediate, own names', () => {
    const read = readChain(input());
    expect(read.warnings).toEqual([]);
    expect(read.path).toHaveLength(2);
    expect(warningsOf({ hosts: ['192.0.2.7', '2001:db8::7', 'LINK.example.org'] })).toEqual([]);
    expect(warningsOf({ cert: chain + authority.root.cert })).toEqual([]);
    expect(warningsOf({ cert: `Bag Attributes\n  friendlyName: x\n${chain.replaceAll('\n', '\r\n')}` })).toEqual([]);
  });

  it('lacks its intermediate: the classic failed join', () => {
    const [warning, ...others] = warningsOf({ cert });
    expect(warning).toMatch(/^\/etc\/tls\/cert\.pem has a missing intermediate \(callers need the full chain\)/);
    expect(warning).toContain('"CN=test intermediate"');
    expect(others).toEqual([]);
  });

  it('needs no intermediate where a known root, or itself, is the issuer', () => {
    expect(warningsOf({ cert, roots: [authority.intermediate.cert] })).toEqual([]);
    const direct = authority.leaf({ hosts: ['link.example.org'] }, authority.root);
    expect(warningsOf({ cert: direct.cert, key: direct.key })).toHaveLength(1);
    expect(warningsOf({ cert: direct.chain, key: direct.key })).toEqual([]);
    const selfSigned = new TestAuthority(NOW).root;
    expect(warningsOf({ cert: selfSigned.cert, key: pemOf(selfSigned.key), hosts: [] })).toEqual([]);
  });

  it('has its certificates in another order than callers read them', () => {
    const third = authority.root.cert;
    expect(warningsOf({ cert: cert + third + authority.intermediate.cert })).toEqual([
      expect.stringContaining('out of order'),
    ]);
    // An intermediate of somebody else does not stand in for the missing one.
    expect(warningsOf({ cert: cert + new TestAuthority(NOW).intermediate.cert })).toEqual([
      expect.stringContaining('missing intermediate'),
    ]);
  });

  it.each([
    ['another name', ['gateway.example.org'], /not for gateway\.example\.org, which siderolink\.api= advertises/],
    ['a name below', ['a.link.example.org'], /for DNS:link\.example\.org, IP Address:192\.0\.2\.7/],
    ['another address', ['192.0.2.8'], /not for 192\.0\.2\.8/],
    ['the common name, which Go ignores', ['server'], /not for server/],
  ])('does not cover %s', (_, hosts, message) => {
    expect(warningsOf({ hosts })).toEqual([expect.stringMatching(message)]);
  });

  it.each<[string, Partial<ChainInput>, RegExp]>([
    ['no certificate', { cert: 'hello' }, /^\/etc\/tls\/cert\.pem holds no certificate in PEM/],
    [
      'an unreadable one',
      { cert: cert.replace(/\n.{20}/, '\nAAAA') },
      /number 1 in \/etc\/tls\/cert\.pem cannot be read/,
    ],
    ['no key', { key: 'hello' }, /^\/etc\/tls\/key\.pem holds no private key/],
    ['a key cut short', { key: key.slice(0, 80) }, /holds no private key/],
    ['the key of another', { key: pemOf(newEcKey()) }, /key\.pem does not belong to the certificate .*cert\.pem/],
    ['the intermediate first', { cert: authority.intermediate.cert + cert }, /must come first, and is number 2/],
    ['an encrypted key', { key: encryptedKey() }, /encrypted; write it without a passphrase/],
  ])('cannot serve: %s', (_, given, message) => {
    const read = () => readChain(input(given));
    expect(read).toThrow(SiderolinkError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 'configuration' }));
  });

  it('never tells the key', () => {
    const broken = key.replace(/\n.{8}/, '\n!secret!');
    const read = () => readChain(input({ key: broken }));
    expect(read).toThrow(/holds no private key/);
    expect(read).not.toThrow(/!secret!/);
  });
});

describe('the life of a chain', () => {
  const read = (leaf: { notBefore?: number; notAfter?: number }) => {
    const made = authority.leaf({ hosts: ['link.example.org'], ...leaf });
    return readChain(input({ cert: made.chain, key: made.key }));
  };

  it.each([
    ['89 days left of 90', 89 * DAY_MS, undefined, undefined],
    ['14 days left', 14 * DAY_MS, undefined, undefined],
    ['a second less', 14 * DAY_MS - 1_000, 'warning', /expires at 2026-06-28T23:59:59Z; renew it/],
    ['the last second', 1_000, 'warning', /expires/],
    ['expired', 0, 'error', /expired at 2026-06-15T00:00:00Z; renew it/],
  ])('%s', (_, left, severity, message) => {
    const found = lifetime(read({ notBefore: NOW + left - 90 * DAY_MS, notAfter: NOW + left }), NOW);
    expect(found?.severity).toBe(severity);
    if (message !== undefined) expect(found?.message).toMatch(message);
  });

  it('warns of a short one in its last third only', () => {
    const short = read({ notBefore: NOW, notAfter: NOW + 6 * DAY_MS });
    expect(lifetime(short, NOW + 3 * DAY_MS)).toBeUndefined();
    expect(lifetime(short, NOW + 5 * DAY_MS)?.severity).toBe('warning');
  });

  it('has not begun where a clock is wrong', () => {
    const found = lifetime(read({ notBefore: NOW + DAY_MS }), NOW);
    expect(found).toEqual({
      severity: 'error',
      message: "/etc/tls/cert.pem is not valid before 2026-06-16T00:00:00Z; is this host's clock right?",
    });
  });

  it('is that of the issuers too, which is no more than a warning', () => {
    const found = lifetime(read({ notAfter: NOW + 4_000 * DAY_MS }), NOW + 3_700 * DAY_MS);
    expect(found).toEqual({
      severity: 'warning',
      message: expect.stringMatching(/cert\.pem: the issuer "CN=test intermediate" expired/),
    });
  });
});

function encryptedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
}
