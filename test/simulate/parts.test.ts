import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kernelArgs } from '../../src/domain/kernel-args.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import { asNodeUuid } from '../../src/domain/uuid.ts';
import { Backoff } from '../../src/simulate/backoff.ts';
import { parseBootArguments } from '../../src/simulate/boot-args.ts';
import { EventQueue } from '../../src/simulate/event-queue.ts';
import { talosProfile } from '../../src/simulate/profile.ts';
import { seededRandom, seededUuid } from '../../src/simulate/random.ts';
import { XidSource } from '../../src/simulate/xid.ts';
import { TestAuthority } from '../lib/certificates.ts';

test('the backoff starts at half a second, grows by half, is capped at a minute and spread by half', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), (seed, steps) => {
      const backoff = new Backoff(seededRandom(seed));
      for (let step = 0; step < steps; step++) {
        const middle = Math.min(500 * 1.5 ** step, 60_000);
        const wait = backoff.next();
        expect(wait).toBeGreaterThanOrEqual(middle * 0.5);
        expect(wait).toBeLessThanOrEqual(middle * 1.5);
      }
    }),
  );
});

test('event ids are xids: 20 characters, in order within a second, the time in front', () => {
  const source = new XidSource(seededRandom(1), () => Date.parse('2026-11-21T12:00:00Z'));
  const ids = Array.from({ length: 50 }, () => source.next());
  for (const id of ids) expect(id).toMatch(/^[0-9a-v]{20}$/);
  expect(new Set(ids).size).toBe(50);
  const bits = [...(ids[0] ?? '')].map((c) =>
    '0123456789abcdefghijklmnopqrstuv'.indexOf(c).toString(2).padStart(5, '0'),
  );
  expect(Number.parseInt(bits.join('').slice(0, 32), 2) * 1000).toBe(Date.parse('2026-11-21T12:00:00Z'));
});

test('a seed makes a proper UUID, always the same', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const uuid = seededUuid(seededRandom(seed));
      expect(asNodeUuid(uuid)).toBe(uuid);
      expect(seededUuid(seededRandom(seed))).toBe(uuid);
    }),
  );
});

const modern = talosProfile('1.13');

test('kernel arguments are read as Talos reads them', () => {
  const text =
    'console=tty0 siderolink.api=grpc://192.0.2.1:8081?jointoken=a%2Bb%3D&grpc_tunnel=y siderolink.api=grpc://other:1 ' +
    'talos.events.sink=[fdae::1]:4002 talos.logging.kernel=tcp://[fdae::1]:4001/';
  expect(parseBootArguments(text, modern)).toEqual({
    api: { host: '192.0.2.1', port: 8081, tls: false },
    joinToken: 'a+b=',
    tunnel: true,
    events: { host: 'fdae::1', port: 4002 },
    kmsg: [{ protocol: 'tcp', host: 'fdae::1', port: 4001 }],
    commandLine: text,
  });
});

test.each([
  ['siderolink.api=h:1', { host: 'h', port: 1, tls: false }],
  ['siderolink.api=https://h', { host: 'h', port: 443, tls: true }],
  ['siderolink.api=https://h:8443/', { host: 'h', port: 8443, tls: true }],
  ['siderolink.api=grpc://[fd00::2]:80', { host: 'fd00::2', port: 80, tls: false }],
])('%s', (text, api) => {
  expect(parseBootArguments(text, modern).api).toEqual(api);
});

test('authorities in talos.config.early are those that it trusts, from 1.11 on', () => {
  const authority = new TestAuthority().root.cert;
  const { args } = kernelArgs({
    apiUrl: 'https://gw.example:8081',
    server: 'fdae::1' as OverlayAddress,
    kmsgPort: 4001,
    eventsPort: 4002,
    authority,
  });
  const text = args.join(' ');
  expect(parseBootArguments(text, modern).roots?.trim()).toBe(authority.trim());
  expect(parseBootArguments(text, talosProfile('1.10')).roots).toBeUndefined();
  const early = (documents: string) =>
    `siderolink.api=h:1 talos.config.early=${zstdCompressSync(documents).toString('base64')}`;
  const roots = (name: string) => `kind: TrustedRootsConfig\nname: ${name}\ncertificates: ${name}\n`;
  const several = `${roots('a')}---\nkind: KmsgLogConfig\nname: x\n---\n${roots('b')}---\n`;
  expect(parseBootArguments(early(several), modern).roots).toBe('a\nb');
  expect(parseBootArguments(early('kind: KmsgLogConfig\n'), modern).roots).toBeUndefined();
  for (const broken of ['siderolink.api=h:1 talos.config.early=AAAA', early('a: [b\n'), early('x'.repeat(2 ** 21))]) {
    expect(() => parseBootArguments(broken, modern)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  }
});

test('a token from elsewhere takes the place of the one in the URL, also on the command line', () => {
  const args = parseBootArguments('x siderolink.api=grpc://h:1?jointoken=JOIN_TOKEN y', modern, 'id.se+cret');
  expect(args.joinToken).toBe('id.se+cret');
  expect(args.commandLine).toBe('x siderolink.api=grpc://h:1?jointoken=id.se%2Bcret y');
  expect(parseBootArguments('siderolink.api=h:1', modern, 't').joinToken).toBe('t');
  expect(parseBootArguments('siderolink.api=h:1', talosProfile('1.0'), 't').joinToken).toBe('');
});

test.each([
  '',
  'siderolink.api=',
  'siderolink.api=h:1 talos.events.sink=h',
  'siderolink.api=h:1 talos.logging.kernel=h:1',
])('arguments that cannot work are refused: %s', (text) => {
  expect(() => parseBootArguments(text, modern)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
});

test.each(['1.15', '0.14', '2.0', '', 'x'])('there is no Talos %s', (version) => {
  expect(() => talosProfile(version)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
});

test('what the releases do changed at the right patch', () => {
  expect(talosProfile('1.11.3').provisionDeadlineMs).toBeNull();
  expect(talosProfile('1.11.4').provisionDeadlineMs).toBe(30_000);
  expect(talosProfile('1.4.1').reconnects).toBe(false);
  expect(talosProfile('v1.4.2')).toMatchObject({ reconnects: true, tag: 'v1.4.2', kmsgZeroRecord: true });
});

test('an event that the ring lost while it was on its way, and that arrived, is not lost', () => {
  const queue = new EventQueue(2);
  const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ id, body: new Uint8Array() }));
  if (a === undefined || b === undefined || c === undefined) throw new Error('three');
  queue.push(a);
  queue.push(b);
  queue.push(c);
  expect(queue.head).toBe(b);
  queue.acknowledge(a);
  expect(queue.takeOverruns()).toBe(0);
  queue.acknowledge(b);
  expect([queue.head, queue.pending]).toEqual([c, 1]);
});
