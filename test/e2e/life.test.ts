import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Envelope, Machine } from '../../src/client/api.ts';
import { swappedUuid } from '../../src/domain/join-request.ts';
import { META_UNIQUE_TOKEN, META_UUID_OVERRIDE } from '../../src/domain/token-write.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { token } from './walking.ts';

// The life of a machine, with machines that talk while it is decided: pending, accepted, rejected, known, removed. The
// gateway holds newcomers, so every state has its place here.

const gateway = new Gateway();
const BY = 'admin control socket';
const NO_UUID = '00000000-0000-0000-0000-000000000000';
const TALKING = { quiet: false, linesPerSecond: 50 };

beforeAll(async () => {
  await gateway.create();
  await gateway.start({ 'join.policy': 'hold' });
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

const seen = (uuid: string): Promise<Machine> => gateway.client.machine(uuid);

/** A machine that has booted and talks. */
async function talking(options: Parameters<typeof Guest.create>[1] = {}): Promise<Guest> {
  const guest = await Guest.create(gateway, { ...TALKING, ...options });
  await guest.on();
  await gateway.until('it runs, and has said who it is', async () => {
    const { stage, hostname } = await seen(guest.uuid);
    return stage === 'RUNNING' && hostname !== null && (await guest.state()).eventsPending === 0;
  });
  return guest;
}

/** What was done to it, by whom, and its state then. */
async function changes(uuid: string): Promise<unknown[]> {
  const records = await gateway.records({ machine: uuid, filter: ['*.*.*.machine.>'] });
  return records
    .filter(({ body }) => body['by'] !== 'join' && body['by'] !== 'machine')
    .map(({ subject, body }) => [subject.split('.').at(-1), body['by'], body['state']]);
}

async function lines(uuid: string, after?: number): Promise<Envelope[]> {
  return await gateway.records({ machine: uuid, filter: ['*.*.*.kmsg.>'], ...(after !== undefined && { after }) });
}

async function head(): Promise<number> {
  return (await gateway.client.status()).records.head;
}

async function talks(guest: Guest, withinMs?: number): Promise<void> {
  const after = await head();
  await gateway.until('it talks', async () => (await lines(guest.uuid, after)).length > 20, withinMs);
}

/** Connections to the sinks, as the two ends see them. */
async function connections(guest: Guest): Promise<{ readonly here: number; readonly there: number }> {
  const { address } = await seen(guest.uuid);
  const count = (text: string) => text.split('\n').filter((line) => line !== '').length;
  const established = ['ss', '-Htn6', 'state', 'established'] as const;
  return {
    here: count(await gateway.namespace.run([...established, 'dst', `[${address}]`])),
    there: count(await guest.inside(...established, 'src', `[${address}]`)),
  };
}

/** The machine is cut off: no peer, no connection, nothing that it says is heard. */
async function expectCut(guest: Guest): Promise<void> {
  const { publicKey } = await guest.state();
  expect((await gateway.peers()).has(publicKey ?? '')).toBe(false);
  expect((await connections(guest)).here).toBe(0);
  const from = await head();
  await gateway.until('it has noticed', async () => (await connections(guest)).there === 0);
  expect(
    await gateway.records({ machine: guest.uuid, after: from, filter: ['*.*.*.kmsg.>', '*.*.*.event.>'] }),
  ).toEqual([]);
}

describe('the life of a machine', { concurrent: true, timeout: 240_000 }, () => {
  it('pending: it has its link, and all that it says is kept; accepted: nothing of that changes', async () => {
    const guest = await talking();
    const before = await seen(guest.uuid);
    expect(before).toMatchObject({ state: 'pending', boot: 1, stage: 'RUNNING' });
    const { publicKey, counters } = await guest.state();
    const peer = (await gateway.peers()).get(publicKey ?? '');
    await gateway.client.acceptMachine(guest.uuid);
    await gateway.client.acceptMachine(guest.uuid);
    await talks(guest);
    expect(await seen(guest.uuid)).toMatchObject({ state: 'accepted', version: before.version + 1 });
    expect((await gateway.peers()).get(publicKey ?? '')?.latestHandshake).toBe(peer?.latestHandshake);
    const { kmsgConnections, provisions, eventErrors } = counters;
    expect((await guest.state()).counters).toMatchObject({ kmsgConnections, provisions, eventErrors });
    const all = await lines(guest.uuid);
    expect(all.map(({ body }) => body['seq'])).toEqual(all.map((_, seq) => seq));
    expect(await changes(guest.uuid)).toEqual([['accepted', BY, 'accepted']]);
  });

  it('an identity of its own that shows that it keeps it: pending, like every newcomer here', async () => {
    const guest = await Guest.create(gateway, { quiet: false, maintenance: true, uuid: NO_UUID });
    const address = await guest.on();
    await guest.written(META_UNIQUE_TOKEN, META_UUID_OVERRIDE);
    const uuid = (await guest.machine.meta()).get(META_UUID_OVERRIDE) ?? '';
    expect(await seen(uuid)).toMatchObject({ state: 'provisional', made_for: NO_UUID, address });
    await gateway.until('it has called as itself', async () => (await guest.state()).counters.provisions >= 3);
    expect(await guest.reboot({ mode: 'kexec' })).toBe(address);
    expect(await seen(uuid)).toMatchObject({ state: 'pending', boot: 2, unique_token: 'proven' });
    await gateway.client.acceptMachine(uuid);
    expect(await guest.reboot({ mode: 'kexec' })).toBe(address);
    expect(await seen(uuid)).toMatchObject({ state: 'accepted', boot: 3 });
  });

  it('removed while it talks: cut off at once and for good; readmitted: the same address', async () => {
    const guest = await talking();
    const { address } = await seen(guest.uuid);
    expect(await connections(guest)).toEqual({ here: 2, there: 2 });
    const removed = await gateway.client.removeMachine(guest.uuid);
    expect(removed).toMatchObject({ state: 'removed', address });
    await expectCut(guest);
    expect(await gateway.client.removeMachine(guest.uuid)).toMatchObject({ version: removed.version });
    await guest.machine.reboot({ abrupt: true });
    expect(await guest.refused()).toMatch(/unauthorized/);
    await expect(gateway.client.claimMachine(guest.uuid, { owner: 'acme' })).rejects.toMatchObject({
      code: 'conflict',
    });
    await gateway.client.readmitMachine(guest.uuid);
    await gateway.client.readmitMachine(guest.uuid);
    expect(await guest.linked()).toBe(address);
    expect(await seen(guest.uuid)).toMatchObject({ state: 'accepted', boot: 2, address });
    expect(await changes(guest.uuid)).toEqual([
      ['removed', BY, 'removed'],
      ['readmitted', BY, 'accepted'],
    ]);
  });

  it('removed while it is off: its tombstone refuses it, and keeps its address', async () => {
    const guest = await Guest.create(gateway, { meta: token('its own') });
    const address = await guest.on();
    const { publicKey } = await guest.state();
    await guest.off();
    await gateway.client.removeMachine(guest.uuid);
    expect((await gateway.peers()).has(publicKey ?? '')).toBe(false);
    await guest.machine.start();
    expect(await guest.refused()).toMatch(/unauthorized/);
    expect(await seen(guest.uuid)).toMatchObject({ state: 'removed', address, boot: 1 });
    await gateway.client.readmitMachine(guest.uuid);
    expect(await guest.linked()).toBe(address);
    expect(await seen(guest.uuid)).toMatchObject({ state: 'accepted', boot: 2 });
  });

  it('rejected while it talks: cut off until it is accepted, and then linked without a call', async () => {
    const guest = await talking();
    const { address } = await seen(guest.uuid);
    await gateway.client.rejectMachine(guest.uuid);
    await expectCut(guest);
    expect((await seen(guest.uuid)).state).toBe('rejected');
    await gateway.client.acceptMachine(guest.uuid);
    // Its WireGuard makes a new session when what it sends stays unanswered for 15 s.
    await talks(guest, 90_000);
    expect(await seen(guest.uuid)).toMatchObject({ state: 'accepted', address, boot: 1 });
    expect((await guest.state()).counters.provisions).toBe(1);
    expect(await changes(guest.uuid)).toEqual([
      ['rejected', BY, 'rejected'],
      ['accepted', BY, 'accepted'],
    ]);
  });

  it('known before it boots: accepted at its first join, under the UUID with its bytes in the other order too', async () => {
    const guest = await Guest.create(gateway);
    const uuid = swappedUuid(parseNodeUuid(guest.uuid));
    const wanted = { owner: 'acme', namespace: 'green', cluster: 'c1', labels: { rack: '7' } };
    const { machine, created } = await gateway.client.registerMachine(uuid, wanted);
    expect(created).toBe(true);
    expect(machine).toMatchObject({ ...wanted, state: 'known', boot: 0, unique_token_secret: null });
    expect(await guest.on()).toBe(machine.address);
    expect(await seen(uuid)).toMatchObject({ ...wanted, state: 'accepted', boot: 1, aliases: [guest.uuid] });
    await expect(gateway.client.registerMachine(uuid, wanted)).rejects.toMatchObject({ code: 'conflict' });
    expect(await guest.reboot({ mode: 'kexec' })).toBe(machine.address);
    expect(await changes(uuid)).toEqual([['registered', BY, 'known']]);
    const records = await gateway.records({ machine: uuid, filter: ['*.*.*.machine.accepted', '*.*.*.link.>'] });
    expect(records.length).toBeGreaterThan(2);
    expect(new Set(records.map(({ subject }) => subject.split('.')[1]))).toEqual(new Set(['acme']));
  });

  it('known, with a unique token from its machine configuration: it needs no join token, and nobody else has its UUID', async () => {
    // SideroLinkConfig.uniqueToken is sent as META 16 is, which is what the simulated machine has.
    const uuid = (await (await Guest.create(gateway)).state()).uuid;
    const { machine } = await gateway.client.registerMachine(uuid, { unique_token: true });
    const secret = machine.unique_token_secret ?? '';
    expect(secret.length).toBeGreaterThan(20);
    expect(machine.unique_token).toBe('offered');
    const guest = await Guest.create(gateway, { uuid, joinToken: 'none', meta: token(secret) });
    expect(await guest.on()).toBe(machine.address);
    expect(await seen(uuid)).toMatchObject({ state: 'accepted', unique_token: 'bound' });
    expect(await guest.reboot({ mode: 'kexec' })).toBe(machine.address);
    expect(await seen(uuid)).toMatchObject({ boot: 2, unique_token: 'proven' });
    for (const text of [gateway.stateBytes(), gateway.log]) expect(text).not.toContain(secret);

    await gateway.client.resetMachineToken(uuid);
    await gateway.client.resetMachineToken(uuid);
    expect(await seen(uuid)).toMatchObject({ unique_token: 'none', state: 'accepted' });
    expect(await changes(uuid)).toEqual([
      ['registered', BY, 'known'],
      ['token_reset', BY, 'accepted'],
    ]);
  });

  it('claimed in the middle of its log: what came before keeps its tags, what comes after has the new ones', async () => {
    const guest = await talking();
    await talks(guest);
    const tags = { owner: 'acme.prod', namespace: 'green', cluster: 'c1', metal_machine: 'mm', machine: 'm' };
    await gateway.client.claimMachine(guest.uuid, tags);
    await talks(guest);
    const { version } = await seen(guest.uuid);
    await expect(gateway.client.claimMachine(guest.uuid, { owner: 'other' })).rejects.toMatchObject({
      code: 'conflict',
    });
    const transfer = (ifMatch: number) => gateway.client.claimMachine(guest.uuid, { owner: 'other' }, { ifMatch });
    await expect(transfer(version - 1)).rejects.toMatchObject({ code: 'stale' });
    // Two control planes saw the same: one wins.
    const both = await Promise.allSettled([transfer(version), transfer(version)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await talks(guest);
    await expect(gateway.client.releaseMachine(guest.uuid, {})).rejects.toMatchObject({
      code: 'precondition_required',
    });
    await gateway.client.releaseMachine(guest.uuid, { ifMatch: version + 1 });
    await talks(guest);

    const all = await lines(guest.uuid);
    expect(all.map(({ body }) => body['seq'])).toEqual(all.map((_, seq) => seq));
    const runs: unknown[] = [];
    for (const { subject, body } of all) {
      const { owner, namespace, cluster, metal_machine, machine } = body;
      const run = JSON.stringify([subject.split('.')[1], owner, namespace, cluster, metal_machine, machine]);
      if (run !== runs.at(-1)) runs.push(run);
    }
    const nobody = JSON.stringify(['_', ...Array(5).fill(undefined)]);
    expect(runs).toEqual([
      nobody,
      JSON.stringify(['acme_2Eprod', ...Object.values(tags)]),
      JSON.stringify(['other', 'other', ...Array(4).fill(undefined)]),
      nobody,
    ]);
    expect((await changes(guest.uuid)).map((change) => (change as unknown[])[0])).toEqual([
      'claimed',
      'released',
      'claimed',
      'released',
    ]);
  });
});
