import { z } from 'zod';
import { MACHINE_STATES } from '../domain/join-types.ts';
import { parseLabels } from '../domain/labels.ts';
import { type OWNERSHIP_FIELDS, parseOwnership } from '../domain/ownership.ts';
import { MAX_SELECTOR_LENGTH, parseSelector } from '../domain/selector.ts';
import { Next, pageQuery, readAs, readBy, repeatable, Time, Uuid } from './api-base.ts';

/** The shapes of the control API that concern machines. */

export const LINK_STATES = ['up', 'down', 'never'] as const;

/** Entries of a page of machines: default and most. A view takes 10 µs to make and write, and others wait meanwhile. */
const PAGE = { default: 500, max: 1_000 } as const;

type OwnershipField = (typeof OWNERSHIP_FIELDS)[number];

/** One value of ownership in a request. */
function ownershipField(field: OwnershipField) {
  const check = readBy<string>(
    (value) => parseOwnership({ [field]: value }),
    // The field is named by the path already.
    (message) => message.replace(`ownership field "${field}": `, ''),
  );
  return z.string().superRefine(check).meta({ minLength: 1, maxLength: 253 });
}

/** Ownership in a request: what is left out has no value. */
export const OwnershipRequest = {
  owner: ownershipField('owner').optional(),
  namespace: ownershipField('namespace').optional(),
  cluster: ownershipField('cluster').optional(),
  metal_machine: ownershipField('metal_machine').optional(),
  machine: ownershipField('machine').optional(),
} satisfies Record<OwnershipField, z.ZodType>;

/** Ownership in an answer. */
export const OwnershipAnswer = {
  owner: z.string().optional(),
  namespace: z.string().optional(),
  cluster: z.string().optional(),
  metal_machine: z.string().optional(),
  machine: z.string().optional(),
} satisfies Record<OwnershipField, z.ZodType>;

export const Labels = z.record(z.string(), z.string());
export const LabelsRequest = Labels.superRefine(readBy(parseLabels)).meta({
  description: 'keys and values as Kubernetes has them; at most 64',
});

const Link = z.object({
  state: z.enum(LINK_STATES),
  endpoint: z.string().nullable(),
  last_handshake: Time.nullable(),
  last_rx: Time.nullable(),
  rx_bytes: z.number(),
  tx_bytes: z.number(),
  mode: z.enum(['udp', 'tunnel']),
});

const TokenWrite = z
  .object({
    state: z.enum(['idle', 'waiting', 'writing', 'written', 'given_up', 'wants_certificate']),
    tries: z.int().meta({ description: 'in this boot' }),
    last_error: z.string().nullable(),
    at: Time.meta({ description: 'since when it is so' }),
  })
  .meta({ description: 'how writing its unique token (and UUID) to it goes' });

export const Machine = z
  .object({
    server_uuid: Uuid,
    ...OwnershipAnswer,
    address: z.string(),
    state: z.enum(MACHINE_STATES),
    labels: Labels,
    public_key: z.string().nullable(),
    boot: z.int(),
    talos_version: z.string().nullable(),
    unique_token: z.enum(['none', 'offered', 'bound', 'proven']),
    token_write: TokenWrite.nullable(),
    made_for: z.string().nullable().meta({ description: 'what it called itself, if its UUID was assigned' }),
    aliases: z.array(Uuid).meta({ description: 'other UUIDs under which it joins' }),
    created_at: Time,
    joined_at: Time.nullable(),
    version: z.int().meta({ description: 'grows with every change; also its ETag' }),
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
  selector: z
    .string()
    .max(MAX_SELECTOR_LENGTH)
    .transform(readAs(parseSelector))
    .optional()
    .meta({ description: 'by labels: a, !a, a=b, a!=b, a in (x,y), a notin (x,y), a > 3; a comma is AND' }),
  state: repeatable(z.enum(MACHINE_STATES)).meta({ description: 'may be repeated' }),
  owner: z.string().max(253).optional().meta({ description: 'exactly this owner; `_` for machines without one' }),
  link: z.enum(LINK_STATES).optional(),
  ...pageQuery(PAGE),
});

export const MachinesPage = z.object({ machines: z.array(Machine), next: Next });
export type MachinesPage = z.infer<typeof MachinesPage>;

export const MachineParams = z.object({ uuid: Uuid });

/** The condition of a change. Weak tags and lists of tags are refused: a version is one number. */
export const ConditionHeaders = z.object({
  'if-match': z
    .string()
    .regex(/^(?:\*|"(?:0|[1-9]\d{0,14})")$/, 'a version in quotes as `"7"`, or `*`')
    .transform((text) => (text === '*' ? ('*' as const) : Number(text.slice(1, -1))))
    .optional()
    .meta({
      type: 'string',
      description:
        'the version that the change is based on, in quotes as in an ETag; another one is 412. `*`: the one it has now',
    }),
});

export const RegisterRequest = z.strictObject({
  ...OwnershipRequest,
  labels: LabelsRequest.default({}),
  unique_token: z
    .boolean()
    .default(false)
    .meta({ description: 'make a unique token for SideroLinkConfig.uniqueToken (Talos 1.11 or newer)' }),
});
export type RegisterRequest = z.input<typeof RegisterRequest>;

export const RegisteredMachine = Machine.extend({
  unique_token_secret: z
    .string()
    .nullable()
    .meta({ description: 'the unique token, if one was asked for; shown here and never again' }),
}).meta({ id: 'RegisteredMachine' });
export type RegisteredMachine = z.infer<typeof RegisteredMachine>;

export const ClaimRequest = z.strictObject({ ...OwnershipRequest, owner: ownershipField('owner') });
export type ClaimRequest = z.input<typeof ClaimRequest>;

export const PatchMachine = z.strictObject({
  labels: z
    .strictObject({
      set: LabelsRequest.default({}),
      unset: z
        .array(z.string().max(400))
        .max(256)
        .default([])
        .meta({ description: 'keys; one that is not there is no mistake' }),
    })
    .optional(),
});
export type PatchMachine = z.input<typeof PatchMachine>;

export const DeleteMachineQuery = z.strictObject({
  records: z
    .stringbool({ truthy: ['true'], falsy: ['false'] })
    .default(false)
    .meta({ type: 'boolean', description: 'also deletes what is stored of it; for an admin only' }),
});

/** Kernel lines by their own numbers, both ends included. */
const Lines = z.object({ from: z.int(), to: z.int() });

export const Boot = z
  .object({
    boot: z.int().meta({ description: 'number of the boot, from 1' }),
    public_key: z.string(),
    started_at: Time,
    last_seq: z.int().nullable().meta({ description: "the kernel's own number of its last line" }),
    last_clock: z.number().nullable().meta({ description: "the kernel's own clock at that line, microseconds" }),
    gaps: z.array(Lines).meta({ description: 'kernel lines that are missing' }),
    filled: z.array(Lines).meta({ description: 'those that were told missing and came later' }),
  })
  .meta({ id: 'Boot', description: 'a boot as the registry has it: what is stored of its kernel log' });
export type Boot = z.infer<typeof Boot>;

export const BootsPage = z.object({ boots: z.array(Boot).meta({ description: 'the newest first' }) });
export type BootsPage = z.infer<typeof BootsPage>;
