import { Agent } from 'node:https';
import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newControlToken } from '../../src/domain/control-token.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { uuidOf } from './fakes.ts';
import { ROLE_NAMES, startTcp, type TcpHarness } from './tcp-harness.ts';

let tcp: TcpHarness;
beforeAll(async () => {
  tcp = await startTcp();
  tcp.control.machines.add({ id: 1 });
});
afterAll(() => tcp[Symbol.asyncDispose]());

const bearer = (text: string) => ({ headers: { authorization: text } });

/** The value of a counter of refusals. */
async function refused(reason: string): Promise<number> {
  const text = await tcp.control.metrics.metrics();
  const [, value] =
    new RegExp(`^siderolinkd_control_refusals_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(text) ?? [];
  return Number(value ?? 0);
}

describe('who calls over TCP', () => {
  it('needs a token, and is told how', async () => {
    const { status, headers, json } = await tcp.ask('GET', '/v1/status');
    expect(status).toBe(ERRORS.unauthenticated.http);
    expect(headers['www-authenticate']).toMatch(/^Bearer/);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(json).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  it.each([
    ['no_token', (): Parameters<TcpHarness['ask']>[2] => ({})],
    ['malformed_token', () => bearer('')],
    ['malformed_token', () => bearer('Basic dXNlcjpwYXNz')],
    ['malformed_token', () => bearer(tcp.tokens.admin)],
    ['malformed_token', () => bearer('Bearer ')],
    ['malformed_token', () => bearer(`Bearer ${tcp.tokens.admin} ${tcp.tokens.admin}`)],
    ['unknown_token', () => bearer(`Bearer ${newControlToken()}`)],
    ['unknown_token', () => bearer(`Bearer ${tcp.tokens.admin}x`)],
    ['unknown_token', () => bearer(`Bearer ${'a'.repeat(4_000)}`)],
    ['no_token', () => ({ headers: { cookie: `token=${tcp.tokens.admin}` } })],
  ])('%s is answered 401 and counted', async (reason, options) => {
    const before = await refused(reason);
    const { status, json } = await tcp.ask('GET', '/v1/status', options());
    expect([status, json.code]).toEqual([401, 'unauthenticated']);
    expect(await refused(reason)).toBe(before + 1);
  });

  it('sends no token in the URL', async () => {
    for (const name of ['token', 'access_token', 'authorization']) {
      expect((await tcp.ask('GET', `/v1/machines?${name}=${tcp.tokens.admin}`)).status).toBe(401);
    }
  });

  it('learns of no route without a token', async () => {
    expect((await tcp.ask('GET', '/nowhere')).status).toBe(401);
    expect((await tcp.ask('GET', '/nowhere', { role: 'reader' })).status).toBe(404);
  });

  it('is let in with one, in any letter case of the scheme', async () => {
    expect((await tcp.ask('GET', '/v1/status', { role: 'reader' })).status).toBe(200);
    expect((await tcp.ask('GET', '/v1/status', bearer(`bearer  ${tcp.tokens.reader}`))).status).toBe(200);
  });

  it('is who the record of a change names', async () => {
    const { status } = await tcp.ask('POST', '/v1/join-tokens', { role: 'admin', body: {} });
    expect(status).toBe(201);
    expect(tcp.control.tokens.callers.at(-1)).toContain('the-admin');
  });

  it('is told which role is needed', async () => {
    const { status, json } = await tcp.ask('POST', '/v1/join-tokens', { role: 'operator', body: {} });
    expect(status).toBe(403);
    expect(json).toMatchObject({ code: 'unauthorized', detail: 'this needs the role admin; the-operator is operator' });
  });

  it('is logged once a minute when refused, and never with the token', async () => {
    const lines = tcp.control.logged.filter((line) => line.includes('control request refused'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ source: '127.0.0.1', level: 'warn', reason: 'no_token' });
    const all = tcp.control.logged.join('');
    for (const role of ROLE_NAMES) expect(all).not.toContain(tcp.tokens[role]);
  });
});

describe('every route and every role', () => {
  it('lets in exactly those that the document names', async () => {
    const { json: document } = await tcp.ask('GET', '/v1/openapi.json', { role: 'reader' });
    const rows: string[] = [];
    const expected: string[] = [];
    for (const [path, item] of Object.entries<Record<string, { 'x-role': (typeof ROLE_NAMES)[number] }>>(
      document.paths,
    )) {
      for (const [method, operation] of Object.entries(item)) {
        for (const role of ROLE_NAMES) {
          // Wrong on purpose where it can be: what is asked here is who gets so far as to hear that.
          const url = path.replace('{uuid}', uuidOf(99)).replace('{id}', 'none');
          const response = await tcp.open(path === '/v1/stream' ? `${url}?filter=` : url, {
            role,
            ...(method !== 'get' && { headers: { 'content-type': 'application/json' } }),
            method: method.toUpperCase(),
          });
          response.resume();
          const may = ROLE_NAMES.indexOf(role) >= ROLE_NAMES.indexOf(operation['x-role']);
          rows.push(`${method} ${path} ${role}: ${response.statusCode !== 403}`);
          expected.push(`${method} ${path} ${role}: ${may}`);
          expect(response.statusCode).not.toBe(401);
        }
      }
    }
    expect(rows.length).toBeGreaterThan(60);
    expect(rows).toEqual(expected);
  });
});

describe('a request that is not for us', () => {
  it.each([
    // header, value, status, code
    ['host', 'localhost', 200, undefined],
    ['host', 'localhost:1', 200, undefined],
    ['host', '[::1]', 200, undefined],
    ['host', 'control.test', 200, undefined],
    ['host', 'evil.example', 421, 'wrong_host'],
    ['host', '192.0.2.1', 421, 'wrong_host'],
    ['origin', 'https://evil.example', 403, 'origin_refused'],
    ['origin', 'https://localhost', 403, 'origin_refused'],
    ['origin', 'null', 403, 'origin_refused'],
    ['origin', '', 403, 'origin_refused'],
  ])('%s: %s is answered %s', async (header, value, expected, code) => {
    const { status, json, headers } = await tcp.ask('GET', '/v1/status', {
      role: 'admin',
      headers: { [header]: value },
    });
    expect([status, json.code]).toEqual([expected, code]);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('is refused before its token is looked at', async () => {
    const before = [await refused('host'), await refused('origin'), await refused('no_token')];
    await tcp.ask('GET', '/v1/status', { headers: { host: 'evil.example' } });
    await tcp.ask('GET', '/v1/status', { headers: { origin: 'null' } });
    expect([await refused('host'), await refused('origin'), await refused('no_token')]).toEqual([
      (before[0] ?? 0) + 1,
      (before[1] ?? 0) + 1,
      before[2],
    ]);
  });

  it('gets no answer to a preflight', async () => {
    const asked = { headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' } };
    expect((await tcp.ask('OPTIONS', '/v1/status', asked)).status).toBe(403);
    const { status, headers } = await tcp.ask('OPTIONS', '/v1/status', { role: 'admin' });
    expect(status).toBe(404);
    expect(headers['allow']).toBeUndefined();
  });

  it('may name what control.hosts says', async () => {
    await using other = await startTcp({ hosts: ['proxy.example'] });
    const ask = (host: string) => other.ask('GET', '/v1/status', { role: 'reader', headers: { host } });
    expect((await ask('proxy.example')).status).toBe(200);
    expect((await ask('other.example')).status).toBe(421);
  });
});

it('a flood of wrong tokens leaves no memory behind and one line in the log', async () => {
  const lines: string[] = [];
  const sink = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk)) as undefined) });
  // The line comes once a minute, and a busy host may take longer for all of this: by this clock it is one moment.
  const clock = { ...systemClock, monotonic: () => 0 };
  await using flooded = await startTcp({}, { logger: createLogger('warn', sink), clock });
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const round = (count: number) =>
    Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let n = 0; n < count / 8; n++) {
          const headers = { authorization: `Bearer ${newControlToken()}` };
          const { status } = await flooded.ask('GET', '/v1/status', { headers, agent });
          if (status !== 401) throw new Error(`answered ${status}`);
        }
      }),
    );
  await round(1_600);
  const before = await settledHeap();
  await round(4_000);
  const grown = (await settledHeap()) - before;
  agent.destroy();
  // A token kept with what belongs to it would be a megabyte; the figure swings by some 100 KiB.
  expect(grown).toBeLessThan(1024 * 1024);
  expect(lines).toHaveLength(1);
  expect((await flooded.ask('GET', '/v1/status', { role: 'reader' })).status).toBe(200);
}, 400_000);

/** What is left when no collection finds anything more: what the last requests left goes with later turns of the loop. */
async function settledHeap(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  for (let least = Number.POSITIVE_INFINITY; ; ) {
    await nextTurn();
    collect();
    const { heapUsed } = process.memoryUsage();
    if (heapUsed > least - 4_096) return least;
    least = heapUsed;
  }
}
