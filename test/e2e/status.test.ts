import { afterAll, beforeAll, expect, it } from 'vitest';
import { machineFields } from '../../src/cli/commands/machine-view.ts';
import { createStyle } from '../../src/cli/text.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { NamespacedMachine } from '../../src/simulate/namespaced-machine.ts';
import { Gateway } from './gateway.ts';

const gateway = new Gateway();
let machine: NamespacedMachine;
let uuid = '';

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  machine = await gateway.machine({ version: '1.13' });
  uuid = (await machine.state()).uuid;
}, 240_000);
afterAll(() => gateway.dispose());

const running = (boot: number) =>
  gateway.until(`boot ${boot} runs`, async () => {
    const { stage, ready, boot: current } = await gateway.client.machine(uuid);
    if (current !== boot || stage !== 'RUNNING' || ready !== true) return false;
    // Nothing more of it is on its way.
    return (await machine.state()).eventsPending === 0;
  });

/** The names in `changed` of each `machine.changed` record, with its boot. */
async function told(): Promise<(readonly [boot: number, changed: readonly string[]])[]> {
  const records = await gateway.records({ machine: uuid, filter: ['*.*.*.machine.changed'] });
  return records.map(({ body }) => [body['boot'] as number, body['changed'] as string[]]);
}

it('a machine that is upgraded, and then loses its power, says so in its status', async () => {
  await machine.start();
  await running(1);
  const first = await gateway.client.machine(uuid);
  expect(first).toMatchObject({ last_reboot: null, config_errors: [], lost_after_upgrade: null, missing_lines: 0 });
  expect(first.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
    'TalosConfigLoaded True',
    'TalosConfigValidated True',
    'TalosInstalled True',
  ]);
  // What changes within a second is told at its end.
  await gateway.until('all that changed is told', async () => {
    const names = new Set((await told()).flatMap(([, changed]) => changed));
    return ['stage', 'ready', 'hostname', 'addresses', 'conditions'].every((name) => names.has(name));
  });

  await machine.reboot({ mode: 'kexec', sequence: 'upgrade' });
  await running(2);
  const upgraded = await gateway.client.machine(uuid);
  expect(upgraded.last_reboot).toMatchObject({ kind: 'upgrade', command: 'kexec' });

  await machine.stop({ abrupt: true });
  await machine.start();
  await running(3);
  const after = await gateway.client.machine(uuid);
  expect(after.last_reboot).toMatchObject({ kind: 'unannounced', command: null });
  const rebooted = await gateway.records({ machine: uuid, filter: ['*.*.*.machine.rebooted'] });
  expect(rebooted.map(({ body }) => body['last_reboot'])).toMatchObject([{ kind: 'upgrade' }, { kind: 'unannounced' }]);
  expect(after).toMatchObject({ boot: 3, hostname: first.hostname, stage_regression: null });
  const text = machineFields(
    after,
    { incumbent: undefined, newcomers: [] },
    // Only what the fields are made with.
    { clock: systemClock, style: createStyle(false) } as Parameters<typeof machineFields>[2],
  );
  expect(text).toMatch(/^stage {2,}RUNNING, ready, for \d+s$/m);
  expect(text).toMatch(/^last reboot {2,}\S+ \(\d+s ago\): unannounced: power loss/m);

  // What is known is known to the next daemon too, after a kill.
  await gateway.end('SIGKILL');
  await gateway.start();
  const restarted = await gateway.client.machine(uuid);
  for (const name of ['stage', 'ready', 'hostname', 'addresses', 'conditions', 'last_reboot', 'boot'] as const) {
    expect(restarted[name]).toEqual(after[name]);
  }
}, 240_000);
