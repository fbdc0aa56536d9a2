import { beforeEach, expect, test } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import { sidero } from '../../src/gen/proto.js';
import { LinkManager } from '../../src/simulate/link-manager.ts';
import type { LinkConfig } from '../../src/simulate/network.ts';
import { talosProfile } from '../../src/simulate/profile.ts';
import { ManualClock } from './manual-clock.ts';

const serverKey = PrivateKey.generate().publicKey;
let clock: ManualClock;
let calls: number[];
let tried: { at: number; endpoint: string }[];
let handshake: number;
let wire: string[];
let failures: number;
let addresses: { node_address_prefix: string; server_address: string };
let hang: boolean;
let ending: AbortController;

beforeEach(() => {
  clock = new ManualClock();
  calls = [];
  tried = [];
  handshake = 0;
  wire = ['192.0.2.1:51821'];
  failures = 0;
  addresses = { node_address_prefix: 'fdae:41e4:649b:9303::10/64', server_address: 'fdae:41e4:649b:9303::1' };
  hang = false;
  ending = new AbortController();
});

function run(version: string): LinkManager {
  const manager = new LinkManager(
    { profile: talosProfile(version) },
    {
      clock,
      random: () => 0.5,
      network: {
        configureLink: async (config: LinkConfig) => {
          tried.push({ at: clock.monotonic(), endpoint: config.endpoint });
        },
        latestHandshake: async () => handshake,
      },
      inputs: () => ({ uuid: 'u', joinToken: 't', uniqueToken: '', tunnel: false }),
      provision: async (_, signal) => {
        calls.push(clock.monotonic());
        if (hang) {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('deadline'))));
        }
        if (failures-- > 0) throw new Error('refused');
        return sidero.link.ProvisionResponse.encode({
          server_endpoint: wire,
          server_public_key: serverKey,
          ...addresses,
        }).finish();
      },
      resolve: async ({ host, port }) => `${host}:${port}`,
      onLink: () => {},
    },
  );
  void manager.run(ending.signal);
  return manager;
}

test('without a handshake it provisions at the first tick, then every 30 s', async () => {
  run('1.13');
  await clock.advance(120_000);
  expect(calls).toEqual([0, 15_000, 45_000, 75_000, 105_000]);
});

test('with a handshake it provisions only at the tick after 275 s', async () => {
  run('1.13');
  await clock.advance(10_000);
  handshake = clock.now();
  await clock.advance(274_000);
  expect(calls).toEqual([0]);
  await clock.advance(30_000);
  expect(calls).toEqual([0, 285_000]);
});

test('endpoints are tried one per tick, and Provision is called when all were', async () => {
  wire = ['c:3', 'b:2', 'a:1'];
  run('1.13');
  await clock.advance(80_000);
  expect(tried.map(({ endpoint }) => endpoint)).toEqual(['a:1', 'b:2', 'c:3', 'a:1']);
  expect(calls).toEqual([0, 75_000]);
});

test('Talos 1.0 retries until it has an answer, and never again in this boot', async () => {
  failures = 3;
  run('1.0');
  await clock.advance(3_600_000);
  expect(calls).toHaveLength(4);
  expect(tried).toHaveLength(1);
});

test('failures are retried with a backoff that only grows, also after a success', async () => {
  failures = 12;
  run('1.13');
  await clock.advance(5_000_000);
  const waits = calls.slice(1, 13).map((at, index) => at - (calls[index] ?? 0));
  expect(waits.slice(0, 4)).toEqual([500, 750, 1125, 1687.5]);
  expect(waits.at(-1)).toBeCloseTo(500 * 1.5 ** 11, 5);
  failures = 1;
  handshake = 0;
  const before = calls.length;
  await clock.advance(95_000);
  // One of those ticks fails; what follows is a wait at the cap, not one of half a second.
  const gaps = calls.slice(before).map((at, index) => at - (calls[before + index - 1] ?? 0));
  expect(gaps.some((gap) => Math.abs(gap - 500 * 1.5 ** 12) < 1 || gap === 60_000)).toBe(true);
});

test('an empty list of endpoints is an error that is retried', async () => {
  wire = [];
  run('1.13');
  await clock.advance(600);
  expect(calls).toEqual([0, 500]);
  expect(tried).toEqual([]);
});

test.each([
  { node_address_prefix: 'fdae:41e4:649b:9303::10', server_address: 'fdae:41e4:649b:9303::1' },
  { node_address_prefix: 'fdae:41e4:649b:9303::10/129', server_address: 'fdae:41e4:649b:9303::1' },
  { node_address_prefix: '-batch/64', server_address: 'fdae:41e4:649b:9303::1' },
  { node_address_prefix: 'fdae:41e4:649b:9303::10/64', server_address: 'gateway' },
])('an answer that Talos cannot parse configures nothing and is retried: %j', async (broken) => {
  addresses = broken;
  run('1.13');
  await clock.advance(600);
  expect(calls).toEqual([0, 500]);
  expect(tried).toEqual([]);
});

test('a hanging Provision is given up after 30 s since 1.12, and never before', async () => {
  hang = true;
  run('1.13');
  await clock.advance(30_600);
  expect(calls).toEqual([0, 30_500]);
  ending.abort();
  calls = [];
  ending = new AbortController();
  run('1.6');
  await clock.advance(3_600_000);
  expect(calls).toHaveLength(1);
});

test('a token written into META provisions at once with the same key; before 1.12 old endpoints come first', async () => {
  wire = ['b:2', 'a:1'];
  handshake = clock.now() + 1e9;
  const modern = run('1.13');
  const key = modern.privateKey.publicKey;
  await clock.advance(1_000);
  modern.inputsChanged();
  await clock.advance(1);
  expect(calls).toEqual([0, 1_000]);
  expect(modern.privateKey.publicKey).toBe(key);
  ending.abort();
  ending = new AbortController();
  calls = [];
  tried = [];
  const old = run('1.6');
  await clock.advance(1_000);
  old.inputsChanged();
  await clock.advance(1);
  expect(calls).toHaveLength(1);
  expect(tried.map(({ endpoint }) => endpoint)).toEqual(['a:1', 'b:2']);
});

test('a tunnel is opened for another virtual address, left as it is for the same, and closed for none and at the end', async () => {
  const opened: string[] = [];
  const closed: string[] = [];
  let virtual = '[fd00::1]:50888';
  const configured: [string, boolean | undefined][] = [];
  const manager = new LinkManager(
    { profile: talosProfile('1.13') },
    {
      clock,
      random: () => 0.5,
      network: {
        configureLink: async ({ endpoint, tunnelled }: LinkConfig) => void configured.push([endpoint, tunnelled]),
        latestHandshake: async () => clock.now(),
      },
      inputs: () => ({ uuid: 'u', joinToken: 't', uniqueToken: '', tunnel: true }),
      provision: async () =>
        sidero.link.ProvisionResponse.encode({
          server_endpoint: virtual === '' ? wire : [virtual],
          server_public_key: serverKey,
          grpc_peer_addr_port: virtual,
          ...addresses,
        }).finish(),
      resolve: async ({ host, port }) => `${host}:${port}`,
      openTunnel: async (asked) => {
        opened.push(asked);
        return { endpoint: `127.0.0.1:${opened.length}`, close: () => void closed.push(asked) };
      },
      onLink: () => {},
    },
  );
  void manager.run(ending.signal);
  const again = async (address: string) => {
    virtual = address;
    manager.inputsChanged();
    await clock.advance(1_000);
  };
  await clock.advance(1_000);
  await again('[fd00::1]:50888');
  expect([opened, closed]).toEqual([['[fd00::1]:50888'], []]);
  await again('[fd00::2]:50888');
  expect([opened.length, closed]).toEqual([2, ['[fd00::1]:50888']]);
  await again('');
  expect(closed).toEqual(['[fd00::1]:50888', '[fd00::2]:50888']);
  await again('[fd00::3]:50888');
  ending.abort();
  expect(closed).toHaveLength(3);
  expect(configured).toEqual([
    ['127.0.0.1:1', true],
    ['127.0.0.1:1', true],
    ['127.0.0.1:2', true],
    ['192.0.2.1:51821', false],
    ['127.0.0.1:3', true],
  ]);
});
