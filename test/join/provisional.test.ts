import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { newKey } from '../fleet/fakes.ts';
import { type Call, closeGateways, Gateway } from './gateway.ts';

// Machines that cannot have the UUID they ask with, through the whole join side.

afterEach(closeGateways);

const ZEROS = '00000000-0000-0000-0000-000000000000';
const DAY = 86_400_000;

/** A machine that runs: joined, linked, answering. */
async function running(gateway: Gateway, call: Call = {}) {
  const sent = { uuid: randomUUID(), ...call, key: newKey() };
  const { address } = await gateway.provision(sent);
  gateway.linked(sent.key);
  return { ...sent, address, machine: gateway.at(address) };
}

describe('two machines, one UUID, no tokens, both on', () => {
  it('the newcomer gets an identity of its own; the incumbent keeps row, peer and boot', async () => {
    const gateway = await Gateway.start();
    const incumbent = await running(gateway);
    const boot = gateway.boots.current(incumbent.machine.id);
    const touched = gateway.device.changes.length;
    const newcomer = { uuid: incumbent.uuid, key: newKey() };
    const { address } = await gateway.provision(newcomer);
    expect(address).not.toBe(incumbent.address);
    expect(gateway.at(incumbent.address)).toBe(incumbent.machine);
    expect(gateway.boots.current(incumbent.machine.id)).toBe(boot);
    expect(gateway.device.changes.slice(touched)).toEqual([{ set: { publicKey: newcomer.key, address } }]);
    expect(gateway.events.slice(1)).toMatchObject([{ kind: 'boot', machine: { address } }]);
    const identity = gateway.at(address);
    expect(identity).toMatchObject({ state: 'provisional', madeFor: incumbent.uuid, knowsUuid: false, boot: 1 });
    expect(identity.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(gateway.fleet.machines.bySource(address)).toBe(identity);
  });

  it('both are visible as such: a record of the newcomer, and one about the incumbent', async () => {
    const gateway = await Gateway.start();
    const incumbent = await running(gateway);
    const key = newKey();
    const identity = gateway.at((await gateway.provision({ uuid: incumbent.uuid, key })).address);
    expect(gateway.told('discovered').at(-1)).toMatchObject({ state: 'provisional', made_for: incumbent.uuid });
    expect(gateway.told('conflict')).toMatchObject([
      {
        address: incumbent.address,
        newcomer: { asked: incumbent.uuid, public_key: key, uuid: identity.uuid, reason: 'provisional' },
      },
    ]);
    expect(gateway.logged.map((line) => JSON.parse(line))).toMatchObject([
      { uuid: incumbent.uuid, identity: identity.uuid, source: '127.0.0.1' },
    ]);
    expect(await gateway.metric('siderolinkd_fleet_machines')).toMatchObject({ accepted: 1, provisional: 1 });
    expect(await gateway.metric('siderolinkd_join_admitted_total')).toMatchObject({ provisional: 1 });
  });

  it('a call every 30 s: the same identity, one commit, no probe', async () => {
    const gateway = await Gateway.start();
    const incumbent = await running(gateway);
    const newcomer = { uuid: incumbent.uuid, key: newKey() };
    const first = await gateway.provision(newcomer);
    const [commits, probes] = [gateway.commits, gateway.links.probes.length];
    for (let tick = 0; tick < 5; tick += 1) {
      gateway.clock.advance(30_000);
      expect(await gateway.provision(newcomer)).toEqual(first);
    }
    expect([gateway.commits, gateway.links.probes.length]).toEqual([commits, probes]);
    expect(gateway.fleet.machines.size).toBe(2);
  });

  it('the first off, then back: the second takes over (12), then the first is the newcomer (10)', async () => {
    const gateway = await Gateway.start();
    const first = await running(gateway);
    gateway.links.alive.delete(first.key);
    const second = { uuid: first.uuid, key: newKey() };
    expect((await gateway.provision(second)).address).toBe(first.address);
    gateway.linked(second.key);
    const back = await gateway.provision(first);
    expect(back.address).not.toBe(first.address);
    expect(gateway.at(first.address)).toMatchObject({ key: second.key, boot: 2 });
    expect(gateway.at(back.address)).toMatchObject({ key: first.key, boot: 1, state: 'provisional' });
    // Also while the second is silent: a former key is no proof of anything.
    gateway.links.alive.clear();
    expect(await gateway.provision(first)).toEqual(back);
    expect(new Map(gateway.device.peers)).toEqual(
      new Map([
        [second.key, first.address],
        [first.key, back.address],
      ]),
    );
    // The key is the newcomer's now, and still after a restart.
    const after = await gateway.restart();
    expect(after.boots.ofKey(first.key)).toMatchObject({ machine: after.at(back.address).id });
    expect(await after.provision(first)).toEqual(back);
  });
});

describe('a cloned disk, both on', () => {
  it('the clone brings the incumbent’s unique token, and gets none of it', async () => {
    const gateway = await Gateway.start();
    const incumbent = await running(gateway, { uniqueToken: 'cloned' });
    const clone = { uuid: incumbent.uuid, key: newKey(), uniqueToken: 'cloned' };
    const { address } = await gateway.provision(clone);
    expect(gateway.links.probes.at(-1)?.withinMs).toBe(2_000);
    expect(gateway.at(address)).toMatchObject({ state: 'provisional', uniqueToken: 'none' });
    expect(gateway.at(incumbent.address)).toBe(incumbent.machine);
    const commits = gateway.commits;
    await gateway.provision(clone);
    expect(gateway.commits).toBe(commits);
    // What we wrote to it tells it from its twin.
    const own = await gateway.fleet.joins.offerUniqueToken(gateway.at(address).id);
    await gateway.provision({ ...clone, uniqueToken: own });
    expect(gateway.at(address)).toMatchObject({ uniqueToken: 'bound' });
    expect((await gateway.provision({ ...clone, key: newKey(), uniqueToken: own })).address).toBe(address);
    expect(gateway.at(incumbent.address)).toBe(incumbent.machine);
  });
});

describe('junk UUIDs', () => {
  it.each(['', 'not specified', ZEROS, '03000200-0400-0500-0006-000700080009'])(
    '%j: each machine its own',
    async (uuid) => {
      const gateway = await Gateway.start();
      const joined = await Promise.all(Array.from({ length: 5 }, () => gateway.provision({ uuid })));
      expect(new Set(joined.map(({ address }) => address)).size).toBe(5);
      for (const machine of gateway.fleet.machines.all()) {
        expect(machine).toMatchObject({ state: 'provisional', madeFor: uuid });
        expect(machine.uuid).not.toBe(uuid);
      }
      expect(gateway.recorded).not.toContain('machine.conflict');
      expect(gateway.links.probes).toEqual([]);
    },
  );

  it('META written, a weekend off: 8, 5, 5, 11, then 11 again, the same address', async () => {
    const before = await Gateway.start({ policy: { requireToken: true } });
    const { secret } = await before.fleet.tokens.create({ name: 'a' }, 'test');
    const call = { uuid: ZEROS, key: newKey(), joinToken: secret };
    const { address } = await before.provision(call);
    const { id, uuid } = before.at(address);
    const meta = await before.fleet.joins.offerUniqueToken(id);
    // META 16 is there, META 15 not yet.
    expect((await before.provision({ ...call, uniqueToken: meta })).address).toBe(address);
    expect(before.at(address)).toMatchObject({ state: 'provisional', uniqueToken: 'bound', knowsUuid: false });
    expect((await before.provision({ ...call, uuid, uniqueToken: meta })).address).toBe(address);
    expect(before.at(address)).toMatchObject({ state: 'provisional', knowsUuid: true });
    expect(before.events.at(-1)).toMatchObject({ kind: 'changed', machine: { knowsUuid: true } });

    before.clock.advance(3 * DAY);
    await before.keeper.look();
    expect(before.at(address).state).toBe('expired');
    const gateway = await before.restart();
    for (const key of [newKey(), newKey()]) {
      expect((await gateway.provision({ uuid, key, uniqueToken: meta })).address).toBe(address);
      expect(gateway.at(address)).toMatchObject({ key, state: 'accepted', uniqueToken: 'proven', madeFor: ZEROS });
      gateway.clock.advance(3 * DAY);
    }
    expect(gateway.told('accepted')).toHaveLength(1);
    expect(gateway.fleet.machines.size).toBe(1);
  });

  it('its token came back without META 15: it is itself, and stays provisional', async () => {
    const gateway = await Gateway.start();
    const { address } = await gateway.provision({ uuid: ZEROS });
    const meta = await gateway.fleet.joins.offerUniqueToken(gateway.at(address).id);
    expect((await gateway.provision({ uuid: ZEROS, uniqueToken: meta })).address).toBe(address);
    expect(gateway.at(address)).toMatchObject({ state: 'provisional', uniqueToken: 'proven', boot: 2 });
  });

  it('it comes by its own UUID for the first time with a reboot: it knows it from then on', async () => {
    const gateway = await Gateway.start();
    const { address } = await gateway.provision({ uuid: ZEROS, uniqueToken: 'own' });
    const { uuid } = gateway.at(address);
    await gateway.provision({ uuid, uniqueToken: 'own' });
    expect(gateway.at(address)).toMatchObject({ knowsUuid: true, state: 'accepted', boot: 2 });
  });

  it('PXE without META: a new identity at each boot, up to the limit', async () => {
    const gateway = await Gateway.start({ policy: { maxProvisional: 3 } });
    for (let boot = 0; boot < 3; boot += 1) await gateway.provision({ uuid: ZEROS });
    expect((await gateway.refusal({ uuid: ZEROS })).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await gateway.metric('siderolinkd_join_refused_total')).toEqual({ provisional_limit: 1 });
    await gateway.provision({});
  });
});

describe('an identity that came with another key since', () => {
  it('its former key is no way to its address', async () => {
    const gateway = await Gateway.start();
    const incumbent = await running(gateway);
    const call = { uuid: incumbent.uuid, key: newKey(), uniqueToken: 'own' };
    const { address } = await gateway.provision(call);
    const next = { ...call, key: newKey() };
    expect((await gateway.provision(next)).address).toBe(address);
    expect((await gateway.refusal({ ...call, uniqueToken: '' })).code).toBe(status.PERMISSION_DENIED);
    expect(await gateway.metric('siderolinkd_join_refused_total')).toEqual({ foreign_key: 1 });
    // With its token it is a copy of it.
    expect((await gateway.provision(call)).address).not.toBe(address);
    expect(gateway.at(address)).toMatchObject({ key: next.key, boot: 2 });
  });

  it('a token that was taken from it leads to it no more', async () => {
    const gateway = await Gateway.start();
    const incumbent = await running(gateway);
    const call = { uuid: incumbent.uuid, uniqueToken: 'own' };
    const { address } = await gateway.provision(call);
    await gateway.fleet.admin.resetToken(gateway.at(address).uuid, 'test');
    expect((await gateway.provision(call)).address).not.toBe(address);
    expect(gateway.fleet.machines.size).toBe(3);
  });
});

describe('letting an identity in', () => {
  it('accept makes it a machine like others, and it repeats its call as before', async () => {
    const gateway = await Gateway.start({ policy: { maxProvisional: 1 } });
    const incumbent = await running(gateway);
    const call = { uuid: incumbent.uuid, key: newKey() };
    const { address } = await gateway.provision(call);
    await gateway.fleet.admin.accept(gateway.at(address).uuid, 'test');
    expect((await gateway.provision(call)).address).toBe(address);
    expect(gateway.at(address).state).toBe('accepted');
    // It counts as a machine now, so there is room for another newcomer.
    await gateway.provision({ uuid: ZEROS });
  });

  it('a rejected one is refused, its incumbent is not', async () => {
    const gateway = await Gateway.start();
    const incumbent = await running(gateway);
    const call = { uuid: incumbent.uuid, key: newKey() };
    const { address } = await gateway.provision(call);
    await gateway.fleet.admin.reject(gateway.at(address).uuid, 'test');
    expect(gateway.device.peers.has(call.key)).toBe(false);
    expect((await gateway.refusal(call)).code).toBe(status.PERMISSION_DENIED);
    expect((await gateway.provision(incumbent)).address).toBe(incumbent.address);
  });
});

describe('an identity that nobody accepted', () => {
  it('is forgotten a day after its last byte: no peer, no connections, room for another', async () => {
    const gateway = await Gateway.start({ policy: { maxProvisional: 1 } });
    const call = { uuid: ZEROS, key: newKey() };
    const { address } = await gateway.provision(call);
    gateway.clock.advance(DAY / 2);
    gateway.links.set(call.key, { lastRx: gateway.clock.now() });
    gateway.clock.advance(DAY - 1);
    await gateway.keeper.look();
    expect(gateway.at(address).state).toBe('provisional');
    gateway.clock.advance(1);
    await gateway.keeper.look();
    expect(gateway.at(address)).toMatchObject({ state: 'expired', key: call.key });
    expect(gateway.fleet.machines.bySource(address)).toBeUndefined();
    expect([gateway.fleet.machines.peers(), [...gateway.device.peers]]).toEqual([[], []]);
    expect(gateway.events.at(-1)).toMatchObject({ kind: 'removed', machine: { address } });
    expect(gateway.told('expired')).toMatchObject([{ state: 'expired', by: 'time' }]);
    await gateway.provision({ uuid: ZEROS });
    expect((await gateway.refusal(call)).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('takes no place of a machine, before and after', async () => {
    const gateway = await Gateway.start({ policy: { maxMachines: 1 } });
    await gateway.provision({ uuid: ZEROS });
    gateway.clock.advance(DAY);
    await gateway.keeper.look();
    await gateway.provision({ uuid: ZEROS });
    await gateway.provision({});
    expect((await gateway.refusal({})).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('comes back with its key: the same address and UUID, provisional again, with a peer', async () => {
    const before = await Gateway.start();
    const call = { uuid: ZEROS, key: newKey() };
    const { address } = await before.provision(call);
    const { uuid } = before.at(address);
    before.clock.advance(DAY);
    await before.keeper.look();
    const gateway = await before.restart();
    expect(gateway.at(address).state).toBe('expired');
    expect((await gateway.provision(call)).address).toBe(address);
    expect(gateway.at(address)).toMatchObject({ state: 'provisional', uuid, boot: 1 });
    expect(gateway.fleet.machines.peers()).toEqual([{ publicKey: call.key, address }]);
    expect(gateway.device.peers.get(call.key)).toBe(address);
    expect(gateway.told('changed')).toMatchObject([{ state: 'provisional' }]);
  });

  it('a restart gives it another day: nobody heard it before', async () => {
    const before = await Gateway.start();
    const { address } = await before.provision({ uuid: ZEROS });
    before.clock.advance(DAY);
    const gateway = await before.restart();
    await gateway.keeper.look();
    expect(gateway.at(address).state).toBe('provisional');
  });

  it('is not forgotten while its link is up, though the clock was set forward', async () => {
    const gateway = await Gateway.start();
    const call = { uuid: ZEROS, key: newKey() };
    const { address } = await gateway.provision(call);
    gateway.linked(call.key);
    gateway.clock.advance(2 * DAY);
    await gateway.keeper.look();
    expect(gateway.at(address).state).toBe('provisional');
    gateway.links.set(call.key, { state: 'down' });
    await gateway.keeper.look();
    expect(gateway.at(address).state).toBe('expired');
  });

  it('is looked for every ten minutes; what cannot be stored is tried again', async () => {
    const gateway = await Gateway.start();
    const { address } = await gateway.provision({ uuid: ZEROS });
    gateway.clock.advance(DAY);
    gateway.keeper.start();
    gateway.log.failures = 1;
    gateway.clock.advance(600_000);
    await gateway.keeper.stop();
    expect(gateway.at(address).state).toBe('provisional');
    expect(gateway.logged.join('')).toContain('could not be forgotten');
    expect(gateway.clock.waiting).toBe(0);
    await gateway.keeper.look();
    expect(gateway.logged).toHaveLength(1);
  });

  it('is not forgotten if it was accepted while its turn came', async () => {
    const gateway = await Gateway.start();
    const { address } = await gateway.provision({ uuid: ZEROS });
    gateway.clock.advance(DAY);
    gateway.log.gate.close();
    const accepted = gateway.fleet.admin.accept(gateway.at(address).uuid, 'test');
    const looked = gateway.keeper.look();
    gateway.log.gate.open();
    await Promise.all([accepted, looked]);
    expect(gateway.at(address).state).toBe('accepted');
    expect(gateway.device.peers.size).toBe(1);
  });
});
