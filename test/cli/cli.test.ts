import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { ctl, start } from './harness.ts';

let control: Harness;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'siderolink-cli-'));
  control = await startControl();
  control.machines.add(
    { id: 1, ownership: { owner: 'acme' }, hostname: 'cp-1' },
    { id: 2, link: 'down', hostname: 'evil\u001b[31m' },
    { id: 17, link: 'never', hostname: null },
  );
  control.health.set('store', 'warning', 'disk is nearly full');
  add(1, 'kmsg.warn', { clock: 6_252_819, msg: '[talos] waiting\n SUBSYSTEM=net\u001b]0;x\u0007\n', seq: 1 });
  add(1, 'gap.kmsg', { from: 2, to: 5, count: 4, reason: 'missing' });
  add(1, 'kmsg.error', { clock: 12_345_678_901, msg: 'oops\n', seq: 6 });
  add(1, 'kmsg.info', { clock: 7, msg: 'fine', seq: 7 });
  add(1, 'log.etcd.info', { msg: 'elected', 'talos-service': 'etcd', 'talos-level': 'info' });
  add(1, 'event.MachineStatusEvent', {
    level: 'info',
    stage: 'BOOTING',
    ready: false,
    unmet_conditions: [{ name: 'time', reason: 'not in sync' }],
  });
  add(1, 'event.SequenceEvent', { level: 'error', sequence: 'install', action: 'NOOP', error: 'disk is gone' });
  add(2, 'kmsg.info', { clock: 1, msg: 'other machine\n', seq: 0 });
  add(1, 'kmsg.info', { clock: 1, msg: 'next boot\n', seq: 0 }, 2);
});
afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function add(machine: number, rest: string, body: Record<string, unknown>, boot = 1): void {
  control.log.append({ subject: `siderolink._.${uuidOf(machine)}.${rest}`, machine, body, boot });
}

const run = (...args: string[]) => ctl(control.socket, ...args);
const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('tables for people', () => {
  it('status', async () => {
    const { code, out } = await run('status');
    expect(code).toBe(0);
    expect(out).toMatch(/^siderolinkd +0\.1\.0, up \S+, ready$/m);
    expect(out).toMatch(/^api +grpc:\/\/192\.0\.2\.7:8081 \(plaintext\)$/m);
    expect(out).toMatch(/^machines +3: 3 accepted; links 1 up, 1 down, 1 never$/m);
    expect(out).toMatch(/^store +warning +\S+ +disk is nearly full$/m);
    expect(out).not.toContain('\u001b');
  });

  it('machine list, aligned, with what a machine chose made harmless', async () => {
    const { code, out } = await run('machine', 'list');
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/)[1])).toEqual(['HOSTNAME', 'cp-1', 'evil\\x1b[31m', '-']);
    const column = lines[0]?.indexOf('STATE') ?? -1;
    for (const line of lines.slice(1)) expect(line.slice(column)).toMatch(/^accepted/);
    expect(out).not.toContain('\u001b');
  });

  it('machine list -o wide shows more of the same', async () => {
    const { out } = await run('machine', 'list', '-o', 'wide', '--owner', 'acme');
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    expect(out).toMatch(/ENDPOINT.*BOOT.*LABELS/);
    expect(out).toMatch(/198\.51\.100\.9:51820 .*rack=r1/);
  });

  it.each([
    ['cp-1'],
    [uuidOf(1)],
    [uuidOf(1).toUpperCase()],
    ['FDAE:2859:5bb1:7a03:aaaa:aaaa:aaaa:aaa1'],
    ['192.0.2.1'],
  ])('machine get %s', async (name) => {
    const { code, out } = await run('machine', 'get', name);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^uuid +${uuidOf(1)}$`, 'm'));
    expect(out).toMatch(/^link +up \(udp\) from 198\.51\.100\.9:51820$/m);
  });

  it('logs as dmesg prints them, with gaps and boots', async () => {
    const { code, out, err } = await run('logs', 'cp-1', '--time', 'boot');
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe(
      [
        '[    6.252819] [talos] waiting',
        '                SUBSYSTEM=net\\x1b]0;x\\x07',
        '-- 4 lines missing (seq 2-5) --',
        '[12345.678901] oops',
        '[    0.000007] fine',
        '-- boot 2, 2026-11-21 12:00:00.000 --',
        '[    0.000001] next boot',
        '',
      ].join('\n'),
    );
  });

  it('logs of a level and worse, of a service, and the last of them', async () => {
    expect((await run('logs', 'cp-1', '--level', 'warn')).out).not.toContain('fine');
    expect((await run('logs', 'cp-1', '--level', 'warn')).out).toContain('oops');
    expect((await run('logs', 'cp-1', '--service', 'etcd')).out).toBe('2026-11-21 12:00:00.000~ elected\n');
    expect((await run('logs', 'cp-1', '--tail', '1')).out).toBe('2026-11-21 12:00:00.000~ next boot\n');
  });

  it('events, a line each', async () => {
    const { out } = await run('events', 'cp-1');
    expect(out).toBe(
      '2026-11-21 12:00:00.000  stage BOOTING, not ready: time (not in sync)\n' +
        '2026-11-21 12:00:00.000  sequence install NOOP: disk is gone\n',
    );
  });

  it('stream, when asked for lines for people', async () => {
    const stream = start(control.socket, 'stream', 'siderolink.>', '--after', '0', '-o', 'table');
    await stream.untilOut('next boot');
    stream.child.kill('SIGINT');
    const { code, out } = await stream.done;
    expect(code).toBe(130);
    expect(out).toMatch(/^12:00:00\.000 cp-1 +kmsg +warn +\[ +6\.252819\] \[talos\] waiting$/m);
    expect(out).toMatch(/^12:00:00\.000 evil\\x1b\[31m +kmsg +info +\[ +0\.000001\] other machine$/m);
    expect(out).not.toContain('\u001b');
  });
});

describe('JSON for programs', () => {
  it('machines, one a line', async () => {
    const { out } = await run('machine', 'list', '-o', 'json');
    expect(jsonLines(out).map((machine) => machine.server_uuid)).toEqual([1, 2, 17].map(uuidOf));
  });

  it('records as they are', async () => {
    const { out } = await run('-o', 'json', 'logs', 'cp-1', '--tail', '1');
    const { json } = await control.call('GET', '/v1/records?tail=1');
    expect(jsonLines(out)).toEqual(json.records);
  });

  it('stream of a range, which ends by itself', async () => {
    const filters = ['siderolink.*.*.kmsg.*', 'siderolink.*.*.event.>'];
    const { code, out } = await start(control.socket, 'stream', ...filters, '--since', '365d', '--until', '0s').done;
    expect(code).toBe(0);
    const stored = (await control.log.read({ filters, limit: 1000 })).records.map(({ json }) => `${json}\n`);
    expect(stored.length).toBeGreaterThan(1);
    expect(out).toBe(stored.join(''));
  });

  it('stream without a terminal, resumable by hand', async () => {
    const stream = start(control.socket, 'stream', 'siderolink.*.*.kmsg.*', '--after', '3');
    await stream.untilOut('next boot');
    stream.child.kill('SIGTERM');
    const { code, out } = await stream.done;
    expect(code).toBe(143);
    expect(jsonLines(out).map(({ seq }) => seq)).toEqual([4, 8, 9]);
  });
});

describe('what follows', () => {
  it('logs -f shows what comes', async () => {
    const stream = start(control.socket, 'logs', '-f', '--tail', '1', uuidOf(2).slice(0, 36));
    await stream.untilOut('other machine');
    add(2, 'kmsg.info', { clock: 2, msg: 'and more\n', seq: 1 });
    await stream.untilOut('12:00:00.000~ and more');
    stream.child.kill('SIGINT');
    expect(await stream.done).toMatchObject({ code: 130, err: '' });
  });

  it('goes on by itself when the daemon comes back, without a hole', async () => {
    await using first = await startControl();
    first.log.append({ subject: 'siderolink._._.kmsg.info', body: {} });
    const stream = start(first.socket, 'stream', 'siderolink.>', '--after', '0');
    await stream.untilOut('"seq":1,');
    await first.server.stop(1_000);
    await stream.untilErr('trying to resume');
    first.log.append({ subject: 'siderolink._._.kmsg.info', body: {} });
    await using second = await startControl({}, first);
    await stream.untilOut('"seq":2,');
    second.log.append({ subject: 'siderolink._._.kmsg.info', body: {} });
    await stream.untilOut('"seq":3,');
    stream.child.kill('SIGINT');
    const { code, out, err } = await stream.done;
    expect(code).toBe(130);
    expect(jsonLines(out).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(err).toBe('siderolinkctl: the daemon ended the stream; trying to resume\nsiderolinkctl: resumed\n');
  });

  it('machine watch shows the table and then changes', async () => {
    const stream = start(control.socket, 'machine', 'watch');
    await stream.untilOut('UUID');
    await control.log.untilFollowing(1);
    add(1, 'link.down', { last_rx: '2026-11-21T11:59:00Z' });
    await stream.untilOut('down, last heard 2026-11-21T11:59:00Z');
    stream.child.kill('SIGINT');
    expect((await stream.done).code).toBe(130);
  });

  it('ends quietly when its reader goes away', async () => {
    const stream = start(control.socket, 'stream', 'siderolink.>', '--after', '0');
    await stream.untilOut('\n');
    stream.child.stdout.destroy();
    add(1, 'kmsg.info', { msg: 'nobody reads this\n' });
    expect(await stream.done).toMatchObject({ code: 0, err: '' });
  });
});

describe('tokens and kernel arguments', () => {
  it('make, list, revoke and delete a token', async () => {
    const made = await run('token', 'create', 'rack 7', '--expires', '30d', '--max-uses', '5');
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^t\d+\.\w+\n$/) });
    expect(made.err).toContain('only time');
    const id = made.out.split('.')[0] ?? '';
    expect((await run('token', 'list')).out).toMatch(new RegExp(`^${id} +rack 7 +valid +0/5 +in `, 'm'));
    expect(await run('token', 'delete', id)).toMatchObject({
      code: 5,
      err: expect.stringContaining('revoke it first'),
    });
    expect((await run('token', 'revoke', id)).code).toBe(0);
    expect((await run('token', 'delete', id)).code).toBe(0);
    expect((await run('token', 'revoke', id)).code).toBe(4);
  });

  it('kernel-args from a file, ready to paste', async () => {
    const file = join(directory, 'token');
    await writeFile(file, 'a.b\n');
    const { code, out, err } = await run('kernel-args', '--join-token-file', file, '--tunnel');
    expect(code).toBe(0);
    expect(out).toBe(
      'siderolink.api=grpc://192.0.2.7:8081?jointoken=a.b&grpc_tunnel=true talos.events.sink=[fdae:2859:5bb1:7a03::1]:4002 talos.logging.kernel=tcp://[fdae:2859:5bb1:7a03::1]:4001\n',
    );
    expect(err).toContain('plaintext');
    expect((await run('kernel-args', '--config')).out).toMatch(/^apiVersion: v1alpha1\nkind: SideroLinkConfig/);
    expect((await run('kernel-args')).err).toContain('JOIN_TOKEN');
  });
});

describe('errors say what to do', () => {
  it.each([
    [['machine', 'get', 'nobody'], 4, /machine list/],
    [['machine', 'get', uuidOf(99)], 4, /no machine/],
    [['logs', '71233efd'], 2, /any of 3 machines.*cp-1/],
    [['machine', 'lst'], 2, /Did you mean list/],
    [['logs', 'cp-1', '--tail', '0'], 2, /whole number/],
    [['logs', 'cp-1', '--since', 'noon'], 2, /duration/],
    [['logs', 'cp-1', '--level', 'loud'], 2, /debug, info, warn, error/],
    [['stream', 'a..b'], 2, /subject filter/],
    [['stream', 'a', '--after', '1', '--tail', '1'], 2, /cannot be used with/],
    [['token', 'create', 'x', '--expires', 'soon'], 2, /neither a duration/],
    [['kernel-args', '--join-token-file', '/nonexistent'], 2, /token-file/],
    [['kernel-args', '--tunnel', '--talos-version', 'v1.5.0'], 2, /1\.7/],
    [['-o', 'xml', 'status'], 2, /table, json, wide/],
    [['--socket', '/nonexistent.sock', 'status'], 69, /nonexistent\.sock.*systemctl start siderolinkd/],
  ])('%j ends with %d', async (args, code, message) => {
    const result = await run(...args);
    expect(result.code).toBe(code);
    expect(result.err).toMatch(message);
    expect(result.out).toBe('');
    expect(result.err).not.toMatch(/\n {4}at /);
  });

  it('and --version tells the name of the program and the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    for (const option of ['--version', '-V']) {
      expect(await run(option)).toEqual({ code: 0, out: `siderolinkctl ${version}\n`, err: '' });
    }
    expect((await run('--help')).out).toMatch(/^ {2}-V, --version +print name and version$/m);
  });

  it('and --help tells the exit codes', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    expect(out).toMatch(/Exit codes:/);
  });
});
