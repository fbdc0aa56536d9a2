import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { Repairer } from '../../src/daemon/repairer.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../sinks/fakes.ts';

const silent = () => createLogger('fatal', new Writable({ write: (_chunk, _encoding, done) => done() }));

it('has looked once when it is started, and goes on when a look fails', async () => {
  const clock = new ManualClock();
  const looks: string[] = [];
  const repairer = new Repairer(
    { intervalMs: 1000 },
    {
      clock,
      logger: silent(),
      repair: () => {
        looks.push('look');
        return looks.length === 1 ? Promise.reject(new Error('one peer is wrong')) : Promise.resolve(REPAIR);
      },
    },
  );
  await repairer.start();
  expect(looks).toHaveLength(1);
  clock.advance(1000);
  await expect.poll(() => looks).toHaveLength(2);
  await repairer.stop();
});

const REPAIR = { added: 0, removed: 0, changed: 0 };
