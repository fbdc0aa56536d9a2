import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Lifecycle } from '../../src/daemon/lifecycle.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

function make(partDeadlineMs?: number) {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const logger = createLogger('debug', sink);
  const lifecycle = new Lifecycle(partDeadlineMs === undefined ? {} : { partDeadlineMs }, {
    clock: systemClock,
    logger,
  });
  const seen: string[] = [];
  const add = (name: string) =>
    lifecycle.start(
      name,
      () => void seen.push(`+${name}`),
      () => void seen.push(`-${name}`),
    );
  return { lifecycle, add, seen, lines };
}

describe('Lifecycle', () => {
  it('stops in reverse order, once', async () => {
    const { lifecycle, add, seen } = make();
    await add('store');
    await add('device');
    const [first, second] = await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    expect(seen).toEqual(['+store', '+device', '-device', '-store']);
    expect(first).toEqual([]);
    expect(second).toBe(first);
  });

  it('takes down what was started when a later part fails, and throws that failure', async () => {
    const { lifecycle, add, seen } = make();
    await add('store');
    await add('device');
    const start = lifecycle.start(
      'api',
      () => Promise.reject(new Error('address in use')),
      () => void seen.push('-api'),
    );
    await expect(start).rejects.toThrow('address in use');
    expect(seen).toEqual(['+store', '+device', '-device', '-store']);
  });

  it('names a part that does not stop and goes on with the others', async () => {
    const { lifecycle, add, seen, lines } = make(0);
    await add('store');
    await lifecycle.start(
      'stream',
      () => undefined,
      () => new Promise(() => {}),
    );
    expect(await lifecycle.stop()).toEqual(['stream']);
    expect(seen).toEqual(['+store', '-store']);
    expect(lines.some((line) => line.includes('"part":"stream"') && line.includes('did not stop in time'))).toBe(true);
  });

  it('goes on when a part fails to stop', async () => {
    const { lifecycle, add, seen } = make();
    await add('store');
    await lifecycle.start(
      'device',
      () => undefined,
      () => Promise.reject(new Error('gone')),
    );
    expect(await lifecycle.stop()).toEqual(['device']);
    expect(seen).toEqual(['+store', '-store']);
  });
});
