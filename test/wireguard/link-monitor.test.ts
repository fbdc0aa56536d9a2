import { afterEach, describe, expect, it } from 'vitest';
import { PrivateKey, type PublicKey } from '../../src/domain/keys.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { PollingLinkMonitor, type PollingLinkMonitorOptions } from '../../src/wireguard/link-monitor.ts';
import { wireguardMetrics } from '../../src/wireguard/metrics.ts';
import type { LinkEvent, ObservedDevice, ObservedPeer, PeerSpec } from '../../src/wireguard/types.ts';
import { ManualClock } from './manual-clock.ts';

const PEER: PeerSpec = { publicKey: PrivateKey.generate().publicKey, address: 'fd00::2' as OverlayAddress };

let running: PollingLinkMonitor | undefined;
afterEach(() => running?.stop());

/** A monitor over a device whose counters the test sets. */
function make(options: PollingLinkMonitorOptions = {}) {
  const clock = new ManualClock();
  const peers = new Map<PublicKey, ObservedPeer>();
  const state = { readings: 0, broken: false, told: 0, hold: undefined as Promise<void> | undefined };
  const madeAnew = new Map<PublicKey, number>();
  const knocks: string[] = [];
  const open = new Set<string>();
  const events: LinkEvent[] = [];
  const health = new Health(() => clock.now());
  const observe = async (): Promise<ObservedDevice> => {
    state.readings += 1;
    if (state.broken) throw new Error('no such device');
    const shown = { publicKey: null, listenPort: 1, peers: new Map(peers), madeAnew };
    await state.hold;
    return shown;
  };
  const monitor = new PollingLinkMonitor(options, {
    device: { observe },
    clock,
    health,
    logger: createLogger('silent'),
    metrics: wireguardMetrics(createRegistry()),
    onUnreadable: () => {
      state.told += 1;
    },
    knock: (address, port) => {
      knocks.push(`[${address}]:${port}`);
      open.add(address);
      return () => void open.delete(address);
    },
  });
  monitor.onEvent((event) => events.push(event));
  running = monitor;
  const show = (rxBytes: number, given: Partial<ObservedPeer> = {}) => {
    const publicKey = given.publicKey ?? PEER.publicKey;
    peers.set(publicKey, {
      publicKey,
      endpoint: 'a:1',
      allowedIps: ['fd00::2/128'],
      latestHandshake: clock.now() / 1000,
      rxBytes,
      txBytes: 0,
      ...given,
    });
  };
  return { monitor, clock, peers, madeAnew, show, state, knocks, open, events, health };
}

/** Asks, and says what came of it so far. */
function ask(monitor: PollingLinkMonitor, withinMs: number, ended = false) {
  const asked: { answer: boolean | string | undefined } = { answer: undefined };
  monitor.isAlive(PEER, withinMs, ended).then(
    (alive) => {
      asked.answer = alive;
    },
    (error: { code: string }) => {
      asked.answer = error.code;
    },
  );
  return asked;
}

describe('the monitor', () => {
  it('reads every 5 s and tells its events', async () => {
    const { monitor, clock, show, state, events } = make();
    show(10);
    monitor.start();
    await clock.advance(0);
    show(20);
    await clock.advance(5_000);
    expect(events).toEqual([{ kind: 'up', publicKey: PEER.publicKey, link: monitor.state(PEER.publicKey) }]);
    await clock.advance(80_000);
    expect(events.map(({ kind }) => kind)).toEqual(['up', 'down']);
    expect(state.readings).toBe(18);
  });

  it.each([
    ['takes at most a fiftieth of the time for readings', 200, 10_000],
    ['reads five times in the window of a link, however slow a reading was', 8_000, 15_000],
  ])('%s', async (_, costMs, pauseMs) => {
    const { monitor, clock, state } = make();
    const held = Promise.withResolvers<void>();
    state.hold = held.promise;
    monitor.start();
    await clock.advance(costMs);
    held.resolve();
    await clock.advance(pauseMs - 1);
    expect(state.readings).toBe(1);
    await clock.advance(1);
    expect(state.readings).toBe(2);
  });

  it('says that it cannot read, and goes on when it can', async () => {
    const { monitor, clock, state, health } = make();
    state.broken = true;
    monitor.start();
    await clock.advance(0);
    expect(health.conditions).toMatchObject([{ name: 'wireguard_links', severity: 'error' }]);
    state.broken = false;
    await clock.advance(5_000);
    expect(health.ready).toBe(true);
  });

  it('is not harmed by a listener that throws', async () => {
    const { monitor, clock, show, events } = make();
    monitor.onEvent(() => {
      throw new Error('listener');
    });
    monitor.start();
    await clock.advance(0);
    show(5);
    await clock.advance(5_000);
    show(5, { endpoint: 'b:2' });
    await clock.advance(5_000);
    expect(events.map(({ kind }) => kind)).toEqual(['up', 'moved']);
  });
});

describe('whether a peer is alive', () => {
  it('is yes when its counter grows after the knock, and the knock ends', async () => {
    const { monitor, clock, show, knocks, open } = make();
    show(100);
    const asked = ask(monitor, 12_000);
    await clock.advance(1_000);
    expect(knocks).toEqual(['[fd00::2]:50000']);
    expect(asked.answer).toBeUndefined();
    show(132);
    await clock.advance(250);
    expect(asked.answer).toBe(true);
    expect([...open]).toEqual([]);
  });

  it('is no when it does not grow in time, however fresh the handshake', async () => {
    const { monitor, clock, show, open } = make();
    show(100);
    const asked = ask(monitor, 2_000);
    await clock.advance(1_900);
    show(100);
    expect(asked.answer).toBeUndefined();
    await clock.advance(250);
    expect(asked.answer).toBe(false);
    expect([...open]).toEqual([]);
  });

  it('is no without a knock when it was silent for 60 s', async () => {
    const { monitor, clock, show, knocks } = make();
    show(100);
    monitor.start();
    await clock.advance(0);
    show(101);
    await clock.advance(5_000);
    await clock.advance(60_001);
    const asked = ask(monitor, 12_000);
    await clock.advance(0);
    expect(asked.answer).toBe(false);
    expect(knocks).toEqual([]);
  });

  it('is asked when we do not watch it for 60 s yet', async () => {
    const { monitor, clock, show, knocks } = make();
    show(100);
    monitor.start();
    await clock.advance(59_000);
    const asked = ask(monitor, 1_000);
    await clock.advance(0);
    expect(knocks.length).toBe(1);
    await clock.advance(1_000);
    expect(asked.answer).toBe(false);
  });

  it('is no at once for one that is not in the device', async () => {
    const { monitor, clock, knocks } = make();
    const asked = ask(monitor, 12_000);
    await clock.advance(0);
    expect(asked.answer).toBe(false);
    expect(knocks).toEqual([]);
  });

  it('is no for one that has no handshake 6 s after it was made', async () => {
    const { monitor, clock, show, knocks } = make();
    show(0, { latestHandshake: 0 });
    const early = ask(monitor, 12_000);
    await clock.advance(5_900);
    expect(early.answer).toBeUndefined();
    await clock.advance(250);
    expect(early.answer).toBe(false);
    const late = ask(monitor, 12_000);
    await clock.advance(0);
    expect(late.answer).toBe(false);
    expect(knocks).toHaveLength(1);
  });

  it('is not known of one that a repair made anew, until it was heard or had the time to come back', async () => {
    const { monitor, clock, show, madeAnew } = make();
    show(5_000);
    await ask(monitor, 1_000);
    await clock.advance(1_500);
    // The device is gone and made again: counters and handshakes with it.
    show(0, { latestHandshake: 0, endpoint: null });
    madeAnew.set(PEER.publicKey, clock.monotonic());
    for (const passed of [0, 60_000, 60_000]) {
      await clock.advance(passed);
      const asked = ask(monitor, 2_000);
      await clock.advance(2_500);
      expect(asked.answer).toBe('unavailable');
    }
    await clock.advance(10_000);
    const late = ask(monitor, 2_000);
    await clock.advance(2_500);
    expect(late.answer).toBe(false);
    const speaking = ask(monitor, 2_000);
    await clock.advance(0);
    expect(speaking.answer).toBe(false);
  });

  it('is no of one that told its end, though a repair made it anew: after its time, and with nobody to ask', async () => {
    const { monitor, clock, show, madeAnew } = make();
    show(0, { latestHandshake: 0, endpoint: null });
    madeAnew.set(PEER.publicKey, clock.monotonic());
    for (const endpoint of [null, '198.51.100.7:51820']) {
      show(0, { latestHandshake: 0, endpoint });
      const asked = ask(monitor, 2_000, true);
      await clock.advance(1_900);
      expect(asked.answer).toBeUndefined();
      await clock.advance(250);
      expect(asked.answer).toBe(false);
    }
    const speaking = ask(monitor, 2_000, true);
    await clock.advance(250);
    show(148, { latestHandshake: 0, endpoint: null });
    await clock.advance(250);
    expect(speaking.answer).toBe(true);
  });

  it('says for how long it will be unknown: where a repair made the peer anew and nobody knows its place', async () => {
    const { monitor, clock, show, madeAnew } = make();
    expect(monitor.unknownFor(PEER.publicKey)).toBe(0);
    show(0, { latestHandshake: 0, endpoint: null });
    madeAnew.set(PEER.publicKey, clock.monotonic());
    monitor.start();
    await clock.advance(0);
    expect(monitor.unknownFor(PEER.publicKey)).toBe(135_000);
    await clock.advance(30_000);
    expect(monitor.unknownFor(PEER.publicKey)).toBe(105_000);
    show(0, { latestHandshake: 0, endpoint: '198.51.100.7:51820' });
    await clock.advance(5_000);
    expect(monitor.unknownFor(PEER.publicKey)).toBe(0);
    show(0, { latestHandshake: 0, endpoint: null });
    await clock.advance(100_000);
    expect(monitor.unknownFor(PEER.publicKey)).toBe(0);
  });

  it('is no after three tries of a handshake with one that was made anew with its last endpoint', async () => {
    const { monitor, clock, show, madeAnew, knocks } = make();
    show(0, { latestHandshake: 0, endpoint: '198.51.100.7:51820' });
    madeAnew.set(PEER.publicKey, clock.monotonic());
    const asked = ask(monitor, 2_000);
    await clock.advance(11_500);
    expect(asked.answer).toBeUndefined();
    expect(knocks).toHaveLength(1);
    await clock.advance(1_000);
    expect(asked.answer).toBe(false);
  });

  it('is yes or no again once a peer that was made anew was heard', async () => {
    const { monitor, clock, show, madeAnew } = make();
    show(0, { latestHandshake: 0 });
    madeAnew.set(PEER.publicKey, clock.monotonic());
    const asked = ask(monitor, 12_000);
    await clock.advance(1_000);
    show(148);
    await clock.advance(250);
    expect(asked.answer).toBe(true);
    const silent = ask(monitor, 2_000);
    await clock.advance(2_500);
    expect(silent.answer).toBe(false);
  });

  it('is yes for one that was made a moment ago and speaks now: two machines with one UUID boot at one time', async () => {
    const { monitor, clock, show } = make();
    show(0, { latestHandshake: 0 });
    const asked = ask(monitor, 12_000);
    await clock.advance(1_000);
    expect(asked.answer).toBeUndefined();
    show(148);
    await clock.advance(250);
    expect(asked.answer).toBe(true);
  });

  it('is not proven by bytes that came before the knock', async () => {
    const { monitor, clock, show } = make();
    show(100);
    monitor.start();
    await clock.advance(0);
    show(200);
    const asked = ask(monitor, 1_000);
    await clock.advance(1_250);
    expect(asked.answer).toBe(false);
  });

  it('is no for a key that was replaced while we asked, though its machine speaks', async () => {
    const { monitor, clock, show, peers } = make();
    show(100);
    const asked = ask(monitor, 12_000);
    await clock.advance(0);
    peers.clear();
    show(500, { publicKey: PrivateKey.generate().publicKey });
    await clock.advance(250);
    expect(asked.answer).toBe(false);
  });

  it('costs one reading for all who ask', async () => {
    const { monitor, clock, show, state } = make();
    show(100);
    const asked = Array.from({ length: 1_000 }, () => ask(monitor, 2_000));
    await clock.advance(2_000);
    expect(new Set(asked.map(({ answer }) => answer))).toEqual(new Set([false]));
    expect(state.readings).toBe(9);
  });

  it('tells who repairs the device that it cannot be read', async () => {
    const { monitor, clock, state } = make({ pollMs: 5_000 });
    monitor.start();
    await clock.advance(10_000);
    expect(state.told).toBe(0);
    state.broken = true;
    await clock.advance(10_000);
    expect(state.told).toBe(2);
  });

  it('is never a no because the device cannot be read', async () => {
    const { monitor, clock, show, state } = make();
    show(100);
    state.broken = true;
    const blind = ask(monitor, 1_000);
    await clock.advance(1_000);
    expect(blind.answer).toBe('unavailable');
    state.broken = false;
    const asked = ask(monitor, 1_000);
    await clock.advance(500);
    state.broken = true;
    await clock.advance(750);
    expect(asked.answer).toBe('unavailable');
  });

  it('outlives a reading that fails', async () => {
    const { monitor, clock, show, state } = make();
    show(100);
    const asked = ask(monitor, 2_000);
    await clock.advance(300);
    state.broken = true;
    await clock.advance(500);
    state.broken = false;
    show(150);
    await clock.advance(250);
    expect(asked.answer).toBe(true);
  });

  it('is asked of so many at once, and no more', async () => {
    const { monitor, clock, show } = make({ maxProbes: 2 });
    show(100);
    const asked = [ask(monitor, 500), ask(monitor, 500), ask(monitor, 500)];
    await clock.advance(750);
    expect(asked.map(({ answer }) => answer)).toEqual([false, false, 'unavailable']);
  });

  it('is not known once the monitor stops', async () => {
    const { monitor, clock, show, open } = make();
    show(100);
    const asked = ask(monitor, 12_000);
    await clock.advance(0);
    await monitor.stop();
    expect(asked.answer).toBe('unavailable');
    expect([...open]).toEqual([]);
    const late = ask(monitor, 1_000);
    await clock.advance(0);
    expect(late.answer).toBe('unavailable');
  });
});
