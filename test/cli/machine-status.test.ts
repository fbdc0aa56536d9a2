import { describe, expect, it } from 'vitest';
import { detailFields, missingFields, statusFields } from '../../src/cli/commands/machine-status.ts';
import type { Machine } from '../../src/client/api.ts';
import { NO_STATUS } from '../../src/domain/status.ts';
import type { MachineStatus } from '../../src/fleet/types.ts';
import { machineViewJson } from '../../src/fleet/view.ts';
import { MemoryMachines } from '../control/fake-fleet.ts';
import { NOW, uuidOf } from '../control/fakes.ts';

const MINUTES = 60_000;

/** A machine as the API shows it, of which only this is known. */
function machine(status: Partial<MachineStatus>, change: Partial<Machine> = {}): Machine {
  const machines = new MemoryMachines();
  machines.add({ id: 1, status: { ...NO_STATUS, ...status } });
  const known = machines.byId(1);
  if (known === undefined) throw new Error('no machine');
  return { ...machineViewJson(machines.view(known)), ...change } as Machine;
}

const shown = (status: Partial<MachineStatus>) => Object.fromEntries(statusFields(machine(status), NOW));

describe('what a machine does', () => {
  it('is not known of one that said nothing', () => {
    expect(statusFields(machine({}), NOW)).toEqual([
      ['stage', '-'],
      ['unmet', []],
      ['doing', '-'],
      ['last reboot', 'none: this is its first boot here'],
    ]);
  });

  it('is shown with its age', () => {
    const sequence = { name: 'upgrade', action: 'START', error: null, since: NOW - 12 * MINUTES };
    const going = { stage: 'UPGRADING', stageSince: NOW - 12 * MINUTES, ready: false, sequence };
    expect(shown({ ...going, phase: 'drain', tasks: ['cordonAndDrainNode'] })).toMatchObject({
      stage: 'UPGRADING, not ready, for 12m',
      doing: 'upgrade, for 12m, phase drain, task cordonAndDrainNode',
    });
    const ended = { ...sequence, name: 'boot', action: 'STOP' };
    expect(shown({ sequence: ended })['doing']).toBe('nothing; sequence boot done 12m ago');
    expect(shown({ sequence: ended, tasks: ['runningMaintenance'] })['doing']).toBe(
      'task runningMaintenance; sequence boot done 12m ago',
    );
    expect(shown({ sequence: { ...sequence, action: 'NOOP', error: 'no image' } })['doing']).toBe(
      'nothing; sequence upgrade failed 12m ago: no image',
    );
    expect(shown({ sequence: { ...sequence, action: 'NOOP' } })['doing']).toBe(
      'nothing; sequence upgrade over 12m ago',
    );
  });

  it('begins with what is wrong', () => {
    const fields = statusFields(
      machine({
        stage: 'MAINTENANCE',
        stageSince: NOW - 5 * MINUTES,
        ready: false,
        unmetConditions: [{ name: 'time', reason: 'not in sync' }],
        ranAt: 1,
        lost: { since: NOW - 20 * MINUTES, sequence: 'upgrade' },
        conditions: [
          {
            type: 'TalosConfigLoaded',
            status: 'False',
            severity: 'Error',
            reason: 'TalosConfigLoadFailed',
            message: 'no such disk',
            lastTransitionTime: NOW - 3 * MINUTES,
          },
        ],
      }),
      NOW,
    );
    expect(fields.slice(0, 4)).toEqual([
      ['stage', 'MAINTENANCE, not ready, for 5m'],
      [
        'problem',
        [
          'lost: it went with upgrade, and has been silent for 20m;',
          'it may have booted without its kernel arguments: look at its console',
          'it was RUNNING, and is in MAINTENANCE for 5m, though nobody reset it;',
          'its disk or its META partition may be gone, or it boots from elsewhere',
        ],
      ],
      ['config error', ['load: no such disk (3m ago)']],
      ['unmet', ['time (not in sync)']],
    ]);
  });

  it.each([
    ['upgrade', 'kexec', 'an upgrade, by kexec'],
    ['kexec', 'kexec', 'it was told to, by kexec'],
    ['reset', 'restart', 'a reset'],
    [null, null, 'unannounced: power loss, reset button or crash'],
  ] as const)('says that it rebooted by %s %s', (kind, command, text) => {
    const at = NOW - 3 * MINUTES;
    expect(shown({ lastReboot: { at, ending: { sequence: null, kind, command } } })['last reboot']).toBe(
      `${new Date(at).toISOString()} (3m ago): ${text}`,
    );
  });
});

describe('what is looked up', () => {
  it('shows services, the ailing first, and conditions', () => {
    const services = {
      apid: { state: 'RUNNING', healthy: true, message: 'Health check successful' },
      cri: { state: 'WAITING', healthy: null, message: '' },
      etcd: { state: 'RUNNING', healthy: false, message: 'no quorum' },
    };
    const conditions = [
      {
        type: 'ProviderSet',
        status: 'False',
        severity: 'Warning',
        reason: 'ProviderUpdateFailed',
        message: '',
        lastTransitionTime: NOW - MINUTES,
      },
      {
        type: 'TalosInstalled',
        status: 'True',
        severity: null,
        reason: null,
        message: null,
        lastTransitionTime: NOW - 4 * MINUTES,
      },
    ] as const;
    expect(detailFields(machine({ services, conditions }), NOW)).toEqual([
      [
        'services',
        ['etcd: RUNNING, unhealthy, no quorum', 'cri: WAITING', 'apid: RUNNING, healthy, Health check successful'],
      ],
      ['conditions', ['ProviderSet False: Warning, ProviderUpdateFailed (60s ago)', 'TalosInstalled True (4m ago)']],
    ]);
  });

  it('says how many lines of the boot are missing, and where to see which', () => {
    expect(missingFields(machine({}))).toEqual([]);
    expect(missingFields(machine({}, { missing_lines: 3 }))).toEqual([
      ['missing lines', `3 of this boot: \`siderolinkctl machine boots ${uuidOf(1)}\` tells which`],
    ]);
  });
});
