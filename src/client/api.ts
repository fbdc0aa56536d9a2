import { z } from 'zod';
import { errorMessage } from '../domain/errors.ts';
import { parseFilter } from '../domain/filter.ts';

/**
 * The shapes of the control API (DESIGN section 5.4), shared by its server and its client: the server checks requests
 * against them and makes the OpenAPI document from them; the client takes its types from them.
 */

const LIMITS = {
  /** Entries of a page of machines: default and most. */
  machines: { default: 500, max: 5_000 },
  /** Records of a page: default and most; also the most of `tail`. */
  records: { default: 1_000, max: 10_000 },
  /** Filters of one request, and characters of one. */
  filters: 32,
  filterLength: 256,
} as const;

const Time = z.iso.datetime({ offset: true }).describe('RFC 3339');
const Uuid = z.string().meta({ description: 'a machine, 8-4-4-4-12 hexadecimal digits', format: 'uuid' });

/** A whole number in a query, where everything is text. */
function queryInteger(min: number, max: number) {
  const wrong = `a whole number from ${min} to ${max}`;
  return z
    .string(wrong)
    .regex(/^(?:0|[1-9]\d{0,15})$/, wrong)
    .transform(Number)
    .refine((value) => value >= min && value <= max, wrong)
    .meta({ type: 'integer', minimum: min, maximum: max });
}

/** A parameter that may be repeated: always a list inside. */
function repeatable<T extends z.ZodType<unknown, string>>(item: T) {
  return z.union([item.transform((value) => [value]), z.array(item)]).default([]);
}

const SubjectFilter = z
  .string()
  .max(LIMITS.filterLength)
  .superRefine((filter, context) => {
    try {
      parseFilter(filter);
    } catch (error) {
      context.addIssue({ code: 'custom', message: errorMessage(error) });
    }
  })
  .meta({
    description: 'a subject filter by NATS rules: `*` is one token, `>` the rest, as `siderolink.*.*.kmsg.>`',
  });

const Filters = z
  .union([SubjectFilter.transform((value) => [value]), z.array(SubjectFilter).max(LIMITS.filters)])
  .default([])
  .meta({ description: 'may be repeated; a record passes that matches any; none means all' });

const Seq = queryInteger(0, Number.MAX_SAFE_INTEGER);
const TimeOrDuration = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'received_at: RFC 3339, or a duration before now as `10m`, `1h30m`, `30d`' });

export const MACHINE_STATES = ['known', 'pending', 'accepted', 'rejected', 'provisional', 'removed'] as const;
export const LINK_STATES = ['up', 'down', 'never'] as const;

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    /** Stable: programs decide by it. */
    code: z.string(),
    detail: z.string(),
    /** The fields that are wrong, when the request is. */
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'application/problem+json (RFC 9457); `code` is stable' });
export type Problem = z.infer<typeof Problem>;

const Link = z.object({
  state: z.enum(LINK_STATES),
  endpoint: z.string().nullable(),
  last_handshake: Time.nullable(),
  last_rx: Time.nullable(),
  rx_bytes: z.number(),
  tx_bytes: z.number(),
  mode: z.enum(['udp', 'tunnel']),
});

export const Machine = z
  .object({
    server_uuid: Uuid,
    owner: z.string().optional(),
    namespace: z.string().optional(),
    cluster: z.string().optional(),
    metal_machine: z.string().optional(),
    machine: z.string().optional(),
    address: z.string(),
    state: z.enum(MACHINE_STATES),
    labels: z.record(z.string(), z.string()),
    public_key: z.string().nullable(),
    boot: z.int(),
    talos_version: z.string().nullable(),
    unique_token: z.enum(['none', 'offered', 'bound', 'proven']),
    created_at: Time,
    joined_at: Time.nullable(),
    version: z.int(),
    stage: z.string().nullable(),
    ready: z.boolean().nullable(),
    unmet_conditions: z.array(z.object({ name: z.string(), reason: z.string() })),
    hostname: z.string().nullable(),
    addresses: z.array(z.string()),
    services: z.record(
      z.string(),
      z.object({ state: z.string(), healthy: z.boolean().nullable(), message: z.string() }),
    ),
    sequence: z.object({ name: z.string(), action: z.string() }).nullable(),
    last_seen: Time.nullable(),
    link: Link,
  })
  .meta({ id: 'Machine', description: 'a machine; what comes from its events is last known, never the truth' });
export type Machine = z.infer<typeof Machine>;

export const MachinesQuery = z.strictObject({
  state: repeatable(z.enum(MACHINE_STATES)).meta({ description: 'may be repeated' }),
  owner: z.string().max(253).optional().meta({ description: 'exactly this owner; `_` for machines without one' }),
  link: z.enum(LINK_STATES).optional(),
  limit: queryInteger(1, LIMITS.machines.max).default(LIMITS.machines.default),
  cursor: z.string().max(64).optional().meta({ description: '`next` of the page before' }),
});

export const MachinesPage = z.object({
  machines: z.array(Machine),
  next: z.string().nullable().meta({ description: '`cursor` of the next page; null at the end' }),
});
export type MachinesPage = z.infer<typeof MachinesPage>;

export const MachineParams = z.object({ uuid: Uuid });

const Condition = z.object({
  name: z.string(),
  severity: z.enum(['ok', 'warning', 'error']),
  message: z.string(),
  since: Time,
});

export const Status = z
  .object({
    version: z.string(),
    started_at: Time,
    ready: z.boolean(),
    installation: z.string().meta({ description: 'short id: 8 hex digits of the SHA-256 of the installation id' }),
    overlay: z.object({ prefix: z.string(), server: z.string() }),
    wireguard: z.object({
      public_key: z.string(),
      backend: z.enum(['kernel', 'userspace']),
      listen_port: z.int(),
      endpoints: z.array(z.string()),
    }),
    api: z.object({ url: z.string() }),
    sinks: z.object({ kmsg_port: z.int(), events_port: z.int() }),
    prefix: z.string().meta({ description: 'first token of every subject' }),
    conditions: z.array(Condition),
    machines: z.object({
      total: z.int(),
      by_state: z.partialRecord(z.enum(MACHINE_STATES), z.int()),
      by_link: z.partialRecord(z.enum(LINK_STATES), z.int()),
    }),
    join_tokens: z.object({ total: z.int(), valid: z.int() }),
    records: z.object({ head: z.int().meta({ description: 'seq of the newest committed record; 0 for none' }) }),
  })
  .meta({ id: 'Status' });
export type Status = z.infer<typeof Status>;

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
  })
  .meta({ id: 'JoinToken', description: 'a join token without its secret' });
export type JoinToken = z.infer<typeof JoinToken>;

export const JoinTokensPage = z.object({ tokens: z.array(JoinToken) });
export type JoinTokensPage = z.infer<typeof JoinTokensPage>;

export const NewJoinToken = z.strictObject({
  name: z
    .string()
    .max(128)
    .regex(/^\P{C}*$/u, 'no control characters')
    .default('')
    .meta({ description: 'for people' }),
  expires_at: Time.nullish(),
  max_uses: z.int().min(1).max(1_000_000_000).nullish().meta({ description: 'machines that may join first with it' }),
});
export type NewJoinToken = z.input<typeof NewJoinToken>;

export const CreatedJoinToken = JoinToken.extend({
  secret: z.string().meta({ description: '`<id>.<secret>`, what a machine sends; shown here and never again' }),
}).meta({ id: 'CreatedJoinToken' });
export type CreatedJoinToken = z.infer<typeof CreatedJoinToken>;

export const TokenParams = z.object({ id: z.string().min(1).max(64) });

export const KernelArgsRequest = z.strictObject({
  token: z.string().min(1).max(1_024).optional().meta({ description: 'JOIN_TOKEN stands in its place without it' }),
  tunnel: z.boolean().default(false).meta({ description: 'ask for WireGuard over gRPC (Talos 1.7 or newer)' }),
  talos_version: z.string().max(64).optional().meta({ description: 'as `v1.13.0`; default: 1.7 or newer' }),
});
export type KernelArgsRequest = z.input<typeof KernelArgsRequest>;

export const KernelArgs = z
  .object({
    args: z.array(z.string()),
    command_line: z.string().meta({ description: '`args`, separated by spaces' }),
    documents: z
      .string()
      .nullable()
      .meta({ description: 'the same as machine-config documents (YAML); null for Talos < 1.5' }),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'KernelArgs' });
export type KernelArgs = z.infer<typeof KernelArgs>;

/** One record as everyone sees it (DESIGN section 5.3). */
export const Envelope = z
  .object({
    seq: z.int(),
    subject: z.string(),
    received_at: Time,
    boot: z.int(),
    body: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Envelope', description: 'a record; `body` is the NATS payload' });
export type Envelope = z.infer<typeof Envelope>;

export const RecordsQuery = z.strictObject({
  filter: Filters,
  machine: Uuid.optional(),
  after: Seq.optional().meta({ description: 'seq, exclusive' }),
  before: Seq.optional().meta({ description: 'seq, exclusive' }),
  since: TimeOrDuration.optional(),
  until: TimeOrDuration.optional(),
  limit: queryInteger(1, LIMITS.records.max).default(LIMITS.records.default),
  tail: z
    .union([z.stringbool({ truthy: ['true'], falsy: ['false'] }), queryInteger(1, LIMITS.records.max)])
    .optional()
    .meta({ description: 'the last so many matching records instead of the first; `true` takes `limit`' }),
  grep: z.string().min(1).max(256).optional().meta({ description: "substring of the body's text, case-insensitive" }),
});

export const RecordsPage = z.object({
  records: z.array(Envelope),
  next: z.int().nullable().meta({ description: '`after` of the next page; null at the end of what is committed' }),
  position: z.int().meta({ description: 'every record up to this seq was returned or did not match' }),
});
export type RecordsPage = z.infer<typeof RecordsPage>;

export const StreamQuery = z
  .strictObject({
    filter: Filters,
    machine: Uuid.optional(),
    after: Seq.optional().meta({ description: 'start after this seq' }),
    since: TimeOrDuration.optional(),
    tail: queryInteger(0, LIMITS.records.max).optional().meta({ description: 'start with the last so many records' }),
  })
  .refine(({ after, since, tail }) => [after, since, tail].filter((value) => value !== undefined).length <= 1, {
    message: 'only one of after, since and tail',
  });

export const StreamHeaders = z.object({
  'last-event-id': Seq.optional().meta({ description: 'resumes after this seq; wins over after, since and tail' }),
});
