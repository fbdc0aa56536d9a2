import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HTTP_CODES } from '../../src/control/problem.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { uuidOf } from './fakes.ts';
import { type Harness, startControl } from './harness.ts';

interface Operation {
  'x-role'?: string;
  description?: string;
  operationId: string;
  summary: string;
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: object }> };
  responses: Record<
    string,
    { description: string; headers?: Record<string, object>; content?: Record<string, { schema: object }> }
  >;
}

let control: Harness;
let document: {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
  security: object[];
};
beforeAll(async () => {
  control = await startControl();
  document = (await control.call('GET', '/v1/openapi.json')).json;
});
afterAll(() => control[Symbol.asyncDispose]());

/** Every operation, and the least role that may call it. */
const ROLES: Readonly<Record<string, string>> = {
  'GET /v1/status': 'reader',
  'GET /v1/machines': 'reader',
  'GET /v1/machines/{uuid}': 'reader',
  'GET /v1/machines/{uuid}/boots': 'reader',
  'PUT /v1/machines/{uuid}': 'operator',
  'PATCH /v1/machines/{uuid}': 'operator',
  'DELETE /v1/machines/{uuid}': 'operator',
  'POST /v1/machines/{uuid}/accept': 'operator',
  'POST /v1/machines/{uuid}/reject': 'operator',
  'POST /v1/machines/{uuid}/claim': 'operator',
  'POST /v1/machines/{uuid}/release': 'operator',
  'POST /v1/machines/{uuid}/reset-token': 'operator',
  'POST /v1/machines/{uuid}/readmit': 'operator',
  'GET /v1/machines/{uuid}/connect': 'operator',
  'GET /v1/join-tokens': 'reader',
  'GET /v1/join-tokens/{id}': 'reader',
  'POST /v1/join-tokens': 'admin',
  'POST /v1/join-tokens/{id}/revoke': 'admin',
  'POST /v1/join-tokens/{id}/rotate': 'admin',
  'DELETE /v1/join-tokens/{id}': 'admin',
  'POST /v1/kernel-args': 'reader',
  'GET /v1/configuration': 'admin',
  'GET /v1/records': 'reader',
  'GET /v1/stream': 'reader',
  'POST /v1/backup': 'admin',
  'POST /v1/republish': 'operator',
  'GET /v1/openapi.json': 'reader',
};

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );

describe('the OpenAPI document', () => {
  it('covers every route', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(
      operations()
        .map(({ path, method }) => `${method.toUpperCase()} ${path}`)
        .sort(),
    ).toEqual(Object.keys(ROLES).sort());
  });

  it('says who may call each', () => {
    const roles = operations().map(({ path, method, operation }) => {
      expect(operation.description).toMatch(new RegExp(`Role: ${operation['x-role']}\\.$`));
      return [`${method.toUpperCase()} ${path}`, operation['x-role']];
    });
    expect(Object.fromEntries(roles)).toEqual(ROLES);
    expect(document.components.securitySchemes).toMatchObject({ token: { type: 'http', scheme: 'bearer' } });
    // A token, or none at all on the socket.
    expect(document.security).toEqual([{ token: [] }, {}]);
  });

  it('tells of conditions and versions where there are any', () => {
    for (const { path, method, operation } of operations()) {
      const change = path.startsWith('/v1/machines/{uuid}') && method !== 'get';
      const headers = (operation.parameters ?? []).filter(({ in: place }) => place === 'header');
      if (change) {
        expect(headers).toMatchObject([{ name: 'if-match', required: false, schema: { type: 'string' } }]);
        expect(operation.responses['412']?.headers).toHaveProperty('ETag');
      }
      const tells = change || operation.operationId === 'getMachine';
      expect('ETag' in (operation.responses['200']?.headers ?? {})).toBe(tells);
    }
  });

  it('names each operation once, its path parameters and its errors', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations()) {
      const declared = (operation.parameters ?? []).filter(({ in: place }) => place === 'path');
      expect(declared.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(declared.every(({ required }) => required === true)).toBe(true);
      expect(operation.summary).not.toBe('');
      if (operation.operationId === 'openapi') continue;
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) >= 400) expect(Object.keys(content ?? {})).toEqual(['application/problem+json']);
      }
    }
  });

  it('says of which operations the body may be left out, and what a good answer is', async () => {
    const needed = operations().flatMap(({ operation }) => {
      for (const [status, { description }] of Object.entries(operation.responses)) {
        expect(description, `${operation.operationId} ${status}`).not.toBe('Default Response');
      }
      return operation.requestBody?.required === true ? [operation.operationId] : [];
    });
    expect(needed.sort()).toEqual(['claimMachine', 'republish', 'rotateJoinToken']);
    for (const { path, method, operation } of operations()) {
      if (operation.requestBody === undefined) continue;
      const { json } = await control.call(method.toUpperCase(), path.replace(/\{\w+\}/, uuidOf(50)));
      const refused = json.errors?.some(({ path: field }: { path: string }) => field.startsWith('body')) ?? false;
      expect(refused, `${method} ${path}`).toBe(operation.requestBody.required);
    }
  });

  it('holds only references that lead somewhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
    expect(references.length).toBeGreaterThan(5);
    for (const target of new Set(references)) {
      const name = /^#\/components\/schemas\/([^/]+)$/.exec(target)?.[1] ?? target;
      expect(document.components.schemas).toHaveProperty(name);
    }
  });

  it('holds no schema that nothing names', () => {
    const text = JSON.stringify(document);
    const unused = Object.keys(document.components.schemas).filter(
      (name) => !text.includes(`"#/components/schemas/${name}"`),
    );
    expect(unused).toEqual([]);
    expect(Object.keys(document.components.schemas)).toContain('Machine');
  });

  it('says what every line of NDJSON is', async () => {
    control.log.append({ subject: 'siderolink._._.token.created', body: {} });
    const text = JSON.stringify(document.paths['/v1/records']?.['get']?.responses['200']?.content);
    const schema = JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/'))['application/x-ndjson'].schema;
    const defs = JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/');
    const checker = z.fromJSONSchema({ ...schema, $defs: JSON.parse(defs) });
    const answer = await control.call('GET', '/v1/records', { headers: { accept: 'application/x-ndjson' } });
    const lines = answer.text.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(checker.safeParse(JSON.parse(line)).success, line).toBe(true);
    expect(checker.safeParse({ position: 'far' }).success).toBe(false);
  });

  it('has schemas that are schemas, and accept what the API answers', async () => {
    control.machines.add({ id: 1 });
    const resolved = JSON.parse(
      JSON.stringify(document.paths['/v1/machines/{uuid}']).replaceAll('#/components/schemas/', '#/$defs/'),
    );
    const schema = resolved.get.responses['200'].content['application/json'].schema;
    const defs = JSON.parse(
      JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
    );
    const checker = z.fromJSONSchema({ ...schema, $defs: defs });
    const { json } = await control.call('GET', '/v1/machines');
    expect(checker.safeParse(json.machines[0]).success).toBe(true);
    expect(checker.safeParse({ ...json.machines[0], boot: 'one' }).success).toBe(false);
  });

  it('says that numbers in a query are numbers', () => {
    const parameters = document.paths['/v1/records']?.['get']?.parameters ?? [];
    expect(parameters.find(({ name }) => name === 'after')?.schema).toMatchObject({ type: 'integer', minimum: 0 });
    expect(parameters.map(({ name }) => name).sort()).toEqual(
      ['after', 'before', 'filter', 'grep', 'limit', 'machine', 'since', 'tail', 'until'].sort(),
    );
  });
});

describe('the reference of errors', () => {
  it('has every code that an answer may carry', async () => {
    const page = await readFile(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');
    const codes = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
    expect(codes.sort()).toEqual([...Object.keys(ERRORS), ...HTTP_CODES].sort());
  });
});

describe('the guide to the API', () => {
  it('tells of every operation, and of none that is not there', async () => {
    const page = await readFile(new URL('../../docs/reference/api.md', import.meta.url), 'utf8');
    const told = new Set(
      [...page.matchAll(/\b(?:GET|PUT|PATCH|POST|DELETE) \/v1\/[\w\-/{}.]*[\w}]/g)].map(([route]) => route),
    );
    expect([...told].sort()).toEqual(Object.keys(ROLES).sort());
  });
});
