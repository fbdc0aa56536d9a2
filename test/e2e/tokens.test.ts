import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedJoinToken, NewJoinToken } from '../../src/client/api.ts';
import { newKey } from '../fleet/fakes.ts';
import { type Caller, UNAUTHORIZED } from './caller.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';

// The life of a join token, with calls over the wire and with a machine that has its link by one.

const gateway = new Gateway();
const { client } = gateway;
let caller: Caller;
/** Whatever was shown once. */
const secrets: string[] = [];

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  caller = await gateway.caller();
  secrets.push(gateway.token);
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

const BY = 'admin control socket';

async function create(token: NewJoinToken = {}): Promise<CreatedJoinToken> {
  const created = await client.createToken(token);
  secrets.push(created.secret);
  return created;
}

// Several at a time: a peer that was made a moment ago is given 6 s for its first handshake before another has its place.
describe('a join token', { concurrent: true, timeout: 240_000 }, () => {
  it('confers owner, namespace, cluster and labels at the first join, and never again', async () => {
    const conferred = { owner: 'acme', namespace: 'green', cluster: 'c1', labels: { site: 'north' } };
    const { id, secret } = await create({ name: 'acme', ...conferred });
    const { uuid } = await caller.join({ joinToken: secret });
    const machine = await client.machine(uuid);
    expect(machine).toMatchObject(conferred);
    const records = await gateway.records({ machine: uuid });
    expect(new Set(records.map(({ subject }) => subject.split('.')[1]))).toEqual(new Set(['acme']));
    await client.patchMachine(uuid, { labels: { set: { site: 'south' }, unset: [] } });
    await client.claimMachine(uuid, { owner: 'acme', cluster: 'c2' });
    await caller.join({ uuid, joinToken: secret });
    const after = await client.machine(uuid);
    expect(after).toMatchObject({ owner: 'acme', cluster: 'c2', labels: { site: 'south' }, boot: 2 });
    expect(after.namespace).toBeUndefined();
    const token = await client.token(id);
    expect(token).toMatchObject({ uses: 1, state: 'valid', cuts: 1 });
    expect(Date.parse(token.last_used_at ?? '')).toBeGreaterThanOrEqual(Date.parse(machine.joined_at ?? ''));
  });

  it('of max_uses: as many machines as it says, however many call at once; each of them may boot again', async () => {
    const { id, secret } = await create({ max_uses: 3 });
    const calls = Array.from({ length: 20 }, () => ({ uuid: randomUUID(), key: newKey(), joinToken: secret }));
    const answers = await Promise.all(calls.map((call) => caller.isAdmitted(call)));
    const admitted = calls.filter((_, index) => answers[index]);
    expect(admitted).toHaveLength(3);
    expect(await client.token(id)).toMatchObject({ uses: 3, state: 'used_up' });
    for (const call of calls) {
      if (!admitted.includes(call)) expect(await caller.refusal(call)).toEqual(UNAUTHORIZED);
    }
    await Promise.all(admitted.map((call) => caller.join({ ...call, key: newKey() })));
    expect((await client.token(id)).uses).toBe(3);
  });

  it('bound to a UUID: only that machine, and for its first join only this token', async () => {
    const uuid = randomUUID();
    const [bound, open] = [await create({ node_uuid: uuid }), await create()];
    expect(await caller.refusal({ uuid: randomUUID(), joinToken: bound.secret })).toEqual(UNAUTHORIZED);
    expect(await caller.refusal({ uuid, joinToken: open.secret })).toEqual(UNAUTHORIZED);
    const { address } = await caller.join({ uuid, joinToken: bound.secret });
    expect((await caller.join({ uuid, joinToken: open.secret })).address).toBe(address);
  });

  it('rotated: both admit until the overlap is over, then only the new one', async () => {
    const old = await create({ name: 'site', owner: 'acme', labels: { site: 'north' } });
    const { uuid } = await caller.join({ joinToken: old.secret });
    const fresh = await client.rotateToken(old.id, { overlap: '10s' });
    secrets.push(fresh.secret);
    expect(fresh).toMatchObject({ name: 'site', owner: 'acme', labels: { site: 'north' }, rotates: old.id, uses: 0 });
    await caller.join({ joinToken: old.secret });
    await caller.join({ joinToken: fresh.secret });
    await gateway.until('the overlap is over', async () => (await client.token(old.id)).state === 'expired');
    expect(await caller.refusal({ uuid: randomUUID(), joinToken: old.secret })).toEqual(UNAUTHORIZED);
    expect(await caller.refusal({ uuid, joinToken: old.secret })).toEqual(UNAUTHORIZED);
    await caller.join({ uuid, joinToken: fresh.secret });
  });

  it('revoked: the machines that were named before are cut off, and no other; who has a link keeps it', async () => {
    const { id, secret } = await create();
    const guest = await Guest.create(gateway, { joinToken: secret, quiet: false, linesPerSecond: 20 });
    await guest.on();
    const [bare, again, kept, proven, gone] = await Promise.all(
      ['', '', 'kept', 'proven', ''].map((uniqueToken) => caller.join({ joinToken: secret, uniqueToken })),
    );
    if (bare === undefined || again === undefined || kept === undefined) throw new Error('not joined');
    if (proven === undefined || gone === undefined) throw new Error('not joined');
    await caller.join({ ...proven, key: newKey(), uniqueToken: 'proven', joinToken: secret });
    await client.removeMachine(gone.uuid);
    const before = await client.token(id);
    expect(before.machines.map(({ server_uuid }) => server_uuid).sort()).toEqual(
      [bare.uuid, again.uuid, guest.uuid].sort(),
    );
    expect(before).toMatchObject({ cuts: 3, uses: 6 });

    await client.revokeToken(id);
    await client.revokeToken(id);
    expect(await caller.refusal({ uuid: bare.uuid, joinToken: secret })).toEqual(UNAUTHORIZED);
    expect(await caller.refusal({ ...again, joinToken: secret })).toEqual(UNAUTHORIZED);
    expect((await caller.join({ uuid: kept.uuid, joinToken: secret, uniqueToken: 'kept' })).address).toBe(kept.address);
    expect((await caller.join({ uuid: proven.uuid, joinToken: secret, uniqueToken: 'proven' })).address).toBe(
      proven.address,
    );
    const { head } = (await client.status()).records;
    await gateway.until('the linked machine talks on', async () => {
      return (await gateway.records({ machine: guest.uuid, after: head, filter: ['*.*.*.kmsg.>'] })).length > 20;
    });
    expect((await guest.state()).counters).toMatchObject({ provisions: 1, kmsgConnections: 1 });
  });
});

it('deleted only when it admits nobody; what happened to it is on record, by whom, and its secret nowhere', async () => {
  const { id, secret } = await create({ name: 'short-lived' });
  await expect(client.deleteToken(id)).rejects.toMatchObject({ code: 'conflict' });
  await client.revokeToken(id);
  await client.deleteToken(id);
  await expect(client.token(id)).rejects.toMatchObject({ code: 'not_found' });
  expect((await client.tokens()).map((token) => token.id)).not.toContain(id);
  expect(await caller.refusal({ uuid: randomUUID(), joinToken: secret })).toEqual(UNAUTHORIZED);
  const records = await gateway.records({ filter: ['siderolink._._.token.>'] });
  expect(
    records
      .filter(({ body }) => body['id'] === id)
      .map(({ subject, body }) => [subject.split('.').at(-1), body['by'], body['name']]),
  ).toEqual([
    ['created', BY, 'short-lived'],
    ['revoked', BY, 'short-lived'],
    ['deleted', BY, 'short-lived'],
  ]);
  const texts = [JSON.stringify(records), JSON.stringify(await client.tokens()), gateway.stateBytes(), gateway.log];
  for (const [, own = ''] of secrets.map((text) => text.split('.'))) {
    expect(own.length).toBeGreaterThan(20);
    for (const text of texts) expect(text).not.toContain(own);
  }
});

it('after kill -9: what was used is used, what was revoked is revoked', async () => {
  const [once, revoked] = [await create({ max_uses: 1 }), await create()];
  const machine = await caller.join({ joinToken: once.secret });
  await client.revokeToken(revoked.id);
  const before = await client.tokens();
  expect(await gateway.end('SIGKILL')).toBeNull();
  await gateway.start();
  expect(await client.tokens()).toEqual(before);
  for (const { secret } of [once, revoked]) {
    expect(await caller.refusal({ uuid: randomUUID(), joinToken: secret })).toEqual(UNAUTHORIZED);
  }
  expect((await caller.join({ ...machine, joinToken: once.secret })).address).toBe(machine.address);
}, 240_000);
