import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createNotifier } from '../../src/daemon/notify.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

interface Receiver {
  bind(path: string): void;
  close(): void;
}
const dgram = createRequire(import.meta.url)('unix-dgram') as {
  createSocket(type: 'unix_dgram', listener: (message: Buffer) => void): Receiver;
};

let directory: string;
let path: string;
let receiver: Receiver;
let got: string[];
let arrived: () => void;
const logged: string[] = [];
const logger = createLogger(
  'debug',
  new Writable({
    write: (line: Buffer, _encoding, done) => {
      logged.push(line.toString());
      done();
    },
  }),
);

/** Timers that fire when the test says so. */
class Timers {
  readonly #due: { readonly ms: number; readonly callback: () => void }[] = [];
  readonly clock: Clock = {
    ...systemClock,
    after: (ms, callback) => {
      const timer = { ms, callback };
      this.#due.push(timer);
      return () => void this.#due.splice(this.#due.indexOf(timer), 1);
    },
  };
  get waits(): readonly number[] {
    return this.#due.map(({ ms }) => ms);
  }
  fire(): void {
    for (const { callback } of this.#due.splice(0)) callback();
  }
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'notify-'));
  path = join(directory, 'notify');
  got = [];
  logged.length = 0;
  arrived = () => {};
  receiver = dgram.createSocket('unix_dgram', (message) => {
    got.push(message.toString());
    arrived();
  });
  receiver.bind(path);
});
afterEach(() => {
  receiver.close();
  rmSync(directory, { recursive: true });
});

async function received(count: number): Promise<readonly string[]> {
  while (got.length < count) {
    await new Promise<void>((resolve) => {
      arrived = resolve;
    });
  }
  return got;
}

test('systemd hears of start, status, watchdog and stop', async () => {
  const timers = new Timers();
  const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) };
  const notifier = createNotifier({ env, clock: timers.clock, logger });
  notifier.ready();
  notifier.status('two\nlines  here');
  expect(timers.waits).toEqual([10_000]);
  timers.fire();
  notifier.stopping();
  expect(await received(5)).toEqual(['READY=1', 'WATCHDOG=1', 'STATUS=two lines here', 'WATCHDOG=1', 'STOPPING=1']);
  // While we stop, the watchdog still watches.
  expect(timers.waits).toEqual([10_000]);
  notifier.close();
  notifier.close();
  expect(timers.waits).toEqual([]);
  notifier.status('after close');
  expect(logged).toEqual([]);
});

test.each([{}, { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }, { WATCHDOG_USEC: 'x' }])(
  'no pings where no watchdog waits for ours: %j',
  async (watchdog) => {
    const timers = new Timers();
    const notifier = createNotifier({ env: { NOTIFY_SOCKET: path, ...watchdog }, clock: timers.clock, logger });
    notifier.ready();
    notifier.stopping();
    expect(await received(2)).toEqual(['READY=1', 'STOPPING=1']);
    expect(timers.waits).toEqual([]);
    notifier.close();
  },
);

test('without systemd every call is nothing', () => {
  const timers = new Timers();
  const notifier = createNotifier({ env: { WATCHDOG_USEC: '1000' }, clock: timers.clock, logger });
  notifier.ready();
  notifier.status('x');
  notifier.stopping();
  notifier.close();
  expect([...timers.waits, ...logged]).toEqual([]);
});

test('a socket that cannot be reached is logged and breaks nothing', () => {
  const timers = new Timers();
  createNotifier({ env: { NOTIFY_SOCKET: '@abstract' }, clock: timers.clock, logger }).ready();
  expect(logged.join()).toContain('systemd cannot be told that we are ready');
  const gone = createNotifier({ env: { NOTIFY_SOCKET: join(directory, 'none') }, clock: timers.clock, logger });
  gone.ready();
  expect(logged.join()).toContain('systemd could not be told');
  gone.close();
});
