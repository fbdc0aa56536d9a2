import { randomUUID } from 'node:crypto';
import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stateFiles } from '../../src/daemon/state-dir.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import { META_UNIQUE_TOKEN } from '../../src/domain/token-write.ts';
import { newKey } from '../fleet/fakes.ts';
import type { Caller } from './caller.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { token } from './walking.ts';

// The walks of DESIGN section 6 in which it is us who are not what we were.

const gateway = new Gateway();
let caller: Caller;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  caller = await gateway.caller();
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

it('the private key is another one: the same call gets the new key and the old address', async () => {
  const call = { uuid: randomUUID(), key: newKey() };
  const before = await caller.provision(call);
  await gateway.end('SIGTERM');
  writeFileSync(stateFiles(gateway.stateDir).privateKey, PrivateKey.generate().reveal());
  await gateway.start();
  const after = await caller.provision(call);
  expect(after).toEqual({ ...before, serverKey: (await gateway.client.status()).wireguard.public_key });
  expect(after.serverKey).not.toBe(before.serverKey);
  expect((await gateway.client.machine(call.uuid)).boot).toBe(1);
}, 240_000);

it('the database is restored, and machines have booted since: they keep their addresses', async () => {
  const guests = await Promise.all([Guest.create(gateway), Guest.create(gateway, { meta: token('kept') })]);
  const addresses = await Promise.all(guests.map((guest) => guest.on()));
  // With the link goes where the machine was: asked there, it shows that it is gone.
  for (const { uuid } of guests) {
    await gateway.until('its link is told', async () => {
      return (await gateway.records({ machine: uuid, filter: ['*.*.*.link.up'] })).length > 0;
    });
  }
  await gateway.end('SIGTERM');
  cpSync(gateway.stateDir, `${gateway.stateDir}.copy`, { recursive: true });
  await gateway.start();
  expect(await Promise.all(guests.map((guest) => guest.reboot({ abrupt: true })))).toEqual(addresses);
  await gateway.end('SIGTERM');
  rmSync(gateway.stateDir, { recursive: true });
  renameSync(`${gateway.stateDir}.copy`, gateway.stateDir);
  await gateway.start();

  // The device had keys of which the database knows nothing.
  const former = await Promise.all(guests.map(({ uuid }) => gateway.client.machine(uuid)));
  const peers = await gateway.peers();
  expect(former.map(({ public_key }) => peers.get(public_key ?? '')?.allowedIps)).toEqual(
    addresses.map((address) => [`${address}/128`]),
  );
  // What each of them calls with when it misses us, 275 s after its last handshake: walks.long.ts waits for that.
  for (const [index, { uuid, machine }] of guests.entries()) {
    const key = (await machine.state()).publicKey ?? '';
    const uniqueToken = (await machine.meta()).get(META_UNIQUE_TOKEN) ?? '';
    expect((await caller.provision({ uuid, key, uniqueToken })).address).toBe(addresses[index]);
    expect(await gateway.client.machine(uuid)).toMatchObject({
      boot: 2,
      public_key: key,
      unique_token: uniqueToken === '' ? 'none' : 'proven',
    });
  }
}, 240_000);
