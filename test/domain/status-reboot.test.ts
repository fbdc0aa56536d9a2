import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineEvent } from '../../src/domain/event.ts';
import { comesBack, foldEnding, NO_ENDING, rebootKind, rebootOf } from '../../src/domain/reboot.ts';
import { restart, sequence, stage } from './status-events.ts';

const RESTART = 0x01234567n;
const KEXEC = 0x45584543n;
const POWER_OFF = 0x4321fedcn;
const HALT = 0xcdef0123n;

describe('how a boot says that it ends', () => {
  const table: readonly (readonly [string, readonly MachineEvent[], string, string | null, boolean])[] = [
    ['nothing', [], 'unannounced', null, false],
    ['it only booted', [sequence('boot', 'START'), sequence('boot', 'STOP')], 'unannounced', null, false],
    ['reboot', [sequence('reboot', 'START')], 'reboot', null, true],
    ['reboot, with the restart', [sequence('reboot', 'START'), restart(RESTART)], 'reboot', 'restart', true],
    ['reboot by kexec', [sequence('reboot', 'START'), restart(KEXEC)], 'kexec', 'kexec', true],
    ['shutdown', [sequence('shutdown', 'START'), restart(POWER_OFF)], 'shutdown', 'power_off', false],
    ['upgrade by kexec', [sequence('upgrade', 'START'), restart(KEXEC)], 'upgrade', 'kexec', true],
    ['staged upgrade', [sequence('stageUpgrade', 'START'), restart(RESTART)], 'upgrade', 'restart', true],
    ['upgrade in maintenance', [sequence('maintenanceUpgrade', 'START')], 'upgrade', null, true],
    ['reset', [sequence('reset', 'START'), restart(RESTART)], 'reset', 'restart', true],
    ['reset that powers off', [sequence('reset', 'START'), restart(HALT)], 'reset', 'halt', false],
    ['an installation under way', [sequence('install', 'START')], 'unannounced', null, false],
    [
      'an installation that ended',
      [sequence('install', 'START'), sequence('install', 'NOOP', 'sequence failed: unix.Reboot(1234567)')],
      'install',
      'restart',
      true,
    ],
    [
      'an installation that failed, and the reboot after it',
      [sequence('install', 'START'), sequence('install', 'NOOP', 'no disk'), restart(RESTART)],
      'reboot',
      'restart',
      true,
    ],
    [
      'an upgrade that failed',
      [sequence('upgrade', 'START'), sequence('upgrade', 'STOP'), sequence('upgrade', 'NOOP', 'no image')],
      'unannounced',
      null,
      false,
    ],
    [
      'a reboot, while an upgrade is refused',
      [sequence('reboot', 'START'), sequence('upgrade', 'NOOP', 'busy', 'LOCKED')],
      'reboot',
      null,
      true,
    ],
    ['a restart without a sequence', [restart(RESTART)], 'reboot', 'restart', true],
    ['a power off without a sequence', [restart(POWER_OFF)], 'shutdown', 'power_off', false],
    ['a command that nobody knows', [restart(5n)], 'reboot', '5', true],
    ['only the stage', [stage('UPGRADING')], 'upgrade', null, true],
    ['the stage after the sequence', [sequence('reset', 'START'), stage('REBOOTING')], 'reset', null, true],
    ['a stage that is none of an end', [stage('RUNNING')], 'unannounced', null, false],
  ];

  it.each(table)('%s', (_name, events, kind, command, back) => {
    const ending = events.reduce(foldEnding, NO_ENDING);
    expect(rebootKind(ending)).toBe(kind);
    expect(ending.command).toBe(command);
    expect(comesBack(ending)).toBe(back);
  });

  it('a text of any kind is a reboot only if it says so', () => {
    expect(rebootOf('sequence failed: unix.Reboot(45584543)')).toBe(KEXEC);
    expect(rebootOf('unix.Reboot')).toBe(null);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(rebootOf(text) === undefined).toBe(!text.includes('unix.Reboot'));
      }),
    );
  });
});
