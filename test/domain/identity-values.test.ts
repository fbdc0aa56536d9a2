import { inspect } from 'node:util';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { PrivateKey, parsePublicKey } from '../../src/domain/keys.ts';
import {
  addressWithHost,
  isSiderolinkAddress,
  newAddress,
  overlayOf,
  parseOverlayAddress,
  sourceAddress,
} from '../../src/domain/overlay.ts';
import { asNodeUuid, isJunkUuid, parseNodeUuid } from '../../src/domain/uuid.ts';
import vectors from '../fixtures/vectors.json' with { type: 'json' };

describe('the overlay of an installation', () => {
  it.each(vectors.overlay)('of $installation_id', (vector) => {
    const overlay = overlayOf(vector.installation_id);
    expect(overlay.prefix).toBe(vector.prefix);
    if (vector.server !== undefined) expect(overlay.server).toBe(vector.server);
    if (vector.tunnel_prefix !== undefined) expect(overlay.tunnelPrefix).toBe(vector.tunnel_prefix);
  });

  it('always has the form that Talos recognises', () => {
    fc.assert(fc.property(fc.string(), (id) => isSiderolinkAddress(overlayOf(id).server)));
    expect(isSiderolinkAddress('fd00::1')).toBe(false);
    expect(isSiderolinkAddress('10.0.0.1')).toBe(false);
  });

  const overlay = overlayOf('');

  it('gives addresses that are free, and neither the network nor the server', () => {
    const hosts = [
      new Uint8Array(8),
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1),
      new Uint8Array(8).fill(7),
      new Uint8Array(8).fill(8),
    ];
    const taken = addressWithHost(overlay, new Uint8Array(8).fill(7));
    const address = newAddress(
      overlay,
      (candidate) => candidate === taken,
      () => hosts.shift() ?? new Uint8Array(8).fill(9),
    );
    expect(address).toBe('fdae:41e4:649b:9303:808:808:808:808');
  });

  it('writes every address as RFC 5952 says', () => {
    const byte = fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(byte, { minLength: 8, maxLength: 8 }), fc.string(), (host, installation) => {
        const at = overlayOf(installation);
        const network = ipaddr.IPv6.parseCIDR(at.prefix)[0].toByteArray().slice(0, 8);
        const expected = new ipaddr.IPv6([...network, ...host]).toRFC5952String();
        expect(addressWithHost(at, Uint8Array.from(host))).toBe(expected);
      }),
    );
  });

  it('takes addresses in any spelling and refuses those of others', () => {
    expect(parseOverlayAddress(overlay, 'FDAE:41E4:649B:9303:0:0:0:0001')).toBe('fdae:41e4:649b:9303::1');
    for (const text of ['fd00::1', '::1', '127.0.0.1', 'fdae:41e4:649b:9303::1%eth0', '']) {
      expect(() => parseOverlayAddress(overlay, text)).toThrow(/not an address of the overlay/);
    }
  });
});

it.each([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['FDAE:0:0:0:0:0:0:1', 'fdae::1'],
  ['192.0.2.1', '192.0.2.1'],
  [undefined, ''],
])('the source %s is %s', (remote, source) => expect(sourceAddress(remote)).toBe(source));

describe('WireGuard keys', () => {
  it('match the golden pair', () => {
    expect(PrivateKey.parse(`${vectors.wireguard_key.private}\n`).publicKey).toBe(vectors.wireguard_key.public);
  });

  it('are made clamped', () => {
    const bytes = Buffer.from(PrivateKey.generate().reveal(), 'base64');
    expect(bytes.readUInt8(0) & 7).toBe(0);
    expect(bytes.readUInt8(31) & 0xc0).toBe(0x40);
  });

  it('never show themselves', () => {
    const key = PrivateKey.parse(vectors.wireguard_key.private);
    for (const text of [String(key), JSON.stringify({ key }), inspect(key, { depth: 5, showHidden: true })]) {
      expect(text).not.toContain(vectors.wireguard_key.private);
    }
  });

  it.each([
    '',
    'x',
    `${'A'.repeat(43)}=`,
    vectors.wireguard_key.public.slice(1),
    `${vectors.wireguard_key.public}=`,
    `${'A'.repeat(42)}B=`,
  ])('refuse %j as a public key', (text) => expect(() => parsePublicKey(text)).toThrow(/not a WireGuard public key/));
});

describe('UUIDs', () => {
  it('are lower-case', () => {
    expect(parseNodeUuid('71233EFD-7a07-43f8-b6ba-da90fae0e88b')).toBe('71233efd-7a07-43f8-b6ba-da90fae0e88b');
    expect(asNodeUuid('71233efd7a0743f8b6bada90fae0e88b')).toBeUndefined();
  });

  it.each([
    '',
    'no',
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    '03000200-0400-0500-0006-000700080009',
  ])('%j tells no machine from another', (text) => expect(isJunkUuid(text)).toBe(true));

  it('of a machine is no junk', () => expect(isJunkUuid('71233efd-7a07-43f8-b6ba-da90fae0e88b')).toBe(false));
});
