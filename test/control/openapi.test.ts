import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Harness, startControl } from './harness.ts';

interface Operation {
  operationId: string;
  summary: string;
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}

let control: Harness;
let document: {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};
beforeAll(async () => {
  control = await startControl();
  document = (await control.call('GET', '/v1/openapi.json')).json;
});
afterAll(() => control[Symbol.asyncDispose]());

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
    ).toEqual([
      'DELETE /v1/join-tokens/{id}',
      'GET /v1/join-tokens',
      'GET /v1/machines',
      'GET /v1/machines/{uuid}',
      'GET /v1/openapi.json',
      'GET /v1/records',
      'GET /v1/status',
      'GET /v1/stream',
      'POST /v1/join-tokens',
      'POST /v1/join-tokens/{id}/revoke',
      'POST /v1/kernel-args',
    ]);
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

  it('holds only references that lead somewhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
    expect(references.length).toBeGreaterThan(5);
    for (const target of new Set(references)) {
      const name = /^#\/components\/schemas\/([^/]+)$/.exec(target)?.[1] ?? target;
      expect(document.components.schemas).toHaveProperty(name);
    }
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
