import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/client/api.ts';
import { ControlClient } from '../../src/client/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { uuidOf } from '../control/fakes.ts';
import { type Harness, startControl } from '../control/harness.ts';
import { startTcp } from '../control/tcp-harness.ts';

let control: Harness;
let client: ControlClient;
beforeEach(async () => {
  control = await startControl();
  control.machines.add(
    { id: 1, labels: { a: '1' } },
    { id: 2, state: 'pending', labels: {}, uniqueToken: 'bound' },
    { id: 3, ownership: { owner: 'acme' }, labels: { a: '2' } },
  );
  client = new ControlClient({ target: { socket: control.socket } }, { clock: systemClock });
});
afterEach(() => control[Symbol.asyncDispose]());

describe('the client changes machines', () => {
  it('registers one, and says whether it is new', async () => {
    const first = await client.registerMachine(uuidOf(7), { owner: 'acme', unique_token: true });
    expect([first.created, first.machine.owner, first.machine.unique_token_secret]).toEqual([true, 'acme', 'dW5pcXVl']);
    const again = await client.registerMachine(uuidOf(7), {}, { ifMatch: first.machine.version });
    expect([again.created, again.machine.unique_token_secret]).toEqual([false, null]);
    expect(again.machine).not.toHaveProperty('owner');
    expect((await client.registerMachine(uuidOf(8))).created).toBe(true);
  });

  it('accepts, rejects, removes, readmits, forgets the token', async () => {
    expect((await client.acceptMachine(uuidOf(2))).state).toBe('accepted');
    expect((await client.rejectMachine(uuidOf(2))).state).toBe('rejected');
    expect((await client.removeMachine(uuidOf(2))).state).toBe('removed');
    expect((await client.readmitMachine(uuidOf(2))).state).toBe('accepted');
    expect(await client.resetMachineToken(uuidOf(2))).toMatchObject({ unique_token: 'none', version: 12 });
    // Once more changes nothing.
    expect((await client.resetMachineToken(uuidOf(2))).version).toBe(12);
    expect(control.admin.recordsDeleted).toEqual([]);
    await client.removeMachine(uuidOf(2), { records: true, ifMatch: 12 });
    expect(control.admin.recordsDeleted).toEqual([uuidOf(2)]);
  });

  it('labels them, and finds them by selector', async () => {
    const machine = await client.patchMachine(uuidOf(2), { labels: { set: { a: '3' }, unset: ['b'] } });
    expect(machine.labels).toEqual({ a: '3' });
    const found: Machine[] = [];
    for await (const item of client.machines({ selector: 'a >= 2' })) found.push(item);
    expect(found.map(({ server_uuid }) => server_uuid)).toEqual([uuidOf(2), uuidOf(3)]);
  });

  it('claims, hands over and releases what it has seen', async () => {
    const claimed = await client.claimMachine(uuidOf(1), { owner: 'a', cluster: 'c' });
    expect(claimed).toMatchObject({ owner: 'a', cluster: 'c' });
    await expect(client.claimMachine(uuidOf(1), { owner: 'b' })).rejects.toMatchObject({
      code: 'conflict',
      version: 8,
    });
    const handed = await client.claimMachine(uuidOf(1), { owner: 'b' }, { ifMatch: claimed.version });
    expect(handed.owner).toBe('b');
    await expect(client.releaseMachine(uuidOf(1), {})).rejects.toMatchObject({ code: 'precondition_required' });
    expect(await client.releaseMachine(uuidOf(1), { ifMatch: '*' })).not.toHaveProperty('owner');
  });

  it('learns the version that is there from a refusal', async () => {
    const old = { ifMatch: 3 };
    const calls = [
      () => client.registerMachine(uuidOf(1), {}, old),
      () => client.patchMachine(uuidOf(1), {}, old),
      () => client.acceptMachine(uuidOf(1), old),
      () => client.rejectMachine(uuidOf(1), old),
      () => client.claimMachine(uuidOf(1), { owner: 'a' }, old),
      () => client.releaseMachine(uuidOf(1), old),
      () => client.resetMachineToken(uuidOf(1), old),
      () => client.readmitMachine(uuidOf(1), old),
      () => client.removeMachine(uuidOf(1), old),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: 'stale', status: 412, version: 7 });
    }
    expect(control.machines.get(uuidOf(1))?.version).toBe(7);
  });

  it('reads boots', async () => {
    expect(await client.boots(uuidOf(1))).toEqual([]);
    await expect(client.boots(uuidOf(99))).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the client handles tokens', () => {
  it('that confer ownership, are rotated and cut machines', async () => {
    const made = await client.createToken({ name: 'n', owner: 'acme', labels: { a: 'b' }, node_uuid: uuidOf(1) });
    expect(made).toMatchObject({ owner: 'acme', labels: { a: 'b' }, node_uuid: uuidOf(1), cuts: 0 });
    const next = await client.rotateToken(made.id, { overlap: '1d' });
    expect([next.rotates, next.owner]).toEqual([made.id, 'acme']);
    control.tokens.cuts.set(next.id, [...control.machines.all()]);
    const details = await client.token(next.id);
    expect(details.machines.map(({ server_uuid }) => server_uuid)).toEqual([1, 2, 3].map(uuidOf));
    expect(details.cuts).toBe(3);
    await expect(client.token('nope')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('over pages', async () => {
    for (let n = 0; n < 1_203; n += 1) await control.tokens.create({ name: `${n}` }, 'a test');
    const names = (await client.tokens()).map(({ name }) => Number(name));
    expect(names.sort((a, b) => a - b)).toEqual([...Array(1_203).keys()]);
  });
});

describe('the client over TCP', () => {
  it('says who it is, and is told what its role may not', async () => {
    await using tcp = await startTcp();
    tcp.control.machines.add({ id: 1 });
    const as = (token: string | undefined) =>
      new ControlClient({ target: { url: tcp.url, token, ca: tcp.ca } }, { clock: systemClock });
    const { reader, operator } = tcp.tokens;
    expect((await as(reader).machine(uuidOf(1))).version).toBe(7);
    await expect(as(reader).acceptMachine(uuidOf(1))).rejects.toMatchObject({ code: 'unauthorized', status: 403 });
    await expect(as(operator).createToken({})).rejects.toMatchObject({ code: 'unauthorized' });
    expect((await as(operator).claimMachine(uuidOf(1), { owner: 'acme' }, { ifMatch: 7 })).owner).toBe('acme');
    for (const token of [undefined, 'slc_wrong']) {
      await expect(as(token).status()).rejects.toMatchObject({ code: 'unauthenticated', status: 401 });
    }
  });
});
