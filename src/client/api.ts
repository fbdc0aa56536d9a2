import { z } from 'zod';
import { parseFilter } from '../domain/filter.ts';
import { queryInteger, readBy, Time, Uuid } from './api-base.ts';
import { LINK_STATES, MACHINE_STATES } from './states.ts';

export * from './api-machines.ts';
export * from './api-tokens.ts';

/**
 * The shapes of the control API (DESIGN section 5.4), shared by its server and its client: the server checks requests
 * against them and makes the OpenAPI document from them; the client takes its types from them.
 */

const LIMITS = {
  /** Records of a page: default and most; also the most of `tail`. */
  records: { default: 1_000, max: 10_000 },
  /** Filters of one request, and characters of one. */
  filters: 32,
  filterLength: 256,
} as const;

const SubjectFilter = z.string().max(LIMITS.filterLength).superRefine(readBy(parseFilter)).meta({
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
    installation: z
      .string()
      .meta({ description: '8 hex digits of the SHA-256 of the installation id, and `.n` after the n-th restore' }),
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
      with_link_hint: z.int().meta({ description: 'whose link is up while nothing comes through it (`link.hint`)' }),
      with_join_wait: z
        .int()
        .meta({ description: 'for whose place a newcomer waits until it is known whether they answer (`join_wait`)' }),
    }),
    join_tokens: z.object({ total: z.int(), valid: z.int() }),
    records: z.object({ head: z.int().meta({ description: 'seq of the newest committed record; 0 for none' }) }),
    publish: z
      .object({
        stream: z.string(),
        server: z.string().nullable().meta({ description: 'the NATS server we are connected to; null without one' }),
        waiting: z.int().meta({ description: 'records that JetStream did not acknowledge yet' }),
        oldest_waiting: Time.nullable().meta({ description: 'when the oldest of these was received' }),
        lanes_behind: z.int().meta({ description: 'lanes that read again what they had no room for' }),
        problem: z.string().nullable().meta({ description: 'what keeps records from being published' }),
      })
      .nullable()
      .meta({ description: 'where publishing to NATS stands; null without publish.nats.servers' }),
  })
  .meta({ id: 'Status' });
export type Status = z.infer<typeof Status>;

export const Configuration = z
  .object({
    settings: z.record(z.string(), z.unknown()).meta({ description: 'every setting, as a file would have it' }),
  })
  .meta({ id: 'Configuration' });
export type Configuration = z.infer<typeof Configuration>;

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
    ca: z.string().nullable().meta({
      description: 'our own authority, which `documents` and `args` make machines trust (PEM); null without one',
    }),
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
  before: z.int().nullable().meta({
    description: 'of a `tail` with less than all that match: `before` of the page before it; else null',
  }),
  position: z.int().meta({ description: 'every record up to this seq was returned or did not match' }),
  complete: z.boolean().meta({
    description:
      'whether it holds as many as were asked for, or all that match; else it ended early, and the rest is read with `next`, of a `tail` with `before`',
  }),
});
export type RecordsPage = z.infer<typeof RecordsPage>;

/** The last line of a page as NDJSON: what is of a page besides its records. */
export const PageEnd = RecordsPage.omit({ records: true });
export type PageEnd = z.infer<typeof PageEnd>;

/** A line of a stream as NDJSON that is no record: every record up to this seq was sent or did not match. */
export const StreamPosition = z.object({ position: z.int() });

const SeqNumber = z.int().min(0).meta({ description: 'seq, exclusive' });

export const RepublishRequest = z.strictObject({
  filter: z.array(SubjectFilter).min(1).max(LIMITS.filters).meta({
    description: 'a record passes that matches any; `>` matches all',
  }),
  machine: Uuid.optional(),
  after: SeqNumber.optional(),
  before: SeqNumber.optional(),
  since: TimeOrDuration.optional(),
  until: TimeOrDuration.optional(),
});
export type RepublishRequest = z.input<typeof RepublishRequest>;

export const RepublishProgress = z
  .object({
    published: z.int().meta({ description: 'records that the stream has acknowledged' }),
    duplicates: z.int().meta({ description: 'of these, those that it had already and dropped, by their ids' }),
    through: z.int().meta({ description: 'every matching record up to this seq is acknowledged' }),
    problem: z.string().nullable().meta({ description: 'what it waits for, if nothing goes on' }),
  })
  .meta({ id: 'RepublishProgress' });
export type RepublishProgress = z.infer<typeof RepublishProgress>;

/** The last line: all is done, or why not. */
export const RepublishEnd = z.union([
  RepublishProgress.extend({ done: z.literal(true) }),
  RepublishProgress.partial().extend({ error: z.object({ code: z.string(), detail: z.string() }) }),
]);
export type RepublishEnd = z.infer<typeof RepublishEnd>;

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
