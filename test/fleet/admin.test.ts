import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TRUE } from '../../src/domain/conditions.ts';
import { MACHINE_STATES, type MachineState } from '../../src/domain/join-types.ts';
import { decideLife, type LifeAction } from '../../src/domain/machine-life.ts';
import { bind, offer, prove } from '../../src/domain/unique-token.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';
import type { Machine } from '../../src/fleet/types.ts';
import { type AdminWorld, adminWorld } from './admin-world.ts';
import { newKey } from './fakes.ts';

const refused = (code: string, message?: RegExp) =>
  expect.objectContaining({ code, ...(message !== undefined && { message: expect.stringMatching(message) }) });

/** What does an action to machine 1, with everything it needs. */
const ACTIONS: Readonly<
  Record<Exclude<LifeAction, 'register'>, (world: AdminWorld, machine: Machine) => Promise<Machine>>
> = {
  accept: ({ admin }, { uuid }) => admin.accept(uuid, 'ann'),
  reject: ({ admin }, { uuid }) => admin.reject(uuid, 'ann'),
  claim: ({ admin }, { uuid }) => admin.claim(uuid, { owner: 'acme', cluster: 'c' }, 'ann'),
  release: ({ admin }, { uuid, version }) => admin.release(uuid, 'ann', version),
  label: ({ admin }, { uuid }) => admin.label(uuid, { set: { rack: 'r2' }, unset: ['old'] }, 'ann'),
  condition: ({ admin }, { uuid }) => admin.setProvider(uuid, TRUE, 'ann'),
  tunnel: ({ admin }, { uuid }) => admin.setTunnel(uuid, 'force', 'ann'),
  'reset-token': ({ admin }, { uuid }) => admin.resetToken(uuid, 'ann'),
  remove: ({ admin }, { uuid }) => admin.remove(uuid, { records: false }, 'ann'),
  readmit: ({ admin }, { uuid }) => admin.readmit(uuid, 'ann'),
};

describe('administration of a machine', () => {
  const given = {
    ownership: { owner: 'acme', cluster: 'before' },
    labels: { old: 'x' },
    uniqueTokens: prove([], 'aa'),
  };

  for (const [action, act] of Object.entries(ACTIONS) as [keyof typeof ACTIONS, (typeof ACTIONS)['accept']][]) {
    it.each(MACHINE_STATES)(`${action} of one that is %s does what its life says, and nothing else`, async (state) => {
      const world = adminWorld([{ ...given, state }]);
      const before = world.machine();
      const decision = decideLife(action, { state, joined: state !== 'known', removedProvisional: false });
      if (decision.kind === 'refuse') {
        await expect(act(world, before)).rejects.toEqual(refused('conflict'));
        expect(world.machine()).toBe(before);
        expect(world.log.changes).toEqual([]);
        return;
      }
      const after = await act(world, before);
      const expected: Partial<Machine> = {
        ...(decision.kind === 'become' && { state: decision.state }),
        ...(action === 'claim' && { tags: { ...after.tags, ownership: { owner: 'acme', cluster: 'c' } } }),
        ...(action === 'release' && { tags: { ...after.tags, ownership: {} } }),
        ...(action === 'label' && { labels: { rack: 'r2' } }),
        ...(action === 'tunnel' && { tunnel: 'force' as const }),
        ...(action === 'reset-token' && { uniqueToken: 'none' as const }),
      };
      // A condition is of the machine's status.
      const changes = action === 'condition' || Object.keys(expected).length > 0;
      expect(after).toEqual({ ...before, ...expected, version: before.version + (changes ? 1 : 0) });
      expect(world.machine()).toBe(after);
      expect(world.records()).toHaveLength(changes ? 1 : 0);
      // What was stored is what the next run finds.
      expect(world.restarted().machine()).toEqual(after);
      expect(world.restarted().machines.peers()).toEqual(world.machines.peers());
    });
  }

  it('a machine that is cut off is down in its view, whatever the device was last seen to have', async () => {
    const world = adminWorld([{ state: 'accepted' }]);
    const { uuid, key } = world.machine();
    if (key === null) throw new Error('the machine has joined');
    world.links.set(key, { state: 'up' });
    const link = (machine: Machine) => world.machines.view(machine).link.state;
    expect(link(await world.admin.reject(uuid, 'ann'))).toBe('down');
    expect(link(await world.admin.remove(uuid, { records: false }, 'ann'))).toBe('down');
    expect(link(await world.admin.readmit(uuid, 'ann'))).toBe('up');
  });

  it('each change is a record with the view, who made it and what it was before', async () => {
    const world = adminWorld([{ state: 'pending', uniqueTokens: offer([], 'aa') }]);
    const { uuid } = world.machine();
    const { admin } = world;
    await admin.accept(uuid, 'ann');
    await admin.claim(uuid, { owner: 'acme' }, 'ben');
    await admin.claim(uuid, { owner: 'other' }, 'cat', 3);
    await admin.label(uuid, { set: { a: '1' }, unset: ['b'] }, 'dan');
    await admin.release(uuid, 'eve', 5);
    await admin.resetToken(uuid, 'flo');
    await admin.reject(uuid, 'gil');
    await admin.remove(uuid, { records: true }, 'hal');
    await admin.readmit(uuid, 'ida');
    const records = world.records();
    expect(records.map(({ detail, body }) => [detail, body['by'], body['version'], body['state']])).toEqual([
      ['accepted', 'ann', 2, 'accepted'],
      ['claimed', 'ben', 3, 'accepted'],
      ['released', 'cat', 4, 'accepted'],
      ['claimed', 'cat', 4, 'accepted'],
      ['labeled', 'dan', 5, 'accepted'],
      ['released', 'eve', 6, 'accepted'],
      ['token_reset', 'flo', 7, 'accepted'],
      ['rejected', 'gil', 8, 'rejected'],
      ['removed', 'hal', 9, 'removed'],
      ['readmitted', 'ida', 10, 'accepted'],
    ]);
    expect(records.map(({ body }) => body)).toMatchObject([
      { previous_state: 'pending' },
      { labels: {} },
      { labels: {} },
      { labels: {} },
      { set: { a: '1' }, unset: ['b'], labels: { a: '1' } },
      { labels: { a: '1' } },
      { previous_unique_token: 'offered', unique_token: 'none' },
      { previous_state: 'accepted' },
      { previous_state: 'rejected', records_deleted: true },
      { previous_state: 'removed' },
    ]);
    // The last that an owner hears of its machine is that it has it no more; nobody hears of another owner.
    expect(records.map(({ tags }) => tags.ownership.owner)).toEqual([
      undefined,
      'acme',
      'acme',
      'other',
      'other',
      'other',
      ...Array(4).fill(undefined),
    ]);
    for (const { tags, body } of records) {
      const others = ['acme', 'other'].filter((owner) => owner !== tags.ownership.owner);
      for (const other of others) expect(JSON.stringify(body)).not.toContain(other);
    }
    const counted = await world.registry.getSingleMetric('siderolinkd_fleet_admin_changes_total')?.get();
    expect(counted?.values.find(({ labels }) => labels['kind'] === 'claimed')?.value).toBe(2);
  });

  it('is based on the version that was seen, if one is named', async () => {
    const world = adminWorld([{ state: 'pending' }]);
    const { uuid } = world.machine();
    const stale = refused('stale', /version 1, not 7/);
    await expect(world.admin.accept(uuid, 'ann', 7)).rejects.toEqual(stale);
    await expect(world.admin.claim(uuid, { owner: 'acme' }, 'ann', 7)).rejects.toEqual(stale);
    await expect(world.admin.remove(uuid, { records: false }, 'ann', 7)).rejects.toEqual(stale);
    expect(world.log.changes).toEqual([]);
    await world.admin.accept(uuid, 'ann', 1);
    expect(world.machine()).toMatchObject({ state: 'accepted', version: 2 });
  });

  it('knows no machine that is not there', async () => {
    const world = adminWorld();
    const uuid = parseNodeUuid(randomUUID());
    for (const act of Object.values(ACTIONS)) {
      await expect(act(world, { uuid, version: 1 } as Machine)).rejects.toEqual(refused('not_found'));
    }
  });

  it('a change that cannot be stored never was', async () => {
    for (const [action, act] of Object.entries(ACTIONS)) {
      const state: MachineState = action === 'readmit' ? 'removed' : 'pending';
      const world = adminWorld([{ ...given, state }]);
      const before = world.machine();
      const peers = world.machines.peers();
      world.log.failures = 1;
      await expect(act(world, before), action).rejects.toEqual(refused('storage'));
      expect(world.machine()).toEqual(before);
      expect(world.machines.peers()).toEqual(peers);
      expect(world.events).toEqual([]);
      expect(world.device.changes).toEqual([]);
      await act(world, before);
      expect(world.machine().version).toBe(2);
    }
  });

  it('names machines by their aliases too', async () => {
    const alias = parseNodeUuid(randomUUID());
    const world = adminWorld([{ state: 'pending', aliases: [alias] }]);
    expect(await world.admin.accept(alias, 'ann')).toMatchObject({ id: 1, state: 'accepted' });
  });
});

describe('ownership', () => {
  it('of two control planes that claim at once exactly one wins', async () => {
    const world = adminWorld([{}]);
    const { uuid } = world.machine();
    const claims = ['a', 'b', 'c', 'd'].map((owner) => world.admin.claim(uuid, { owner }, owner));
    const results = await Promise.allSettled(claims);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
    for (const result of results.slice(1)) {
      expect(result.status === 'rejected' && result.reason).toEqual(refused('conflict', /another owner/));
    }
    expect(world.machine().tags.ownership).toEqual({ owner: 'a' });
    expect(world.records().map(({ detail }) => detail)).toEqual(['claimed']);
  });

  it('of two that transfer the version they both saw, exactly one wins', async () => {
    const world = adminWorld([{ ownership: { owner: 'acme' } }]);
    const { uuid } = world.machine();
    const results = await Promise.allSettled(['x', 'y'].map((owner) => world.admin.claim(uuid, { owner }, owner, 1)));
    expect(results).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'stale' } }]);
  });

  it('a claim by its owner replaces all fields; the same again changes nothing', async () => {
    const world = adminWorld([{ ownership: { owner: 'acme', cluster: 'one', machine: 'm' } }]);
    const { uuid, tags } = world.machine();
    const ownership = { owner: 'acme', cluster: 'two' };
    const claimed = await world.admin.claim(uuid, ownership, 'ann');
    expect(claimed.tags).toEqual({ id: 2, server_uuid: uuid, ownership });
    expect(await world.admin.claim(uuid, ownership, 'ann')).toBe(claimed);
    expect(world.log.changes).toHaveLength(1);
    // Records before it refer to the former snapshot, which stays as it was.
    expect(tags.ownership).toEqual({ owner: 'acme', cluster: 'one', machine: 'm' });
    expect(world.log.reopen().image.tags.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('new tags are nowhere to be seen before they are stored: lines that refer to them would come first', async () => {
    const world = adminWorld([{}]);
    const { uuid, tags } = world.machine();
    world.log.gate.close();
    const claim = world.admin.claim(uuid, { owner: 'acme' }, 'ann');
    await world.log.gate.arrived(1);
    expect(world.machine().tags).toBe(tags);
    world.log.gate.open();
    await claim;
    expect(world.machine().tags.ownership).toEqual({ owner: 'acme' });
  });

  it('a release and a transfer must name what was seen', async () => {
    const world = adminWorld([{ ownership: { owner: 'acme' } }]);
    const { uuid } = world.machine();
    await expect(world.admin.release(uuid, 'ann')).rejects.toEqual(refused('precondition_required'));
    await expect(world.admin.claim(uuid, { owner: 'b' }, 'b')).rejects.toEqual(refused('conflict', /If-Match/));
    await world.admin.claim(uuid, { owner: 'b' }, 'b', 1);
    await world.admin.release(uuid, 'ann', 2);
    expect(world.machine().tags.ownership).toEqual({});
    expect(await world.admin.release(uuid, 'ann', 3)).toMatchObject({ version: 3 });
  });

  it('a claim must be one', async () => {
    const world = adminWorld([{}]);
    const { uuid } = world.machine();
    await expect(world.admin.claim(uuid, { cluster: 'c' }, 'ann')).rejects.toEqual(refused('invalid_argument'));
    await expect(world.admin.claim(uuid, { owner: '_' }, 'ann')).rejects.toEqual(refused('invalid_argument'));
    await expect(world.admin.label(uuid, { set: { 'a b': '' }, unset: [] }, 'ann')).rejects.toEqual(
      refused('invalid_argument'),
    );
    expect(world.log.changes).toEqual([]);
  });
});

describe('the link of a machine', () => {
  it.each(['reject', 'remove'] as const)('%s cuts it at once, however slow the device is', async (action) => {
    const world = adminWorld([{}]);
    const machine = world.machine();
    const { address, key } = machine;
    world.device.gate.close();
    const done = ACTIONS[action](world, machine);
    await world.device.gate.arrived(1);
    expect(world.events).toMatchObject([{ kind: 'removed', machine: { id: 1 } }]);
    expect(world.machines.bySource(address)).toBeUndefined();
    expect(world.machines.peers()).toEqual([]);
    world.device.gate.open();
    await done;
    expect(world.device.changes).toEqual([{ remove: key }]);
  });

  it('nothing of a machine that is being removed is taken while the disk is slow', async () => {
    const world = adminWorld([{}]);
    world.log.gate.close();
    const done = ACTIONS.remove(world, world.machine());
    await world.log.gate.arrived(1);
    expect(world.machines.bySource(world.machine().address)).toBeUndefined();
    world.log.gate.open();
    await done;
  });

  it('a device that fails leaves the change standing; asked again, it is finished', async () => {
    const world = adminWorld([{}]);
    const { uuid, key } = world.machine();
    world.device.failures = 1;
    await expect(world.admin.remove(uuid, { records: false }, 'ann')).rejects.toEqual(refused('command_failed'));
    expect(world.machine()).toMatchObject({ state: 'removed', version: 2 });
    expect(world.events).toHaveLength(1);
    await world.admin.remove(uuid, { records: false }, 'ann');
    expect(world.device.changes).toEqual([{ remove: key }]);
    expect(world.machine().version).toBe(2);
    expect(world.log.changes).toHaveLength(1);
  });

  it('comes back with its address: rejected and accepted, removed and readmitted', async () => {
    for (const [cut, mend] of [
      ['reject', 'accept'],
      ['remove', 'readmit'],
    ] as const) {
      const world = adminWorld([{}]);
      const { uuid, address, key } = world.machine();
      await world.admin[cut === 'reject' ? 'reject' : 'resetToken'](uuid, 'ann');
      if (cut === 'remove') await world.admin.remove(uuid, { records: false }, 'ann');
      await world.admin[mend](uuid, 'ann');
      expect(world.device.peers).toEqual(new Map([[key, address]]));
      expect(world.machines.bySource(address)?.id).toBe(1);
      expect(world.machines.peers()).toEqual([{ publicKey: key, address }]);
      expect(world.boots.current(1)?.number).toBe(1);
    }
  });

  it('a boot that never reached the device begins when the machine is let in again', async () => {
    const world = adminWorld([{}]);
    const before = world.boots.current(1);
    const row = world.machines.row(1);
    const begun = world.boots.begin(1, newKey());
    world.machines.table.put({ ...row, machine: { ...row.machine, key: begun.boot.publicKey, boot: 2 } });
    await world.admin.reject(row.machine.uuid, 'ann');
    // The device may still have the former key.
    expect(new Set(world.device.changes.map(({ remove }) => remove))).toEqual(
      new Set([begun.boot.publicKey, row.machine.key]),
    );
    await world.admin.accept(row.machine.uuid, 'ann');
    expect(world.events.at(-1)).toMatchObject({ kind: 'boot', machine: { boot: 2 }, previousBoot: before });
    expect(world.boots.current(1)?.number).toBe(2);
  });

  it('leaves a former key alone that is another machine’s by now', async () => {
    const world = adminWorld([{}, {}]);
    const row = world.machines.row(1);
    const former = world.machine(1).key;
    const key = newKey();
    world.boots.begin(1, key);
    world.machines.table.put({ ...row, machine: { ...row.machine, key, boot: 2 } });
    if (former !== null) world.boots.begin(2, former);
    await world.admin.remove(row.machine.uuid, { records: false }, 'ann');
    expect(world.device.changes).toEqual([{ remove: key }]);
  });

  it.each([
    ['provisional', []],
    ['expired', []],
    ['provisional', ['reject']],
    ['expired', ['reject', 'remove', 'readmit', 'reject']],
  ] as const)(
    'one that is %s, after %j and removal: readmitted it may join again, and nobody has accepted it by that',
    async (state, actions) => {
      let world = adminWorld([{ state, madeFor: 'asked' }]);
      const { uuid } = world.machine();
      for (const action of [...actions, 'remove'] as const) {
        await ACTIONS[action](world, world.machine());
        world = world.restarted();
      }
      const readmitted = await world.admin.readmit(uuid, 'ann');
      // Not provisional at once: there may be as many of these as there may be.
      expect(readmitted).toMatchObject({ state: 'expired' });
      expect([world.machines.peers(), world.device.changes]).toEqual([[], []]);
    },
  );

  it('an identity that somebody accepted is accepted when it is readmitted, though it was rejected before or since', async () => {
    let world = adminWorld([{ state: 'provisional', madeFor: 'asked' }]);
    for (const action of ['reject', 'accept', 'reject', 'remove', 'readmit'] as const) {
      await ACTIONS[action](world, world.machine());
      world = world.restarted();
    }
    expect(world.machine()).toMatchObject({ state: 'accepted' });
  });

  it('the records of one that was removed with them kept can still be deleted, once', async () => {
    const world = adminWorld([{}]);
    const { uuid } = world.machine();
    for (const records of [false, true, true, false]) await world.admin.remove(uuid, { records }, 'ann');
    expect(world.records().map(({ detail, body }) => [detail, body['records_deleted']])).toEqual([
      ['removed', false],
      ['removed', true],
    ]);
    const deleted = world.log.changes.flatMap(({ ops }) => ops.filter(({ op }) => op === 'deleteRecords'));
    expect(deleted[0]).toEqual({ op: 'deleteRecords', machine: 1, what: 'all' });
  });

  it('an expired identity gets no peer by what leaves it as it is', async () => {
    const world = adminWorld([{ state: 'expired', madeFor: 'asked' }]);
    await world.admin.readmit(world.machine().uuid, 'ann');
    expect(world.device.changes).toEqual([]);
  });

  it('a listener that fails keeps no device from its change', async () => {
    const world = adminWorld([{}]);
    world.machines.onEvent(() => {
      throw new Error('deaf');
    });
    await expect(ACTIONS.remove(world, world.machine())).rejects.toThrow('deaf');
    expect(world.device.changes).toHaveLength(1);
  });
});

describe('registration', () => {
  const registration = { ownership: { owner: 'acme' }, labels: { rack: 'r1' }, uniqueToken: true };

  it('makes a machine known: UUID and address are its own at once, the token is told once', async () => {
    const world = adminWorld();
    const uuid = parseNodeUuid(randomUUID());
    const { machine, created, uniqueToken } = await world.admin.register(uuid, registration, 'ann');
    expect(created).toBe(true);
    expect(uniqueToken).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(machine).toMatchObject({ uuid, state: 'known', key: null, boot: 0, uniqueToken: 'offered', version: 1 });
    expect(machine).toMatchObject({ labels: { rack: 'r1' }, tags: { ownership: { owner: 'acme' } } });
    expect(world.machines.peers()).toEqual([]);
    expect(world.machines.bySource(machine.address)).toBeUndefined();
    expect(world.records()).toMatchObject([{ detail: 'registered', body: { by: 'ann', state: 'known' } }]);
    expect(JSON.stringify(world.log.changes)).not.toContain(uniqueToken);
    expect(world.restarted().machine()).toEqual(machine);
    expect(world.events).toEqual([{ kind: 'changed', machine }]);
  });

  it('again, it brings the machine to what is wanted; what is so already changes nothing', async () => {
    const world = adminWorld();
    const uuid = parseNodeUuid(randomUUID());
    const first = await world.admin.register(uuid, { ...registration, uniqueToken: false }, 'ann');
    const again = await world.admin.register(uuid, { ...registration, uniqueToken: false }, 'ann');
    expect(again).toEqual({ machine: first.machine, created: false, uniqueToken: null });
    expect(world.log.changes).toHaveLength(1);
    const other = await world.admin.register(uuid, { ...registration, labels: {}, uniqueToken: true }, 'ann');
    expect(other).toMatchObject({ created: false, machine: { labels: {}, uniqueToken: 'offered', version: 2 } });
    expect(other.machine.address).toBe(first.machine.address);
    const second = await world.admin.register(uuid, { ...registration, labels: {}, uniqueToken: true }, 'ann');
    expect(second.uniqueToken).not.toBe(other.uniqueToken);
    expect(world.machines.row(1).uniqueTokens).toHaveLength(2);
  });

  it('takes a machine from no owner who was not seen', async () => {
    const world = adminWorld();
    const uuid = parseNodeUuid(randomUUID());
    await world.admin.register(uuid, registration, 'ann');
    const wanted = { ...registration, ownership: { owner: 'other' } };
    await expect(world.admin.register(uuid, wanted, 'ben')).rejects.toEqual(refused('conflict', /another owner/));
    await expect(world.admin.register(uuid, { ...wanted, ownership: {} }, 'ben')).rejects.toEqual(refused('conflict'));
    await expect(world.admin.register(uuid, wanted, 'ben', 9)).rejects.toEqual(refused('stale'));
    expect(await world.admin.register(uuid, wanted, 'ben', 1)).toMatchObject({ machine: { version: 2 } });
    expect(world.records().map(({ detail, tags }) => [detail, tags.ownership.owner])).toEqual([
      ['registered', 'acme'],
      ['released', 'acme'],
      ['registered', 'other'],
    ]);
  });

  it.each(MACHINE_STATES.filter((state) => state !== 'known'))('refuses one that is %s', async (state) => {
    const world = adminWorld([{ state }]);
    await expect(world.admin.register(world.machine().uuid, registration, 'ann')).rejects.toEqual(refused('conflict'));
    expect(world.log.changes).toEqual([]);
  });

  it('refuses UUIDs that many machines share, and those that are another machine’s', async () => {
    const alias = parseNodeUuid(randomUUID());
    const world = adminWorld([{ uuid: '00112233-4455-6677-8899-aabbccddeeff', aliases: [alias] }]);
    const register = (uuid: string) => world.admin.register(parseNodeUuid(uuid), registration, 'ann');
    await expect(register('00000000-0000-0000-0000-000000000000')).rejects.toEqual(refused('invalid_argument'));
    await expect(register('03000200-0400-0500-0006-000700080009')).rejects.toEqual(refused('invalid_argument'));
    const same = refused('conflict', /00112233-4455-6677-8899-aabbccddeeff/);
    await expect(register('33221100-5544-7766-8899-aabbccddeeff')).rejects.toEqual(same);
    await expect(register(alias)).rejects.toEqual(same);
    await expect(world.admin.register(parseNodeUuid(randomUUID()), registration, 'ann', 1)).rejects.toEqual(
      refused('stale'),
    );
    await expect(
      world.admin.register(parseNodeUuid(randomUUID()), { ...registration, labels: { 'a b': '' } }, 'ann'),
    ).rejects.toEqual(refused('invalid_argument'));
    expect(world.machines.size).toBe(1);
  });

  it('two at once for one UUID make one machine', async () => {
    const world = adminWorld();
    const uuid = parseNodeUuid(randomUUID());
    const [a, b] = await Promise.all([1, 2].map(() => world.admin.register(uuid, registration, 'ann')));
    expect([a?.created, b?.created]).toEqual([true, false]);
    expect(b?.machine.address).toBe(a?.machine.address);
    expect(world.machines.size).toBe(1);
  });

  it('one that cannot be stored never was; who waited for it finds nothing, or makes it', async () => {
    const world = adminWorld();
    const uuid = parseNodeUuid(randomUUID());
    world.log.failures = 1;
    const first = world.admin.register(uuid, registration, 'ann');
    const claim = world.admin.claim(uuid, { owner: 'acme', cluster: 'c' }, 'ben');
    await expect(first).rejects.toEqual(refused('storage'));
    await expect(claim).rejects.toEqual(refused('not_found'));
    expect(world.machines.size).toBe(0);
    expect(await world.admin.register(uuid, registration, 'ann')).toMatchObject({ created: true, machine: { id: 2 } });
    expect(world.restarted().machines.size).toBe(1);
  });

  it('there is a most of machines that are known and never joined', async () => {
    const world = adminWorld([], undefined, { maxKnown: 2 });
    const register = () => world.admin.register(parseNodeUuid(randomUUID()), registration, 'ann');
    await register();
    const { machine } = await register();
    await expect(register()).rejects.toEqual(refused('exhausted'));
    await world.admin.remove(machine.uuid, { records: false }, 'ann');
    await register();
    expect(world.machines.size).toBe(3);
  });

  it('a token that was handed out is the one that its machine joins with', async () => {
    const world = adminWorld([{ state: 'known', uniqueTokens: bind([], 'aa') }]);
    const { uuid } = world.machine();
    await world.admin.register(uuid, { ownership: {}, labels: {}, uniqueToken: true }, 'ann');
    expect(world.machines.row(1).uniqueTokens).toMatchObject([{ hash: 'aa', state: 'bound' }, { state: 'offered' }]);
  });
});
