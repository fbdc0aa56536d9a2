import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/client/api.ts';
import { META_UNIQUE_TOKEN, META_UUID_OVERRIDE } from '../../src/domain/token-write.ts';
import { newKey } from '../fleet/fakes.ts';
import type { Caller } from './caller.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { expectManyBoots, madeFor, token, told } from './walking.ts';

// The walks of DESIGN section 6 with simulated machines over real links; several at a time, because most of their time is
// spent waiting for a machine that does not answer. Those that take minutes are in walks.long.ts.

const gateway = new Gateway();
let caller: Caller;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  caller = await gateway.caller();
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

const UNAUTHORIZED = /unauthorized/;

function seen(uuid: string): Promise<Machine> {
  return gateway.client.machine(uuid);
}

describe('walks of one machine', { concurrent: true, timeout: 240_000 }, () => {
  it('reimaged without a word: refused until its token is reset', async () => {
    const guest = await Guest.create(gateway, { meta: token('wiped') });
    const address = await guest.on();
    expect(await guest.reboot({ mode: 'kexec' })).toBe(address);
    await guest.machine.reboot({ abrupt: true, loseMeta: true });
    expect(await guest.refused()).toMatch(UNAUTHORIZED);
    expect(await seen(guest.uuid)).toMatchObject({ boot: 2, unique_token: 'proven' });
    await gateway.client.resetMachineToken(guest.uuid);
    expect(await guest.linked()).toBe(address);
    expect(await seen(guest.uuid)).toMatchObject({ boot: 3, unique_token: 'none' });
  });

  it('UDP is blocked at its first boot: it calls again, is one machine, and links when the way is free', async () => {
    const guest = await Guest.create(gateway);
    await guest.machine.setOutage('udp');
    await guest.machine.start();
    // It looks at its peer every 30 s, first after a part of that.
    await gateway.until('it has called twice', async () => (await guest.state()).counters.provisions >= 2, 60_000);
    const before = await seen(guest.uuid);
    expect(before).toMatchObject({ boot: 1, version: 1, link: { state: 'never' } });
    expect(await told(gateway, guest.uuid)).toEqual(['discovered', 'accepted']);
    await guest.machine.setOutage('none');
    expect(await guest.linked()).toBe(before.address);
    expect(await seen(guest.uuid)).toMatchObject({ boot: 1, public_key: before.public_key });
  });

  it('installed from an ISO: its token is written in maintenance, kept by the installation, and proven', async () => {
    const guest = await Guest.create(gateway, { quiet: false, maintenance: true, loseMeta: true });
    const address = await guest.on();
    await guest.written(META_UNIQUE_TOKEN);
    await gateway.until('it came back', async () => (await seen(guest.uuid)).unique_token === 'bound');
    const before = await seen(guest.uuid);
    expect(before).toMatchObject({ boot: 1, state: 'accepted', token_write: { state: 'written', last_error: null } });
    await guest.machine.configure();
    expect(await guest.linked()).toBe(address);
    expect(await seen(guest.uuid)).toMatchObject({ boot: 2, unique_token: 'proven', address });
    expect((await guest.state()).counters.metaWrites).toBe(1);
    // What is written to a machine is written nowhere else.
    const secret = (await guest.machine.meta()).get(META_UNIQUE_TOKEN) ?? '';
    expect(secret.length).toBeGreaterThan(20);
    for (const text of [gateway.stateBytes(), gateway.log]) expect(text).not.toContain(secret);
  });

  it('booted by PXE again: the address is its own, and META is forgotten', async () => {
    const guest = await Guest.create(gateway, { loseMeta: true, meta: token('in memory') });
    const address = await guest.on();
    expect((await seen(guest.uuid)).unique_token).toBe('bound');
    expect(await guest.reboot({ abrupt: true })).toBe(address);
    expect(await seen(guest.uuid)).toMatchObject({ boot: 2, unique_token: 'none', address });
    expect(await madeFor(gateway, guest.uuid)).toEqual([]);
    expect((await told(gateway, guest.uuid)).filter((detail) => detail === 'rebooted')).toHaveLength(1);
  });

  it('its join token is revoked: with a unique token it boots on, without one no more', async () => {
    const { id, secret } = await gateway.client.createToken({ name: 'to be revoked' });
    const [vouched, bare] = await Promise.all([
      Guest.create(gateway, { joinToken: secret, meta: token('vouches') }),
      Guest.create(gateway, { joinToken: secret }),
    ]);
    const [address] = await Promise.all([vouched.on(), bare.on()]);
    expect((await gateway.client.token(id)).machines.map(({ server_uuid }) => server_uuid)).toEqual([bare.uuid]);
    await gateway.client.revokeToken(id);
    await Promise.all([vouched.machine.reboot(), bare.machine.reboot()]);
    expect(await vouched.linked()).toBe(address);
    expect((await seen(vouched.uuid)).unique_token).toBe('proven');
    expect(await bare.refused(2)).toMatch(UNAUTHORIZED);
    expect((await seen(bare.uuid)).boot).toBe(1);
  });

  it('removed and still powered: refused at each call, with one line in the log', async () => {
    const guest = await Guest.create(gateway);
    await guest.on();
    await gateway.client.removeMachine(guest.uuid);
    await guest.machine.reboot({ abrupt: true });
    expect(await guest.refused(4)).toMatch(UNAUTHORIZED);
    const lines = gateway.logged('join refused').filter(({ uuid }) => uuid === guest.uuid);
    expect(lines).toEqual([expect.objectContaining({ level: 'warn', row: 3, reason: 'removed' })]);
    expect(await told(gateway, guest.uuid)).toEqual(['discovered', 'accepted', 'removed']);
  });

  it('reimaged after a reset that it reported: it joins without its token', async () => {
    const guest = await Guest.create(gateway, { quiet: false, meta: token('wiped') });
    const address = await guest.on();
    expect(await guest.reboot({ mode: 'kexec' })).toBe(address);
    expect((await seen(guest.uuid)).unique_token).toBe('proven');
    expect(await guest.reboot({ sequence: 'reset', loseMeta: true })).toBe(address);
    expect((await seen(guest.uuid)).boot).toBe(3);
    // What it reported counts once: it boots, is in maintenance, and is given another token.
    await gateway.until('it boots', async () => (await seen(guest.uuid)).sequence?.name !== 'reset');
    await guest.written(META_UNIQUE_TOKEN);
    await gateway.until('it came back', async () => (await seen(guest.uuid)).unique_token === 'bound');
  });

  it('transferred to another tenant and rebooted without META: the new owner keeps it', async () => {
    const { secret } = await gateway.client.createToken({ owner: 'tenant-a', namespace: 'green' });
    const guest = await Guest.create(gateway, { joinToken: secret, loseMeta: true });
    const address = await guest.on();
    const { version, owner, namespace } = await seen(guest.uuid);
    expect({ owner, namespace }).toEqual({ owner: 'tenant-a', namespace: 'green' });
    await gateway.client.claimMachine(guest.uuid, { owner: 'tenant-b' }, { ifMatch: version });
    expect(await guest.reboot()).toBe(address);
    const after = await seen(guest.uuid);
    expect(after).toMatchObject({ owner: 'tenant-b', boot: 2 });
    expect(after.namespace).toBeUndefined();
  });

  it('a junk UUID: token and UUID are written, and it comes back as itself, with the address of its first call', async () => {
    const guest = await Guest.create(gateway, {
      quiet: false,
      maintenance: true,
      uuid: '03000200-0400-0500-0006-000700080009',
    });
    const address = await guest.on();
    const [first] = await madeFor(gateway, guest.uuid);
    const uuid = first?.server_uuid ?? '';
    expect(first).toMatchObject({ state: 'provisional', address, boot: 1 });
    await guest.written(META_UNIQUE_TOKEN, META_UUID_OVERRIDE);
    expect((await guest.machine.meta()).get(META_UUID_OVERRIDE)).toBe(uuid);
    // The third call of this boot is under its new name; a boot later it has shown that it keeps both.
    await gateway.until('it has called as itself', async () => (await guest.state()).counters.provisions >= 3);
    await gateway.until('its token came back', async () => (await seen(uuid)).unique_token === 'bound');
    expect(await seen(uuid)).toMatchObject({ state: 'provisional', boot: 1, address });
    for (const boot of [2, 3]) {
      await guest.off();
      expect(await guest.on()).toBe(address);
      expect(await seen(uuid)).toMatchObject({ state: 'accepted', boot, address, unique_token: 'proven' });
    }
    expect(await madeFor(gateway, guest.uuid)).toHaveLength(1);
    expect((await guest.state()).counters.metaWrites).toBe(2);
  });
});

describe('walks of two machines with one UUID', { concurrent: true, timeout: 240_000 }, () => {
  it('both in maintenance: the second is given a UUID, and is a machine of its own from its next boot on', async () => {
    const options = { quiet: false, maintenance: true };
    const first = await Guest.create(gateway, options);
    const address = await first.on();
    await first.written(META_UNIQUE_TOKEN);
    const second = await Guest.create(gateway, { ...options, uuid: first.uuid });
    const other = await second.on();
    const [made] = await madeFor(gateway, first.uuid);
    const uuid = made?.server_uuid ?? '';
    await second.written(META_UNIQUE_TOKEN, META_UUID_OVERRIDE);
    expect((await first.machine.meta()).has(META_UUID_OVERRIDE)).toBe(false);
    // Both boot at one time, and nobody is asked for: each is known by what it has.
    await Promise.all([first.off(), second.off()]);
    expect(await Promise.all([first.on(), second.on()])).toEqual([address, other]);
    expect(await seen(first.uuid)).toMatchObject({ state: 'accepted', boot: 2, unique_token: 'proven', address });
    expect(await seen(uuid)).toMatchObject({ state: 'accepted', boot: 2, unique_token: 'proven', address: other });
    expect(await madeFor(gateway, first.uuid)).toHaveLength(1);
  });

  it('the first is off, then back: the second has its place, the first is another then', async () => {
    const first = await Guest.create(gateway);
    const address = await first.on();
    const second = await Guest.create(gateway, { uuid: first.uuid });
    await first.off();
    expect(await second.on()).toBe(address);
    expect(await seen(first.uuid)).toMatchObject({ boot: 2, public_key: (await second.state()).publicKey });
    const other = await first.on();
    expect(other).not.toBe(address);
    const made = await madeFor(gateway, first.uuid);
    expect(made).toEqual([expect.objectContaining({ state: 'provisional', address: other, boot: 1 })]);
    expect(await seen(first.uuid)).toMatchObject({ boot: 2, public_key: (await second.state()).publicKey });
  });

  it('a cloned disk, both on: the token that both have does not help the second', async () => {
    const first = await Guest.create(gateway, { meta: token('cloned') });
    const address = await first.on();
    const second = await Guest.create(gateway, { uuid: first.uuid, meta: await first.machine.meta() });
    const other = await second.on();
    expect(other).not.toBe(address);
    expect(await madeFor(gateway, first.uuid)).toEqual([
      expect.objectContaining({ state: 'provisional', address: other, unique_token: 'none' }),
    ]);
    expect(await seen(first.uuid)).toMatchObject({ boot: 1, unique_token: 'bound', address });
  });

  // It does not answer the knock at its API, but its WireGuard tells after 10 s that something came. The same in the
  // tunnel: tunnel.test.ts.
  it('the first has a firewall that lets nothing in: its WireGuard answers for it', async () => {
    const first = await Guest.create(gateway);
    const address = await first.on();
    await first.closeApi();
    const second = await Guest.create(gateway, { uuid: first.uuid });
    const other = await second.on();
    expect(other).not.toBe(address);
    expect(await seen(first.uuid)).toMatchObject({ boot: 1, address });
  });
});

describe('walks of calls', { concurrent: true, timeout: 240_000 }, () => {
  it('max_uses 1, and the first reply is lost: the same machine is let in, no other', async () => {
    const { id, secret } = await gateway.client.createToken({ max_uses: 1 });
    const call = { uuid: randomUUID(), key: newKey(), joinToken: secret };
    await caller.provisionAndLose(call);
    await gateway.until('it has joined', async () => (await seen(call.uuid)).boot === 1);
    const { address } = await seen(call.uuid);
    expect(await gateway.client.token(id)).toMatchObject({ uses: 1, state: 'used_up' });
    expect((await caller.provision(call)).address).toBe(address);
    expect((await caller.provision({ ...call, key: newKey() })).address).toBe(address);
    expect((await caller.refusal({ uuid: randomUUID(), joinToken: secret })).message).toMatch(UNAUTHORIZED);
    expect((await gateway.client.token(id)).uses).toBe(1);
  });

  it('fifty calls within milliseconds are one machine, one boot, one use', async () => {
    const { id, secret } = await gateway.client.createToken({});
    const call = { uuid: randomUUID(), key: newKey(), joinToken: secret };
    const answers = await Promise.all(Array.from({ length: 50 }, () => caller.provision(call)));
    expect(new Set(answers.map(({ address }) => address)).size).toBe(1);
    expect(await seen(call.uuid)).toMatchObject({ boot: 1, version: 1 });
    expect((await gateway.client.token(id)).uses).toBe(1);
    expect(await told(gateway, call.uuid)).toEqual(['discovered', 'accepted']);
  });

  it.each([
    ['without META', ''],
    ['with it', 'kept'],
  ])('reboots %s: one peer, one address, a boot each', async (_, uniqueToken) => {
    // A new peer is given 6 s for its first handshake. A hundred boots, and boots with links: walks.long.ts.
    await expectManyBoots(gateway, caller, uniqueToken, 5);
  });
});
