import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { advertisedApiUrl, advertisedEndpoints } from '../../src/daemon/endpoints.ts';

function info(address: string, internal = false): NetworkInterfaceInfo {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  return { address, family, internal, netmask: '', mac: '', cidr: null, scopeid: 0 } as NetworkInterfaceInfo;
}

describe('the endpoints that machines dial', () => {
  it('are the configured ones, in their order', () => {
    expect(
      advertisedEndpoints(
        [
          { host: '2a01::1', port: 1 },
          { host: 'b.example', port: 2 },
        ],
        51821,
        {},
        'siderolink',
      ),
    ).toEqual({
      endpoints: ['[2a01::1]:1', 'b.example:2'],
      host: '2a01::1',
    });
  });

  it('default to the first public address, IPv4 first, whatever the order of the interfaces', () => {
    const interfaces = {
      lo: [info('127.0.0.1', true)],
      eth0: [info('10.0.0.5'), info('fe80::1'), info('2a01:4f8::1')],
      eth1: [info('203.0.112.9')],
    };
    expect(advertisedEndpoints([], 51821, interfaces, 'siderolink')).toEqual({
      endpoints: ['203.0.112.9:51821'],
      host: '203.0.112.9',
    });
  });

  it('warn about a private address', () => {
    const advertised = advertisedEndpoints([], 51821, { eth0: [info('10.0.0.5')] }, 'siderolink');
    expect(advertised.endpoints).toEqual(['10.0.0.5:51821']);
    expect(advertised.warning).toMatch(/private address 10\.0\.0\.5/);
  });

  it('never are the overlay itself', () => {
    const interfaces = { siderolink: [info('2a01::1')], eth0: [info('192.168.1.2')] };
    expect(advertisedEndpoints([], 1, interfaces, 'siderolink').endpoints).toEqual(['192.168.1.2:1']);
  });

  it('fall back to loopback with a warning', () => {
    expect(advertisedEndpoints([], 51821, {}, 'x').warning).toMatch(/no network address/);
  });
});

it.each([
  [{ url: null, host: '10.0.0.5', port: 8081, tls: false }, 'grpc://10.0.0.5:8081'],
  [{ url: null, host: '2a01::1', port: 443, tls: true }, 'https://[2a01::1]:443'],
  [{ url: 'grpc://x:1', host: '10.0.0.5', port: 8081, tls: false }, 'grpc://x:1'],
])('the advertised API of %j is %s', (options, url) => expect(advertisedApiUrl(options)).toBe(url));
