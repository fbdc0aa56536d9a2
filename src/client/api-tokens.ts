import { z } from 'zod';
import { parseDuration } from '../domain/duration.ts';
import { MACHINE_STATES } from '../domain/join-types.ts';
import { parseNodeUuid } from '../domain/uuid.ts';
import { Next, pageQuery, readAs, Time, Uuid } from './api-base.ts';
import { Labels, LabelsRequest, OwnershipAnswer, OwnershipRequest } from './api-machines.ts';
import { LINK_STATES } from './states.ts';

/** The shapes of the control API that concern join tokens. */

/** Entries of a page of tokens: default and most. */
const PAGE = { default: 500, max: 1_000 } as const;

export const JoinToken = z
  .object({
    id: z.string(),
    name: z.string(),
    state: z.enum(['valid', 'revoked', 'expired', 'used_up']),
    created_at: Time,
    expires_at: Time.nullable(),
    max_uses: z.int().nullable(),
    uses: z.int(),
    last_used_at: Time.nullable(),
    revoked_at: Time.nullable(),
    node_uuid: Uuid.nullable().meta({ description: 'the only machine that may join with it' }),
    ...OwnershipAnswer,
    labels: Labels.meta({ description: 'what a machine gets at its first join with it, as its ownership' }),
    rotates: z.string().nullable().meta({ description: 'the token that it takes the place of, by id' }),
    cuts: z.int().meta({ description: 'machines that could not join any more, were it revoked now' }),
  })
  .meta({ id: 'JoinToken', description: 'a join token without its secret' });
export type JoinToken = z.infer<typeof JoinToken>;

export const JoinTokensQuery = z.strictObject(pageQuery(PAGE));
export const JoinTokensPage = z.object({ tokens: z.array(JoinToken), next: Next });
export type JoinTokensPage = z.infer<typeof JoinTokensPage>;

/** A machine that the revocation of a token would cut. */
const CutMachine = z
  .object({
    server_uuid: Uuid,
    ...OwnershipAnswer,
    address: z.string(),
    state: z.enum(MACHINE_STATES),
    hostname: z.string().nullable(),
    link: z.enum(LINK_STATES),
  })
  .meta({ id: 'CutMachine' });

export const JoinTokenDetails = JoinToken.extend({
  machines: z.array(CutMachine).meta({ description: 'the machines that `cuts` counts' }),
}).meta({ id: 'JoinTokenDetails' });
export type JoinTokenDetails = z.infer<typeof JoinTokenDetails>;

export const NewJoinToken = z.strictObject({
  name: z
    .string()
    .max(128)
    .regex(/^\P{C}*$/u, 'no control characters')
    .default('')
    .meta({ description: 'for people' }),
  expires_at: Time.nullish(),
  max_uses: z.int().min(1).max(1_000_000_000).nullish().meta({ description: 'machines that may join first with it' }),
  node_uuid: Uuid.transform(readAs(parseNodeUuid))
    .nullish()
    .meta({ description: 'the only machine that may join with it' }),
  ...OwnershipRequest,
  labels: LabelsRequest.default({}),
});
export type NewJoinToken = z.input<typeof NewJoinToken>;

export const CreatedJoinToken = JoinToken.extend({
  secret: z.string().meta({ description: '`<id>.<secret>`, what a machine sends; shown here and never again' }),
}).meta({ id: 'CreatedJoinToken' });
export type CreatedJoinToken = z.infer<typeof CreatedJoinToken>;

export const RotateToken = z.strictObject({
  overlap: z
    .string()
    .max(64)
    .transform(readAs(parseDuration))
    .meta({ description: 'how long the old token stays valid, as `7d`; `0` ends it at once' }),
  expires_at: Time.nullish().meta({ description: 'of the new token; without it never' }),
});
export type RotateToken = z.input<typeof RotateToken>;

export const TokenParams = z.object({ id: z.string().min(1).max(64) });
