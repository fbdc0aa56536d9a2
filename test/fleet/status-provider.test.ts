import { describe, expect, it } from 'vitest';
import { type ConditionState, TRUE } from '../../src/domain/conditions.ts';
import { sequence } from '../domain/status-events.ts';
import { statusWorld } from './status-world.ts';

const FAILED: ConditionState = {
  status: 'False',
  severity: 'Warning',
  reason: 'ProviderUpdateFailed',
  message: 'no matching nodes found',
};

const short = (world: ReturnType<typeof statusWorld>) =>
  world.view().conditions.map(({ type, status }) => `${type} ${status}`);

describe('the condition that a control plane sets', () => {
  it('is stored with its record, and stands beside those of events', async () => {
    const world = statusWorld();
    const { uuid, version } = world.machine();
    const at = new Date(world.clock.now()).toISOString().replace('.000Z', 'Z');
    const machine = await world.fleet.admin.setProvider(uuid, FAILED, 'operator capi', version);
    expect(machine.version).toBe(version + 1);
    expect(world.told()).toMatchObject([
      { by: 'operator capi', changed: ['conditions'], version: version + 1, conditions: world.view().conditions },
    ]);
    expect(world.view().conditions).toEqual([{ type: 'ProviderSet', ...FAILED, last_transition_time: at }]);
    await world.send(sequence('boot', 'START'));
    const all = ['ProviderSet False', 'TalosConfigLoaded True', 'TalosConfigValidated True', 'TalosInstalled True'];
    expect(short(world)).toEqual(all);
    expect(short(world.restarted())).toEqual(all);
  });

  it('set again to what it is changes nothing; another version is refused', async () => {
    const world = statusWorld();
    const { uuid, version } = world.machine();
    await world.fleet.admin.setProvider(uuid, TRUE, 'a');
    const stored = world.log.changes.length;
    expect((await world.fleet.admin.setProvider(uuid, TRUE, 'a')).version).toBe(version + 1);
    expect(world.log.changes).toHaveLength(stored);
    await expect(world.fleet.admin.setProvider(uuid, FAILED, 'a', version)).rejects.toMatchObject({ code: 'stale' });
    expect(short(world)).toEqual(['ProviderSet True']);
  });

  it('that could not be stored is not set, and what events said meanwhile stays', async () => {
    const world = statusWorld();
    const { uuid, version } = world.machine();
    await world.fleet.admin.setProvider(uuid, FAILED, 'a');
    world.log.gate.close();
    world.log.failures = 1;
    const setting = world.fleet.admin.setProvider(uuid, TRUE, 'a');
    const refused = expect(setting).rejects.toMatchObject({ code: 'storage' });
    // Its turn comes in a later turn of the event loop.
    await world.log.gate.arrived(2);
    const event = world.send(sequence('boot', 'START'));
    world.log.gate.open();
    await refused;
    await event;
    expect(short(world)).toEqual([
      'ProviderSet False',
      'TalosConfigLoaded True',
      'TalosConfigValidated True',
      'TalosInstalled True',
    ]);
    expect(world.machine().version).toBe(version + 1);
  });
});
