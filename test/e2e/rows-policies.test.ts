import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Caller, UNAUTHORIZED } from './caller.ts';
import { refusals, refused, written } from './door.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { madeFor } from './walking.ts';

// The rows of the table that other policies and limits open, each after a restart with that configuration; a machine that
// has its link goes on through all of it.

const gateway = new Gateway();
let caller: Caller;
let linked: Guest;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  caller = await gateway.caller();
  linked = await Guest.create(gateway);
  await linked.on();
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

async function restart(settings: Readonly<Record<string, string>>): Promise<void> {
  expect(await gateway.end('SIGTERM')).toBe(0);
  await gateway.start(settings);
}

it('row 7: known: only machines that are known; who has joined goes on', async () => {
  const { uuid, address } = await caller.join();
  const known = randomUUID();
  await restart({ 'join.policy': 'known' });
  await gateway.client.registerMachine(known);
  const before = await written(gateway);
  expect(await caller.refusal({ uuid: randomUUID() })).toEqual(UNAUTHORIZED);
  expect(await caller.refusal({ uuid: '' })).toEqual(UNAUTHORIZED);
  expect(await written(gateway)).toEqual(before);
  expect(await refused(gateway, 'not_known')).toBe(2);
  expect(refusals(gateway, null).at(-1)).toEqual([7, 'not_known']);
  expect((await caller.join({ uuid })).address).toBe(address);
  await caller.join({ uuid: known });
  expect((await gateway.client.machine(known)).state).toBe('accepted');
}, 240_000);

it('row 7: where no token is required, NOT_FOUND', async () => {
  await restart({ 'join.policy': 'known', 'join.require_token': 'false' });
  expect(await caller.refusal({ uuid: randomUUID(), joinToken: null })).toEqual({
    code: status.NOT_FOUND,
    message: 'not found',
  });
}, 240_000);

it('row 4: legacy lets a Talos in that knows no unique tokens, and reads one endpoint only', async () => {
  const old = await Guest.create(gateway, { version: '1.5' });
  await old.machine.start();
  await old.refused();
  // There are three machines so far, and none is provisional.
  await restart({
    'join.unique_tokens': 'legacy',
    'join.policy': 'hold',
    'join.max_machines': '5',
    'join.max_provisional': '1',
  });
  const address = await old.linked();
  expect(await gateway.client.machine(old.uuid)).toMatchObject({ state: 'pending', talos_version: null, address });
}, 240_000);

it('rows 8 and 9: over the limits RESOURCE_EXHAUSTED, while those who are in go on', async () => {
  await caller.join({ uuid: '' });
  expect(await caller.refusal({ uuid: '' })).toEqual({
    code: status.RESOURCE_EXHAUSTED,
    message: expect.stringContaining('join.max_provisional'),
  });
  const fifth = await caller.join();
  expect(await caller.refusal({ uuid: randomUUID() })).toEqual({
    code: status.RESOURCE_EXHAUSTED,
    message: expect.stringContaining('join.max_machines'),
  });
  expect(await refused(gateway, 'provisional_limit')).toBe(1);
  expect(await refused(gateway, 'machine_limit')).toBe(1);
  expect(await madeFor(gateway, '')).toHaveLength(1);
  expect((await caller.join({ uuid: fifth.uuid })).address).toBe(fifth.address);
  const { uuid, publicKey } = await linked.state();
  expect(await gateway.client.machine(uuid)).toMatchObject({ boot: 1, public_key: publicKey });
  await linked.machine.log('still here');
  await gateway.until('its link is up', async () => (await gateway.client.machine(uuid)).link.state === 'up');
}, 240_000);
