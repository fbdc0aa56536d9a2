import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { MAX_LABELS } from '../../src/domain/labels.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
import type { NewJoinToken } from '../../src/fleet/types.ts';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

// What join tokens give to machines, and what they keep to themselves, through the whole join side.

afterEach(closeGateways);

const UNAUTHORIZED = { code: status.PERMISSION_DENIED, message: 'unauthorized' };

async function start(policy: 'accept' | 'known' = 'accept'): Promise<Gateway> {
  return Gateway.start({ policy: { requireToken: true, policy } });
}

async function token(gateway: Gateway, wanted: Partial<NewJoinToken> = {}): Promise<{ id: string; joinToken: string }> {
  const made = await gateway.fleet.tokens.create({ name: 'a', ...wanted }, 'test');
  return { id: made.token.id, joinToken: made.secret };
}

describe('a token that confers an owner', () => {
  it('gives it to a new machine at its first join, with labels, in one commit', async () => {
    const gateway = await start();
    const ownership = { owner: 'acme', namespace: 'prod' };
    const { id, joinToken } = await token(gateway, { ownership, labels: { rack: '4' } });
    const commits = gateway.commits;
    const { address } = await gateway.provision({ joinToken });
    expect(gateway.commits).toBe(commits + 1);
    expect(gateway.at(address)).toMatchObject({ tags: { ownership }, labels: { rack: '4' } });
    const machine = gateway.log.records.filter(({ stream }) => stream === 'machine');
    expect(machine.map(({ detail }) => detail)).toEqual(['discovered', 'accepted', 'claimed']);
    expect(machine.every(({ tags }) => tags.ownership.owner === 'acme')).toBe(true);
    expect(JSON.parse(machine[2]?.body ?? '')).toMatchObject({ by: `join token ${id}`, labels: { rack: '4' } });
    const after = await gateway.restart();
    expect(after.at(address)).toEqual(gateway.at(address));
  });

  it('gives it to a newcomer’s identity too, if it may stand beside the incumbent', async () => {
    const gateway = await start();
    const [acme, other] = [
      await token(gateway, { ownership: { owner: 'acme' } }),
      await token(gateway, { ownership: { owner: 'other' } }),
    ];
    const incumbent = { uuid: randomUUID(), key: newKey(), joinToken: acme.joinToken };
    await gateway.provision(incumbent);
    gateway.linked(incumbent.key);
    const newcomer = { uuid: incumbent.uuid, key: newKey() };
    expect(await gateway.refusal({ ...newcomer, joinToken: other.joinToken })).toEqual(UNAUTHORIZED);
    const { address } = await gateway.provision({ ...newcomer, joinToken: acme.joinToken });
    expect(gateway.at(address)).toMatchObject({ state: 'provisional', tags: { ownership: { owner: 'acme' } } });
  });

  it('what a machine was registered with goes before what the token gives', async () => {
    const gateway = await start();
    const uuid = parseNodeUuid(randomUUID());
    const wanted = { ownership: { owner: 'acme', cluster: 'prod' }, labels: { rack: '4' }, uniqueToken: false };
    await gateway.fleet.admin.register(uuid, wanted, 'test');
    const { joinToken } = await token(gateway, {
      ownership: { owner: 'acme', cluster: 'lab', machine: 'm' },
      labels: { rack: '5', disk: 'nvme' },
    });
    const { address } = await gateway.provision({ uuid, joinToken });
    expect(gateway.at(address)).toMatchObject({
      tags: { ownership: { owner: 'acme', cluster: 'prod', machine: 'm' } },
      labels: { rack: '4', disk: 'nvme' },
    });
  });

  it('gives nothing to a machine that joined before', async () => {
    const gateway = await start();
    const plain = await token(gateway);
    const giving = await token(gateway, { ownership: { cluster: 'lab' }, labels: { rack: '5' } });
    const uuid = randomUUID();
    const { address } = await gateway.provision({ uuid, joinToken: plain.joinToken });
    const { tags, labels } = gateway.at(address);
    await gateway.provision({ uuid, joinToken: giving.joinToken });
    expect(gateway.at(address)).toMatchObject({ boot: 2, tags, labels });
    expect(gateway.at(address).labels).toEqual({});
  });

  it('leaves the labels as they are if both together are too many', async () => {
    const gateway = await start();
    const uuid = parseNodeUuid(randomUUID());
    const labels = Object.fromEntries(Array.from({ length: MAX_LABELS }, (_, index) => [`l${index}`, 'x']));
    await gateway.fleet.admin.register(uuid, { ownership: {}, labels, uniqueToken: false }, 'test');
    const { joinToken } = await token(gateway, { labels: { rack: '5' } });
    const { address } = await gateway.provision({ uuid, joinToken });
    expect(gateway.at(address).labels).toEqual(labels);
  });

  it('joined with tenant A’s token, transferred to B, rebooted without META: it stays B’s', async () => {
    const gateway = await start();
    const { joinToken } = await token(gateway, { ownership: { owner: 'a' } });
    const uuid = randomUUID();
    const { address } = await gateway.provision({ uuid, joinToken, uniqueToken: 'meta' });
    const { version } = gateway.at(address);
    await gateway.fleet.admin.claim(parseNodeUuid(uuid), { owner: 'b' }, 'test', version);
    expect((await gateway.provision({ uuid, joinToken })).address).toBe(address);
    expect(gateway.at(address)).toMatchObject({ boot: 2, uniqueToken: 'none', tags: { ownership: { owner: 'b' } } });
    // Another token of A's is no key to B's machine.
    const another = await token(gateway, { ownership: { owner: 'a' } });
    expect(await gateway.refusal({ uuid, joinToken: another.joinToken })).toEqual(UNAUTHORIZED);
  });

  it('adds to a pre-registered machine what it has not, and overrides nothing', async () => {
    const gateway = await start('known');
    const uuid = parseNodeUuid(randomUUID());
    const known = { ownership: { owner: 'acme' }, labels: { rack: '1' }, uniqueToken: false };
    await gateway.fleet.admin.register(uuid, known, 'test');
    const ownership = { owner: 'acme', namespace: 'prod' };
    const { joinToken } = await token(gateway, { ownership, labels: { rack: '4', row: '2' } });
    const { address } = await gateway.provision({ uuid, joinToken });
    expect(gateway.at(address)).toMatchObject({
      state: 'accepted',
      tags: { ownership },
      labels: { rack: '1', row: '2' },
    });
    expect(gateway.recorded).toContain('machine.claimed');
    const stranger = await token(gateway, { ownership: { owner: 'other' } });
    const second = parseNodeUuid(randomUUID());
    await gateway.fleet.admin.register(second, known, 'test');
    expect(await gateway.refusal({ uuid: second, joinToken: stranger.joinToken })).toEqual(UNAUTHORIZED);
  });
});

describe('a token that is bound to a UUID', () => {
  it('admits that machine, and no other token admits its first join', async () => {
    const gateway = await start();
    const uuid = randomUUID();
    const bound = await token(gateway, { nodeUuid: parseNodeUuid(uuid) });
    const free = await token(gateway);
    expect(await gateway.refusal({ joinToken: bound.joinToken })).toEqual(UNAUTHORIZED);
    expect(await gateway.refusal({ uuid, joinToken: free.joinToken })).toEqual(UNAUTHORIZED);
    const { address } = await gateway.provision({ uuid, joinToken: bound.joinToken });
    // From then on others do.
    expect((await gateway.provision({ uuid, joinToken: free.joinToken })).address).toBe(address);
  });

  it('holds also where machines need no token; revoked, it holds nothing', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    const { id } = await token(gateway, { nodeUuid: parseNodeUuid(uuid) });
    expect(await gateway.refusal({ uuid })).toEqual(UNAUTHORIZED);
    await gateway.provision({});
    await gateway.fleet.tokens.revoke(id, 'test');
    await gateway.provision({ uuid });
  });
});

describe('a token handed out at pre-registration', () => {
  it('admits the machine without a join token, under every policy, and is bound then', async () => {
    const gateway = await start('known');
    const uuid = parseNodeUuid(randomUUID());
    const registration = { ownership: {}, labels: {}, uniqueToken: true };
    const { uniqueToken } = await gateway.fleet.admin.register(uuid, registration, 'test');
    const call = { uuid, key: newKey(), uniqueToken: uniqueToken ?? '' };
    const { address } = await gateway.provision(call);
    expect(gateway.at(address)).toMatchObject({ state: 'accepted', uniqueToken: 'bound' });
    expect((await gateway.provision({ ...call, key: newKey() })).address).toBe(address);
    expect(gateway.at(address)).toMatchObject({ uniqueToken: 'proven' });
    expect(await gateway.refusal({ uuid })).toEqual(UNAUTHORIZED);
    expect(JSON.stringify([gateway.log.changes, gateway.logged])).not.toContain(uniqueToken);
  });

  it('a machine that was installed anew joins after reset-token', async () => {
    const gateway = await start();
    const { joinToken } = await token(gateway);
    const uuid = randomUUID();
    const { address } = await gateway.provision({ uuid, joinToken, uniqueToken: 'meta' });
    await gateway.provision({ uuid, joinToken, uniqueToken: 'meta' });
    expect(await gateway.refusal({ uuid, joinToken })).toEqual(UNAUTHORIZED);
    await gateway.fleet.admin.resetToken(parseNodeUuid(uuid), 'test');
    expect((await gateway.provision({ uuid, joinToken })).address).toBe(address);
  });
});

describe('a token that is bound to a machine that was registered', () => {
  it('keeps others away from it under its swapped UUID too', async () => {
    const gateway = await start();
    const uuid = parseNodeUuid('00112233-4455-6677-8899-aabbccddeeff');
    const swapped = '33221100-5544-7766-8899-aabbccddeeff';
    await gateway.fleet.admin.register(uuid, { ownership: {}, labels: {}, uniqueToken: false }, 'test');
    const [bound, other] = [await token(gateway, { nodeUuid: uuid }), await token(gateway)];
    expect(await gateway.refusal({ uuid: swapped, joinToken: other.joinToken })).toEqual(UNAUTHORIZED);
    const { address } = await gateway.provision({ uuid: swapped, joinToken: bound.joinToken });
    expect(gateway.at(address)).toMatchObject({ uuid, aliases: [swapped] });
  });
});

describe('which machines a revocation would cut', () => {
  it('those whose latest join rested on it and whom nothing else vouches for', async () => {
    const gateway = await start();
    const [one, two] = [await token(gateway), await token(gateway)];
    const bare = await gateway.provision({ joinToken: one.joinToken });
    const own = { uuid: randomUUID(), key: newKey(), joinToken: one.joinToken };
    await gateway.provision({ ...own, uniqueToken: 'meta' });
    const moved = { uuid: randomUUID(), joinToken: one.joinToken };
    await gateway.provision(moved);
    const gone = await gateway.provision({ joinToken: one.joinToken });
    await gateway.fleet.admin.remove(gateway.at(gone.address).uuid, { records: false }, 'test');
    const { address } = await gateway.provision({ ...moved, joinToken: two.joinToken });
    const cut = (id: string) => gateway.fleet.joins.cutBy(id).map((machine) => machine.address);
    expect(cut(one.id)).toEqual([bare.address]);
    expect(cut(two.id)).toEqual([address]);
    expect(cut('nobody')).toEqual([]);
    const after = await gateway.restart();
    expect(after.fleet.joins.cutBy(one.id).map((machine) => machine.address)).toEqual([bare.address]);
    // An offered token vouches for nobody before it came back.
    const machine = gateway.at(address);
    const meta = await after.fleet.joins.offerUniqueToken(machine.id);
    expect(after.fleet.joins.cutBy(two.id)).toHaveLength(1);
    const key = machine.key ?? '';
    await after.provision({ uuid: machine.uuid, key, joinToken: two.joinToken, uniqueToken: meta });
    expect(after.fleet.joins.cutBy(two.id)).toEqual([]);
  });

  it('also those that boot from the network: they bring a token in each boot, and lose it with the next', async () => {
    const gateway = await start();
    const { id, joinToken } = await token(gateway);
    const uuid = randomUUID();
    /** It is written to META in memory, and comes back. */
    const boot = async () => {
      const call = { uuid, joinToken, key: newKey() };
      const { address } = await gateway.provision(call);
      const uniqueToken = await gateway.fleet.joins.offerUniqueToken(gateway.at(address).id);
      await gateway.provision({ ...call, uniqueToken });
      return uniqueToken;
    };
    await boot();
    // Nobody knows yet.
    expect(gateway.fleet.joins.cutBy(id)).toEqual([]);
    const uniqueToken = await boot();
    expect(gateway.fleet.joins.cutBy(id)).toMatchObject([{ uuid, uniqueToken: 'bound' }]);
    const after = await gateway.restart();
    expect(after.fleet.joins.cutBy(id)).toHaveLength(1);
    // Installed since: it kept one.
    await after.provision({ uuid, joinToken, uniqueToken });
    expect(after.fleet.joins.cutBy(id)).toEqual([]);
  });
});

describe('offering a unique token', () => {
  it('commits the hash before anyone has the value, and refuses machines that need or may have none', async () => {
    const gateway = await Gateway.start();
    const { address } = await gateway.provision({});
    const { id, uuid } = gateway.at(address);
    const values = [await gateway.fleet.joins.offerUniqueToken(id), await gateway.fleet.joins.offerUniqueToken(id)];
    expect(values[0]).toMatch(/^[\w-]{43}$/);
    expect(values[0]).not.toBe(values[1]);
    expect(gateway.at(address)).toMatchObject({ uniqueToken: 'offered', version: 3 });
    expect(gateway.told('changed')).toHaveLength(1);
    gateway.log.failures = 1;
    await expect(gateway.fleet.joins.offerUniqueToken(id)).rejects.toMatchObject({ code: 'storage' });
    // Either came through, if only one did: both were offered.
    expect((await gateway.provision({ uuid, uniqueToken: values[0] ?? '' })).address).toBe(address);
    await expect(gateway.fleet.joins.offerUniqueToken(id)).rejects.toMatchObject({ code: 'conflict' });
    await expect(gateway.fleet.joins.offerUniqueToken(99)).rejects.toMatchObject({ code: 'not_found' });
    const { id: other, uuid: gone } = gateway.at((await gateway.provision({})).address);
    await gateway.fleet.admin.remove(gone, { records: false }, 'test');
    await expect(gateway.fleet.joins.offerUniqueToken(other)).rejects.toMatchObject({ code: 'conflict' });
  });
});
