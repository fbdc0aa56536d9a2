import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

// The walks of DESIGN section 6 through the whole join side; those that end with a newcomer's own identity are in
// provisional.test.ts.

afterEach(closeGateways);

const UNAUTHORIZED = { code: status.PERMISSION_DENIED, message: 'unauthorized' };

describe('first boot', () => {
  it('with UDP blocked, a call every 30 s: one identity, one commit, the same address', async () => {
    const gateway = await Gateway.start();
    const call = { uuid: randomUUID(), key: newKey() };
    const first = await gateway.provision(call);
    for (let tick = 0; tick < 5; tick += 1) {
      gateway.clock.advance(30_000);
      expect(await gateway.provision(call)).toEqual(first);
    }
    expect(gateway.commits).toBe(1);
    expect(gateway.fleet.machines.size).toBe(1);
    expect(gateway.recorded).toHaveLength(3);
    expect(gateway.device.changes.every((change) => change.remove === undefined)).toBe(true);
  });

  it('the same when the machine brings a unique token', async () => {
    const gateway = await Gateway.start();
    const call = { uuid: randomUUID(), key: newKey(), uniqueToken: 'from its configuration' };
    await gateway.provision(call);
    await gateway.provision(call);
    expect(gateway.commits).toBe(1);
    expect([...gateway.fleet.machines.all()][0]?.uniqueToken).toBe('bound');
  });

  it('max_uses 1 and the first reply lost: the repeat is admitted, another machine is not', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret, token } = await gateway.fleet.tokens.create({ name: 'once', maxUses: 1 }, 'test');
    const call = { uuid: randomUUID(), key: newKey(), joinToken: secret };
    const first = await gateway.provision(call);
    expect(await gateway.provision(call)).toEqual(first);
    expect(await gateway.refusal({ joinToken: secret })).toEqual(UNAUTHORIZED);
    expect(await gateway.provision({ ...call, key: newKey() })).toEqual(first);
    expect(gateway.fleet.tokens.get(token.id)?.uses).toBe(1);
  });
});

describe('another boot', () => {
  it('a hundred reboots: one peer, one address, a boot each, and where the previous log ends', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    const { address } = await gateway.provision({ uuid });
    for (let boot = 2; boot <= 100; boot += 1) {
      gateway.boots.current(1)?.accept(boot, boot * 1_000);
      const key = newKey();
      expect((await gateway.provision({ uuid, key })).address).toBe(address);
      expect([...gateway.device.peers]).toEqual([[key, address]]);
    }
    const machine = gateway.fleet.machines.bySource(address);
    expect(machine).toMatchObject({ boot: 100, version: 100 });
    const rebooted = gateway.log.records.filter(({ detail }) => detail === 'rebooted');
    expect(rebooted).toHaveLength(99);
    expect(rebooted.at(-1)?.boot).toBe(100);
    expect(JSON.parse(rebooted.at(-1)?.body ?? '')).toMatchObject({
      boot: 100,
      previous_boot: { boot: 99, seq: 100, clock: 100_000 },
    });
    const told = gateway.events.map((event) => (event.kind === 'boot' ? event.previousBoot?.number : event.kind));
    expect(told.slice(0, 3)).toEqual([undefined, 1, 2]);
  });

  it.each(['', 'meta'])(
    'a hundred boots with META %j that nothing ever came from: all are there',
    async (uniqueToken) => {
      const gateway = await Gateway.start();
      const uuid = randomUUID();
      const keys = Array.from({ length: 100 }, () => newKey());
      const answers = new Set<string>();
      for (const key of keys) answers.add((await gateway.provision({ uuid, key, uniqueToken })).address);
      expect(answers.size).toBe(1);
      expect([...gateway.device.peers.keys()]).toEqual(keys.slice(-1));
      const { image } = gateway.log.reopen();
      expect(image.boots.map(({ publicKey }) => publicKey)).toEqual(keys);
      expect(gateway.fleet.machines.size).toBe(1);
      const kinds = uniqueToken === '' ? [12_000] : [2_000];
      expect([...new Set(gateway.links.probes.map(({ withinMs }) => withinMs))]).toEqual(kinds);
    },
  );

  it('thousands of boots from which nothing came leave a bounded number of rows', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    const { address } = await gateway.provision({ uuid });
    for (let boot = 2; boot <= 300; boot += 1) await gateway.begin({ uuid });
    expect(gateway.log.reopen().image.boots).toHaveLength(129);
    expect(gateway.at(address).boot).toBe(300);
    // A boot that was heard is not among those that are forgotten.
    const key = newKey();
    await gateway.begin({ uuid, key });
    gateway.links.set(key, { state: 'down', latestHandshake: 1, rxBytes: 148 });
    for (let boot = 0; boot < 200; boot += 1) await gateway.begin({ uuid });
    expect(gateway.boots.ofKey(key)).toMatchObject({ number: 301 });
    expect(gateway.log.reopen().image.boots).toHaveLength(130);
  });

  it('install and kexec with META kept: by its unique token, asked for 2 s only, proven from then on', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    const first = await gateway.provision({ uuid, uniqueToken: 'meta' });
    gateway.clock.advance(12_000);
    expect(await gateway.provision({ uuid, uniqueToken: 'meta' })).toEqual(first);
    expect(gateway.links.probes.map(({ withinMs }) => withinMs)).toEqual([2_000]);
    expect([...gateway.fleet.machines.all()][0]?.uniqueToken).toBe('proven');
  });

  it('PXE loses META: a new key after 20 s and after 5 min', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    const first = await gateway.provision({ uuid, uniqueToken: 'meta' });
    for (const pause of [20_000, 300_000]) {
      gateway.clock.advance(pause);
      expect(await gateway.provision({ uuid })).toEqual(first);
    }
    expect(gateway.links.probes.map(({ withinMs }) => withinMs)).toEqual([12_000, 12_000]);
    expect([...gateway.fleet.machines.all()][0]).toMatchObject({ uniqueToken: 'none', boot: 3 });
  });

  it('reimaged with a proven token: refused, unless the machine reported its reset', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    const first = await gateway.provision({ uuid, uniqueToken: 'meta' });
    await gateway.provision({ uuid, uniqueToken: 'meta' });
    expect(await gateway.refusal({ uuid })).toEqual(UNAUTHORIZED);
    expect(await gateway.refusal({ uuid, uniqueToken: 'other' })).toEqual(UNAUTHORIZED);
    const machine = [...gateway.fleet.machines.all()][0];
    if (machine === undefined) throw new Error('no machine');
    gateway.statuses.fold(machine, machine.boot, {
      message: 'SequenceEvent',
      sequence: 'reset',
      action: 'START',
      error: null,
    });
    expect(gateway.statuses.get(machine.id).sequence?.name).toBe('reset');
    expect(await gateway.provision({ uuid, uniqueToken: 'new' })).toEqual(first);
    // What it reported was good for one join: the new token is proven by the next boot and protects it again.
    expect(await gateway.provision({ uuid, uniqueToken: 'new' })).toEqual(first);
    expect(await gateway.refusal({ uuid })).toEqual(UNAUTHORIZED);
  });

  it('the join token was revoked: a machine with its unique token still joins', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret, token } = await gateway.fleet.tokens.create({ name: 'a' }, 'test');
    const uuid = randomUUID();
    const first = await gateway.provision({ uuid, joinToken: secret, uniqueToken: 'meta' });
    await gateway.fleet.tokens.revoke(token.id, 'test');
    expect(await gateway.provision({ uuid, joinToken: secret, uniqueToken: 'meta' })).toEqual(first);
    expect(await gateway.refusal({ uuid, joinToken: secret })).toEqual(UNAUTHORIZED);
  });
});

describe('our own troubles', () => {
  it('a restart keeps every address, and the repeat of a call stores nothing', async () => {
    const before = await Gateway.start({ policy: { requireToken: true } });
    const { secret, token } = await before.fleet.tokens.create({ name: 'a' }, 'test');
    const calls = Array.from({ length: 20 }, () => ({ uuid: randomUUID(), key: newKey(), joinToken: secret }));
    const joined = await Promise.all(calls.map((call) => before.provision(call)));
    const after = await before.restart();
    expect(await Promise.all(calls.map((call) => after.provision(call)))).toEqual(joined);
    expect(after.commits).toBe(0);
    expect(after.fleet.tokens.get(token.id)?.uses).toBe(20);
    expect(after.fleet.machines.peers()).toHaveLength(20);
    const newcomer = await after.provision({ joinToken: secret });
    expect(joined.map(({ address }) => address)).not.toContain(newcomer.address);
    expect([...after.fleet.machines.all()].at(-1)).toMatchObject({ id: 21, tags: { id: 21 } });
    expect(await after.refusal({ key: calls[0]?.key ?? '' })).toEqual(UNAUTHORIZED);
  });

  it('the database was restored and the machine has rebooted since: its new key, the old address', async () => {
    for (const uniqueToken of ['', 'meta']) {
      const gateway = await Gateway.start();
      const [uuid, key] = [randomUUID(), newKey()];
      const first = await gateway.provision({ uuid, uniqueToken });
      const backup = gateway.log.reopen().image;
      await gateway.provision({ uuid, key, uniqueToken });
      const restored = await gateway.restart(backup);
      expect(await restored.provision({ uuid, key, uniqueToken })).toEqual(first);
      expect(restored.fleet.machines.bySource(first.address)).toMatchObject({ key, boot: 2 });
    }
  });

  it('removed and still powered: refused with one log line a minute, nothing stored, no peer', async () => {
    const before = await Gateway.start();
    const call = { uuid: randomUUID(), key: newKey() };
    const { address } = await before.provision(call);
    await before.fleet.admin.remove(before.at(address).uuid, { records: false }, 'test');
    const gateway = await before.restart();
    for (let tick = 0; tick < 10; tick += 1) {
      expect(await gateway.refusal(call)).toEqual(UNAUTHORIZED);
      expect(await gateway.refusal({ ...call, key: newKey() })).toEqual(UNAUTHORIZED);
      gateway.clock.advance(30_000);
    }
    expect(gateway.logged).toHaveLength(5);
    expect(JSON.parse(gateway.logged[0] ?? '')).toMatchObject({ uuid: call.uuid, reason: 'removed', row: 3 });
    expect(gateway.commits).toBe(0);
    expect(gateway.fleet.machines.peers()).toEqual([]);
    expect(gateway.fleet.machines.bySource(address)).toBeUndefined();
    expect((await gateway.provision({})).address).not.toBe(address);
    await gateway.fleet.admin.readmit(gateway.at(address).uuid, 'test');
    expect((await gateway.provision({ ...call, key: newKey() })).address).toBe(address);
  });

  it('our key changed: the machine calls after 275 s and its peer is made anew, once', async () => {
    const gateway = await Gateway.start();
    const call = { uuid: randomUUID(), key: newKey() };
    await gateway.provision(call);
    const handshake = Math.floor(gateway.clock.now() / 1_000);
    gateway.links.set(call.key, { state: 'up', latestHandshake: handshake });
    gateway.clock.advance(274_000);
    await gateway.provision(call);
    expect(gateway.device.changes.at(-1)?.remove).toBeUndefined();
    gateway.clock.advance(1_000);
    await gateway.provision(call);
    expect(gateway.device.changes.at(-1)?.remove).toBe(call.key);
    expect(gateway.device.peers.size).toBe(1);
    expect(gateway.commits).toBe(1);
  });

  it('our clock was set back by an hour: the peer of a machine that fell silent is made anew, and no other', async () => {
    const gateway = await Gateway.start();
    const call = { uuid: randomUUID(), key: newKey() };
    await gateway.provision(call);
    const latestHandshake = Math.floor(gateway.clock.now() / 1_000) + 3_600;
    for (const [state, remove] of [['up', undefined] as const, ['down', call.key] as const]) {
      gateway.links.set(call.key, { state, latestHandshake });
      await gateway.provision(call);
      expect(gateway.device.changes.at(-1)?.remove).toBe(remove);
    }
    // Made anew, it has no handshake until the machine is back.
    gateway.links.set(call.key, { state: 'down', latestHandshake: 0 });
    await gateway.provision(call);
    expect(gateway.device.changes.at(-1)?.remove).toBeUndefined();
    expect(gateway.commits).toBe(1);
  });

  it('a swapped UUID joins the pre-registered machine, which keeps both names over a restart', async () => {
    const gateway = await Gateway.start();
    const swapped = '33221100-5544-7766-8899-aabbccddeeff';
    const uuid = parseNodeUuid('00112233-4455-6677-8899-aabbccddeeff');
    await gateway.fleet.admin.register(uuid, { ownership: {}, labels: {}, uniqueToken: false }, 'test');
    const after = await gateway.restart();
    const key = newKey();
    // A join that cannot be stored leaves no name behind.
    after.log.failures = 1;
    await after.refusal({ uuid: swapped, key });
    expect(after.fleet.machines.get(parseNodeUuid(swapped))).toBeUndefined();
    const { address } = await after.provision({ uuid: swapped, key });
    expect([...after.fleet.machines.all()]).toMatchObject([
      { uuid: '00112233-4455-6677-8899-aabbccddeeff', state: 'accepted', address, key },
    ]);
    const again = await after.restart();
    expect((await again.provision({ uuid: swapped })).address).toBe(address);
    expect(again.fleet.machines.size).toBe(1);
  });
});
