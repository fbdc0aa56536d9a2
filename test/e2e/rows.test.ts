import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamespacedMachine } from '../../src/simulate/namespaced-machine.ts';
import { newKey } from '../fleet/fakes.ts';
import { type Caller, UNAUTHORIZED } from './caller.ts';
import { devices, refusals, refused, written } from './door.ts';
import { Gateway } from './gateway.ts';
import { madeFor } from './walking.ts';

// The table of DESIGN section 6, row by row, over the wire: a caller with any key, UUID and tokens, the real daemon and
// its WireGuard device. Rows and limits of other policies are in rows-policies.test.ts. Where a row asks whether the present machine answers, that is a simulated machine with a link.

const gateway = new Gateway();
let caller: Caller;
/** It is on all the time. */
let linked: NamespacedMachine;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  caller = await gateway.caller();
  linked = await gateway.machine({ quiet: true });
  await linked.start();
  const { uuid } = await linked.state();
  await gateway.until('a machine has its link, and nothing more to say', async () => {
    const told = await gateway.records({ machine: uuid, filter: ['*.*.*.link.up'] });
    return told.length > 0 && (await linked.state()).eventsPending === 0;
  });
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

async function conflictsOf(uuid: string): Promise<readonly Record<string, unknown>[]> {
  const records = await gateway.records({ machine: uuid, filter: ['*.*.*.machine.conflict'] });
  return records.map(({ body }) => body['newcomer'] as Record<string, unknown>);
}

describe('row 1: what is no call', () => {
  it.each([
    ['a key that is none', { key: 'not a key' }],
    ['a key of zeros', { key: Buffer.alloc(32).toString('base64') }],
    ['no key', { key: '' }],
    ['a UUID of 65 bytes', { uuid: 'a'.repeat(65) }],
  ])('%s: INVALID_ARGUMENT, and nothing is written', async (_, call) => {
    const before = await written(gateway);
    const answer = await caller.refusal({ uuid: randomUUID(), ...call });
    expect(answer.code).toBe(status.INVALID_ARGUMENT);
    expect(answer.message).toMatch(/key|UUID|uuid/);
    expect(await written(gateway)).toEqual(before);
  });

  it('is counted', async () => {
    expect((await gateway.metrics()).get('siderolinkd_join_failed_total{code="invalid_argument"}')).toBe(4);
  });
});

describe('row 2: nothing vouches for the caller', () => {
  it('a stranger without a token, with a wrong one, with a unique token of his own', async () => {
    const [before, count] = [await written(gateway), await refused(gateway, 'unauthorized')];
    const [, secret = ''] = gateway.token.split('.');
    for (const call of [
      { joinToken: null },
      { joinToken: 'wrong' },
      { joinToken: `${gateway.token}x` },
      { joinToken: `nobody.${secret}` },
      { joinToken: null, uniqueToken: 'nobody knows it' },
    ]) {
      expect(await caller.refusal({ uuid: randomUUID(), ...call })).toEqual(UNAUTHORIZED);
    }
    expect(await written(gateway)).toEqual(before);
    expect(await refused(gateway, 'unauthorized')).toBe(count + 5);
    // All who are unknown share one line a minute.
    expect(refusals(gateway, null)).toEqual([[2, 'unauthorized']]);
  });

  it('a token that is revoked, expired, used up or bound to another machine', async () => {
    const { client } = gateway;
    const revoked = await client.createToken({});
    await client.revokeToken(revoked.id);
    const once = await client.createToken({ max_uses: 1 });
    await caller.join({ joinToken: once.secret });
    const bound = await client.createToken({ node_uuid: randomUUID() });
    const expired = await client.createToken({ expires_at: new Date(Date.now() + 5_000).toISOString() });
    await gateway.until('it is expired', async () => (await client.token(expired.id)).state === 'expired');
    const before = await written(gateway);
    for (const { secret } of [revoked, once, bound, expired]) {
      expect(await caller.refusal({ uuid: randomUUID(), joinToken: secret })).toEqual(UNAUTHORIZED);
    }
    expect(await written(gateway)).toEqual(before);
  });

  it('a known UUID and key without a token; the log names the machine', async () => {
    const machine = await caller.join();
    const before = await written(gateway);
    expect(await caller.refusal({ ...machine, joinToken: null })).toEqual(UNAUTHORIZED);
    expect(await caller.refusal({ ...machine, joinToken: null })).toEqual(UNAUTHORIZED);
    expect(await written(gateway)).toEqual(before);
    expect(refusals(gateway, machine.uuid)).toEqual([[2, 'unauthorized']]);
  });

  it('any token but the one that is bound to the machine', async () => {
    const uuid = randomUUID();
    const bound = await gateway.client.createToken({ node_uuid: uuid });
    expect(await caller.refusal({ uuid })).toEqual(UNAUTHORIZED);
    await caller.join({ uuid, joinToken: bound.secret });
  });

  it('a token of another tenant', async () => {
    const [a, b] = [await gateway.client.createToken({ owner: 'a' }), await gateway.client.createToken({ owner: 'b' })];
    const { uuid } = await caller.join({ joinToken: a.secret });
    expect(await caller.refusal({ uuid, joinToken: b.secret })).toEqual(UNAUTHORIZED);
    expect((await gateway.client.machine(uuid)).owner).toBe('a');
  });
});

describe('row 3: who was put out', () => {
  it.each(['removed', 'rejected'] as const)('%s: refused with whatever it sends', async (reason) => {
    const { uuid, key } = await caller.join({ uniqueToken: 'its own' });
    await (reason === 'removed' ? gateway.client.removeMachine(uuid) : gateway.client.rejectMachine(uuid));
    const [before, count] = [await written(gateway), await refused(gateway, reason)];
    expect(await caller.refusal({ uuid, key, uniqueToken: 'its own' })).toEqual(UNAUTHORIZED);
    expect(await caller.refusal({ uuid })).toEqual(UNAUTHORIZED);
    expect(await written(gateway)).toEqual(before);
    expect(await refused(gateway, reason)).toBe(count + 2);
    expect(refusals(gateway, uuid)).toEqual([[3, reason]]);
    expect((await gateway.peers()).has(key)).toBe(false);
  });
});

describe('row 4: a Talos that has no unique tokens', () => {
  it('FAILED_PRECONDITION, and it is told why', async () => {
    const call = { uuid: randomUUID(), uniqueToken: null, version: null };
    const [before, count] = [await written(gateway), await refused(gateway, 'too_old')];
    const answer = await caller.refusal(call);
    expect(answer).toEqual({ code: status.FAILED_PRECONDITION, message: expect.stringMatching(/Talos 1\.6/) });
    expect(await caller.refusal({ ...call, joinToken: 'wrong' })).toEqual(UNAUTHORIZED);
    expect(await written(gateway)).toEqual(before);
    expect(await refused(gateway, 'too_old')).toBe(count + 1);
  });
});

describe('row 5: the same boot again', () => {
  it('the same answer; nothing is stored', async () => {
    const machine = await caller.join();
    const before = await written(gateway);
    const answers = await Promise.all(Array.from({ length: 10 }, () => caller.provision(machine)));
    expect(new Set(answers.map(({ address }) => address))).toEqual(new Set([machine.address]));
    expect(await written(gateway)).toEqual(before);
  });

  it('a unique token that it did not get from us is not kept: somebody else may have sent it', async () => {
    const machine = await caller.join();
    const before = await written(gateway);
    for (let call = 0; call < 3; call += 1) {
      expect(await caller.provision({ ...machine, uniqueToken: 'planted' })).toMatchObject({
        address: machine.address,
      });
    }
    expect(await written(gateway)).toEqual(before);
    expect((await gateway.client.machine(machine.uuid)).unique_token).toBe('none');
    expect(await caller.refusal({ uuid: machine.uuid, uniqueToken: 'planted', joinToken: null })).toEqual(UNAUTHORIZED);
    // The next boot brings it along, and a join token: then it is the machine's.
    await caller.join({ uuid: machine.uuid, uniqueToken: 'planted' });
    expect((await gateway.client.machine(machine.uuid)).unique_token).toBe('bound');
  });

  it('the device has the key with exactly its address before the answer comes', async () => {
    const machine = await caller.join();
    expect((await gateway.peers()).get(machine.key)?.allowedIps).toEqual([`${machine.address}/128`]);
  });
});

describe('row 6: the key of another machine', () => {
  it('is refused, also a key that it had before; the machine whose it is gets a conflict record', async () => {
    const uuid = randomUUID();
    const [first, second] = [newKey(), newKey()];
    await caller.join({ uuid, key: first });
    await caller.join({ uuid, key: second });
    const other = await caller.join();
    const count = await refused(gateway, 'foreign_key');
    const before = await devices(gateway);
    expect(await caller.refusal({ uuid: randomUUID(), key: second })).toEqual(UNAUTHORIZED);
    expect(await caller.refusal({ uuid: other.uuid, key: second })).toEqual(UNAUTHORIZED);
    expect(await caller.refusal({ uuid: other.uuid, key: first })).toEqual(UNAUTHORIZED);
    expect(await refused(gateway, 'foreign_key')).toBe(count + 3);
    expect(await devices(gateway)).toEqual(before);
    await gateway.until('they are recorded', async () => (await conflictsOf(uuid)).length === 2);
    // One an hour for a machine and a key.
    expect(await conflictsOf(uuid)).toEqual(
      [second, first].map((key) => expect.objectContaining({ public_key: key, reason: 'foreign_key' })),
    );
    expect(await conflictsOf(other.uuid)).toEqual([]);
  });
});

describe('row 8: a UUID that is none', () => {
  it.each([
    ['none', ''],
    ['zeros', '00000000-0000-0000-0000-000000000000'],
    ['all f', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
    ['a vendor’s constant', '03000200-0400-0500-0006-000700080009'],
    ['no UUID at all', 'To be filled by O.E.M.'],
  ])('%s: each machine gets an identity of its own', async (_, uuid) => {
    const asked = uuid.toLowerCase();
    const keys = [newKey(), newKey()];
    const answers = [];
    for (const key of keys) answers.push((await caller.provision({ uuid, key })).address);
    expect(new Set(answers).size).toBe(2);
    const made = await madeFor(gateway, asked);
    expect(made.map(({ address }) => address).sort()).toEqual([...answers].sort());
    for (const machine of made) {
      expect(machine.server_uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
      expect((await gateway.peers()).get(machine.public_key ?? '')?.allowedIps).toEqual([`${machine.address}/128`]);
    }
    // The same boot again is row 5.
    expect((await caller.provision({ uuid, key: keys[0] ?? '' })).address).toBe(answers[0]);
  });
});

describe('row 9: a new machine', () => {
  it('is accepted, with an address, and its records say so', async () => {
    const machine = await caller.join({ uuid: randomUUID().toUpperCase() });
    const uuid = machine.uuid.toLowerCase();
    expect(await gateway.client.machine(uuid)).toMatchObject({ state: 'accepted', boot: 1, unique_token: 'none' });
    const told = (await gateway.records({ machine: uuid })).map(({ subject }) => subject.split('.').slice(3).join('.'));
    expect(told).toEqual(['machine.discovered', 'machine.accepted', 'link.provisioned']);
  });

  it('keeps the unique token that came', async () => {
    const { uuid } = await caller.join({ uniqueToken: 'from its configuration' });
    expect((await gateway.client.machine(uuid)).unique_token).toBe('bound');
  });
});

describe('row 10: the machine is there', () => {
  it('it answers: the newcomer is another, and the machine keeps everything', async () => {
    const { uuid, address, publicKey } = await linked.state();
    const key = newKey();
    const newcomer = await caller.provision({ uuid, key });
    expect(newcomer.address).not.toBe(address);
    const [made] = await madeFor(gateway, uuid);
    expect(made).toMatchObject({ state: 'provisional', address: newcomer.address, public_key: key });
    expect(await gateway.client.machine(uuid)).toMatchObject({ address, public_key: publicKey, boot: 1 });
    await gateway.until('it is recorded', async () => (await conflictsOf(uuid)).length === 1);
    expect(await conflictsOf(uuid)).toEqual([
      expect.objectContaining({ asked: uuid, public_key: key, uuid: made?.server_uuid, reason: 'provisional' }),
    ]);
  });
});

// A peer that was made a moment ago is given 6 s for its first handshake, 2 s where the unique token is its own.
describe('rows 10 to 13: another boot of a machine that is away', { concurrent: true, timeout: 240_000 }, () => {
  it('10: a key that it had before: someone has a copy, whether it answers or not', async () => {
    const uuid = randomUUID();
    const former = await caller.join({ uuid, uniqueToken: 'copied' });
    const now = await caller.join({ uuid, uniqueToken: 'copied' });
    expect(now.address).toBe(former.address);
    const newcomer = await caller.provision({ uuid, key: former.key, uniqueToken: 'copied' });
    expect(newcomer.address).not.toBe(now.address);
    expect(await madeFor(gateway, uuid)).toEqual([
      expect.objectContaining({ address: newcomer.address, public_key: former.key, unique_token: 'none' }),
    ]);
    expect(await gateway.client.machine(uuid)).toMatchObject({ public_key: now.key, boot: 2 });
    const peers = await gateway.peers();
    expect(peers.get(now.key)?.allowedIps).toEqual([`${now.address}/128`]);
    expect(peers.get(former.key)?.allowedIps).toEqual([`${newcomer.address}/128`]);
    await gateway.until('it is recorded', async () => (await conflictsOf(uuid)).length === 1);
  });

  it('11: with its unique token, also without a join token; proven by the new key', async () => {
    const uuid = randomUUID();
    const first = await caller.join({ uuid, uniqueToken: 'its own' });
    const second = await caller.join({ uuid, uniqueToken: 'its own', joinToken: null });
    expect(second.address).toBe(first.address);
    expect(await gateway.client.machine(uuid)).toMatchObject({
      unique_token: 'proven',
      boot: 2,
      public_key: second.key,
    });
    const peers = await gateway.peers();
    expect(peers.has(first.key)).toBe(false);
    expect(peers.get(second.key)?.allowedIps).toEqual([`${first.address}/128`]);
  });

  it('12: without one, or with another, while its own is not proven', async () => {
    const uuid = randomUUID();
    const { address } = await caller.join({ uuid, uniqueToken: 'in memory' });
    const states: string[] = [];
    for (const uniqueToken of ['', 'another', '']) {
      expect((await caller.join({ uuid, uniqueToken })).address).toBe(address);
      states.push((await gateway.client.machine(uuid)).unique_token);
    }
    expect(states).toEqual(['none', 'bound', 'none']);
  });

  it('13: a proven one is missing or another: refused until it is reset', async () => {
    const uuid = randomUUID();
    const { address } = await caller.join({ uuid, uniqueToken: 'its own' });
    const { key } = await caller.join({ uuid, uniqueToken: 'its own' });
    const kept = async () => {
      const { last_refusal: _, ...view } = await gateway.client.machine(uuid);
      return [view, await gateway.records({ machine: uuid })];
    };
    const [before, count] = [await kept(), await refused(gateway, 'unique_token')];
    for (const uniqueToken of ['', 'another']) {
      expect(await caller.refusal({ uuid, uniqueToken })).toEqual(UNAUTHORIZED);
    }
    expect(await kept()).toEqual(before);
    const { last_refusal } = await gateway.client.machine(uuid);
    expect(last_refusal).toMatchObject({ reason: 'unique_token', count: 2 });
    expect(await refused(gateway, 'unique_token')).toBe(count + 2);
    expect(refusals(gateway, uuid)).toEqual([[13, 'unique_token']]);
    expect((await gateway.peers()).get(key)?.allowedIps).toEqual([`${address}/128`]);
    await gateway.client.resetMachineToken(uuid);
    expect((await caller.join({ uuid })).address).toBe(address);
  });
});
