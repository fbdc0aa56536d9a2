import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlayOf } from '../../src/domain/overlay.ts';
import {
  admitsVirtual,
  isPeerDown,
  isRelayEndpoint,
  newVirtualAddress,
  nextTunnel,
  parseVirtualEndpoint,
  relayAddress,
  relayEndpoint,
  relayPort,
  TUNNEL_SETTINGS,
  type Tunnel,
  type VirtualAddress,
  virtualEndpoint,
  wantsTunnel,
} from '../../src/domain/tunnel.ts';

const NEWER = 'v1.13.0';

describe('whether a machine is told to come through the tunnel', () => {
  it.each([
    // asks, version, setting
    [true, NEWER, 'auto', true],
    [false, NEWER, 'auto', false],
    [true, NEWER, 'off', false],
    [true, NEWER, 'force', true],
    [false, NEWER, 'force', true],
    [false, 'v1.7.0-alpha.1', 'force', true],
    [false, 'v1.6.7', 'force', false],
    [false, null, 'force', false],
    // Nobody knows what it is, and an older one would take the virtual address for an endpoint.
    [false, 'dev', 'force', false],
    [true, 'dev', 'force', true],
    [true, 'v1.6.7', 'auto', true],
  ] as const)('asks: %s, %s, %s → %s', (tunnel, talosVersion, setting, told) => {
    expect(wantsTunnel({ tunnel, talosVersion }, setting)).toBe(told);
  });
});

describe('what it is told', () => {
  const given = (text: string) => text as VirtualAddress;
  const fresh = () => given('fd00::2');
  const before: Tunnel = { current: given('fd00::1'), former: null };
  const same = { newKey: false, down: false, now: 1_000 };

  it('the same key keeps its virtual address, also while it never had a handshake', () => {
    expect(nextTunnel(before, { ...same, wanted: true }, fresh)).toBe(before);
    expect(nextTunnel(null, { ...same, wanted: false }, fresh)).toBeNull();
    const told: Tunnel = { current: null, former: null };
    expect(nextTunnel(told, { ...same, wanted: false }, fresh)).toBe(told);
  });

  it('one whose link was up and is down gets another, and the former is let in for ten minutes more', () => {
    const next = nextTunnel(before, { ...same, wanted: true, down: true }, fresh);
    expect(next).toEqual({ current: 'fd00::2', former: { address: 'fd00::1', until: 601_000 } });
    expect(next && admitsVirtual(next, given('fd00::1'), 600_999)).toBe(true);
    expect(next && admitsVirtual(next, given('fd00::1'), 601_000)).toBe(false);
    expect(next && admitsVirtual(next, given('fd00::2'), 1e15)).toBe(true);
  });

  it('told to use UDP, it may stay a while where it is', () => {
    const next = nextTunnel(before, { ...same, wanted: false }, fresh);
    expect(next).toEqual({ current: null, former: { address: 'fd00::1', until: 601_000 } });
  });

  it('told to use UDP and then the tunnel again, though it heard of neither, it may stay for as long', () => {
    const told = nextTunnel(before, { ...same, wanted: false }, fresh);
    const next = nextTunnel(told, { ...same, wanted: true, now: 500_000 }, fresh);
    expect(next).toEqual({ current: 'fd00::2', former: { address: 'fd00::1', until: 601_000 } });
  });

  it('another key has nothing of the one before', () => {
    const asked = { ...same, newKey: true };
    expect(nextTunnel(before, { ...asked, wanted: true }, fresh)).toEqual({ current: 'fd00::2', former: null });
    expect(nextTunnel(before, { ...asked, wanted: false }, fresh)).toBeNull();
  });

  it('whatever happens: what was told last is let in, what was told before that at most ten minutes', () => {
    const step = fc.record({
      wanted: fc.boolean(),
      newKey: fc.boolean(),
      down: fc.boolean(),
      after: fc.integer({ min: 0, max: 400_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let tunnel: Tunnel | null = null;
        let now = 0;
        let made = 0;
        const told = new Map<VirtualAddress, { replacedAt: number; cut: boolean }>();
        for (const { after, ...ask } of steps) {
          now += after;
          const was = tunnel?.current ?? null;
          tunnel = nextTunnel(tunnel, { ...ask, now }, () => given(`fd00::${(++made).toString(16)}`));
          const is = tunnel?.current ?? null;
          expect(is !== null).toBe(ask.wanted);
          if (was !== null && was !== is) told.set(was, { replacedAt: now, cut: false });
          if (ask.newKey) for (const entry of told.values()) entry.cut = true;
          if (is !== null) expect(tunnel && admitsVirtual(tunnel, is, now)).toBe(true);
          for (const [address, { replacedAt, cut }] of told) {
            const admitted = tunnel !== null && admitsVirtual(tunnel, address, now);
            if (admitted) expect(cut || now - replacedAt >= 600_000).toBe(false);
          }
        }
      }),
    );
  });

  it.each([
    [0, 1_000_000_000, false],
    [1_000, 1_274_999, false],
    [1_000, 1_275_000, true],
    [2_000, 1_000_000, false],
  ])('a handshake at %d s is long ago at %d ms: %s', (latest, now, down) => {
    expect(isPeerDown(latest, now)).toBe(down);
  });
});

describe('addresses', () => {
  const overlay = overlayOf('');

  it('a virtual address is of the tunnel prefix, new, and read back from what the machine is told', () => {
    const taken = new Set<VirtualAddress>();
    let tries = 0;
    const random = () => Uint8Array.of(0, 1, 0, 2, 0, 3, 0, Math.floor(++tries / 2));
    for (let i = 0; i < 20; i++) {
      const address = newVirtualAddress(overlay, (each) => taken.has(each), random);
      expect(taken.has(address)).toBe(false);
      expect(address).toMatch(/^fdae:41e4:649b:9304:/);
      expect(virtualEndpoint(address)).toBe(`[${address}]:50888`);
      expect(parseVirtualEndpoint(virtualEndpoint(address))).toBe(address);
      taken.add(address);
    }
  });

  it('is read in any spelling, with any port', () => {
    expect(parseVirtualEndpoint('[FDAE:41E4:649B:9304:0:0:0:1]:1')).toBe('fdae:41e4:649b:9304::1');
  });

  it.each([
    '',
    'fd00::1',
    '[fd00::1]',
    '[fd00::1]:',
    '[fd00::1]:x',
    '[fd00::1%eth0]:1',
    '127.0.0.1:1',
    '[x]:1',
    `[${'f'.repeat(99)}]:1`,
  ])('%j is none', (text) => {
    expect(parseVirtualEndpoint(text)).toBeUndefined();
  });

  it('garbage is none, and never an error', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseVirtualEndpoint(text)));
  });

  it('each machine has a loopback address of its own in 127.64.0.0/10, and no other endpoint looks like one', () => {
    expect(relayAddress(1)).toBe('127.64.0.1');
    expect(relayAddress(0x3f_ffff)).toBe('127.127.255.255');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0x3f_ffff }), fc.integer({ min: 1, max: 0x3f_ffff }), (a, b) => {
        expect(relayAddress(a) === relayAddress(b)).toBe(a === b);
        expect(isRelayEndpoint(relayEndpoint(a, b % 65_536))).toBe(true);
      }),
    );
    for (const other of [
      '127.0.0.1:1',
      '127.63.255.255:1',
      '127.128.0.0:1',
      '12.64.0.1:1',
      '[::1]:1',
      '1.127.64.0:1',
    ]) {
      expect(isRelayEndpoint(other)).toBe(false);
    }
  });

  it('the port follows from the device’s, is another one, and is none that the system gives away', () => {
    expect(relayPort(51_821)).toBe(21_821);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), (listenPort) => {
        const port = relayPort(listenPort);
        expect(port).not.toBe(listenPort);
        expect(port >= 20_000 && port < 40_000).toBe(true);
      }),
    );
  });

  it('the settings are those of the configuration', () => {
    expect(TUNNEL_SETTINGS).toEqual(['auto', 'force', 'off']);
  });
});
