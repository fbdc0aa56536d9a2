import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem } from '../../src/client/api.ts';
import { HTTP_CODES } from '../../src/control/problem.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { uuidOf } from './fakes.ts';
import { type Answer, type Harness, startControl } from './harness.ts';

interface Route {
  readonly method: string;
  readonly path: string;
}

let control: Harness;
let routes: readonly Route[];
beforeAll(async () => {
  control = await startControl({ maxBodyBytes: 4_096 });
  control.machines.add({ id: 1 }, { id: 2, state: 'pending', aliases: [uuidOf(22)] }, { id: 3, state: 'removed' });
  await control.tokens.create({ name: 'one' }, 'a test');
  const { json } = await control.call('GET', '/v1/openapi.json');
  routes = Object.entries<Record<string, unknown>>(json.paths).flatMap(([path, item]) =>
    // A stream that is asked for rightly does not end.
    path === '/v1/stream' ? [] : Object.keys(item).map((method) => ({ method: method.toUpperCase(), path })),
  );
});
afterAll(() => control[Symbol.asyncDispose]());

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }));
const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...[1, 2, 3, 22, 99].map(uuidOf), 't1', 't2') },
  fc.uuid(),
  text.map(encodeSafely),
);
const FIELDS = ['owner', 'cluster', 'labels', 'set', 'unset', 'name', 'max_uses', 'expires_at', 'node_uuid', 'overlap'];
const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    'acme',
    '1d',
    uuidOf(1),
    '2030-01-01T00:00:00Z',
    true,
    null,
    '__proto__',
    { a: 'b' },
    { set: { a: 'b' } },
  ),
);
const body = fc.option(
  fc.oneof(
    text,
    value.map((json) => JSON.stringify(json) ?? ''),
    fc
      .dictionary(fc.oneof(fc.constantFrom(...FIELDS, '__proto__', 'constructor', 'unique_token'), text), value)
      .map((json) => JSON.stringify(json)),
  ),
  { nil: undefined, freq: 2 },
);
const QUERY = [
  'selector',
  'state',
  'owner',
  'link',
  'limit',
  'cursor',
  'records',
  'filter',
  'since',
  'after',
  'tail',
  'port',
];
const query = fc.array(
  fc.tuple(
    fc.oneof(fc.constantFrom(...QUERY), text),
    fc.oneof(text, fc.constantFrom('a in (b', 'a=b', '1', 'true', 'accepted', 'bTE', '9'.repeat(30))),
  ),
  { maxLength: 3 },
);
const header = fc.option(
  fc.oneof(
    fc.constantFrom('*', '"7"', '"8"', 'W/"7"', '"', '""'),
    fc.string({ maxLength: 20 }).map((s) => s.replaceAll(/[^\x20-\x7e]/g, '?')),
  ),
  { nil: undefined, freq: 2 },
);

function encodeSafely(part: string): string {
  return encodeURIComponent(part.toWellFormed()) || 'x';
}

function expectGood(answer: Answer): void {
  expect(answer.status, answer.text).toBeLessThan(500);
  if (answer.status < 400) return;
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem = Problem.strict().parse(answer.json);
  expect(problem.status).toBe(answer.status);
  expect([...Object.keys(ERRORS), ...HTTP_CODES]).toContain(problem.code);
}

describe('whatever is sent', () => {
  it('is answered, with a problem of the list if it is wrong, and the next request works', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), segment, body, query, header, async (pick, part, raw, pairs, ifMatch) => {
        const { method, path } = routes[pick % routes.length] ?? { method: 'GET', path: '/' };
        const search = pairs.map((pair) => pair.map(encodeSafely).join('=')).join('&');
        const answer = await control.call(method, `${path.replace(/\{\w+\}/, part)}?${search}`, {
          ...(raw !== undefined && method !== 'GET' && { raw }),
          headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
        });
        expectGood(answer);
      }),
      { numRuns: 600 },
    );
    expect((await control.call('GET', '/v1/status')).status).toBe(200);
  });
});
