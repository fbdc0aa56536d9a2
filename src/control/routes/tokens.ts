import { z } from 'zod';
import {
  CreatedJoinToken,
  JoinToken,
  JoinTokenDetails,
  JoinTokensPage,
  JoinTokensQuery,
  NewJoinToken,
  RotateToken,
  TokenParams,
} from '../../client/api.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import type { Ownership } from '../../domain/record.ts';
import type { JoinToken as FleetToken, Machine, Machines } from '../../fleet/types.ts';
import { ownershipJson } from '../../fleet/view.ts';
import type { App, RouteDeps } from '../app.ts';
import { callerName } from '../caller.ts';
import { cursorOf, cursorPlace } from '../cursor.ts';
import { problemResponses } from '../responses.ts';

const ADMIN = { config: { role: 'admin' } } as const;
const READER = { config: { role: 'reader' } } as const;

export function tokenRoutes(app: App, deps: RouteDeps): void {
  readRoutes(app, deps);
  makeRoutes(app, deps);
  const { tokens } = deps;
  app.post(
    '/v1/join-tokens/:id/revoke',
    {
      ...ADMIN,
      schema: {
        operationId: 'revokeJoinToken',
        summary: 'Revokes a join token; it stays listed. Once more changes nothing',
        params: TokenParams,
        body: z.strictObject({}).optional(),
        response: { 200: JoinToken, ...problemResponses(404, 503, 507) },
      },
    },
    async ({ params, caller }) => tokenJson(await tokens.revoke(params.id, callerName(caller)), deps),
  );
  app.delete(
    '/v1/join-tokens/:id',
    {
      ...ADMIN,
      schema: {
        operationId: 'deleteJoinToken',
        summary: 'Deletes a join token that is revoked or expired',
        params: TokenParams,
        response: { 204: z.null().meta({ description: 'deleted' }), ...problemResponses(404, 409, 503, 507) },
      },
    },
    async ({ params, caller }, reply) => {
      await tokens.delete(params.id, callerName(caller));
      return reply.code(204).send(null);
    },
  );
}

function readRoutes(app: App, deps: RouteDeps): void {
  const { tokens, cutBy, machines } = deps;
  app.get(
    '/v1/join-tokens',
    {
      ...READER,
      schema: {
        operationId: 'listJoinTokens',
        summary: 'Join tokens without their secrets, a page at a time, the oldest first',
        querystring: JoinTokensQuery,
        response: { 200: JoinTokensPage, ...problemResponses() },
      },
    },
    async ({ query }) => page(deps, query),
  );
  app.get(
    '/v1/join-tokens/:id',
    {
      ...READER,
      schema: {
        operationId: 'getJoinToken',
        summary: 'One join token, with the machines that its revocation would cut',
        params: TokenParams,
        response: { 200: JoinTokenDetails, ...problemResponses(404) },
      },
    },
    async ({ params }) => {
      const token = tokens.get(params.id);
      if (token === undefined) throw new SiderolinkError('not_found', `there is no join token ${params.id}`);
      return { ...tokenJson(token, deps), machines: cutBy(token.id).map((machine) => cutJson(machines, machine)) };
    },
  );
}

function makeRoutes(app: App, deps: RouteDeps): void {
  const { tokens, clock } = deps;
  app.post(
    '/v1/join-tokens',
    {
      ...ADMIN,
      schema: {
        operationId: 'createJoinToken',
        summary: 'Makes a join token; the secret is in this answer and nowhere else',
        body: NewJoinToken.prefault({}),
        response: { 201: CreatedJoinToken, ...problemResponses(429, 503, 507) },
      },
    },
    async ({ body, caller }, reply) => {
      const { name, expires_at, max_uses, node_uuid, labels, ...ownership } = body;
      const { token, secret } = await tokens.create(
        {
          name,
          ...expiry(expires_at, clock.now()),
          ...(max_uses != null && { maxUses: max_uses }),
          ...(node_uuid != null && { nodeUuid: node_uuid }),
          ownership: ownership as Ownership,
          labels,
        },
        callerName(caller),
      );
      reply.code(201).header('cache-control', 'no-store');
      return { ...tokenJson(token, deps), secret };
    },
  );
  app.post(
    '/v1/join-tokens/:id/rotate',
    {
      ...ADMIN,
      schema: {
        operationId: 'rotateJoinToken',
        summary: 'Makes a join token like this one, which ends after the overlap; the secret is in this answer alone',
        params: TokenParams,
        body: RotateToken,
        response: { 201: CreatedJoinToken, ...problemResponses(404, 409, 429, 503, 507) },
      },
    },
    async ({ params, body, caller }, reply) => {
      const options = { overlapMs: body.overlap, ...expiry(body.expires_at, clock.now()) };
      const { token, secret } = await tokens.rotate(params.id, options, callerName(caller));
      reply.code(201).header('cache-control', 'no-store');
      return { ...tokenJson(token, deps), secret };
    },
  );
}

/** @throws SiderolinkError `invalid_argument` for a moment that is over */
function expiry(text: string | null | undefined, now: number): { expiresAt?: number } {
  if (text == null) return {};
  const expiresAt = Date.parse(text);
  if (expiresAt <= now) throw new SiderolinkError('invalid_argument', 'body.expires_at: lies in the past');
  return { expiresAt };
}

function page(deps: RouteDeps, { limit, cursor }: z.output<typeof JoinTokensQuery>): JoinTokensPage {
  const [createdAt, id = ''] = cursor === undefined ? [] : cursorPlace('t', cursor, /^(\d{1,15})\.(.{1,64})$/);
  const after = createdAt === undefined ? undefined : { createdAt: Number(createdAt), id };
  const found = deps.tokens
    .list()
    .filter((token) => after === undefined || byAge(token, after) > 0)
    .sort(byAge);
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    tokens: shown.map((token) => tokenJson(token, deps)),
    next: last !== undefined && found.length > shown.length ? cursorOf('t', `${last.createdAt}.${last.id}`) : null,
  };
}

type Age = Pick<FleetToken, 'createdAt' | 'id'>;

function byAge(a: Age, b: Age): number {
  if (a.createdAt !== b.createdAt) return a.createdAt - b.createdAt;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

export function tokenState(token: FleetToken, now: number): JoinToken['state'] {
  if (token.revokedAt !== null) return 'revoked';
  if (token.expiresAt !== null && token.expiresAt <= now) return 'expired';
  if (token.maxUses !== null && token.uses >= token.maxUses) return 'used_up';
  return 'valid';
}

function tokenJson(token: FleetToken, { cutBy, clock }: Pick<RouteDeps, 'cutBy' | 'clock'>): JoinToken {
  return {
    id: token.id,
    name: token.name,
    state: tokenState(token, clock.now()),
    created_at: new Date(token.createdAt).toISOString(),
    expires_at: time(token.expiresAt),
    max_uses: token.maxUses,
    uses: token.uses,
    last_used_at: time(token.lastUsedAt),
    revoked_at: time(token.revokedAt),
    node_uuid: token.nodeUuid,
    ...ownershipJson(token.ownership),
    labels: { ...token.labels },
    rotates: token.rotates,
    cuts: cutBy(token.id).length,
  };
}

function cutJson(machines: Machines, machine: Machine): JoinTokenDetails['machines'][number] {
  const { status, link } = machines.view(machine);
  return {
    server_uuid: machine.uuid,
    ...ownershipJson(machine.tags.ownership),
    address: machine.address,
    state: machine.state,
    hostname: status.hostname,
    link: link.state,
  };
}

function time(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
