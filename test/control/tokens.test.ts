import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CreatedJoinToken, JoinToken, JoinTokenDetails } from '../../src/client/api.ts';
import { type ErrorCode, SiderolinkError } from '../../src/domain/errors.ts';
import { NOW, uuidOf } from './fakes.ts';
import { type Harness, startControl } from './harness.ts';

let control: Harness;
beforeEach(async () => {
  control = await startControl();
});
afterEach(() => control[Symbol.asyncDispose]());

const make = (body: object = {}) => control.call('POST', '/v1/join-tokens', { body });

describe('a join token', () => {
  it('is made with all that it confers, and shows it', async () => {
    const body = {
      name: 'rack 7',
      expires_at: '2026-12-01T00:00:00Z',
      max_uses: 3,
      node_uuid: uuidOf(5).toUpperCase(),
      owner: 'acme',
      namespace: 'n',
      cluster: 'c',
      metal_machine: 'mm',
      machine: 'm',
      labels: { rack: '7', 'example.com/zone': 'a' },
    };
    const { status, json } = await make(body);
    expect(status).toBe(201);
    expect(CreatedJoinToken.strict().parse(json)).toEqual(json);
    expect(json).toMatchObject({
      ...body,
      expires_at: '2026-12-01T00:00:00.000Z',
      node_uuid: uuidOf(5),
      rotates: null,
      cuts: 0,
    });
    const { secret, ...shown } = json;
    expect((await control.call('GET', `/v1/join-tokens/${json.id}`)).json).toEqual({ ...shown, machines: [] });
    expect(control.tokens.callers).toEqual(['admin control socket']);
  });

  it('tells which machines its revocation would cut', async () => {
    const { json } = await make();
    control.machines.add({ id: 1, ownership: { owner: 'acme' } }, { id: 2, link: 'down', hostname: null });
    control.tokens.cuts.set(json.id, [...control.machines.all()]);
    expect((await control.call('GET', '/v1/join-tokens')).json.tokens[0].cuts).toBe(2);
    const details = (await control.call('GET', `/v1/join-tokens/${json.id}`)).json;
    expect(JoinTokenDetails.strict().parse(details)).toEqual(details);
    expect(details.machines).toMatchObject([
      { server_uuid: uuidOf(1), owner: 'acme', hostname: 'node-1', link: 'up' },
      { server_uuid: uuidOf(2), state: 'accepted', hostname: null, link: 'down' },
    ]);
    // A token that is revoked says whom it has cut.
    expect((await control.call('POST', `/v1/join-tokens/${json.id}/revoke`)).json).toMatchObject({ cuts: 2 });
  });

  it('is replaced by another while both are valid', async () => {
    const old = (await make({ name: 'rack 7', owner: 'acme', labels: { a: 'b' } })).json;
    const body = { overlap: '7d', expires_at: '2027-01-01T00:00:00Z' };
    const made = await control.call('POST', `/v1/join-tokens/${old.id}/rotate`, { body });
    expect([made.status, made.headers['cache-control']]).toEqual([201, 'no-store']);
    expect(CreatedJoinToken.strict().parse(made.json)).toMatchObject({
      name: 'rack 7',
      owner: 'acme',
      labels: { a: 'b' },
      rotates: old.id,
      expires_at: '2027-01-01T00:00:00.000Z',
      state: 'valid',
    });
    expect(made.json.secret).not.toBe(old.secret);
    expect((await control.call('GET', `/v1/join-tokens/${old.id}`)).json).toMatchObject({
      state: 'valid',
      expires_at: new Date(NOW + 7 * 86_400_000).toISOString(),
    });
    expect((await control.call('GET', '/v1/join-tokens')).text).not.toContain(made.json.secret);
  });

  it('ends at once with no overlap', async () => {
    const { id } = (await make()).json;
    expect((await control.call('POST', `/v1/join-tokens/${id}/rotate`, { body: { overlap: '0' } })).status).toBe(201);
    expect((await control.call('GET', `/v1/join-tokens/${id}`)).json.state).toBe('expired');
  });
});

describe('tokens page after page', () => {
  it('are all listed once, the oldest first, also while some are made and deleted', async () => {
    for (let n = 0; n < 11; n += 1) await make({ name: `${n}` });
    const seen: JoinToken[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { json } = await control.call('GET', `/v1/join-tokens?limit=3${cursor}`);
      expect(JoinToken.strict().array().parse(json.tokens)).toEqual(json.tokens);
      seen.push(...json.tokens);
      if (seen.length === 3) {
        await make({ name: '11' });
        await control.tokens.revoke('t3', 'a test');
        await control.tokens.delete('t3', 'a test');
      }
      cursor = json.next === null ? null : `&cursor=${json.next}`;
    }
    expect(seen.map(({ name }) => name)).toEqual([...Array(12).keys()].map(String));
  });

  it.each(['bTE', 'dA', 'dDEu', 'zzz'])('begin at no cursor %s that no page gave', async (cursor) => {
    const { status, json } = await control.call('GET', `/v1/join-tokens?cursor=${cursor}`);
    expect([status, json.code]).toEqual([400, 'invalid_argument']);
  });
});

describe('what is wrong with a token', () => {
  it.each([
    ['', { node_uuid: 'nonsense' }, 'body.node_uuid'],
    ['', { owner: '_' }, 'body.owner'],
    ['', { labels: { a: '-' } }, 'body.labels'],
    ['', { metal: 'x' }, 'body.metal'],
    ['', { max_uses: 0 }, 'body.max_uses'],
    ['', { expires_at: '2027-01-01' }, 'body.expires_at'],
    ['/t1/rotate', undefined, 'body'],
    ['/t1/rotate', {}, 'body.overlap'],
    ['/t1/rotate', { overlap: 'soon' }, 'body.overlap'],
    ['/t1/rotate', { overlap: 5 }, 'body.overlap'],
    ['/t1/rotate', { overlap: '1d', name: 'x' }, 'body.name'],
    ['/t1/revoke', { x: 1 }, 'body.x'],
  ])('POST /v1/join-tokens%s %j is refused at %s', async (path, body, field) => {
    await make();
    const options = body === undefined ? {} : { body };
    const { status, json } = await control.call('POST', `/v1/join-tokens${path}`, options);
    expect([status, json.code, json.errors?.[0]?.path]).toEqual([400, 'invalid_argument', field]);
  });

  it.each(['', '/t1/rotate'])('POST /v1/join-tokens%s wants an end that lies ahead', async (path) => {
    await make();
    const body = { ...(path !== '' && { overlap: '1d' }), expires_at: '2026-11-21T12:00:00Z' };
    const { json } = await control.call('POST', `/v1/join-tokens${path}`, { body });
    expect(json).toMatchObject({ status: 400, detail: 'body.expires_at: lies in the past' });
  });

  it.each([
    ['GET', ''],
    ['POST', '/revoke'],
    ['POST', '/rotate'],
    ['DELETE', ''],
  ])('%s of one that is not there is 404', async (method, action) => {
    const options = action === '/rotate' ? { body: { overlap: '1d' } } : {};
    const { status, json } = await control.call(method, `/v1/join-tokens/nope${action}`, options);
    expect([status, json.code]).toEqual([404, 'not_found']);
  });

  it('is that it was revoked, for a rotation', async () => {
    const { id } = (await make()).json;
    await control.call('POST', `/v1/join-tokens/${id}/revoke`);
    const { json } = await control.call('POST', `/v1/join-tokens/${id}/rotate`, { body: { overlap: '1d' } });
    expect(json).toMatchObject({ status: 409, code: 'conflict' });
  });

  it.each([
    ['exhausted', 429],
    ['storage', 507],
    ['unavailable', 503],
  ] satisfies [ErrorCode, number][])('is passed on: %s', async (code, status) => {
    const { id } = (await make()).json;
    control.tokens.fail = new SiderolinkError(code, 'a word of the fleet');
    const answers = await Promise.all([
      make(),
      control.call('POST', `/v1/join-tokens/${id}/revoke`),
      control.call('POST', `/v1/join-tokens/${id}/rotate`, { body: { overlap: '1d' } }),
      control.call('DELETE', `/v1/join-tokens/${id}`),
    ]);
    for (const answer of answers) expect([answer.status, answer.json.code]).toEqual([status, code]);
  });
});
