import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CreatedJoinToken,
  JoinToken,
  KernelArgs,
  Machine,
  type MachinesPage,
  RecordsPage,
  Status,
} from '../../src/client/api.ts';
import { parseConfig } from '../../src/config/config.ts';
import { defaultConfig } from '../../src/config/defaults.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { NOW, uuidOf } from './fakes.ts';
import { type Harness, startControl } from './harness.ts';

let control: Harness;
beforeAll(async () => {
  control = await startControl({ maxBodyBytes: 4_096 });
  control.machines.add(
    { id: 1, ownership: { owner: 'acme', cluster: 'prod' } },
    { id: 2, link: 'down', hostname: null },
    { id: 3, state: 'removed', link: 'never' },
    { id: 12, ownership: { owner: 'acme' }, linkHint: 'nothing comes' },
  );
  control.health.set('store', 'warning', 'disk is nearly full');
});
afterAll(() => control[Symbol.asyncDispose]());

describe('GET /v1/configuration', () => {
  it('tells every setting, as a file would have it', async () => {
    const { status, json } = await control.call('GET', '/v1/configuration');
    expect(status).toBe(200);
    expect(parseConfig(JSON.stringify(json.settings))).toEqual(defaultConfig());
  });
});

describe('GET /v1/status', () => {
  it('says what the daemon is', async () => {
    const { status, json } = await control.call('GET', '/v1/status');
    expect(status).toBe(200);
    expect(Status.strict().parse(json)).toEqual(json);
    expect(json).toMatchObject({
      installation: '0a1b2c3d',
      overlay: { prefix: 'fdae:2859:5bb1:7a03::/64', server: 'fdae:2859:5bb1:7a03::1' },
      ready: true,
      conditions: [{ name: 'store', severity: 'warning', message: 'disk is nearly full' }],
      machines: {
        total: 4,
        by_state: { accepted: 3, removed: 1 },
        by_link: { up: 2, down: 1, never: 1 },
        with_link_hint: 1,
        with_join_wait: 0,
      },
    });
  });
});

describe('GET /v1/machines', () => {
  const uuids = (json: MachinesPage) => json.machines.map((machine) => machine.server_uuid);

  it('lists machines by age, whole views', async () => {
    const { json } = await control.call('GET', '/v1/machines');
    expect(uuids(json)).toEqual([1, 2, 3, 12].map(uuidOf));
    expect(json.next).toBeNull();
    for (const machine of json.machines) expect(Machine.strict().parse(machine)).toEqual(machine);
    expect(json.machines[0]).toMatchObject({ owner: 'acme', cluster: 'prod', link: { state: 'up', mode: 'udp' } });
    expect(json.machines[1]).not.toHaveProperty('owner');
    expect(json.machines[1]).toMatchObject({ hostname: null, link: { last_handshake: null, last_rx: null } });
  });

  it.each([
    ['state=accepted', [1, 2, 12]],
    ['state=accepted&state=removed', [1, 2, 3, 12]],
    ['owner=acme', [1, 12]],
    ['owner=_', [2, 3]],
    ['link=down', [2]],
    ['owner=acme&link=down', []],
  ])('filters by %s', async (query, ids) => {
    const { json } = await control.call('GET', `/v1/machines?${query}`);
    expect(uuids(json)).toEqual(ids.map(uuidOf));
  });

  it('pages to the end without a repeat, and survives a machine that comes meanwhile', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { json } = await control.call('GET', `/v1/machines?limit=2${cursor}`);
      seen.push(...uuids(json));
      cursor = json.next === null ? '' : `&cursor=${json.next}`;
    } while (cursor !== '');
    expect(seen).toEqual([1, 2, 3, 12].map(uuidOf));
  });
});

describe('GET /v1/machines/{uuid}', () => {
  it('answers in any case of the UUID, with its version as ETag', async () => {
    const answer = await control.call('GET', `/v1/machines/${uuidOf(1).toUpperCase()}`);
    expect(answer.json.server_uuid).toBe(uuidOf(1));
    expect(answer.headers.etag).toBe('"7"');
  });
});

describe('join tokens', () => {
  it('are made, listed without secret, revoked twice and deleted', async () => {
    const body = { name: 'rack 7', max_uses: 2, expires_at: '2026-11-22T12:00:00+01:00' };
    const made = await control.call('POST', '/v1/join-tokens', { body });
    expect(made.status).toBe(201);
    expect(CreatedJoinToken.strict().parse(made.json)).toEqual(made.json);
    const { secret, ...token } = made.json;
    expect(token).toMatchObject({
      name: 'rack 7',
      max_uses: 2,
      expires_at: '2026-11-22T11:00:00.000Z',
      state: 'valid',
    });
    expect(made.headers['cache-control']).toBe('no-store');

    const listed = await control.call('GET', '/v1/join-tokens');
    expect(listed.json).toEqual({ tokens: [token], next: null });
    expect(listed.text).not.toContain(secret);

    expect((await control.call('DELETE', `/v1/join-tokens/${token.id}`)).json).toMatchObject({ code: 'conflict' });
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      const revoked = await control.call('POST', `/v1/join-tokens/${token.id}/revoke`, { headers });
      expect(revoked.status).toBe(200);
      expect(JoinToken.strict().parse(revoked.json)).toMatchObject({ state: 'revoked' });
    }
    const deleted = await control.call('DELETE', `/v1/join-tokens/${token.id}`);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect((await control.call('GET', '/v1/join-tokens')).json).toEqual({ tokens: [], next: null });
  });
});

describe('a join token without a wish', () => {
  it('is made', async () => {
    const { status, json } = await control.call('POST', '/v1/join-tokens');
    expect([status, json.name, json.expires_at, json.max_uses]).toEqual([201, '', null, null]);
    await control.call('POST', `/v1/join-tokens/${json.id}/revoke`);
    await control.call('DELETE', `/v1/join-tokens/${json.id}`);
  });
});

describe('POST /v1/kernel-args', () => {
  it('gives the arguments with the token, and the documents', async () => {
    const { json } = await control.call('POST', '/v1/kernel-args', { body: { token: 'a.b+c', tunnel: true } });
    expect(KernelArgs.strict().parse(json)).toEqual(json);
    expect(json.command_line).toBe(
      'siderolink.api=grpc://192.0.2.7:8081?jointoken=a.b%2Bc&grpc_tunnel=true ' +
        'talos.events.sink=[fdae:2859:5bb1:7a03::1]:4002 talos.logging.kernel=tcp://[fdae:2859:5bb1:7a03::1]:4001',
    );
    expect(json.documents).toContain('kind: KmsgLogConfig');
  });

  it('needs no body', async () => {
    const { status, json } = await control.call('POST', '/v1/kernel-args');
    expect(status).toBe(200);
    expect(json.args[0]).toContain('jointoken=JOIN_TOKEN');
  });
});

describe('GET /v1/records', () => {
  let first: number;
  beforeAll(() => {
    first = control.log.head + 1;
    for (let n = 0; n < 20; n += 1) {
      const machine = (n % 2) + 1;
      const detail = n % 4 === 0 ? 'kmsg.error' : 'kmsg.info';
      control.log.append({
        subject: `siderolink._.${uuidOf(machine)}.${detail}`,
        machine,
        receivedAt: NOW - (20 - n) * 60_000,
        body: { msg: `line ${n}\n`, seq: n, big: n === 3 ? 'Ünïcode' : 0 },
      });
    }
  });
  const numbers = (json: RecordsPage) => json.records.map((record) => record.body['seq']);

  it('gives envelopes', async () => {
    const { json } = await control.call('GET', '/v1/records');
    expect(RecordsPage.strict().parse(json)).toEqual(json);
    expect(json.records).toHaveLength(20);
    expect(json.next).toBeNull();
    expect(json.position).toBe(control.log.head);
  });

  it.each([
    ['limit=3', [0, 1, 2]],
    ['tail=3', [17, 18, 19]],
    ['tail=true&limit=2', [18, 19]],
    ['tail=false&limit=2', [0, 1]],
    ['since=3m', [17, 18, 19]],
    ['since=2026-11-21T11:57:00Z', [17, 18, 19]],
    ['since=2026-11-21T12:57:00%2B01:00', [17, 18, 19]],
    ['until=19m', [0, 1]],
    ['since=10m&until=9m', [10, 11]],
    ['grep=LINE%207', [7]],
    ['filter=siderolink.*.*.kmsg.error', [0, 4, 8, 12, 16]],
    ['filter=siderolink.*.*.kmsg.error&filter=*.*.*.kmsg.info&limit=4', [0, 1, 2, 3]],
    [`machine=${uuidOf(2)}&limit=3`, [1, 3, 5]],
    ['filter=siderolink.*.*.event.>', []],
  ])('answers %s', async (query, expected) => {
    const { status, json } = await control.call('GET', `/v1/records?${query}`);
    expect([status, numbers(json)]).toEqual([200, expected]);
  });

  it('takes after and before as exclusive', async () => {
    const { json } = await control.call('GET', `/v1/records?after=${first}&before=${first + 4}`);
    expect(numbers(json)).toEqual([1, 2, 3]);
    expect(json.next).toBeNull();
  });

  it('pages by next', async () => {
    const seen: unknown[] = [];
    let after: number | null = 0;
    while (after !== null) {
      const { json } = await control.call('GET', `/v1/records?limit=7&after=${after}&filter=*.*.*.kmsg.*`);
      seen.push(...numbers(json));
      after = json.next;
    }
    expect(seen).toEqual([...Array(20).keys()]);
  });

  it('pages backward by before, in both forms', async () => {
    const seen: unknown[] = [];
    for (let before: number | null = control.log.head + 1; before !== null; ) {
      const path = `/v1/records?tail=7&before=${before}&filter=*.*.*.kmsg.*`;
      const { json } = await control.call('GET', path);
      const { text } = await control.call('GET', path, { headers: { accept: 'application/x-ndjson' } });
      const { records, ...end } = json;
      expect(
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toEqual([...records, end]);
      seen.unshift(...numbers(json));
      before = json.before;
    }
    expect(seen).toEqual([...Array(20).keys()]);
  });
});

describe('what is no request', () => {
  it.each([
    ['bytes that are no HTTP', '\u0016\u0003\u0001\u0002\u0000 hello\r\n\r\n', 400, 'invalid_argument'],
    ['headers without end', `GET /v1/status HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}`, 431, 'too_large'],
    ['no host', 'GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'invalid_argument'],
    [
      'two hosts',
      'GET /v1/status HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n',
      400,
      'invalid_argument',
    ],
  ])('%s is refused', async (_, bytes, status, code) => {
    const socket = connect({ path: control.socket });
    socket.write(bytes);
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += chunk;
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(text.slice(text.indexOf('{')))).toMatchObject({ status, code });
    expect((await control.call('GET', '/v1/status')).status).toBe(200);
  });

  it.each([
    'GET /v1/status HTTP/1.0\r\n',
    'GET /v1/status HTTP/1.1\r\nHost: x\r\nExpect: the-best\r\nConnection: close\r\n',
  ])('unlike what is unusual: %j', async (head) => {
    const socket = connect({ path: control.socket });
    socket.write(`${head}\r\n`);
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += chunk;
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('half a request is given up', async () => {
    await using hasty = await startControl({ requestTimeoutMs: 50 });
    const socket = connect({ path: hasty.socket });
    socket.write(
      'POST /v1/join-tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"',
    );
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += chunk;
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('bad requests', () => {
  const uuid = uuidOf(1);
  const big = JSON.stringify({ name: 'x'.repeat(5_000) });
  it.each([
    ['GET', '/v1/nothing', {}, 404, 'not_found', /openapi/],
    ['GET', '/', {}, 404, 'not_found', /openapi/],
    ['PUT', '/v1/status', {}, 404, 'not_found', /a PUT of this path/],
    ['GET', '/v1/%zz', {}, 400, 'invalid_argument', /read/],
    ['GET', '/v1/machines/nonsense', {}, 400, 'invalid_argument', /UUID/],
    ['GET', `/v1/machines/${'a'.repeat(300)}`, {}, 414, 'too_large', /long/],
    ['GET', `/v1/machines/${uuidOf(999)}`, {}, 404, 'not_found', /no machine/],
    ['GET', `/v1/machines/${uuid}?x=1`, {}, 400, 'invalid_argument', /query\.x: unknown/],
    ['GET', '/v1/status?verbose=true', {}, 400, 'invalid_argument', /query\.verbose: unknown/],
    ['POST', `/v1/machines/${uuid}/reject?dry_run=true`, {}, 400, 'invalid_argument', /query\.dry_run: unknown/],
    ['GET', `/v1/machines/${uuid}/connect?host=192.0.2.1`, {}, 400, 'invalid_argument', /query\.host: unknown/],
    ['GET', '/v1/machines?limit=0', {}, 400, 'invalid_argument', /query\.limit: a whole number from 1 to 1000/],
    ['GET', '/v1/machines?limit=1e2', {}, 400, 'invalid_argument', /query\.limit/],
    ['GET', '/v1/machines?limit=1&limit=2', {}, 400, 'invalid_argument', /query\.limit: a whole number/],
    ['GET', '/v1/machines?sate=known', {}, 400, 'invalid_argument', /query\.sate: unknown/],
    ['GET', '/v1/machines?state=alive', {}, 400, 'invalid_argument', /query\.state.*known/],
    ['GET', '/v1/machines?cursor=zzz', {}, 400, 'invalid_argument', /query\.cursor/],
    [
      'GET',
      '/v1/records?filter=a..b',
      {},
      400,
      'invalid_argument',
      /query\.filter: malformed subject filter: a token is empty/,
    ],
    ['GET', '/v1/records?filter=%3E.a', {}, 400, 'invalid_argument', /query\.filter/],
    ['GET', '/v1/records?filter=a&filter=b%20c', {}, 400, 'invalid_argument', /query\.filter\.1: malformed/],
    ['GET', '/v1/records?since=yesterday', {}, 400, 'invalid_argument', /query\.since.*RFC 3339/],
    ['GET', '/v1/records?since=2026-11-21', {}, 400, 'invalid_argument', /query\.since/],
    ['GET', '/v1/records?after=-1', {}, 400, 'invalid_argument', /query\.after/],
    ['GET', '/v1/records?after=9007199254740993', {}, 400, 'invalid_argument', /query\.after/],
    ['GET', '/v1/records?after=9&before=9', {}, 400, 'invalid_argument', /query\.before/],
    ['GET', '/v1/records?tail=0', {}, 400, 'invalid_argument', /query\.tail/],
    ['GET', `/v1/records?machine=${uuidOf(999)}`, {}, 404, 'not_found', /no machine/],
    ['GET', '/v1/stream?after=1&tail=2', {}, 400, 'invalid_argument', /only one/],
    ['GET', '/v1/stream', { headers: { 'last-event-id': 'x' } }, 400, 'invalid_argument', /header\.last-event-id/],
    ['GET', '/v1/stream', { headers: { accept: 'image/png' } }, 400, 'invalid_argument', /ndjson/],
    ['POST', '/v1/join-tokens', { raw: '{"name":' }, 400, 'invalid_argument', /body/],
    ['POST', '/v1/join-tokens', { raw: '[]' }, 400, 'invalid_argument', /body/],
    ['POST', '/v1/join-tokens', { body: { name: 'x'.repeat(129) } }, 400, 'invalid_argument', /body\.name/],
    ['POST', '/v1/join-tokens', { body: { name: 'a\u001b[31m' } }, 400, 'invalid_argument', /body\.name/],
    ['POST', '/v1/join-tokens', { body: { name: 'a', max_uses: 1.5 } }, 400, 'invalid_argument', /body\.max_uses/],
    [
      'POST',
      '/v1/join-tokens',
      { body: { name: 'a', expires_at: '2020-01-01T00:00:00Z' } },
      400,
      'invalid_argument',
      /past/,
    ],
    ['POST', '/v1/join-tokens', { body: { name: 'a', secret: 'b' } }, 400, 'invalid_argument', /body\.secret: unknown/],
    ['POST', '/v1/join-tokens', { raw: big }, 413, 'too_large', /large/],
    [
      'POST',
      '/v1/join-tokens',
      { raw: '{}', headers: { 'content-type': 'text/xml' } },
      415,
      'unsupported_media_type',
      /json/,
    ],
    [
      'POST',
      '/v1/join-tokens',
      { raw: '{}', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported_media_type',
      /json/,
    ],
    [
      'POST',
      '/v1/join-tokens',
      { raw: '{}', headers: { 'content-encoding': 'gzip' } },
      415,
      'unsupported_media_type',
      /json/,
    ],
    ['POST', '/v1/join-tokens/nope/revoke', {}, 404, 'not_found', /no join token/],
    ['DELETE', '/v1/join-tokens/nope', {}, 404, 'not_found', /no join token/],
    ['POST', '/v1/kernel-args', { body: { tunnel: 'yes' } }, 400, 'invalid_argument', /body\.tunnel/],
    ['POST', '/v1/kernel-args', { body: { talos_version: 'new' } }, 400, 'invalid_argument', /Talos version/],
  ] as const)('%s %s %j is %d %s', async (method, path, options, status, code, detail) => {
    const answer = await control.call(method, path, options);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json).toMatchObject({ status, code, type: 'about:blank', title: expect.any(String) });
    expect(answer.json.detail).toMatch(detail);
    // The next good request works.
    expect((await control.call('GET', '/v1/status')).status).toBe(200);
  });

  it.each(['{"token": a-secret-of-mine}', 'a-secret', '"a-secret', '{"token":"a-secret"', '{"token":"a-secret"}}'])(
    'says where a body breaks, and repeats nothing of it: %s',
    async (raw) => {
      const { status, json, text } = await control.call('POST', '/v1/kernel-args', { raw });
      expect(status).toBe(400);
      expect(json.detail).toMatch(/^body: .*JSON/);
      expect(text).not.toContain('secret');
    },
  );

  it('does not repeat a path that is none: a token may be in it', async () => {
    const { status, text } = await control.call('GET', '/v1/slc_a-secret?token=a-secret');
    expect(status).toBe(404);
    expect(text).not.toContain('secret');
  });

  it('names each bad field', async () => {
    const { json } = await control.call('GET', '/v1/records?limit=x&after=y');
    expect(json.errors.map(({ path }: { path: string }) => path)).toEqual(['query.after', 'query.limit']);
  });

  it('keeps what is internal to itself, and logs it', async () => {
    const secret = '/var/lib/siderolinkd/records.db is broken';
    for (const error of [
      new Error(secret),
      new SiderolinkError('storage', secret),
      new SiderolinkError('internal', secret),
    ]) {
      control.log.failReads = error;
      const answer = await control.call('GET', '/v1/records');
      control.log.failReads = undefined;
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(answer.text).not.toContain('records.db');
      expect(answer.json.code).toBe(error instanceof SiderolinkError ? error.code : 'internal');
      expect(control.logged.join('')).toContain(secret);
      control.logged.length = 0;
    }
  });
});
