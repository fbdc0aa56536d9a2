import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configErrors } from '../../src/domain/conditions.ts';
import type { MachineEvent } from '../../src/domain/event.ts';
import { rebootKind } from '../../src/domain/reboot.ts';
import { beginBoot, type EventStatus, foldStatus, NO_STATUS, stageRegression } from '../../src/domain/status.ts';
import { statusChanges } from '../../src/domain/status-change.ts';
import { address, configError, phase, restart, sequence, service, stage, task } from './status-events.ts';

const keepAddress = () => true;

/** Each event with its boot, a second apart. */
function fold(events: readonly (readonly [boot: number, event: MachineEvent])[], from = NO_STATUS): EventStatus {
  return events.reduce(
    (status, [boot, event], i) => foldStatus(status, event, { boot, now: (i + 1) * 1_000, keepAddress }),
    from,
  );
}

const ofBoot = (boot: number, ...events: MachineEvent[]) => events.map((event) => [boot, event] as const);

/** What it does, as a person would say it. */
function doing({ sequence: current, phase: running, tasks }: EventStatus): string {
  const last = current && [current.name, current.action, current.error].filter(Boolean).join(' ');
  return [last, running, ...tasks].filter(Boolean).join(' / ');
}

describe('what a machine does', () => {
  it('is the sequence, the phase and the tasks that run', () => {
    const steps: readonly (readonly [MachineEvent, string])[] = [
      [sequence('boot', 'START'), 'boot START'],
      [phase('config', 'START'), 'boot START / config'],
      [task('loadConfig', 'START'), 'boot START / config / loadConfig'],
      [task('saveState', 'START'), 'boot START / config / loadConfig / saveState'],
      [task('loadConfig', 'START'), 'boot START / config / saveState / loadConfig'],
      [task('saveState', 'STOP'), 'boot START / config / loadConfig'],
      [sequence('upgrade', 'NOOP', 'busy', 'LOCKED'), 'boot START / config / loadConfig'],
      [phase('former', 'STOP'), 'boot START / config / loadConfig'],
      [phase('config', 'STOP'), 'boot START'],
      [phase('start', 'START'), 'boot START / start'],
      [sequence('boot', 'STOP'), 'boot STOP'],
      [task('runningMaintenance', 'START'), 'boot STOP / runningMaintenance'],
      [sequence('boot', 'NOOP', 'no disk'), 'boot NOOP no disk / runningMaintenance'],
      [sequence('install', 'START'), 'install START'],
      [sequence('install', 'NOOP', 'sequence failed: unix.Reboot(1234567)'), 'install NOOP'],
    ];
    let status = NO_STATUS;
    for (const [event, expected] of steps) {
      status = fold([[1, event]], status);
      expect(doing(status)).toBe(expected);
    }
  });

  it('keeps the time of a stage while it is the same', () => {
    const status = fold(ofBoot(1, stage('BOOTING'), stage('BOOTING', true), stage('RUNNING'), stage('RUNNING', true)));
    expect(status).toMatchObject({ stage: 'RUNNING', stageSince: 3_000, ready: true, unmetConditions: [] });
  });

  it('stays bounded whatever a machine says', () => {
    const long = 'x'.repeat(10_000);
    const tasks = Array.from({ length: 1_000 }, (_, i) => task(`${i} ${long}`, 'START'));
    const status = fold(
      ofBoot(1, ...tasks, sequence(long, 'NOOP', long), phase(long, 'START'), stage(long), configError(long)),
    );
    expect(JSON.stringify(status).length).toBeLessThan(20_000);
    // What was cut is known by what is left of it.
    expect(fold(ofBoot(1, task(long, 'START'), task(long, 'STOP'))).tasks).toEqual([]);
  });
});

describe('a new boot', () => {
  const first = fold(ofBoot(1, address('a', '192.0.2.1'), sequence('boot', 'START'), stage('RUNNING', true)));

  it('begins with its join: stage and sequence are of the boot before, hostname and conditions stay', () => {
    const begun = beginBoot(fold(ofBoot(1, sequence('upgrade', 'START')), first), 2, 60_000);
    expect(begun).toMatchObject({ boot: 2, stage: null, sequence: null, hostname: 'a', addresses: ['192.0.2.1'] });
    expect(begun.conditions).toBe(first.conditions);
    expect(begun.lastReboot).toMatchObject({ at: 60_000, ending: { kind: 'upgrade' } });
    expect(beginBoot(begun, 2, 70_000)).toBe(begun);
  });

  it('was unannounced if the boot before said nothing, or was never heard of', () => {
    const kind = ({ lastReboot }: EventStatus) => lastReboot && rebootKind(lastReboot.ending);
    expect(kind(first)).toBe(null);
    expect(kind(beginBoot(first, 2, 0))).toBe('unannounced');
    expect(kind(beginBoot(fold(ofBoot(1, sequence('reset', 'START'))), 3, 0))).toBe('unannounced');
    expect(kind(beginBoot(NO_STATUS, 4, 0))).toBe('unannounced');
  });

  it('is told why it began by what the boot before said last, also if that comes late', () => {
    const begun = fold(ofBoot(2, stage('BOOTING')), first);
    const late = fold(ofBoot(1, sequence('reboot', 'START'), stage('REBOOTING'), restart(0x45584543n)), begun);
    expect(late).toEqual({ ...begun, lastReboot: { at: 1_000, ending: expect.objectContaining({ kind: 'kexec' }) } });
    const third = fold(ofBoot(3, stage('BOOTING')), late);
    expect(fold(ofBoot(1, sequence('reset', 'START')), third)).toBe(third);
  });

  const anyEvent: fc.Arbitrary<MachineEvent> = fc.oneof(
    fc.constantFrom('BOOTING', 'MAINTENANCE', 'RUNNING', 'REBOOTING', 'UPGRADING').map((name) => stage(name)),
    fc
      .tuple(fc.constantFrom('boot', 'reboot', 'upgrade', 'reset'), fc.constantFrom('START', 'STOP'))
      .map(([name, action]) => sequence(name, action)),
    fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('START', 'STOP')).map(([name, action]) => phase(name, action)),
    fc.tuple(fc.constantFrom('s', 't'), fc.constantFrom('START', 'STOP')).map(([name, action]) => task(name, action)),
    fc.tuple(fc.constantFrom('apid', 'etcd'), fc.boolean()).map(([name, ok]) => service(name, 'RUNNING', ok)),
    fc.constantFrom('h1', 'h2').map((name) => address(name)),
    fc.constant(configError('no disk')),
    fc.constant(restart(0x01234567n)),
  );

  it('is what it says of itself, however the events of the boot before come between', () => {
    const events = fc.array(anyEvent, { maxLength: 12 });
    fc.assert(
      fc.property(events, events, fc.infiniteStream(fc.boolean()), (old, young, oldNext) => {
        const mixed: (readonly [number, MachineEvent])[] = [];
        const queues = { old: ofBoot(1, ...old), young: ofBoot(2, ...young) };
        while (queues.old.length + queues.young.length > 0) {
          const isOld = queues.young.length === 0 || (queues.old.length > 0 && oldNext.next().value === true);
          const next = (isOld ? queues.old : queues.young).shift();
          if (next !== undefined) mixed.push(next);
        }
        const status = fold(mixed);
        if (young.length === 0) return;
        const alone = fold(ofBoot(2, ...young));
        const shape = ({
          stage: name,
          ready,
          services,
          phase: current,
          tasks,
          sequence: last,
          ending,
        }: EventStatus) => ({
          name,
          ready,
          services,
          current,
          tasks,
          sequence: last?.name,
          action: last?.action,
          ending,
        });
        expect(shape(status)).toEqual(shape(alone));
        const inOrder = fold([...ofBoot(1, ...old), ...ofBoot(2, ...young)]);
        expect(status.lastReboot?.ending).toEqual(inOrder.lastReboot?.ending);
      }),
    );
  });
});

describe('a stage that went back', () => {
  const ran = fold(ofBoot(1, stage('RUNNING', true)));

  it('is told while the machine waits to be installed again', () => {
    expect(stageRegression(ran)).toBe(null);
    const back = fold(ofBoot(2, stage('BOOTING'), stage('MAINTENANCE')), ran);
    expect(stageRegression(back)).toEqual({ from: 'RUNNING', to: 'MAINTENANCE', since: 2_000 });
    expect(stageRegression(fold(ofBoot(3, stage('MAINTENANCE')), back))).not.toBe(null);
    expect(stageRegression(fold(ofBoot(2, stage('RUNNING')), back))).toBe(null);
  });

  it('is none of a new machine, and none after a reset, until it has run again', () => {
    expect(stageRegression(fold(ofBoot(1, stage('MAINTENANCE'))))).toBe(null);
    const reset = fold(ofBoot(1, sequence('reset', 'START')), ran);
    const again = fold(ofBoot(2, stage('MAINTENANCE')), beginBoot(reset, 2, 5_000));
    expect(stageRegression(again)).toBe(null);
    const rebooted = fold(ofBoot(3, stage('MAINTENANCE')), beginBoot(again, 3, 6_000));
    expect(stageRegression(rebooted)).toBe(null);
    const running = foldStatus(rebooted, stage('RUNNING'), { boot: 3, now: 7_000, keepAddress });
    expect(stageRegression(fold(ofBoot(4, stage('INSTALLING')), beginBoot(running, 4, 8_000)))).not.toBe(null);
  });
});

describe('what a control plane acts on', () => {
  const base = fold(ofBoot(1, stage('BOOTING'), address('a', '192.0.2.1')));
  const changes = (...events: MachineEvent[]) => statusChanges(base, fold(ofBoot(1, ...events), base));

  it.each<[string, MachineEvent[], string[]]>([
    ['the stage', [stage('RUNNING', true)], ['stage', 'ready']],
    ['another reason for the same', [stage('BOOTING')], []],
    ['a hostname', [address('b', '192.0.2.1')], ['hostname']],
    ['an address', [address('a', '192.0.2.2')], ['addresses']],
    ['the heartbeat of addresses', [address('a', '192.0.2.1')], []],
    ['conditions', [sequence('boot', 'START')], ['conditions']],
    ['a configuration error', [configError('no disk')], ['conditions', 'config_errors']],
    ['a service, a phase, a task', [service('apid', 'FAILED'), phase('x', 'START'), task('y', 'START')], []],
  ])('%s', (_name, events, expected) => {
    expect(changes(...events)).toEqual(expected);
  });

  it('a configuration error goes when the next configuration is loaded', () => {
    const failed = fold(ofBoot(1, configError('no disk')), base);
    expect(configErrors(failed.conditions)).toEqual([{ kind: 'load', message: 'no disk', since: 1_000 }]);
    expect(configErrors(fold(ofBoot(2, sequence('boot', 'START')), failed).conditions)).toEqual([]);
  });
});
