import { describe, expect, it } from 'vitest';
import { Repairer } from '../../src/daemon/repairer.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../wireguard/manual-clock.ts';

const NOTHING = { added: 0, removed: 0, changed: 0 };

function make(repair: () => Promise<typeof NOTHING>) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(line) });
  let looks = 0;
  const counted = () => {
    looks += 1;
    return repair();
  };
  const repairer = new Repairer({ intervalMs: 30_000 }, { repair: counted, clock, logger });
  repairer.start();
  return { repairer, clock, lines, looks: () => looks };
}

describe('the repair of the device', () => {
  it('looks again and again, also after a failure, and says what it found', async () => {
    const results = [
      () => NOTHING,
      () => Promise.reject(new Error('no such device')),
      () => ({ ...NOTHING, added: 2 }),
    ];
    const { repairer, clock, lines, looks } = make(async () => (results.shift() ?? (() => NOTHING))());
    for (const _ of [1, 2, 3, 4]) await clock.advance(30_000);
    expect(looks()).toBe(4);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ error: 'no such device' }, { added: 2 }]);
    await repairer.stop();
  });

  it('looks at once when it is woken, and then waits as always', async () => {
    const { repairer, clock, looks } = make(async () => NOTHING);
    await clock.advance(5_000);
    expect(looks()).toBe(0);
    repairer.wake();
    await clock.advance(29_999);
    expect(looks()).toBe(1);
    await clock.advance(1);
    expect(looks()).toBe(2);
    await repairer.stop();
  });

  it('stops after the look that is under way', async () => {
    const { promise, resolve } = Promise.withResolvers<typeof NOTHING>();
    const { repairer, clock, looks } = make(() => promise);
    await clock.advance(30_000);
    let stopped = false;
    const stopping = repairer.stop().then(() => {
      stopped = true;
    });
    await clock.advance(0);
    expect(stopped).toBe(false);
    resolve(NOTHING);
    await stopping;
    expect(looks()).toBe(1);
  });
});
