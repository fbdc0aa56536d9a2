import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { follow } from '../../src/cli/commands/follow.ts';
import type { Context } from '../../src/cli/context.ts';
import { createStyle } from '../../src/cli/text.ts';
import type { Envelope } from '../../src/client/api.ts';
import type { ControlClient } from '../../src/client/client.ts';
import type { StreamItem } from '../../src/client/stream.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** The command on a terminal of its own: script(1) gives it one, and passes on what is typed. */
function onTerminal(socket: string, ...args: string[]) {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const env = { PATH: process.env['PATH'], SIDEROLINKCTL_SOCKET: socket, TERM: 'dumb' };
  // A terminal that nobody made has no size.
  const child = spawn('script', ['-qec', `stty cols 44 && ${command}`, '/dev/null'], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  const done = once(child, 'close').then(([code]) => ({ code, out: out.replaceAll('\r', '') }));
  const until = async (text: string) => {
    while (!out.includes(text)) {
      if (child.exitCode !== null) throw new Error(`ended without ${text}: ${out}`);
      await Promise.race([once(child.stdout, 'data'), done]);
    }
  };
  return { type: (text: string) => child.stdin.write(text), until, done };
}

describe('on a terminal', () => {
  let control: Harness;
  beforeAll(async () => {
    control = await startControl();
    control.machines.add({ id: 1, hostname: 'cp-1' }, { id: 2, hostname: 'cp-2' });
  });
  afterAll(() => control[Symbol.asyncDispose]());

  it('a question waits for its answer', async () => {
    const command = onTerminal(control.socket, 'machine', 'remove', 'cp-1');
    await command.until('Remove this machine? [y/N]');
    expect(control.machines.byId(1)?.state).toBe('accepted');
    command.type('y\n');
    const { code, out } = await command.done;
    expect(code).toBe(0);
    expect(out).toContain(`${uuidOf(1)} (cp-1) is removed`);
    expect(control.machines.byId(1)?.state).toBe('removed');
  });

  it('Ctrl-D is no yes', async () => {
    const command = onTerminal(control.socket, 'machine', 'remove', 'cp-2');
    await command.until('[y/N]');
    command.type('\u0004');
    expect(await command.done).toMatchObject({ code: 0, out: expect.stringContaining('nothing is removed') });
    expect(control.machines.byId(2)?.state).toBe('accepted');
  });

  it('Ctrl-C ends a question, and nothing is done', async () => {
    const command = onTerminal(control.socket, 'machine', 'remove', 'cp-2');
    await command.until('[y/N]');
    command.type('\u0003');
    expect((await command.done).code).toBe(130);
    expect(control.machines.byId(2)?.state).toBe('accepted');
  });
});

describe('a log on a terminal', () => {
  it('is wrapped to its width, and has no colours where the terminal has none', async () => {
    await using control = await startControl();
    control.machines.add({ id: 1, hostname: 'cp-1' });
    const body = { clock: 6_252_819, msg: '[talos] task startAllServices (1/1): waiting for 6 services\n' };
    control.log.append({ subject: `siderolink._.${uuidOf(1)}.kmsg.warn`, machine: 1, body });
    const { code, out } = await onTerminal(control.socket, 'logs', 'cp-1', '--time', 'boot').done;
    expect([code, out]).toEqual([
      0,
      `[    6.252819] [talos] task startAllServices\n${' '.repeat(15)}(1/1): waiting for 6 services\n`,
    ]);
  });
});

describe('a stream without records', () => {
  const record: Envelope = { seq: 1, subject: 's', received_at: '2026-11-21T12:00:00.000Z', boot: 1, body: {} };

  /** Follows with a clock that is wound by hand. */
  function following(errIsTty: boolean) {
    const timers = new Set<() => void>();
    const said: string[] = [];
    let give = (_: StreamItem) => {};
    const first = new Promise<StreamItem>((resolve) => {
      give = resolve;
    });
    async function* items(): AsyncGenerator<StreamItem> {
      yield await first;
    }
    const context: Context = {
      out: (text) => void said.push(text),
      err: (text) => void said.push(text),
      env: {},
      outIsTty: errIsTty,
      errIsTty,
      ask: undefined,
      clock: {
        ...systemClock,
        after: (_, callback) => {
          timers.add(callback);
          return () => timers.delete(callback);
        },
      },
      signal: new AbortController().signal,
      client: { stream: () => items() } as unknown as ControlClient,
      format: 'table',
      formatIsChosen: true,
      style: createStyle(false),
    };
    const done = follow(context, {}, {}, () => 'a record\n');
    return { timers, said, done, give: () => give({ type: 'record', seq: 1, record, json: '{}' }) };
  }

  it('says that it waits, to a person', async () => {
    const { timers, said, done, give } = following(true);
    for (const timer of timers) timer();
    expect(said).toEqual([
      'nothing new yet: waiting for records, until Ctrl-C (--tail 20 shows the last ones first)\n',
    ]);
    give();
    await done;
    expect([said.at(-1), timers.size]).toEqual(['a record\n', 0]);
  });

  it('says nothing when one came in time, nor to a program', async () => {
    const early = following(true);
    early.give();
    await early.done;
    expect([early.said, early.timers.size]).toEqual([['a record\n'], 0]);
    expect(following(false).timers.size).toBe(0);
  });
});
