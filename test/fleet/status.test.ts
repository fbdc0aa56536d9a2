import { describe, expect, it } from 'vitest';
import { TRUE } from '../../src/domain/conditions.ts';
import { errorCode } from '../../src/domain/errors.ts';
import type { MachineEvent } from '../../src/domain/event.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import { NO_ENDING } from '../../src/domain/reboot.ts';
import { NO_STATUS } from '../../src/domain/status.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { ManualClock, newKey } from '../sinks/fakes.ts';

const machine = { id: 1, address: 'fdae:41e4:649b:9303::5' as OverlayAddress };

function table(filter: string[] = [], statuses: { machine: number; doc: string }[] = []) {
  const clock = new ManualClock();
  return { clock, statuses: new StatusTable({ negativeAddressFilter: filter }, { image: { statuses }, clock }) };
}

const service = (name: string, action: string, healthy?: boolean): MachineEvent => ({
  message: 'ServiceStateEvent',
  service: name,
  action,
  text: `${name} ${action}`,
  health: healthy === undefined ? null : { unknown: false, healthy, lastMessage: '', lastChange: null },
});

describe('StatusTable', () => {
  it('knows nothing of a machine that said nothing', () => {
    expect(table().statuses.get(1)).toEqual({ ...NO_STATUS, firstSeen: null, lastSeen: null, lost: null });
  });

  it('folds events and survives a restart', () => {
    const { statuses, clock } = table();
    const unmetConditions = [{ name: 'services', reason: 'apid not healthy' }];
    statuses.fold(machine, 1, { message: 'MachineStatusEvent', stage: 'BOOTING', ready: false, unmetConditions });
    statuses.fold(machine, 1, {
      message: 'AddressEvent',
      hostname: 'pxe-2',
      addresses: ['172.25.0.5', machine.address, 'junk'],
    });
    statuses.fold(machine, 1, service('apid', 'RUNNING', true));
    statuses.fold(machine, 1, service('kubelet', 'WAITING'));
    clock.advance(1_000);
    statuses.fold(machine, 1, { message: 'SequenceEvent', sequence: 'boot', action: 'START', error: null });
    const now = clock.now();
    const expected = {
      ...NO_STATUS,
      boot: 1,
      stage: 'BOOTING',
      stageSince: now - 1_000,
      ready: false,
      unmetConditions,
      hostname: 'pxe-2',
      addresses: ['172.25.0.5'],
      services: {
        apid: { state: 'RUNNING', healthy: true, message: 'apid RUNNING' },
        kubelet: { state: 'WAITING', healthy: null, message: 'kubelet WAITING' },
      },
      sequence: { name: 'boot', action: 'START', error: null, since: now },
      conditions: (['TalosConfigLoaded', 'TalosConfigValidated', 'TalosInstalled'] as const).map((type) => ({
        type,
        ...TRUE,
        lastTransitionTime: now,
      })),
      ending: { ...NO_ENDING, sequence: 'boot' },
      firstSeen: now - 1_000,
      lastSeen: now,
      lost: null,
    };
    expect(statuses.get(1)).toEqual(expected);
    const op = statuses.op(1);
    if (op.op !== 'putStatus') throw new Error(op.op);
    expect(table([], [op]).statuses.get(1)).toEqual(expected);
  });

  it('begins anew with the events of a new boot, and ignores late ones of the old', () => {
    const { statuses } = table();
    statuses.fold(machine, 1, { message: 'AddressEvent', hostname: 'a', addresses: ['192.0.2.1'] });
    statuses.fold(machine, 1, service('etcd', 'RUNNING'));
    statuses.fold(machine, 2, { message: 'MachineStatusEvent', stage: 'BOOTING', ready: false, unmetConditions: [] });
    statuses.fold(machine, 1, { message: 'MachineStatusEvent', stage: 'REBOOTING', ready: false, unmetConditions: [] });
    expect(statuses.get(1)).toMatchObject({ stage: 'BOOTING', services: {}, hostname: 'a', addresses: ['192.0.2.1'] });
  });

  it('leaves filtered addresses out, each family by its own prefixes', () => {
    const { statuses } = table(['10.0.0.0/8', 'fd00::/8']);
    const addresses = ['10.1.2.3', '192.0.2.1', 'fd12::1', '2001:db8::1', '::ffff:10.1.2.3'];
    statuses.fold(machine, 1, { message: 'AddressEvent', hostname: '', addresses });
    expect(statuses.get(1)).toMatchObject({
      hostname: null,
      addresses: ['192.0.2.1', '2001:db8::1', '::ffff:10.1.2.3'],
    });
  });

  it('notes when a machine was seen, without a row', () => {
    const { statuses, clock } = table();
    statuses.touch(1);
    expect(statuses.get(1).lastSeen).toBe(clock.now());
  });

  it('stays bounded whatever a machine says', () => {
    const { statuses } = table();
    for (let i = 0; i < 1_000; i += 1) statuses.fold(machine, 1, service(`s${i}`, 'RUNNING'));
    statuses.fold(machine, 1, service('__proto__', 'FAILED'));
    statuses.fold(machine, 1, service('s0', 'FAILED'));
    const { services } = statuses.get(1);
    expect(Object.keys(services).length).toBe(128);
    expect(services['s0']?.state).toBe('FAILED');
    statuses.fold(machine, 1, {
      message: 'AddressEvent',
      hostname: 'x'.repeat(10_000),
      addresses: [`fe80::1%${'z'.repeat(10_000)}`, 'fe80::1%eth0'],
    });
    expect(statuses.get(1).hostname?.length).toBe(256);
    expect(statuses.get(1).addresses).toEqual(['fe80::1%eth0']);
  });

  it('refuses a filter that is no prefix', () => {
    try {
      table(['10.0.0.1']);
      expect.unreachable();
    } catch (error) {
      expect(errorCode(error)).toBe('configuration');
    }
  });

  it('tells each report of a stage and each change of it, with its boot', () => {
    const { statuses } = table();
    const heard: [number, string | null, number][] = [];
    statuses.onStage((...told) => heard.push(told));
    const report = (stage: string): MachineEvent => ({
      message: 'MachineStatusEvent',
      stage,
      ready: false,
      unmetConditions: [],
    });
    expect(statuses.stage(1)).toEqual({ stage: null, boot: 0 });
    statuses.fold(machine, 1, service('apid', 'RUNNING'));
    expect(heard.splice(0)).toEqual([]);
    statuses.fold(machine, 1, report('MAINTENANCE'));
    statuses.fold(machine, 1, report('MAINTENANCE'));
    statuses.fold(machine, 1, service('apid', 'RUNNING'));
    expect(heard.splice(0)).toEqual([
      [1, 'MAINTENANCE', 1],
      [1, 'MAINTENANCE', 1],
    ]);
    // The first event of the next boot ends what is known of the stage; a late one of the former boot says nothing.
    statuses.fold(machine, 2, service('apid', 'WAITING'));
    statuses.fold(machine, 1, report('MAINTENANCE'));
    expect(heard.splice(0)).toEqual([[1, null, 2]]);
    expect(statuses.stage(1)).toEqual({ stage: null, boot: 2 });
  });

  it('knows of a boot that joined and said nothing before our restart', () => {
    const { statuses, clock } = table();
    statuses.fold(machine, 1, { message: 'SequenceEvent', sequence: 'reset', action: 'START', error: null });
    const op = statuses.op(1);
    if (op.op !== 'putStatus') throw new Error(op.op);
    const boot = (number: number, startedAt: number) => ({
      machine: 1,
      boot: number,
      publicKey: newKey(),
      doc: JSON.stringify({ started_at: startedAt, seen: [], seq: null, clock: null }),
    });
    const boots = [boot(1, 5), boot(2, 7)];
    const after = new StatusTable({}, { image: { statuses: [op], boots }, clock });
    expect(after.get(1)).toMatchObject({ boot: 2, sequence: null, lastReboot: { at: 7, ending: { kind: 'reset' } } });
    expect(after.untold(1).size).toBe(0);
  });

  it('shows a boot that is about to begin as one that said nothing', () => {
    const { statuses } = table();
    statuses.fold(machine, 1, { message: 'MachineStatusEvent', stage: 'RUNNING', ready: true, unmetConditions: [] });
    expect(statuses.get(1, 2)).toMatchObject({ boot: 2, stage: null, lastReboot: { ending: NO_ENDING } });
    expect(statuses.get(1)).toMatchObject({ boot: 1, stage: 'RUNNING' });
    statuses.begin(1, 2, 99);
    statuses.begin(1, 2, 100);
    expect(statuses.get(1).lastReboot?.at).toBe(99);
  });

  it('reads rows that have less, and rows with names that nobody knows any more', () => {
    const doc = {
      status: { boot: 3, stage: 'RUNNING', sequence: { name: 'boot', action: 'STOP' } },
      last_seen: 7,
      untold: ['stage', 'colour'],
    };
    const { statuses } = table([], [{ machine: 1, doc: JSON.stringify(doc) }]);
    expect(statuses.get(1)).toEqual({
      ...NO_STATUS,
      boot: 3,
      stage: 'RUNNING',
      sequence: { name: 'boot', action: 'STOP', error: null, since: null },
      firstSeen: 7,
      lastSeen: 7,
      lost: null,
    });
    expect([...statuses.untold(1)]).toEqual(['stage']);
    expect(statuses.withUntold()).toEqual([1]);
  });

  it('refuses a row that is no JSON', () => {
    expect(() => table([], [{ machine: 1, doc: '{' }])).toThrow('not JSON');
  });
});
