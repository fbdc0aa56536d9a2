import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { styleFor } from '../../src/cli/context.ts';
import { LiveRenderer } from '../../src/cli/live.ts';
import { pickMachine } from '../../src/cli/resolve.ts';
import { parseSubject, summarise } from '../../src/cli/summary.ts';
import { formatTable } from '../../src/cli/table.ts';
import { createStyle, formatAge, formatBytes, printable } from '../../src/cli/text.ts';
import type { Envelope, Machine } from '../../src/client/api.ts';
import { machineViewJson } from '../../src/fleet/view.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MemoryMachines } from '../control/fake-fleet.ts';
import { uuidOf } from '../control/fakes.ts';

function record(rest: string, body: Record<string, unknown>, uuid = uuidOf(1)): Envelope {
  return { seq: 1, subject: `siderolink._.${uuid}.${rest}`, received_at: '2026-11-21T12:00:00.000Z', boot: 1, body };
}

function textOf(rest: string, body: Record<string, unknown>): string {
  const envelope = record(rest, body);
  return summarise(parseSubject('siderolink', envelope.subject), envelope).text;
}

describe('summaries', () => {
  it.each([
    [
      'event.AddressEvent',
      { hostname: 'cp-1', addresses: ['192.0.2.1', 'fd00::1'] },
      'address cp-1 192.0.2.1, fd00::1',
    ],
    ['event.MachineStatusEvent', { stage: 'RUNNING', ready: true, unmet_conditions: [] }, 'stage RUNNING, ready'],
    ['event.SequenceEvent', { sequence: 'boot', action: 'START' }, 'sequence boot START'],
    ['event.PhaseEvent', { phase: 'install', action: 'STOP' }, 'phase install STOP'],
    ['event.TaskEvent', { task: 'runningMaintenance', action: 'START' }, 'task runningMaintenance START'],
    [
      'event.ServiceStateEvent',
      { service: 'etcd', action: 'FAILED', message: 'no disk' },
      'service etcd FAILED: no disk',
    ],
    ['event.RestartEvent', { cmd: 1_163_412_803 }, 'restart: kexec'],
    ['event.RestartEvent', { cmd: 5 }, 'restart: 5'],
    ['event.ConfigLoadErrorEvent', { error: 'bad yaml' }, 'configuration does not load: bad yaml'],
    ['event.ConfigValidationErrorEvent', { error: 'no disk' }, 'configuration is not valid: no disk'],
    [
      'event.SequenceEvent',
      { sequence: 'install', action: 'NOOP', error: 'no disk', error_code: 'FATAL', error_details: [] },
      'sequence install NOOP: no disk (FATAL)',
    ],
    ['event.AddressEvent', { hostname: '', addresses: [] }, 'address no hostname none'],
    [
      'event.ServiceStateEvent',
      {
        service: 'apid',
        action: 'RUNNING',
        message: 'Health check failed',
        health: { unknown: false, healthy: false },
      },
      'service apid RUNNING: Health check failed',
    ],
    ['event.FutureEvent', { raw: 'AAAA', msg: 'incoming event' }, 'FutureEvent: not understood, 3 bytes'],
    ['event.MachineStatusEvent', { raw: 'AA==' }, 'MachineStatusEvent: not understood, 1 byte'],
    ['event.FutureEvent', { raw: 'AAAA', raw_bytes: 4_000_000 }, 'FutureEvent: not understood, 4000000 bytes'],
    ['event.other', { raw: '' }, 'other: no data'],
    ['link.up', { endpoint: '198.51.100.9:51820', mode: 'udp' }, 'up 198.51.100.9:51820'],
    ['link.up', { endpoint: null, mode: 'tunnel' }, 'up through the gRPC tunnel'],
    ['link.moved', { endpoint: '198.51.100.9:1' }, 'moved to 198.51.100.9:1'],
    ['machine.claimed', { state: 'accepted', by: 'capi' }, 'claimed: accepted, by capi'],
    [
      'machine.claimed',
      { owner: 'acme', metal_machine: 'm-1', state: 'accepted', by: 'capi' },
      'claimed: owner acme, metal machine m-1, by capi',
    ],
    ['machine.released', { owner: 'acme', state: 'accepted', by: 'capi' }, 'released: no more of acme, by capi'],
    ['machine.labeled', { set: { rack: 'a' }, unset: ['old'], by: 'capi' }, 'labeled: rack=a old-, by capi'],
    [
      'machine.rebooted',
      { boot: 2, previous_boot: { boot: 1, seq: 711, clock: 5 } },
      'rebooted: boot 2, the boot before ended after seq 711',
    ],
    [
      'machine.changed',
      { boot: 2, stage: 'RUNNING', ready: true, last_reboot: {}, changed: ['last_reboot', 'ready', 'stage'], by: 'a' },
      'changed: last reboot, ready true, stage RUNNING, by a',
    ],
    ['gap.kmsg', { from: 2, to: 5, count: 4, reason: 'missing' }, 'kmsg: 4 records missing (seq 2 to 5)'],
    ['gap.kmsg', { from: 7, to: 7, count: 1, reason: 'missing' }, 'kmsg: 1 record missing (seq 7)'],
    ['gap.kmsg', { from: 2, to: 5, count: 4, reason: 'filled' }, 'kmsg: 4 missing records came after all (seq 2 to 5)'],
    [
      'gap.retention',
      { from: 1, to: 9, count: 9, reason: 'retention' },
      'retention: 9 records missing (seq 1 to 9), retention',
    ],
    ['token.created', { name: 'rack 7', by: 'admin' }, 'created rack 7 by admin'],
    ['log.etcd.info', { 'talos-service': 'etcd', msg: 'elected\n' }, 'etcd: elected'],
  ])('%s %o', (rest, body, expected) => {
    expect(textOf(rest, body)).toBe(expected);
  });

  it('take any body', () => {
    const streams = [
      'kmsg.info',
      'log.a.info',
      'event.MachineStatusEvent',
      'event.AddressEvent',
      'link.up',
      'machine.changed',
      'gap.kmsg',
      'x',
    ];
    const lines = new LiveRenderer({ prefix: 'siderolink', style: createStyle(false) });
    fc.assert(
      fc.property(fc.constantFrom(...streams), fc.dictionary(fc.string(), fc.jsonValue()), (rest, body) => {
        expect(lines.render(record(rest, body as Record<string, unknown>))).toMatch(/\n$/);
      }),
    );
  });
});

describe('live lines', () => {
  const lines = () => new LiveRenderer({ prefix: 'siderolink', style: createStyle(false), nameWidth: 8 });
  const withoutTime = (line: string) => line.replace(/^\S+ /, '');

  it('name a machine by its hostname, as soon as that is known', () => {
    const live = lines();
    expect(withoutTime(live.render(record('kmsg.info', { clock: 1_000_001, msg: 'a\nb\n' })))).toBe(
      `71233efd kmsg    info  [    1.000001] a\n${' '.repeat(36)}b\n`,
    );
    live.render(record('event.AddressEvent', { hostname: 'controlplane-1', addresses: [] }));
    expect(withoutTime(live.render(record('link.up', {})))).toBe('control… link          up\n');
    live.know({ server_uuid: uuidOf(2), hostname: 'w-2' });
    expect(withoutTime(live.render(record('link.up', {}, uuidOf(2))))).toBe('w-2      link          up\n');
    expect(withoutTime(live.render(record('token.created', { name: 'x' }, '_')))).toBe(
      'siderol… token         created x\n',
    );
  });

  it('never let a machine speak to the terminal', () => {
    const live = lines();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (msg, hostname) => {
        live.know({ server_uuid: uuidOf(1), hostname });
        expect(live.render(record('kmsg.info', { msg }))).not.toMatch(/[^\P{Cc}\t\n]|[\u202e\u2066]/u);
      }),
    );
  });

  it('understand a prefix of several tokens', () => {
    expect(parseSubject('eu.site-1', `eu.site-1.acme.${uuidOf(1)}.log.etcd.warn`)).toEqual({
      owner: 'acme',
      uuid: uuidOf(1),
      stream: 'log',
      detail: ['etcd', 'warn'],
    });
  });
});

describe('text', () => {
  it.each([
    ['plain\ttext ü 漢', 'plain\ttext ü 漢'],
    ['\u001b[2J\r\u0000', '\\x1b[2J\\x0d\\x00'],
    ['a\u202eb\u009bc', 'a\\u202eb\\x9bc'],
  ])('%j is printed as %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it.each([
    [-5, '0s'],
    [119_999, '119s'],
    [120_000, '2m'],
    [7_200_000, '2h'],
    [172_800_000, '2d'],
  ])('%d ms is %s', (ms, expected) => {
    expect(formatAge(ms)).toBe(expected);
  });

  it('bytes have units', () => {
    expect([0, 1_023, 1_536, 5 * 1_024 ** 4].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '5.0 TiB']);
  });

  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
  ])('on a terminal: %s, with %o, colours: %s', (outIsTty, env, colours) => {
    const { signal } = new AbortController();
    const style = styleFor({
      out: () => {},
      err: () => {},
      env,
      outIsTty,
      errIsTty: outIsTty,
      ask: undefined,
      clock: systemClock,
      signal,
    });
    expect(style.red('x') !== 'x').toBe(colours);
  });

  it('tables are aligned also with colours', () => {
    const { red } = createStyle(true);
    const table = formatTable(
      ['A', 'B'],
      [
        ['x', { text: 'down', paint: red }],
        ['longer', ''],
        ['y', 'z'],
      ],
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(table.replaceAll(/\u001b\[\d+m/g, '')).toBe('A       B\nx       down\nlonger  -\ny       z\n');
    expect(table).toContain('\u001b[31mdown\u001b[39m');
  });
});

describe('MACHINE', () => {
  const machines = (): Machine[] => {
    const fakes = new MemoryMachines();
    fakes.add(
      { id: 1, hostname: 'Beef' },
      { id: 2, hostname: 'twin' },
      { id: 3, hostname: 'twin', state: 'removed' },
      { id: 4, hostname: null },
    );
    return [...fakes.all()].map((machine) => machineViewJson(fakes.view(machine)));
  };
  const pick = (text: string) => pickMachine(machines(), text).server_uuid;

  it.each([
    ['beef', 1],
    ['twin', 2],
    ['192.0.2.4', 4],
    ['fdae:2859:5bb1:7a03:aaaa:aaaa:aaaa:aaa3', 3],
    ['71233EFD-7a07-43f8-b6ba-000000000003', 3],
  ])('%s is machine %d', (text, id) => {
    expect(pick(text)).toBe(uuidOf(id));
  });

  it('no machine takes the place of another by what it says of itself', () => {
    const fakes = new MemoryMachines();
    fakes.add({ id: 1 }, { id: 2, hostname: 'beef' });
    const [one, two] = [...fakes.all()].map((machine) => machineViewJson(fakes.view(machine)));
    if (one === undefined || two === undefined) throw new Error('no machines');
    const meant = { ...one, server_uuid: 'beefefd0-7a07-43f8-b6ba-000000000001' };
    expect(() => pickMachine([meant, two], 'beef')).toThrow(/any of 2 machines/);
    expect(pickMachine([meant, two], 'beefe').server_uuid).toBe(meant.server_uuid);
    // The overlay's addresses are ours to give: who reports one does not have it.
    expect(pickMachine([one, { ...two, addresses: [one.address] }], one.address).server_uuid).toBe(one.server_uuid);
  });

  it.each([
    ['', /no machine/],
    ['zzz', /no machine/],
    ['7123', /any of 4 machines/],
  ])('%j is refused', (text, message) => {
    expect(() => pick(text)).toThrow(message);
  });
});
