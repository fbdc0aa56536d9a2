import { describe, expect, it } from 'vitest';
import { HostNames } from '../../src/control/hosts.ts';
import { certificateFor } from './tcp-harness.ts';

describe('the Host header of a request for us', () => {
  it.each([
    // listen, header, local address, ours
    ['127.0.0.1', '127.0.0.1:9000', '127.0.0.1', true],
    ['127.0.0.1', 'localhost', '127.0.0.1', true],
    ['127.0.0.1', 'LocalHost:1', '127.0.0.1', true],
    ['127.0.0.1', '[::1]:9000', '127.0.0.1', true],
    ['::1', '127.0.0.1', '::1', true],
    ['localhost', '[0:0:0:0:0:0:0:1]', '::1', true],
    ['127.0.0.1', 'evil.example', '127.0.0.1', false],
    ['127.0.0.1', '192.0.2.1', '127.0.0.1', false],
    ['127.0.0.1', 'localhost.evil.example', '127.0.0.1', false],
    ['192.0.2.1', '192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', 'localhost', '192.0.2.1', false],
    ['192.0.2.1', '127.0.0.1', '192.0.2.1', false],
    ['gw.example', 'GW.example.:443', '192.0.2.1', true],
    // On a wildcard, the address that the connection came to; a name must be known.
    ['::', '192.0.2.1', '::ffff:192.0.2.1', true],
    ['::', '[2001:DB8::1]', '2001:db8::1', true],
    ['::', '192.0.2.2', '::ffff:192.0.2.1', false],
    ['0.0.0.0', '0.0.0.0', '192.0.2.1', true],
    ['0.0.0.0', 'gw.example', '192.0.2.1', false],
    ['127.0.0.1', '', '127.0.0.1', false],
    ['127.0.0.1', undefined, '127.0.0.1', false],
    ['127.0.0.1', 'localhost:', '127.0.0.1', false],
    ['127.0.0.1', 'localhost/', '127.0.0.1', false],
    ['127.0.0.1', 'user@localhost', '127.0.0.1', false],
    ['127.0.0.1', 'localhost, evil.example', '127.0.0.1', false],
    ['::1', '[::1%lo]', '::1', false],
  ])('listening on %s: %s, arrived at %s: %s', (listen, header, local, ours) => {
    expect(new HostNames(listen, []).has(header, local)).toBe(ours);
  });

  it('may be what control.hosts names', () => {
    const hosts = new HostNames('127.0.0.1', ['Proxy.Example', '2001:db8::5']);
    expect(hosts.has('proxy.example:443', '127.0.0.1')).toBe(true);
    expect(hosts.has('[2001:db8:0::5]', '127.0.0.1')).toBe(true);
    expect(hosts.has('other.example', '127.0.0.1')).toBe(false);
  });

  it('may be a name of the certificate that is served now', () => {
    const hosts = new HostNames('::', []);
    hosts.useCertificate(certificateFor('gw.example', '*.wild.example', '192.0.2.7', '2001:db8::7').cert);
    for (const ours of ['gw.example', 'a.wild.example', '192.0.2.7', '[2001:db8::7]']) {
      expect(hosts.has(ours, '10.0.0.1'), ours).toBe(true);
    }
    for (const other of ['wild.example', 'a.b.wild.example', 'xgw.example', '192.0.2.8']) {
      expect(hosts.has(other, '10.0.0.1'), other).toBe(false);
    }
    hosts.useCertificate(certificateFor('new.example').cert);
    expect(hosts.has('new.example', '10.0.0.1')).toBe(true);
    expect(hosts.has('gw.example', '10.0.0.1')).toBe(false);
  });
});
