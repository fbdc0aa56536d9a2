import { expect, it } from 'vitest';
import { Machine } from '../../src/client/api.ts';
import { address, configError, phase, sequence, service, stage, task } from '../domain/status-events.ts';
import { statusWorld } from './status-world.ts';

it('the view of a machine of which everything is known is what the API promises', async () => {
  const world = statusWorld();
  const at = new Date(world.clock.now()).toISOString();
  expect(Machine.strict().parse(world.view())).toEqual(world.view());
  await world.send(stage('RUNNING', true));
  await world.reboot();
  const events = [
    address('a', '192.0.2.1'),
    sequence('boot', 'START'),
    stage('MAINTENANCE'),
    configError('no disk'),
    sequence('install', 'START'),
    phase('install', 'START'),
    task('install', 'START'),
    service('apid', 'RUNNING', true),
  ];
  for (const event of events) await world.send(event);
  world.statuses.setLost(1, { since: world.clock.now(), sequence: 'upgrade' });
  const view = world.view();
  expect(Machine.strict().parse(view)).toEqual(view);
  const time = at.replace('.000Z', 'Z');
  expect(view).toMatchObject({
    boot: 2,
    stage: 'MAINTENANCE',
    stage_since: at,
    sequence: { name: 'install', action: 'START', error: null, since: at },
    phase: 'install',
    tasks: ['install'],
    last_reboot: { at, kind: 'unannounced', command: null },
    stage_regression: { from: 'RUNNING', to: 'MAINTENANCE', since: at },
    config_errors: [{ kind: 'load', message: 'no disk', since: at }],
    conditions: [
      {
        type: 'TalosConfigLoaded',
        status: 'False',
        severity: 'Error',
        reason: 'TalosConfigLoadFailed',
        message: 'no disk',
        last_transition_time: time,
      },
      { type: 'TalosConfigValidated', status: 'True', severity: null, reason: null, message: null },
      {
        type: 'TalosInstalled',
        status: 'False',
        severity: 'Info',
        reason: 'TalosInstallationInProgress',
        message: '',
        last_transition_time: time,
      },
    ],
    lost_after_upgrade: { since: at, sequence: 'upgrade' },
    first_seen: at,
    last_seen: at,
  });
});

it('the view counts the kernel lines of the current boot that are missing', async () => {
  const world = statusWorld();
  const boot = world.boots.current(1);
  expect(world.view().missing_lines).toBe(0);
  for (const seq of [2, 3, 7]) boot?.accept(seq, seq);
  expect(world.view().missing_lines).toBe(5);
  boot?.accept(5, 5);
  expect(world.view().missing_lines).toBe(4);
  // More holes than are kept apart: the first ones are sealed, and their lines are missing as before.
  for (let hole = 0; hole < 100; hole += 1) boot?.accept(9 + 2 * hole, 9 + 2 * hole);
  expect(world.view().missing_lines).toBe(104);
  const row = boot?.checkpoint();
  if (row !== undefined) await world.log.commit({ ops: [row], records: [] });
  expect(world.restarted().view().missing_lines).toBe(104);
  await world.reboot();
  expect(world.view().missing_lines).toBe(0);
  expect(statusWorld([{ state: 'known' }]).view().missing_lines).toBe(null);
});

it('the view has a hint where the link is up for three minutes of a boot, and nothing of that boot came', async () => {
  const world = statusWorld();
  const linked = (key = world.machine().key) => {
    if (key === null) throw new Error('a machine without a key');
    world.links.set(key, { state: 'up', endpoint: '192.0.2.1:51820', lastRx: world.clock.now() });
  };
  await world.send(stage('RUNNING', true));
  await world.clock.advance(60_000);
  await world.reboot();
  await world.clock.advance(179_000);
  linked();
  expect(world.view().link.hint).toBeNull();
  await world.clock.advance(1_000);
  linked();
  expect(world.view().link.hint).toContain('MTU');
  // What it says by either way tells that the path takes it.
  world.boots.current(1)?.accept(0, 0);
  expect(world.view().link.hint).toBeNull();

  await world.reboot();
  await world.clock.advance(180_000);
  linked();
  expect(world.view().link.hint).toContain('MTU');
  await world.send(stage('RUNNING', true));
  expect(world.view().link.hint).toBeNull();
});
