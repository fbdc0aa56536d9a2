import { randomUUID } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { machineViewJson } from '../../src/fleet/view.ts';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

// A gateway and its machines went down together, and both are back: each machine comes with a new key, and the device that
// was made anew has the former ones as peers whose place nobody knows.

afterEach(closeGateways);

const POWER_OFF = { message: 'RestartEvent', cmd: 0x4321fedcn } as const;

async function joined(gateway: Gateway) {
  const call = { uuid: randomUUID(), key: newKey() };
  const { address } = await gateway.provision(call);
  return { ...call, address };
}

it('a boot that told its end is asked for 2 s, and its silence counts though its peer was made anew', async () => {
  const before = await Gateway.start();
  const { uuid, key, address } = await joined(before);
  before.statuses.fold(before.at(address), 1, POWER_OFF);
  const machine = before.at(address);
  await before.log.commit({ ops: [before.statuses.op(machine.id)], records: [] });
  const gateway = await before.restart();
  gateway.links.unknown.set(key, 135_000);
  expect((await gateway.provision({ uuid })).address).toBe(address);
  expect(gateway.links.probes).toEqual([{ peer: { publicKey: key, address }, withinMs: 2_000, ended: true }]);
  // That was the end of that boot, and says nothing of this one.
  await gateway.provision({ uuid });
  expect(gateway.links.probes.at(-1)).toMatchObject({ withinMs: 12_000, ended: false });
});

it('one that told its end and answers all the same keeps its place', async () => {
  const gateway = await Gateway.start();
  const { uuid, key, address } = await joined(gateway);
  gateway.statuses.fold(gateway.at(address), 1, POWER_OFF);
  gateway.links.alive.add(key);
  expect((await gateway.provision({ uuid })).address).not.toBe(address);
  expect(gateway.at(address).key).toBe(key);
});

it('one that began another sequence after that goes on', async () => {
  const gateway = await Gateway.start();
  const { uuid, address } = await joined(gateway);
  gateway.statuses.fold(gateway.at(address), 1, POWER_OFF);
  const sequence = { message: 'SequenceEvent', sequence: 'boot', action: 'START', error: null } as const;
  gateway.statuses.fold(gateway.at(address), 1, sequence);
  await gateway.provision({ uuid });
  expect(gateway.links.probes.at(-1)).toMatchObject({ withinMs: 12_000, ended: false });
});

it('while a machine is asked, its view says so; afterwards it does not', async () => {
  const gateway = await Gateway.start();
  const { uuid, address } = await joined(gateway);
  const view = () => machineViewJson(gateway.fleet.machines.view(gateway.at(address)));
  const now = gateway.clock.now();
  gateway.links.gate.close();
  const coming = gateway.provision({ uuid });
  await vi.waitFor(() => expect(gateway.links.probes).toHaveLength(1));
  expect(view().join_wait).toEqual({
    since: new Date(now).toISOString(),
    until: new Date(now + 12_000).toISOString(),
    reason: 'asked',
    source: '127.0.0.1',
  });
  gateway.links.gate.open();
  await coming;
  expect(view().join_wait).toBeNull();
  expect(gateway.logged.join('')).not.toContain('waits');
});

it('where its peer was made anew, view and log say why nothing happens and for how long, until it is known', async () => {
  const gateway = await Gateway.start();
  const { uuid, key, address } = await joined(gateway);
  const view = () => machineViewJson(gateway.fleet.machines.view(gateway.at(address)));
  const began = gateway.clock.now();
  gateway.links.unknown.set(key, 135_000);
  const away = { code: 14, message: 'not possible now, try again' };
  expect(await gateway.refusal({ uuid })).toEqual(away);
  expect(view().join_wait).toMatchObject({ reason: 'made_anew', until: new Date(began + 135_000).toISOString() });
  const [waits, failed] = gateway.logged.slice(-2).map((line) => JSON.parse(line));
  expect(waits).toMatchObject({ level: 'warn', uuid, seconds: 135, source: '127.0.0.1' });
  expect(failed.error).toBe('it is not known whether the machine of this UUID answers: its peer was made anew');

  gateway.clock.advance(60_000);
  gateway.links.unknown.set(key, 75_000);
  expect(await gateway.refusal({ uuid })).toEqual(away);
  // It waits since its first call, not since its last one.
  const times = { since: new Date(began).toISOString(), until: new Date(began + 135_000).toISOString() };
  expect(view().join_wait).toMatchObject(times);
  gateway.clock.advance(75_000);
  gateway.links.unknown.clear();
  expect((await gateway.provision({ uuid })).address).toBe(address);
  expect(view().join_wait).toBeNull();
});

it('a newcomer that does not come back waits no more', async () => {
  const gateway = await Gateway.start();
  const { uuid, key, address } = await joined(gateway);
  gateway.links.unknown.set(key, 135_000);
  await gateway.refusal({ uuid });
  const waits = () => gateway.fleet.machines.view(gateway.at(address)).joinWait !== null;
  gateway.clock.advance(135_000 + 90_000);
  expect(waits()).toBe(true);
  gateway.clock.advance(1);
  expect(waits()).toBe(false);
});
