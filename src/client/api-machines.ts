import { z } from 'zod';
import { CONDITION_TYPES, SEVERITIES } from '../domain/conditions.ts';
import { MACHINE_STATES, REFUSAL_REASONS } from '../domain/join-types.ts';
import { parseLabels } from '../domain/labels.ts';
import { type OWNERSHIP_FIELDS, parseOwnership } from '../domain/ownership.ts';
import { REBOOT_KINDS } from '../domain/reboot.ts';
import { MAX_SELECTOR_LENGTH, parseSelector } from '../domain/selector.ts';
import { TUNNEL_SETTINGS } from '../domain/tunnel.ts';
import { Next, pageQuery, readAs, readBy, repeatable, Time, Uuid } from './api-base.ts';
import { LINK_STATES } from './states.ts';

/** The shapes of the control API that concern machines. */

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
  endpoint: z.string().nullable().meta({ description: '`host:port` it sends from, by UDP or with its stream' }),
  last_handshake: Time.nullable(),
  last_rx: Time.nullable().meta({ description: 'null: nothing came since the daemon started' }),
  rx_bytes: z.number(),
  tx_bytes: z.number(),
  mode: z
    .enum(['udp', 'tunnel'])
    .meta({ description: 'how its last packet came; before the first one, how it was told to come' }),
  hint: z
    .string()
    .nullable()
    .meta({ description: 'what to look at where the link is up and nothing comes through it' }),
});

const TokenWrite = z
  .object({
    state: z.enum(['idle', 'waiting', 'writing', 'written', 'given_up', 'wants_certificate']),
    tries: z.int().meta({ description: 'in this boot' }),
    last_error: z.string().nullable(),
    at: Time.meta({ description: 'since when it is so' }),
  })
  .meta({ description: 'how writing its unique token (and UUID) to it goes' });

/** The conditions of Sidero Metal, by its names. */
const Condition = z
  .object({
    type: z.enum(CONDITION_TYPES),
    status: z.enum(['True', 'False']),
    severity: z
      .enum(SEVERITIES)
      .nullable()
      .meta({ description: 'null for one that is true, as are reason and message' }),
    reason: z.string().nullable(),
    message: z.string().nullable(),
    last_transition_time: Time,
  })
  .meta({ id: 'Condition' });

const Sequence = z.object({
  name: z.string(),
  action: z.string().meta({ description: '`START` while it runs; `NOOP` when it failed or ended in a reboot' }),
  error: z.string().nullable().meta({ description: 'why it failed' }),
  since: Time.nullable(),
});

const LastReboot = z
  .object({
    at: Time.meta({ description: 'when the boot joined' }),
    kind: z.enum(REBOOT_KINDS),
    command: z.string().nullable().meta({ description: '`restart`, `kexec`, `power_off`, `halt`' }),
  })
  .meta({ description: 'what began the current boot; `unannounced`: power loss, reset button or crash' });

const LastRefusal = z
  .object({
    at: Time,
    reason: z.enum(REFUSAL_REASONS),
    source: z.string().meta({ description: 'address of whoever called' }),
    count: z.int().meta({ description: 'refusals since it was let in last, or since the daemon started' }),
  })
  .meta({ description: 'the last call under its name that was refused since it was let in' });

const JoinWait = z
  .object({
    since: Time.meta({ description: 'its first call that had to wait' }),
    until: Time.meta({ description: 'it is known by then; the newcomer may have to call once more' }),
    reason: z.enum(['asked', 'made_anew']).meta({
      description:
        '`asked`: the machine is asked whether it answers; `made_anew`: the WireGuard device had to be made anew, which the ' +
        'machine may not know yet',
    }),
    source: z.string().meta({ description: 'address of whoever called' }),
  })
  .meta({ description: 'a newcomer with its UUID waits until it is known whether this machine answers' });

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
    tunnel: z.enum(TUNNEL_SETTINGS).nullable().meta({ description: 'its own setting of `join.tunnel`; null inherits' }),
    aliases: z.array(Uuid).meta({ description: 'other UUIDs under which it joins' }),
    created_at: Time,
    joined_at: Time.nullable(),
    version: z.int().meta({ description: 'grows with every change; also its ETag' }),
    stage: z.string().nullable(),
    stage_since: Time.nullable().meta({ description: 'when it reported this stage first' }),
    ready: z.boolean().nullable(),
    unmet_conditions: z.array(z.object({ name: z.string(), reason: z.string() })),
    hostname: z.string().nullable(),
    addresses: z.array(z.string()),
    services: z.record(
      z.string(),
      z.object({ state: z.string(), healthy: z.boolean().nullable(), message: z.string() }),
    ),
    sequence: Sequence.nullable(),
    phase: z.string().nullable().meta({ description: 'the phase of the sequence that runs now' }),
    tasks: z.array(z.string()).meta({ description: 'the tasks that run now' }),
    last_reboot: LastReboot.nullable(),
    config_errors: z
      .array(z.object({ kind: z.enum(['load', 'validation']), message: z.string(), since: Time }))
      .meta({ description: 'what is wrong with its configuration, until it has loaded one that is right' }),
    conditions: z.array(Condition).meta({ description: 'sorted by type' }),
    stage_regression: z
      .object({ from: z.string(), to: z.string(), since: Time })
      .nullable()
      .meta({ description: 'it ran, and is to be installed again though nobody reset it' }),
    lost_after_upgrade: z
      .object({ since: Time.meta({ description: 'when it was heard last' }), sequence: z.string() })
      .nullable()
      .meta({ description: 'it said that it goes to another boot, and has been silent for 15 minutes' }),
    missing_lines: z.int().nullable().meta({ description: 'kernel lines of its current boot that did not come' }),
    first_seen: Time.nullable().meta({ description: 'its first event or log line' }),
    last_seen: Time.nullable(),
    last_refusal: LastRefusal.nullable(),
    join_wait: JoinWait.nullable(),
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

/** The condition that only a control plane knows. Reason and message as Kubernetes has them. */
const ProviderCondition = z
  .strictObject({
    type: z.literal('ProviderSet'),
    status: z.enum(['True', 'False']),
    severity: z.enum(SEVERITIES).nullish().meta({ description: 'default Warning' }),
    reason: z
      .string()
      .regex(/^(?:[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?)?$/, 'one word, as `ProviderUpdateFailed`')
      .max(256)
      .nullish(),
    message: z.string().max(1024).nullish(),
  })
  .superRefine(({ status, severity, reason, message }, context) => {
    if (status === 'False' && !reason) context.addIssue({ code: 'custom', path: ['reason'], message: 'is missing' });
    if (status === 'True' && (severity || reason || message)) {
      const text = 'a condition that is True has no severity, reason or message';
      context.addIssue({ code: 'custom', message: text });
    }
  });

export const PatchMachine = z.strictObject({
  conditions: z
    .array(ProviderCondition)
    .max(1)
    .optional()
    .meta({ description: 'ProviderSet, which the control plane sets; the others follow from events' }),
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
  tunnel: z.enum(TUNNEL_SETTINGS).nullable().optional().meta({
    description:
      'WireGuard over gRPC: `force` (Talos 1.7 or newer), `off`, `auto` if the machine asks; null: as `join.tunnel`. It counts when the machine calls Provision next: at its next boot, or some five minutes after its link was lost',
  }),
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
