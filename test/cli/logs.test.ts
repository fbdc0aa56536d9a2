import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW, uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { ctlHere, type Person } from './harness.ts';

let control: Harness;
beforeAll(async () => {
  control = await startControl();
  control.machines.add(
    { id: 1, hostname: 'cp-1', ownership: { owner: 'acme' } },
    { id: 2, hostname: 'worker-2', ownership: { owner: 'acme' } },
    { id: 3, hostname: 'twin' },
    { id: 4, hostname: 'twin' },
    { id: 5, hostname: null },
  );
  const one = control.machines.byId(1);
  if (one !== undefined) control.machines.put({ ...one, boot: 2 });
  control.log.bootsOf.set(1, [boot(1, NOW - 60_000), boot(2, NOW)]);
  line(1, 'info', 'usb 1-1: first', { clock: 1 }, 1, NOW - 50_000);
  line(2, 'error', 'elsewhere\n SUBSYSTEM=net\n DEVICE=+net:eth0', { clock: 2 });
  line(1, 'warn', '[talos] task <Install> waits\n', { clock: 3, priority: 'warning', facility: 'user' }, 2);
  gap(2, { from: 2, to: 18, count: 17, reason: 'missing' });
  gap(2, { from: 30, to: 30, count: 1, reason: 'rate' });
  gap(1, { from: 9, to: 10, count: 2, reason: 'filled' });
  line(2, 'debug', 'chatter', { clock: 4 });
  line(1, 'other', 'odd', { clock: 5, 'talos-level': 'odd' }, 2);
  add(3, 'log.etcd.info', { msg: 'elected', 'talos-service': 'etcd', 'talos-level': 'info' });
  add(3, 'log.ext-nut.error', { msg: 'no \u001b[31mups', 'talos-service': 'ext-nut', 'talos-level': 'error' });
});
afterAll(() => control[Symbol.asyncDispose]());

const boot = (number: number, startedAt: number) =>
  ({ number, publicKey: 'k', startedAt, lastSeq: 1, lastClock: 1, gaps: [] }) as never;

function add(machine: number, rest: string, body: Record<string, unknown>, boot = 1, receivedAt = NOW): void {
  control.log.append({ subject: `siderolink._.${uuidOf(machine)}.${rest}`, machine, body, boot, receivedAt });
}

function line(id: number, level: string, msg: string, more: Record<string, unknown>, boot = 1, at = NOW): void {
  add(id, `kmsg.${level}`, { msg, ...more }, boot, at);
}

function gap(id: number, body: Record<string, unknown>): void {
  add(id, 'gap.kmsg', body);
}

const run = (args: string[], person?: Person) => ctlHere(control.socket, args, person);
const logs = (...args: string[]) => run(['logs', '--time', 'boot', ...args]);
const linesOf = (text: string) => text.trimEnd().split('\n');

describe('several machines', () => {
  const all = [
    'cp-1     [    0.000001] usb 1-1: first',
    'worker-2 [    0.000002] elsewhere',
    '                         SUBSYSTEM=net',
    '                         DEVICE=+net:eth0',
    'cp-1     -- boot 2, 2026-11-21 12:00:00.000 --',
    'cp-1     [    0.000003] [talos] task <Install> waits',
    'worker-2 -- 17 lines missing (seq 2-18) --',
    'worker-2 -- 1 line missing (seq 30), more than the machine may send --',
    'cp-1     -- 2 missing lines came after all (seq 9-10) of boot 1 --',
    'worker-2 [    0.000004] chatter',
    'cp-1     [    0.000005] odd',
  ];

  it.each([[['cp-1', 'worker-2']], [['--owner', 'acme']], [['-l', 'rack in (r1, r2)']]])('%j', async (which) => {
    const { code, out, err } = await logs(...which);
    expect([code, err]).toEqual([0, '']);
    expect(linesOf(out)).toEqual(all);
  });

  it('the last lines of all of them', async () => {
    const { out } = await logs('--all', '--tail', '2');
    expect(linesOf(out)).toEqual(['worker-2      [    0.000004] chatter', 'cp-1          [    0.000005] odd']);
  });

  it('are told apart by their UUIDs where the hostname is nobody\u2019s alone', async () => {
    const { out } = await run(['logs', '--all', '--service', 'all', '--time', 'received']);
    expect(linesOf(out)).toEqual([
      '71233efd…0003 2026-11-21 12:00:00.000 etcd: elected',
      '71233efd…0003 2026-11-21 12:00:00.000 ext-nut: no \\x1b[31mups',
    ]);
  });
});

describe('which lines', () => {
  it.each([
    [
      ['--level', 'error'],
      ['elsewhere', 'odd'],
    ],
    [
      ['--level', 'warn,debug'],
      ['[talos] task', 'chatter'],
    ],
    [
      ['--level', 'debug'],
      ['usb 1-1', 'elsewhere', '[talos] task', 'chatter', 'odd'],
    ],
    [['--grep', 'USB'], ['usb 1-1']],
    [['--grep', '<install>'], ['[talos] task']],
    [['--grep', 'priority'], []],
    [['--until', '10s'], ['usb 1-1']],
    [['--since', '10s', '--tail', '1'], ['odd']],
    [
      ['--boot', '1'],
      ['usb 1-1', 'elsewhere', 'chatter'],
    ],
    [['--boot', '-1'], ['usb 1-1']],
    [
      ['--boot', '0'],
      ['elsewhere', '[talos] task', 'chatter', 'odd'],
    ],
    [['--boot', '0', '--tail', '1'], ['odd']],
  ])('%j', async (args, expected) => {
    const { code, out } = await logs('cp-1', 'worker-2', ...args);
    expect(code).toBe(0);
    const shown = linesOf(out).filter((one) => !one.includes(' -- ') && one.includes('['));
    expect(shown).toHaveLength(expected.length);
    for (const [index, text] of expected.entries()) expect(shown[index]?.slice(24)).toContain(text);
  });

  it('a boot of one machine is read from where it began', async () => {
    expect((await logs('cp-1', '--boot', '-1')).out).toBe(
      '[    0.000001] usb 1-1: first\n-- 2 missing lines came after all (seq 9-10) --\n',
    );
    expect((await logs('cp-1', '--boot', '2')).out).toMatch(/^\[ +0\.000003\] .*\n\[ +0\.000005\] odd\n$/);
  });

  it('as JSON: the records as they came', async () => {
    const { out } = await run(['-o', 'json', 'logs', 'cp-1', 'worker-2', '--level', 'warn,error', '--tail', '2']);
    const { json } = await control.call('GET', '/v1/records?filter=siderolink.*.*.gap.kmsg&tail=2');
    expect(linesOf(out).map((one) => JSON.parse(one))).toEqual(json.records);
  });
});

describe('how a line looks', () => {
  it.each([
    [{ 'talos-time': '2026-11-21T11:59:58.1234567Z' }, '2026-11-21 11:59:58.123 '],
    [{ 'talos-time': '2026-11-21T12:02:00Z' }, '2026-11-21 12:00:00.000~'],
    [{ 'talos-time': '1970-01-01T00:00:07Z' }, '2026-11-21 12:00:00.000~'],
    [{ 'talos-time': 7 }, '2026-11-21 12:00:00.000~'],
    [{}, '2026-11-21 12:00:00.000~'],
  ])('of %o, time is %j', async (body, time) => {
    line(5, 'info', 'x', body);
    expect((await run(['logs', uuidOf(5), '--tail', '1'])).out).toBe(`${time} x\n`);
  });

  it('is wrapped to the terminal, under its own text', async () => {
    line(5, 'info', 'one two three four five six\tseven\n SUBSYSTEM=a-long-name-of-something', { clock: 1 });
    const print = async (columns: number) => {
      const args = ['logs', uuidOf(5), '--tail', '1', '--time', 'boot'];
      return (await run(args, { tty: true, columns })).out;
    };
    expect(await print(42)).toBe(
      [
        '[    0.000001] one two three four five six',
        '               seven',
        '                SUBSYSTEM=a-long-name-of-s',
        '               omething',
        '',
      ].join('\n'),
    );
    expect(await print(30)).toBe(
      [
        '[    0.000001]',
        '  one two three four five six',
        '  seven',
        '   SUBSYSTEM=a-long-name-of-so',
        '  mething',
        '',
      ].join('\n'),
    );
    expect(await print(200)).toContain('six     seven\n');
  });

  it.each([
    ['emerg', '\u001b[7m\u001b[31mx\u001b[39m\u001b[27m'],
    ['crit', '\u001b[1m\u001b[31mx\u001b[39m\u001b[22m'],
    ['err', '\u001b[31mx\u001b[39m'],
    ['warning', '\u001b[1mx\u001b[22m'],
    ['notice', 'x'],
    ['debug', '\u001b[2mx\u001b[22m'],
  ])('has the colour of %s', async (priority, painted) => {
    line(5, 'info', 'x', { clock: 1, priority });
    line(5, 'info', 'usb 1-1: x', { clock: 1, priority });
    const args = ['logs', uuidOf(5), '--tail', '2', '--time', 'boot'];
    const { out } = await run(args, { tty: true, env: { NO_COLOR: '' } });
    const clock = '\u001b[32m[    0.000001]\u001b[39m ';
    const [first, second] = linesOf(out);
    expect(first).toBe(`${clock}${painted}`);
    expect(second).toBe(`${clock}\u001b[33musb 1-1:\u001b[39m${painted.replace('x', ' x')}`);
  });

  it('has facility and priority, if wide', async () => {
    line(5, 'warn', 'x', { clock: 1, priority: 'warning', facility: 'user' });
    expect((await run(['logs', '-o', 'wide', uuidOf(5), '--tail', '1', '--time', 'boot'])).out).toBe(
      '[    0.000001] user    :warning: x\n',
    );
  });
});

describe('nothing to show', () => {
  it.each([
    [['worker-2', '--service', 'etcd'], 0, /no lines: .*machine\.logging\.destinations/],
    [['worker-2', '--since', '1m', '--grep', 'no such thing'], 0, /no lines of worker-2 pass --since, --grep/],
    [['twin', 'cp-1'], 2, /any of 2 machines/],
    [['--owner', 'nobody'], 0, /no machines pass; .*machine list/],
    [['cp-1', '--boot', '7'], 4, /no such boot: it has 1 to 2/],
    [['cp-1', '--boot', '-2'], 4, /no such boot/],
    [['--all', '--boot', '9'], 4, /none of these machines/],
    [[], 2, /name a machine, or choose/],
    [['cp-1', '--all'], 2, /not both/],
    [['cp-1', '--level', 'warn,loud'], 2, /debug, info, warn, error/],
    [['cp-1', '--boot', 'last'], 2, /whole number/],
    [['cp-1', '-f', '--until', '1m'], 2, /cannot be used with/],
    [['--all', '-l', 'a b'], 2, /selector/],
  ])('logs %j ends with %d', async (args, code, message) => {
    const result = await run(['logs', ...args]);
    expect(result).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
  });

  it('of a machine that was never heard', async () => {
    const { err } = await run(['events', 'cp-1']);
    expect(err).toMatch(/^no events of cp-1 are stored; `siderolinkctl machine get [-\w]+` shows/);
  });
});
