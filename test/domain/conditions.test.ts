import { describe, expect, it } from 'vitest';
import { type Conditions, foldConditions, setCondition, TRUE } from '../../src/domain/conditions.ts';
import type { MachineEvent } from '../../src/domain/event.ts';

const sequence = (name: string, action: string, error?: string, code = 'FATAL'): MachineEvent => ({
  message: 'SequenceEvent',
  sequence: name,
  action,
  error: error === undefined ? null : { code, text: error, details: [] },
});
const phase = (name: string, action: string): MachineEvent => ({ message: 'PhaseEvent', phase: name, action });

/** `Type status severity reason message`, a line each. */
function short(conditions: Conditions): string[] {
  return conditions.map(({ type, status, severity, reason, message }) =>
    [type, status, severity, reason, message].filter((part) => part !== null).join(' '),
  );
}

const ALL_TRUE = ['TalosConfigLoaded True', 'TalosConfigValidated True', 'TalosInstalled True'];

describe('the conditions of an event', () => {
  const table: readonly (readonly [string, MachineEvent, readonly string[]])[] = [
    [
      'a configuration that does not load',
      { message: 'ConfigLoadErrorEvent', error: 'no such disk' },
      ['TalosConfigLoaded False Error TalosConfigLoadFailed no such disk'],
    ],
    [
      'a configuration that is not valid',
      { message: 'ConfigValidationErrorEvent', error: 'two hostnames' },
      ['TalosConfigValidated False Error TalosConfigValidationFailed two hostnames'],
    ],
    ['install begins', phase('install', 'START'), ['TalosInstalled False Info TalosInstallationInProgress ']],
    ['install ends, well or not', phase('install', 'STOP'), []],
    [
      'the configuration is saved',
      phase('saveConfig', 'START'),
      ['TalosConfigLoaded True', 'TalosConfigValidated True'],
    ],
    [
      'install ends in its reboot',
      sequence('install', 'NOOP', 'sequence failed: unix.Reboot(0x1234567)'),
      ['TalosInstalled True'],
    ],
    [
      'install fails',
      sequence('install', 'NOOP', 'no disk'),
      ['TalosInstalled False Error TalosInstallationFailed no disk'],
    ],
    ['install is locked out', sequence('install', 'NOOP', 'busy', 'LOCKED'), []],
    ['install is canceled', sequence('install', 'NOOP', 'unix.Reboot', 'CANCELED'), []],
    ['install without an error', sequence('install', 'NOOP'), []],
    ['boot begins', sequence('boot', 'START'), ALL_TRUE],
    ['boot ends', sequence('boot', 'STOP'), []],
    ['another sequence', sequence('upgrade', 'START'), []],
    ['a stage', { message: 'MachineStatusEvent', stage: 'RUNNING', ready: true, unmetConditions: [] }, []],
  ];

  it.each(table)('%s', (_name, event, expected) => {
    expect(short(foldConditions([], event, 0))).toEqual(expected);
  });
});

describe('the time of a condition', () => {
  it('is in whole seconds and changes only with the condition', () => {
    const first = foldConditions([], sequence('boot', 'START'), 12_345);
    expect(first.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([12_000, 12_000, 12_000]);
    expect(foldConditions(first, sequence('boot', 'START'), 99_000)).toBe(first);
    const failed = foldConditions(first, { message: 'ConfigLoadErrorEvent', error: 'x' }, 99_999);
    expect(failed.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([99_000, 12_000, 12_000]);
    const other = foldConditions(failed, { message: 'ConfigLoadErrorEvent', error: 'y' }, 120_000);
    expect(other[0]).toMatchObject({ message: 'y', lastTransitionTime: 120_000 });
  });

  it('one that the control plane sets is kept beside', () => {
    const conditions = setCondition([], 'ProviderSet', TRUE, 5_000);
    expect(short(foldConditions(conditions, sequence('boot', 'START'), 6_000))).toEqual([
      'ProviderSet True',
      ...ALL_TRUE,
    ]);
  });
});

it('a message of any length is cut', () => {
  const [condition] = foldConditions([], { message: 'ConfigLoadErrorEvent', error: 'x'.repeat(5_000) }, 0);
  expect(condition?.message).toHaveLength(1_024);
});
