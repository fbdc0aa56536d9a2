import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHostPort, splitHostPort } from '../../src/domain/host-port.ts';

describe('a host and a port', () => {
  it('come back from their text', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
        const bracketed = name.includes(':');
        expect(splitHostPort(formatHostPort({ host: name, port }))).toEqual({ host: name, port, bracketed });
      }),
    );
  });

  it.each([
    '',
    'host',
    'host:',
    ':1',
    '::1:80',
    '[::1]',
    '[]:1',
    'host:65536',
    'host:123456',
    'host:-1',
    'a:b:1',
    '[::1]x:1',
  ])('%j is none', (text) => {
    expect(splitHostPort(text)).toBeUndefined();
  });
});
