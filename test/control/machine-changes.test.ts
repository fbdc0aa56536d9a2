import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine, RegisteredMachine } from '../../src/client/api.ts';
import { type ErrorCode, SiderolinkError } from '../../src/domain/errors.ts';
import { uuidOf } from './fakes.ts';
import { type CallOptions, type Harness, startControl } from './harness.ts';
import { startTcp } from './tcp-harness.ts';

let control: Harness;
beforeEach(async () => {
  control = await startControl();
  control.machines.add(
    { id: 1, uniqueToken: 'proven' },
    { id: 2, state: 'pending' },
    { id: 3, state: 'removed' },
    { id: 4, ownership: { owner: 'acme', cluster: 'prod' }, aliases: [uuidOf(44)] },
    { id: 5, state: 'known' },
  );
});
afterEach(() => control[Symbol.asyncDispose]());

const path = (id: number, action = '') => `/v1/machines/${uuidOf(id)}${action}`;
const seen = (version: number | string) => ({ headers: { 'if-match': `"${version}"` } });

const PROVIDER_SET = { type: 'ProviderSet' as const, last_transition_time: '2026-11-21T12:00:00Z' };

/** Every change, of a machine that it may be made of. */
const CHANGES: readonly [
  method: string,
  path: string,
  options: CallOptions,
  after: Partial<Machine>,
  action: string,
][] = [
  ['PUT', path(5), { body: { owner: 'acme', labels: { a: 'b' } } }, { owner: 'acme', labels: { a: 'b' } }, 'register'],
  ['PATCH', path(1), { body: { labels: { set: { a: '1' }, unset: ['rack'] } } }, { labels: { a: '1' } }, 'label'],
  [
    'PATCH',
    path(4),
    { body: { conditions: [{ type: 'ProviderSet', status: 'True' }] } },
    { conditions: [{ ...PROVIDER_SET, status: 'True', severity: null, reason: null, message: null }] },
    'condition',
  ],
  ['PATCH', path(2), { body: { tunnel: 'force' } }, { tunnel: 'force' }, 'tunnel'],
  ['POST', path(2, '/accept'), {}, { state: 'accepted' }, 'accept'],
  ['POST', path(1, '/reject'), {}, { state: 'rejected' }, 'reject'],
  ['POST', path(1, '/claim'), { body: { owner: 'a', machine: 'm' } }, { owner: 'a', machine: 'm' }, 'claim'],
  ['POST', path(4, '/release'), seen(7), { server_uuid: uuidOf(4) }, 'release'],
  ['POST', path(1, '/reset-token'), {}, { unique_token: 'none' }, 'reset-token'],
  ['POST', path(3, '/readmit'), {}, { state: 'accepted' }, 'readmit'],
  ['DELETE', path(1), {}, { state: 'removed' }, 'remove'],
];

describe.each(CHANGES)('%s %s', (method, where, options, after, action) => {
  const conditional = (value: string) => ({ ...options, headers: { ...options.headers, 'if-match': value } });

  it('answers the machine as it is then, with its new ETag', async () => {
    const { status, json, headers } = await control.call(method, where, options);
    expect([status, headers.etag]).toEqual([200, '"8"']);
    expect(json).toMatchObject({ ...after, version: 8 });
    const shape = method === 'PUT' ? RegisteredMachine : Machine;
    expect(shape.strict().parse(json)).toEqual(json);
  });

  it('is told to the fleet with who asks and what was seen', async () => {
    await control.call(method, where, conditional('"7"'));
    expect(control.admin.calls).toEqual([[action, 'admin control socket', 7]]);
  });

  it('is made of the version that `*` finds', async () => {
    expect((await control.call(method, where, conditional('*'))).status).toBe(200);
    expect(control.admin.calls[0]?.[2]).toBe(7);
  });

  it('is refused for another version, and told which it is', async () => {
    const { status, json, headers } = await control.call(method, where, conditional('"6"'));
    expect([status, json.code, headers.etag]).toEqual([412, 'stale', '"7"']);
    expect(json.detail).toContain('version 7');
  });

  it.each(['W/"7"', '7', '"7', '"seven"', '"7", "8"', '"07"', '"-7"', '', '""', `"${'9'.repeat(40)}"`])(
    'is refused for the condition %s',
    async (value) => {
      const { status, json } = await control.call(method, where, conditional(value));
      expect([status, json.code]).toEqual([400, 'invalid_argument']);
      expect(json.detail).toMatch(/^header\.if-match: a version in quotes/);
      expect(control.admin.calls).toEqual([]);
    },
  );

  it('is refused for what is no UUID, and of a machine that is not there', async () => {
    const bad = where.replace(/machines\/[^/]+/, 'machines/nonsense');
    expect((await control.call(method, bad, options)).json).toMatchObject({ status: 400, code: 'invalid_argument' });
    const missing = where.replace(/machines\/[^/]+/, `machines/${uuidOf(99)}`);
    const answer = await control.call(method, missing, conditional('"7"'));
    expect([answer.status, answer.json.code]).toEqual(method === 'PUT' ? [412, 'stale'] : [404, 'not_found']);
  });

  it.each([
    ['conflict', 409],
    ['exhausted', 429],
    ['unavailable', 503],
    ['storage', 507],
    ['command_failed', 500],
    ['internal', 500],
  ] satisfies [ErrorCode, number][])('passes the error %s on as %d', async (code, status) => {
    control.admin.fail = new SiderolinkError(code, 'a word of the fleet');
    const answer = await control.call(method, where, options);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    if (status >= 500) expect(answer.text).not.toContain('a word of the fleet');
  });
});

describe('the paths of a machine', () => {
  it('take an alias, and change the machine that has it', async () => {
    const { status, json } = await control.call('POST', path(44, '/reject'));
    expect([status, json.server_uuid, json.state]).toEqual([200, uuidOf(4), 'rejected']);
    expect((await control.call('PUT', path(44))).json).toMatchObject({ code: 'conflict' });
    expect(control.machines.get(uuidOf(4))?.state).toBe('rejected');
  });

  it.each([
    ['POST', path(1, '/accept'), { x: 1 }, 'body.x'],
    ['POST', path(1, '/release'), { x: 1 }, 'body.x'],
    ['POST', path(1, '/claim'), { owner: 'a', x: 1 }, 'body.x'],
    ['POST', path(1, '/claim'), {}, 'body.owner'],
    ['POST', path(1, '/claim'), { owner: '' }, 'body.owner'],
    ['POST', path(1, '/claim'), { owner: '_' }, 'body.owner'],
    ['POST', path(1, '/claim'), { owner: 'a', cluster: 'x\ny' }, 'body.cluster'],
    ['POST', path(1, '/claim'), { owner: 'a', cluster: null }, 'body.cluster'],
    ['POST', path(1, '/claim'), { owner: 'ü'.repeat(127) }, 'body.owner'],
    ['PUT', path(5), { server_uuid: uuidOf(5) }, 'body.server_uuid'],
    ['PUT', path(5), { labels: { 'a b': '1' } }, 'body.labels'],
    ['PUT', path(5), { labels: { a: 1 } }, 'body.labels.a'],
    ['PUT', path(5), { unique_token: 'yes' }, 'body.unique_token'],
    ['PATCH', path(1), { labels: { set: { a: 'x y' } } }, 'body.labels.set'],
    ['PATCH', path(1), { labels: { add: {} } }, 'body.labels.add'],
    ['PATCH', path(1), { state: 'accepted' }, 'body.state'],
    ['PATCH', path(1), [], 'body'],
  ])('%s %s with %j is refused at %4$s', async (method, where, body, field) => {
    const { status, json } = await control.call(method, where, { body });
    expect([status, json.code, json.errors?.[0]?.path]).toEqual([400, 'invalid_argument', field]);
    expect(control.admin.calls).toEqual([]);
  });

  it('say what the fleet finds wrong with labels', async () => {
    const body = { labels: { set: { a: '1' }, unset: ['a'] } };
    expect((await control.call('PATCH', path(1), { body })).json).toMatchObject({
      code: 'invalid_argument',
      detail: 'label "a": it cannot be both set and unset',
    });
  });
});

describe('pre-registration', () => {
  it('makes a machine, once, and shows its unique token once', async () => {
    const body = { owner: 'acme', namespace: 'n', labels: { a: 'b' }, unique_token: true };
    const made = await control.call('PUT', path(8), { body });
    expect([made.status, made.headers['cache-control']]).toEqual([201, 'no-store']);
    expect(made.json).toMatchObject({
      state: 'known',
      owner: 'acme',
      labels: { a: 'b' },
      unique_token_secret: 'dW5pcXVl',
    });
    expect(made.headers.etag).toBe(`"${made.json.version}"`);
    const again = await control.call('PUT', path(8), { body: { owner: 'acme' } });
    expect([again.status, again.json.unique_token_secret, again.headers['cache-control']]).toEqual([
      200,
      null,
      undefined,
    ]);
    expect((await control.call('GET', path(8))).text).not.toContain('dW5pcXVl');
  });

  it('needs no body', async () => {
    expect((await control.call('PUT', path(9))).status).toBe(201);
  });
});

describe('ownership', () => {
  it('is one claimant’s when two claim at once what both saw free', async () => {
    const claim = (owner: string) => control.call('POST', path(1, '/claim'), { body: { owner }, ...seen(7) });
    const answers = await Promise.all(['a', 'b', 'c'].map(claim));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    const won = answers.find(({ status }) => status === 200)?.json.owner;
    for (const { status, json, headers } of answers) {
      if (status === 412) expect([json.code, headers.etag]).toEqual(['stale', '"8"']);
    }
    expect((await control.call('GET', path(1))).json.owner).toBe(won);
  });

  it('is one claimant’s also when both claim without a condition', async () => {
    const claim = (owner: string) => control.call('POST', path(1, '/claim'), { body: { owner } });
    const answers = await Promise.all([claim('a'), claim('b')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('is handed over only by whoever has seen whose it is', async () => {
    const body = { owner: 'other' };
    expect((await control.call('POST', path(4, '/claim'), { body })).json).toMatchObject({
      code: 'conflict',
      status: 409,
    });
    const handed = await control.call('POST', path(4, '/claim'), { body, ...seen(7) });
    expect(handed.json).toMatchObject({ owner: 'other' });
    // What is not named has no value any more.
    expect(handed.json).not.toHaveProperty('cluster');
  });

  it('is given up only with a condition', async () => {
    const { status, json, headers } = await control.call('POST', path(4, '/release'));
    expect([status, json.code, headers.etag]).toEqual([428, 'precondition_required', '"7"']);
    expect((await control.call('POST', path(4, '/release'), seen(7))).json).not.toHaveProperty('owner');
  });
});

describe('decommissioning', () => {
  it('leaves the records, unless they are to go too', async () => {
    await control.call('DELETE', path(1));
    await control.call('DELETE', `${path(2)}?records=false`);
    expect(control.admin.recordsDeleted).toEqual([]);
    expect((await control.call('DELETE', `${path(4)}?records=true`)).status).toBe(200);
    expect(control.admin.recordsDeleted).toEqual([uuidOf(4)]);
  });

  it.each(['records=yes', 'records=', 'records=true&records=true', 'recods=true'])('refuses ?%s', async (text) => {
    expect((await control.call('DELETE', `${path(1)}?${text}`)).json).toMatchObject({ code: 'invalid_argument' });
    expect(control.admin.calls).toEqual([]);
  });

  it('deletes records only for an admin', async () => {
    await using tcp = await startTcp({ tls: false });
    tcp.control.machines.add({ id: 1 });
    const refused = await tcp.ask('DELETE', `${path(1)}?records=true`, { role: 'operator' });
    expect([refused.status, refused.json.code]).toEqual([403, 'unauthorized']);
    expect(refused.json.detail).toMatch(/needs the role admin; the-operator is operator/);
    expect(tcp.control.admin.calls).toEqual([]);
    expect((await tcp.ask('DELETE', path(1), { role: 'operator' })).json.state).toBe('removed');
    await tcp.ask('DELETE', `${path(1)}?records=true`, { role: 'admin' });
    expect(tcp.control.admin.recordsDeleted).toEqual([uuidOf(1)]);
    expect(tcp.control.admin.calls.map(([, by]) => by)).toEqual(['operator the-operator', 'admin the-admin']);
  });
});

describe('the condition that a control plane sets', () => {
  const patch = (condition: Record<string, unknown>, more = {}) =>
    control.call('PATCH', path(1), { body: { conditions: [condition], ...more } });

  it('has severity, reason and message if it is false', async () => {
    const failed = {
      type: 'ProviderSet',
      status: 'False',
      reason: 'ProviderUpdateFailed',
      message: 'no matching nodes',
    };
    expect((await patch(failed)).json).toMatchObject({
      conditions: [{ ...failed, severity: 'Warning', last_transition_time: expect.any(String) }],
    });
    expect((await patch({ ...failed, severity: 'Error' })).json).toMatchObject({ conditions: [{ severity: 'Error' }] });
    expect((await patch({ type: 'ProviderSet', status: 'True', reason: '' })).json).toMatchObject({
      conditions: [{ status: 'True', severity: null, reason: null, message: null }],
    });
  });

  it('goes along with labels, on one version', async () => {
    const labels = { set: { a: '1' } };
    const options = { body: { conditions: [{ type: 'ProviderSet', status: 'True' }], labels }, ...seen(7) };
    const { status, json } = await control.call('PATCH', path(1), options);
    expect([status, json.version]).toEqual([200, 9]);
    expect(json).toMatchObject({ labels: { a: '1' }, conditions: [{ type: 'ProviderSet', status: 'True' }] });
    expect((await control.call('PATCH', path(1), options)).status).toBe(412);
  });

  it.each<[string, Record<string, unknown>]>([
    ['of another type', { type: 'TalosInstalled', status: 'True' }],
    ['of no known status', { type: 'ProviderSet', status: 'Unknown' }],
    ['false without a reason', { type: 'ProviderSet', status: 'False' }],
    ['true with a reason', { type: 'ProviderSet', status: 'True', reason: 'Because' }],
    ['with a reason in words', { type: 'ProviderSet', status: 'False', reason: 'no such node' }],
    ['with a message without end', { type: 'ProviderSet', status: 'False', reason: 'A', message: 'x'.repeat(1_025) }],
    ['with a time of its own', { type: 'ProviderSet', status: 'True', last_transition_time: '2026-01-01T00:00:00Z' }],
  ])('is refused %s', async (_name, condition) => {
    const { status, json } = await patch(condition);
    expect([status, json.code]).toEqual([400, 'invalid_argument']);
    expect(control.admin.calls).toEqual([]);
  });

  it('goes along with labels and the way of its packets, on one version', async () => {
    const body = {
      conditions: [{ type: 'ProviderSet', status: 'True' }],
      labels: { set: { a: '1' } },
      tunnel: 'off',
    } as const;
    const { status, json } = await control.call('PATCH', path(1), { body, ...seen(7) });
    expect([status, json.version]).toEqual([200, 10]);
    expect(json).toMatchObject({ labels: { a: '1' }, tunnel: 'off' });
    expect((await control.call('PATCH', path(1), { body: { tunnel: null } })).json).toMatchObject({ tunnel: null });
    expect((await control.call('PATCH', path(1), { body: { tunnel: 'on' } })).status).toBe(400);
  });

  it('is refused twice in one request', async () => {
    const condition = { type: 'ProviderSet', status: 'True' };
    const { status } = await control.call('PATCH', path(1), { body: { conditions: [condition, condition] } });
    expect(status).toBe(400);
  });
});
