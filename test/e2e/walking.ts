import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Machine } from '../../src/client/api.ts';
import { META_UNIQUE_TOKEN } from '../../src/domain/token-write.ts';
import { newKey } from '../fleet/fakes.ts';
import type { Caller } from './caller.ts';
import type { Gateway } from './gateway.ts';

/** The identities that were made for whoever asked with this UUID. */
export async function madeFor({ client }: Gateway, asked: string): Promise<Machine[]> {
  const found: Machine[] = [];
  for await (const machine of client.machines()) if (machine.made_for === asked) found.push(machine);
  return found;
}

/** The details of a machine's `machine` records, oldest first, but for what the machine itself told of its state. */
export async function told(gateway: Gateway, uuid: string): Promise<readonly string[]> {
  const records = await gateway.records({ machine: uuid, filter: ['*.*.*.machine.>'] });
  return records.filter(({ body }) => body['by'] !== 'machine').map(({ subject }) => subject.split('.').at(-1) ?? '');
}

/** A META that a machine brings from before. */
export function token(text: string): ReadonlyMap<number, string> {
  return new Map([[META_UNIQUE_TOKEN, text]]);
}

/** Boots a machine that has no link so often: one peer, one address, a boot each. */
export async function expectManyBoots(
  gateway: Gateway,
  caller: Caller,
  uniqueToken: string,
  count: number,
): Promise<void> {
  const uuid = randomUUID();
  const keys = Array.from({ length: count }, newKey);
  const addresses = new Set<string>();
  for (const key of keys) addresses.add((await caller.provision({ uuid, key, uniqueToken })).address);
  expect(addresses.size).toBe(1);
  const [address] = addresses;
  const peers = await gateway.peers();
  expect(keys.filter((key) => peers.has(key))).toEqual([keys.at(-1)]);
  expect(peers.get(keys.at(-1) ?? '')?.allowedIps).toEqual([`${address}/128`]);
  expect(await gateway.client.machine(uuid)).toMatchObject({
    boot: count,
    unique_token: uniqueToken === '' ? 'none' : 'proven',
  });
  const boots = await gateway.client.boots(uuid);
  expect(boots.map(({ public_key }) => public_key)).toEqual(keys.toReversed().slice(0, boots.length));
  expect((await told(gateway, uuid)).filter((detail) => detail === 'rebooted')).toHaveLength(count - 1);
}
