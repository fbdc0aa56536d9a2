import { describe, expect, it } from 'vitest';
import { restart, sequence, stage } from '../domain/status-events.ts';
import { type StatusWorld, statusWorld } from './status-world.ts';

const MINUTE = 60_000;

/** The keeper's looks over so many minutes, two a minute. */
async function pass(world: StatusWorld, minutes: number): Promise<void> {
  for (let i = 0; i < minutes * 2; i += 1) {
    world.clock.advance(MINUTE / 2);
    await world.log.flush();
  }
}

/** A machine that said that it goes, at a time when the keeper looks. */
async function going(sequenceName = 'upgrade'): Promise<StatusWorld> {
  const world = statusWorld();
  world.keeper.start();
  await world.send(sequence(sequenceName, 'START'));
  await world.send(restart(0x01234567n));
  return world;
}

const lost = (world: StatusWorld) => world.view().lost_after_upgrade;
const toldLost = (world: StatusWorld) =>
  world
    .told()
    .filter(({ changed }) => changed.includes('lost_after_upgrade'))
    .map(({ lost_after_upgrade: value, by }) => [value, by]);

describe('a machine that went to another boot', () => {
  it('is lost after 15 minutes of silence, and the stream is told', async () => {
    const world = await going();
    const since = new Date(world.clock.now()).toISOString();
    await pass(world, 15);
    expect(lost(world)).toBe(null);
    await pass(world, 1);
    expect(lost(world)).toEqual({ since, sequence: 'upgrade' });
    expect(toldLost(world)).toEqual([[{ since, sequence: 'upgrade' }, 'time']]);
    expect((await world.metrics.lost.get()).values[0]?.value).toBe(1);
    await pass(world, 60);
    expect(toldLost(world)).toHaveLength(1);
  });

  it.each(['reboot', 'reset', 'install', 'maintenanceUpgrade'])('by %s too', async (name) => {
    const world = await going(name);
    await pass(world, 16);
    expect(lost(world)?.sequence).toBe(name);
  });

  it('and told it only by its stage', async () => {
    const world = statusWorld();
    world.keeper.start();
    await world.send(stage('RESETTING'));
    await pass(world, 16);
    expect(lost(world)?.sequence).toBe('reset');
  });

  it.each([
    ['is running', [sequence('boot', 'START'), stage('RUNNING', true)]],
    ['was shut down', [sequence('shutdown', 'START'), restart(0x4321fedcn)]],
    ['was reset and powered off', [sequence('reset', 'START'), restart(0x4321fedcn)]],
    ['could not be upgraded', [sequence('upgrade', 'START'), sequence('upgrade', 'NOOP', 'no image')]],
  ])('one that %s may be silent for ever', async (_name, events) => {
    const world = statusWorld();
    world.keeper.start();
    for (const event of events) await world.send(event);
    await pass(world, 60);
    expect(lost(world)).toBe(null);
  });

  it.each<[string, (world: StatusWorld) => unknown]>([
    ['an event', (world) => world.send(stage('UPGRADING'))],
    ['a line of its log', (world) => world.statuses.touch(1)],
    ['a packet', (world) => world.links.set(world.machine().key ?? ('' as never), { lastRx: world.clock.now() })],
  ])('is given a whole window more by %s, and found by it', async (_name, sign) => {
    const world = await going();
    await pass(world, 14);
    await sign(world);
    await pass(world, 15);
    expect(lost(world)).toBe(null);
    await pass(world, 2);
    expect(lost(world)).not.toBe(null);
    await sign(world);
    await pass(world, 1);
    expect(lost(world)).toBe(null);
    expect(toldLost(world).map(([value]) => value !== null)).toEqual([true, false]);
    expect((await world.metrics.lost.get()).values[0]?.value).toBe(0);
  });

  it('is found when it joins again', async () => {
    const world = await going();
    await pass(world, 16);
    await world.reboot();
    await world.log.flush();
    expect(toldLost(world).map(([value]) => value !== null)).toEqual([true, false]);
    await pass(world, 60);
    expect(lost(world)).toBe(null);
  });

  it('is not waited for once it is removed or rejected', async () => {
    const world = await going();
    await pass(world, 10);
    await world.fleet.admin.reject(world.machine().uuid, 'ann');
    await pass(world, 20);
    expect(lost(world)).toBe(null);
  });
});

describe('our own clock and restarts', () => {
  it('a restart of ours gives everybody a whole window', async () => {
    const world = await going();
    await pass(world, 14);
    world.keeper.stop();
    const next = world.restarted();
    next.clock.advance(600 * MINUTE);
    next.keeper.start();
    await pass(next, 14);
    expect(lost(next)).toBe(null);
    await pass(next, 2);
    expect(lost(next)).not.toBe(null);
  });

  it('one that was lost before stays so, and is found by its next sign of life', async () => {
    const world = await going();
    await pass(world, 16);
    world.keeper.stop();
    const next = world.restarted();
    next.keeper.start();
    await pass(next, 1);
    expect(lost(next)).toEqual(lost(world));
    expect(toldLost(next)).toEqual([]);
    next.statuses.touch(1);
    await pass(next, 1);
    expect(lost(next)).toBe(null);
    expect(toldLost(next)).toEqual([[null, 'time']]);
  });

  it('a wall clock that is set does not make anybody lost, or found', async () => {
    const world = await going();
    const { clock } = world;
    const now = clock.now.bind(clock);
    clock.now = () => now() + 600 * MINUTE;
    await pass(world, 14);
    expect(lost(world)).toBe(null);
    clock.now = () => now() - 600 * MINUTE;
    world.statuses.touch(1);
    await pass(world, 14);
    expect(lost(world)).toBe(null);
    await pass(world, 2);
    expect(lost(world)).not.toBe(null);
    clock.now = () => now() + 600 * MINUTE;
    await pass(world, 2);
    expect(lost(world)).not.toBe(null);
  });

  it('stops with no timer left', () => {
    const world = statusWorld();
    world.keeper.start();
    world.keeper.stop();
    world.keeper.stop();
    expect(world.clock.waiting).toBe(0);
  });
});
