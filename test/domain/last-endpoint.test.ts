import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { restorableEndpoint } from '../../src/domain/last-endpoint.ts';

describe('an endpoint that is kept', () => {
  it.each(['192.0.2.1:51820', '[2001:db8::1]:1', '10.0.0.1:65535', '[::ffff:192.0.2.1]:9'])('%s', (endpoint) => {
    expect(restorableEndpoint(endpoint)).toBe(endpoint);
  });

  it.each([
    null,
    '',
    '(none)',
    '127.64.0.1:51823',
    '127.127.255.255:1',
    '[fe80::1%eth0]:51820',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2:1',
    'gateway.example:51820',
    '2001:db8::1:51820',
    '192.0.2.1:1 peer',
  ])('not %s', (endpoint) => {
    expect(restorableEndpoint(endpoint)).toBeNull();
  });

  it('is an argument of a command: no text brings anything else in', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(restorableEndpoint(text) ?? '1.2.3.4:5').toMatch(/^[0-9a-f.:[\]]+$/);
      }),
    );
  });
});
