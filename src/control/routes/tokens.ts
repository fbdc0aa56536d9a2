import { z } from 'zod';
import { CreatedJoinToken, JoinToken, JoinTokensPage, NewJoinToken, TokenParams } from '../../client/api.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import type { JoinToken as FleetToken } from '../../fleet/types.ts';
import type { App, RouteDeps } from '../app.ts';
import { problemResponses } from '../responses.ts';

/** Who asks on the socket: the kernel lets only root and the daemon's group in, and does not tell Node which of them. */
const CALLER = 'admin on the control socket';

export function tokenRoutes(app: App, { tokens, clock }: RouteDeps): void {
  app.get(
    '/v1/join-tokens',
    {
      schema: {
        operationId: 'listJoinTokens',
        summary: 'Join tokens, without their secrets',
        response: { 200: JoinTokensPage, ...problemResponses() },
      },
    },
    async () => ({ tokens: tokens.list().map((token) => tokenJson(token, clock.now())) }),
  );
  app.post(
    '/v1/join-tokens',
    {
      schema: {
        operationId: 'createJoinToken',
        summary: 'Makes a join token; the secret is in this answer and nowhere else',
        body: NewJoinToken.prefault({}),
        response: { 201: CreatedJoinToken, ...problemResponses(507) },
      },
    },
    async ({ body }, reply) => {
      const expiresAt = body.expires_at == null ? undefined : Date.parse(body.expires_at);
      if (expiresAt !== undefined && expiresAt <= clock.now()) {
        throw new SiderolinkError('invalid_argument', 'body.expires_at: lies in the past');
      }
      const { token, secret } = await tokens.create(
        {
          name: body.name,
          ...(expiresAt !== undefined && { expiresAt }),
          ...(body.max_uses != null && { maxUses: body.max_uses }),
        },
        CALLER,
      );
      reply.code(201).header('cache-control', 'no-store');
      return { ...tokenJson(token, clock.now()), secret };
    },
  );
  app.post(
    '/v1/join-tokens/:id/revoke',
    {
      schema: {
        operationId: 'revokeJoinToken',
        summary: 'Revokes a join token; it stays listed. Once more changes nothing',
        params: TokenParams,
        body: z.strictObject({}).optional(),
        response: { 200: JoinToken, ...problemResponses(404, 507) },
      },
    },
    async ({ params }) => tokenJson(await tokens.revoke(params.id, CALLER), clock.now()),
  );
  app.delete(
    '/v1/join-tokens/:id',
    {
      schema: {
        operationId: 'deleteJoinToken',
        summary: 'Deletes a join token that is revoked or expired',
        params: TokenParams,
        response: { 204: z.null().meta({ description: 'deleted' }), ...problemResponses(404, 409, 507) },
      },
    },
    async ({ params }, reply) => {
      await tokens.delete(params.id, CALLER);
      return reply.code(204).send(null);
    },
  );
}

export function tokenState(token: FleetToken, now: number): JoinToken['state'] {
  if (token.revokedAt !== null) return 'revoked';
  if (token.expiresAt !== null && token.expiresAt <= now) return 'expired';
  if (token.maxUses !== null && token.uses >= token.maxUses) return 'used_up';
  return 'valid';
}

function tokenJson(token: FleetToken, now: number): JoinToken {
  return {
    id: token.id,
    name: token.name,
    state: tokenState(token, now),
    created_at: new Date(token.createdAt).toISOString(),
    expires_at: time(token.expiresAt),
    max_uses: token.maxUses,
    uses: token.uses,
    last_used_at: time(token.lastUsedAt),
    revoked_at: time(token.revokedAt),
  };
}

function time(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
