import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BootsPage, Machine, type MachinesPage } from '../../src/client/api.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import { NOW, uuidOf } from './fakes.ts';
import { type Harness, startControl } from './harness.ts';

const uuids = (json: MachinesPage) => json.machines.map((machine) => machine.server_uuid);
const query = (text: string) => `/v1/machines?selector=${encodeURIComponent(text)}`;

describe('machines by selector', () => {
  let control: Harness;
  beforeAll(async () => {
    control = await startControl();
    control.machines.add(
      { id: 1, labels: { role: 'worker', slots: '8' } },
      { id: 2, labels: { role: 'worker', slots: '16' }, state: 'pending' },
      { id: 3, labels: { role: 'db', slots: 'many' }, ownership: { owner: 'acme' } },
      { id: 4, labels: {} },
    );
  });
  afterAll(() => control[Symbol.asyncDispose]());

  it.each([
    ['role', [1, 2, 3]],
    ['!role', [4]],
    ['role=worker', [1, 2]],
    ['role!=worker', [3, 4]],
    ['role in (db, web)', [3]],
    ['role notin (db)', [1, 2, 4]],
    ['slots > 8', [2]],
    ['slots >= 8, role', [1, 2]],
    ['', [1, 2, 3, 4]],
    ['role=nothing', []],
  ])('%s', async (selector, ids) => {
    const { status, json } = await control.call('GET', query(selector));
    expect([status, uuids(json)]).toEqual([200, ids.map(uuidOf)]);
  });

  it('with the other filters', async () => {
    expect(uuids((await control.call('GET', `${query('role')}&state=pending`)).json)).toEqual([uuidOf(2)]);
    expect(uuids((await control.call('GET', `${query('role')}&owner=acme`)).json)).toEqual([uuidOf(3)]);
  });

  it.each([
    ['role=a=b', /^query\.selector: malformed selector at position 7/],
    ['role in (a', /^query\.selector: malformed selector at position 11/],
    ['-x', /^query\.selector: malformed selector at position 1/],
    ['a'.repeat(4_097), /^query\.selector: /],
  ])('%s is refused with its place', async (selector, detail) => {
    const { status, json } = await control.call('GET', query(selector));
    expect([status, json.code, json.errors[0].path]).toEqual([400, 'invalid_argument', 'query.selector']);
    expect(json.detail).toMatch(detail);
  });

  it('is not repeated', async () => {
    expect((await control.call('GET', `${query('a')}&selector=b`)).status).toBe(400);
  });
});

describe('one machine', () => {
  it('is found by an alias, and answers under its own UUID', async () => {
    await using control = await startControl();
    control.machines.add({ id: 1, aliases: [uuidOf(77)] });
    const { status, json, headers } = await control.call('GET', `/v1/machines/${uuidOf(77)}`);
    expect([status, json.server_uuid, json.aliases, headers.etag]).toEqual([200, uuidOf(1), [uuidOf(77)], '"7"']);
    expect(Machine.strict().parse(json)).toEqual(json);
    expect(json).toMatchObject({
      made_for: null,
      token_write: { state: 'waiting', tries: 2, last_error: 'no route', at: '2026-11-21T11:59:51.000Z' },
    });
  });
});

describe('the boots of a machine', () => {
  it('come with their keys and what is missing, the newest first', async () => {
    await using control = await startControl();
    control.machines.add({ id: 1, aliases: [uuidOf(11)] }, { id: 2 });
    const { publicKey } = PrivateKey.generate();
    const boot = { publicKey, startedAt: NOW - 60_000, lastSeq: null, lastClock: null, gaps: [] };
    const gaps = [
      { from: 3, to: 5, filled: false },
      { from: 8, to: 8, filled: true },
    ];
    control.log.bootsOf.set(1, [
      { ...boot, number: 1 },
      { ...boot, number: 2, lastSeq: 900, lastClock: 12_500_000, gaps },
    ]);
    const { status, json } = await control.call('GET', `/v1/machines/${uuidOf(11)}/boots`);
    expect(status).toBe(200);
    expect(BootsPage.strict().parse(json)).toEqual(json);
    const shown = { public_key: publicKey, started_at: '2026-11-21T11:59:00.000Z' };
    expect(json.boots).toEqual([
      {
        ...shown,
        boot: 2,
        last_seq: 900,
        last_clock: 12_500_000,
        gaps: [{ from: 3, to: 5 }],
        filled: [{ from: 8, to: 8 }],
      },
      { ...shown, boot: 1, last_seq: null, last_clock: null, gaps: [], filled: [] },
    ]);
    expect((await control.call('GET', `/v1/machines/${uuidOf(2)}/boots`)).json).toEqual({ boots: [] });
  });

  it('are not to be had of a machine that is not there, or of a store that fails', async () => {
    await using control = await startControl();
    control.machines.add({ id: 1 });
    expect((await control.call('GET', `/v1/machines/${uuidOf(9)}/boots`)).json).toMatchObject({ code: 'not_found' });
    control.log.failReads = new SiderolinkError('storage', 'a word of the store');
    const { status, text } = await control.call('GET', `/v1/machines/${uuidOf(1)}/boots`);
    expect([status, text.includes('a word of the store')]).toEqual([507, false]);
  });
});

describe('pages', () => {
  it('neither repeat nor miss a machine while others come, change and are labeled', async () => {
    await using control = await startControl();
    const ids = Array.from({ length: 40 }, (_, index) => index + 1);
    control.machines.add(...ids.map((id) => ({ id, labels: { round: 'one' } })));
    const seen: string[] = [];
    let cursor: string | null = '';
    let next = 41;
    while (cursor !== null) {
      const { json }: { json: MachinesPage } = await control.call('GET', `/v1/machines?limit=7${cursor}`);
      seen.push(...uuids(json));
      // Newer ones come, one of a page that was read goes, one that is still to come changes.
      if (next <= 45) control.machines.add({ id: next++ });
      await control.admin.remove(control.machines.byId(2)?.uuid as never, { records: false }, 'a test');
      await control.admin.label(
        control.machines.byId(39)?.uuid as never,
        { set: { n: `${next}` }, unset: [] },
        'a test',
      );
      cursor = json.next === null ? null : `&cursor=${json.next}`;
    }
    expect(seen).toEqual([...ids, 41, 42, 43, 44, 45].map(uuidOf));
  });

  it('of a filter end where its last machine is', async () => {
    await using control = await startControl();
    control.machines.add(...Array.from({ length: 10 }, (_, n) => ({ id: n + 1, labels: { odd: `${n % 2}` } })));
    const first = (await control.call('GET', `${query('odd=1')}&limit=4`)).json;
    expect(uuids(first)).toEqual([2, 4, 6, 8].map(uuidOf));
    const second = (await control.call('GET', `${query('odd=1')}&limit=4&cursor=${first.next}`)).json;
    expect([uuids(second), second.next]).toEqual([[uuidOf(10)], null]);
    // A page that is just full is the last if nothing follows.
    expect((await control.call('GET', `${query('odd=1')}&limit=5`)).json.next).toBeNull();
  });

  it.each(['bTA', 'dDE', 'zzz', '%00', '💥'])('begin at no cursor %s that no page gave', async (cursor) => {
    await using control = await startControl();
    const { status, json } = await control.call('GET', `/v1/machines?cursor=${encodeURIComponent(cursor)}`);
    expect([status, json.code]).toEqual([400, 'invalid_argument']);
  });
});

describe('ten thousand machines', () => {
  it('are looked through without making a view of those that are not shown', async () => {
    await using control = await startControl();
    control.machines.add(
      ...Array.from({ length: 10_000 }, (_, n) => ({ id: n + 1, labels: { rack: `r${n % 100}`, slots: `${n % 7}` } })),
    );
    const { json } = await control.call('GET', `${query('rack=r42,slots>3')}&limit=20`);
    expect(json.machines).toHaveLength(20);
    expect(json.machines.every(({ labels }: Machine) => labels['rack'] === 'r42')).toBe(true);
    expect(control.machines.views).toBe(20);
    await control.call('GET', query('rack=nowhere'));
    expect(control.machines.views).toBe(20);
  });
});
