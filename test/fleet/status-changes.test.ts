import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineEvent } from '../../src/domain/event.ts';
import { address, configError, restart, sequence, service, stage } from '../domain/status-events.ts';
import { statusWorld } from './status-world.ts';

const SECOND = 1_000;

/** Lets what was begun be stored. */
const settled = async ({ log }: { readonly log: { flush(): Promise<void> } }) => {
  await log.flush();
  await new Promise((resolve) => setImmediate(resolve));
};

describe('machine.changed', () => {
  it('comes with the event that changed something, in its commit, with the view and what is different', async () => {
    const world = statusWorld();
    await world.send(stage('RUNNING', true));
    expect(world.log.changes.map(({ ops, records }) => [ops.length, ...records.map(({ detail }) => detail)])).toEqual([
      [1, 'MachineStatusEvent', 'changed'],
    ]);
    // What is in memory alone is in the view alone.
    const { server_uuid: _, last_refusal: __, join_wait: ___, ...view } = world.view();
    expect(world.told()).toEqual([{ ...view, by: 'machine', changed: ['ready', 'stage'] }]);
  });

  it('does not come with a service, a heartbeat, or what says nothing new', async () => {
    const world = statusWorld();
    await world.send(address('a', '192.0.2.1'));
    world.clock.advance(SECOND);
    await world.send(address('a', '192.0.2.1'));
    await world.send(service('apid', 'RUNNING', true));
    await world.send({ message: 'TaskEvent', task: 't', action: 'START' });
    expect(world.told().map(({ changed }) => changed)).toEqual([['addresses', 'hostname']]);
    expect(world.clock.waiting).toBe(0);
  });

  it('is told once a second at most, and the last of it always', async () => {
    const world = statusWorld();
    for (let i = 0; i < 50; i += 1) {
      await world.send(stage(i % 2 === 0 ? 'BOOTING' : 'RUNNING', i % 2 === 1));
      world.clock.advance(100);
      await settled(world);
    }
    await world.send(configError('no disk'));
    world.clock.advance(SECOND);
    await settled(world);
    const told = world.told();
    expect(told.length).toBeLessThanOrEqual(7);
    expect(told.at(-1)).toMatchObject({ stage: 'RUNNING', ready: true, config_errors: [{ message: 'no disk' }] });
    world.clock.advance(60 * SECOND);
    await settled(world);
    expect(world.told().length).toBe(told.length);
  });

  it('is told after an event that could not be stored and came again', async () => {
    const world = statusWorld();
    world.log.failures = 1;
    await expect(world.send(stage('RUNNING', true))).rejects.toMatchObject({ code: 'storage' });
    await world.send(stage('RUNNING', true));
    world.clock.advance(5 * SECOND);
    await settled(world);
    expect(world.told().map(({ changed }) => changed)).toEqual([['ready', 'stage']]);
  });

  it('is tried again when it could not be stored by itself, and said', async () => {
    const world = statusWorld();
    await world.send(stage('BOOTING'));
    await world.send(stage('RUNNING', true));
    world.log.failures = 1;
    world.clock.advance(SECOND);
    await settled(world);
    expect(world.told()).toHaveLength(1);
    expect(world.logged.join()).toContain('what changed of a machine could not be stored');
    world.clock.advance(5 * SECOND);
    await settled(world);
    expect(world.told()[1]).toMatchObject({ stage: 'RUNNING', changed: ['ready', 'stage'] });
  });

  it('survives a crash before it is told', async () => {
    const world = statusWorld();
    await world.send(stage('BOOTING'));
    await world.send(stage('RUNNING', true));
    const next = world.restarted();
    next.clock.advance(SECOND);
    await settled(next);
    expect(next.told()).toMatchObject([{ stage: 'RUNNING', changed: ['ready', 'stage'] }]);
    next.restarted().clock.advance(SECOND);
    expect(next.restarted().told()).toEqual([]);
  });

  it('says that the Talos version is another one, once', async () => {
    const world = statusWorld();
    await world.reboot({ talosVersion: 'v1.13.0' });
    await settled(world);
    world.clock.advance(SECOND);
    await world.reboot({ talosVersion: 'v1.13.0' });
    expect(world.told().map(({ changed }) => changed)).toEqual([['talos_version']]);
    const next = statusWorld([{}, {}]);
    await next.reboot({}, 2);
    expect(next.told(2)).toEqual([]);
  });

  it('says of nothing that only its reboot changed: machine.rebooted has', async () => {
    const world = statusWorld();
    await world.send(stage('RUNNING', true));
    await world.send(sequence('upgrade', 'START'));
    world.clock.advance(SECOND);
    await settled(world);
    world.log.changes.splice(0);
    await world.reboot();
    await settled(world);
    expect(world.told()).toEqual([]);
    expect(world.view()).toMatchObject({ boot: 2, stage: null, sequence: null, last_reboot: { kind: 'upgrade' } });
    // The end of the former boot is read after the new one began.
    await world.send(restart(0x45584543n), { boot: 1 });
    expect(world.told()).toMatchObject([
      { boot: 2, last_reboot: { kind: 'upgrade', command: 'kexec' }, changed: ['last_reboot'] },
    ]);
  });

  it('is not told of a machine that was removed', async () => {
    const world = statusWorld();
    await world.send(stage('BOOTING'));
    await world.send(stage('RUNNING', true));
    await world.fleet.admin.remove(world.machine().uuid, { records: true }, 'ann');
    world.clock.advance(SECOND);
    await world.changes.stop();
    expect(world.told()).toHaveLength(1);
  });

  it('stops with everything told, and with when each was seen last', async () => {
    const world = statusWorld([{}, {}]);
    await world.send(stage('BOOTING'));
    await world.send(stage('RUNNING', true));
    world.clock.advance(500);
    world.statuses.touch(2);
    await world.changes.stop();
    await world.changes.stop();
    expect(world.told().at(-1)).toMatchObject({ stage: 'RUNNING' });
    const next = world.restarted();
    expect(next.view(2).last_seen).toBe(new Date(world.clock.now()).toISOString());
    expect(next.view(2).first_seen).toBe(next.view(2).last_seen);
    expect(world.clock.waiting).toBe(0);
  });

  const anyEvent: fc.Arbitrary<MachineEvent> = fc.oneof(
    fc.tuple(fc.constantFrom('BOOTING', 'RUNNING', 'REBOOTING'), fc.boolean()).map(([name, ok]) => stage(name, ok)),
    fc.constantFrom('a', 'b').map((name) => address(name, '192.0.2.1')),
    fc.constantFrom('boot', 'upgrade', 'reset').map((name) => sequence(name, 'START')),
    fc.constant(configError('no disk')),
  );
  const anyStep = fc.oneof(
    { weight: 6, arbitrary: anyEvent.map((event) => ({ kind: 'event' as const, event })) },
    { weight: 3, arbitrary: fc.constantFrom(10, 300, 1_000, 6_000).map((ms) => ({ kind: 'wait' as const, ms })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'fail' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'reboot' as const }) },
  );

  it('ends with what is, whatever comes, fails and crashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 30 }), async (steps) => {
        let world = statusWorld();
        const records: { at: number; body: Record<string, unknown> }[] = [];
        const take = () => {
          for (const body of world.told()) records.push({ at: world.clock.now(), body });
          world.log.changes.splice(0);
        };
        for (const step of steps) {
          if (step.kind === 'event') {
            // A machine sends again what was not answered.
            await world.send(step.event).catch(() => world.send(step.event));
          } else if (step.kind === 'wait') {
            world.clock.advance(step.ms);
          } else if (step.kind === 'fail') {
            world.log.failures = 1;
          } else if (step.kind === 'reboot') {
            world.log.failures = 0;
            await world.reboot();
          } else {
            await settled(world);
            take();
            world = world.restarted();
          }
          await settled(world);
          take();
        }
        world.log.failures = 0;
        for (let i = 0; i < 3; i += 1) {
          world.clock.advance(6_000);
          await settled(world);
        }
        take();
        // Of a boot that said nothing only `machine.rebooted` tells.
        const last = records.findLast(({ body }) => body['boot'] === world.machine().boot)?.body;
        const now = world.view();
        if (last === undefined) {
          expect(now.stage).toBe(null);
          return;
        }
        for (const name of ['stage', 'ready', 'hostname', 'conditions', 'config_errors', 'last_reboot'] as const) {
          expect(last[name]).toEqual(now[name]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
