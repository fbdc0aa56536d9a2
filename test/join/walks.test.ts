import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

// The walks of DESIGN section 6 through the whole join side; those that need provisional identities come with them.

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
    expect(await gateway.provision({ uuid })).toEqual(first);
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

describe('two machines with one UUID', () => {
  it('both on: the newcomer is refused and harms nothing, whatever unique token it brings (a cloned disk)', async () => {
    const gateway = await Gateway.start();
    const [uuid, key] = [randomUUID(), newKey()];
    const first = await gateway.provision({ uuid, key, uniqueToken: 'cloned' });
    gateway.links.alive.add(key);
    const commits = gateway.commits;
    const clone = newKey();
    for (const uniqueToken of ['', 'cloned', 'own']) {
      expect(await gateway.refusal({ uuid, key: clone, uniqueToken })).toEqual(UNAUTHORIZED);
    }
    expect([...gateway.device.peers]).toEqual([[key, first.address]]);
    expect(gateway.fleet.machines.bySource(first.address)).toMatchObject({ key, boot: 1 });
    expect(gateway.commits).toBe(commits + 1);
    expect(gateway.recorded.at(-1)).toBe('machine.conflict');
  });

  it('the first off, then back: the second takes over, then the first finds its key a former one', async () => {
    const gateway = await Gateway.start();
    const [uuid, one, two] = [randomUUID(), newKey(), newKey()];
    const first = await gateway.provision({ uuid, key: one });
    expect(await gateway.provision({ uuid, key: two })).toEqual(first);
    gateway.links.alive.add(two);
    expect(await gateway.refusal({ uuid, key: one })).toEqual(UNAUTHORIZED);
    expect(await gateway.refusal({ uuid })).toEqual(UNAUTHORIZED);
    // Also while the second is silent: its former key is no proof of anything.
    gateway.links.alive.clear();
    expect(await gateway.refusal({ uuid, key: one })).toEqual(UNAUTHORIZED);
    expect([...gateway.device.peers]).toEqual([[two, first.address]]);
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
    const { image } = before.log.reopen();
    const machines = image.machines.map((row) => ({ ...row, doc: row.doc.replace('"accepted"', '"removed"') }));
    const gateway = await before.restart({ ...image, machines });
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
    const other = await gateway.provision({});
    expect(other.address).not.toBe(address);
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

  it('a swapped UUID joins the pre-registered machine, which keeps both names over a restart', async () => {
    const gateway = await Gateway.start();
    const swapped = '33221100-5544-7766-8899-aabbccddeeff';
    const before = await preRegistered(gateway, '00112233-4455-6677-8899-aabbccddeeff');
    const after = await Gateway.start({}, before);
    const key = newKey();
    const { address } = await after.provision({ uuid: swapped, key });
    expect([...after.fleet.machines.all()]).toMatchObject([
      { uuid: '00112233-4455-6677-8899-aabbccddeeff', state: 'accepted', address, key },
    ]);
    const again = await after.restart();
    expect((await again.provision({ uuid: swapped })).address).toBe(address);
    expect(again.fleet.machines.size).toBe(1);
  });
});

/** A gateway in whose registry a machine is known that never joined. */
async function preRegistered(gateway: Gateway, uuid: string): Promise<Gateway> {
  const doc = JSON.stringify({
    state: 'known',
    tags: 1,
    labels: {},
    key: null,
    boot: 0,
    talos_version: null,
    unique_tokens: [],
    first_token: null,
    aliases: [],
    created_at: 0,
    joined_at: null,
    version: 1,
  });
  const row = { id: 1, uuid: uuid as never, address: gateway.overlay.server.replace('::1', '::2') as never, doc };
  await gateway.log.commit({
    ops: [
      { op: 'putTags', id: 1, server_uuid: row.uuid, ownership: {} },
      { op: 'putMachine', ...row },
    ],
    records: [],
  });
  return gateway;
}
