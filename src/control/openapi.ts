import { STATUS_CODES } from 'node:http';
import type { FastifyDynamicSwaggerOptions, SwaggerTransform } from '@fastify/swagger';
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { version } from '../version.ts';

/** How the routes become the OpenAPI document. */

const fromZod = createJsonSchemaTransform({ zodToJsonConfig: { override: tidySchema } });

export const openApiOptions: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'siderolinkd control API',
      description:
        'On the control socket every caller is an admin and no token is asked for. On the TCP listener a token of the tokens file goes into the Authorization header; `x-role` is the least role that may call an operation (reader, operator, admin: each may what the ones before it may).',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'a control token; on the TCP listener only' },
      },
    },
    security: [{ token: [] }, {}],
  },
  transform: ((given) => {
    const { schema, url } = fromZod(given as Parameters<typeof fromZod>[0]) as Transformed;
    const { role, etag } = given.route.config ?? {};
    nameAnswers(schema);
    if (etag === true) declareEtag(schema);
    const description = [schema['description'], `Role: ${role}.`].filter((part) => part !== undefined).join(' ');
    return { schema: { ...schema, description, 'x-role': role }, url };
  }) as SwaggerTransform,
  transformObject: (given) => {
    const document = jsonSchemaTransformObject(given);
    dropUnused(document as Document);
    for (const item of Object.values((document as Document).paths ?? {})) Object.values(item).forEach(markOptional);
    return document;
  },
};

/** What of the document is looked at. */
interface Document {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Record<string, unknown> };
}

interface Operation {
  readonly requestBody?: {
    required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema?: { readonly required?: readonly string[] } }>>;
  };
}

/** The plugin makes two of every schema, for requests and for answers, whether or not anything names them. */
function dropUnused({ paths, components: { schemas = {} } = {} }: Document): void {
  for (let left = Number.POSITIVE_INFINITY; Object.keys(schemas).length < left; ) {
    left = Object.keys(schemas).length;
    const text = JSON.stringify([paths, schemas]);
    for (const name of Object.keys(schemas)) {
      if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
    }
  }
}

/** The plugin says of every body that it must be there; one without a field that must be need not. */
function markOptional({ requestBody: body }: Operation): void {
  if (body === undefined) return;
  const { required = [] } = body.content['application/json']?.schema ?? {};
  if (required.length === 0) body.required = false;
}

interface Transformed {
  readonly schema: Record<string, unknown> & { readonly response?: Record<string, Record<string, unknown>> };
  readonly url: string;
}

/** An answer whose schema is shared has no words of its own. */
function nameAnswers({ response = {} }: Transformed['schema']): void {
  for (const [status, answer] of Object.entries(response)) {
    response[status] = { ...answer, description: answer['description'] ?? STATUS_CODES[status] };
  }
}

const ETAG = { ETag: { type: 'string', description: 'the version of the machine in quotes, as `"7"`' } };

function declareEtag({ response = {} }: Transformed['schema']): void {
  for (const status of ['200', '201', '409', '412', '428']) {
    const answer = response[status];
    if (answer !== undefined) response[status] = { ...answer, headers: ETAG };
  }
}

/** A parameter's text is checked by a pattern that means nothing for the number the document declares. */
function tidySchema({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  if (jsonSchema['type'] === 'integer') delete jsonSchema['pattern'];
}
