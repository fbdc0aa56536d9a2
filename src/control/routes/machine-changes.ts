import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  ClaimRequest,
  ConditionHeaders,
  DeleteMachineQuery,
  Machine,
  MachineParams,
  PatchMachine,
  RegisteredMachine,
  RegisterRequest,
} from '../../client/api.ts';
import { type ConditionState, TRUE } from '../../domain/conditions.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import type { Ownership } from '../../domain/record.ts';
import { type NodeUuid, parseNodeUuid } from '../../domain/uuid.ts';
import type { Machine as FleetMachine, MachineAdmin, SeenVersion } from '../../fleet/types.ts';
import { machineViewJson } from '../../fleet/view.ts';
import type { App, RouteDeps } from '../app.ts';
import { requireRole } from '../auth.ts';
import { callerName } from '../caller.ts';
import { etagOf, seenVersion } from '../etag.ts';
import { problemResponses } from '../responses.ts';
import { machineOf } from './machines.ts';

/** What all changes of a machine have in common. */
const CHANGE = { config: { role: 'operator', etag: true } } as const;
const refusals = problemResponses(404, 409, 412, 503, 507);
const schema = { params: MachineParams, headers: ConditionHeaders, response: { 200: Machine, ...refusals } };

/** Changes that need no more than to be asked for. */
const ACTIONS = [
  {
    action: 'accept',
    operationId: 'acceptMachine',
    summary: 'Lets a pending, provisional or rejected machine in',
    run: (admin: MachineAdmin) => admin.accept.bind(admin),
  },
  {
    action: 'reject',
    operationId: 'rejectMachine',
    summary: 'Cuts the link and connections of a machine at once; it may not join until it is accepted',
    run: (admin: MachineAdmin) => admin.reject.bind(admin),
  },
  {
    action: 'reset-token',
    operationId: 'resetMachineToken',
    summary: 'Forgets the unique tokens of a machine that was installed anew',
    run: (admin: MachineAdmin) => admin.resetToken.bind(admin),
  },
  {
    action: 'readmit',
    operationId: 'readmitMachine',
    summary: 'Lets a removed machine join again, with its address',
    run: (admin: MachineAdmin) => admin.readmit.bind(admin),
  },
] as const;

export function machineChangeRoutes(app: App, deps: RouteDeps): void {
  const { admin } = deps;
  registerRoute(app, deps);
  releaseRoute(app, deps);
  for (const { action, operationId, summary, run } of ACTIONS) {
    app.post(
      `/v1/machines/:uuid/${action}`,
      { ...CHANGE, schema: { ...schema, operationId, summary, body: z.strictObject({}).optional() } },
      (request, reply) => change(deps, request, reply, run(admin)),
    );
  }
  app.patch(
    '/v1/machines/:uuid',
    {
      ...CHANGE,
      schema: {
        ...schema,
        operationId: 'patchMachine',
        summary: 'Sets and unsets labels, the condition that only a control plane knows, and the way of its packets',
        body: PatchMachine.prefault({}),
      },
    },
    (request, reply) => {
      const { labels, conditions, tunnel } = request.body;
      const [condition] = conditions ?? [];
      type Step = (uuid: NodeUuid, by: string, seen: SeenVersion) => Promise<FleetMachine>;
      const steps: Step[] = [];
      if (condition !== undefined) {
        steps.push((uuid, by, seen) => admin.setProvider(uuid, conditionState(condition), by, seen));
      }
      if (tunnel !== undefined) steps.push((uuid, by, seen) => admin.setTunnel(uuid, tunnel, by, seen));
      if (labels !== undefined || steps.length === 0) {
        const { set = {}, unset = [] } = labels ?? {};
        steps.unshift((uuid, by, seen) => admin.label(uuid, { set, unset }, by, seen));
      }
      const [first, ...others] = steps as [Step, ...Step[]];
      return change(deps, request, reply, async (uuid, by, seen) => {
        // The version is held against the first; what that makes of it is no reason against the others.
        let machine = await first(uuid, by, seen);
        for (const step of others) machine = await step(uuid, by, undefined);
        return machine;
      });
    },
  );
  app.post(
    '/v1/machines/:uuid/claim',
    {
      ...CHANGE,
      schema: {
        ...schema,
        operationId: 'claimMachine',
        summary: 'Gives a machine an owner; it replaces what ownership it had',
        description:
          "Of a machine that nobody owns, or the same owner. Another owner's machine is handed over only with `If-Match`; without it that is 409.",
        body: ClaimRequest,
      },
    },
    (request, reply) => {
      const ownership = request.body as Ownership;
      return change(deps, request, reply, (uuid, by, seen) => admin.claim(uuid, ownership, by, seen));
    },
  );
  app.delete(
    '/v1/machines/:uuid',
    {
      ...CHANGE,
      schema: {
        ...schema,
        operationId: 'removeMachine',
        summary: 'Decommissions a machine: its link goes at once, its UUID and address stay reserved',
        description: 'Once more changes nothing. `records=true` needs the role admin.',
        querystring: DeleteMachineQuery,
      },
    },
    (request, reply) => {
      const { records } = request.query;
      if (records) requireRole(request.caller, 'admin');
      return change(deps, request, reply, (uuid, by, seen) => admin.remove(uuid, { records }, by, seen));
    },
  );
}

function registerRoute(app: App, { admin, machines }: RouteDeps): void {
  app.put(
    '/v1/machines/:uuid',
    {
      ...CHANGE,
      schema: {
        ...schema,
        operationId: 'registerMachine',
        summary: 'Makes a machine known before it ever booted',
        description:
          'One that is known and never joined is brought to what the body says; one that joined is 409. With `unique_token` each call makes a new one.',
        body: RegisterRequest.prefault({}),
        response: { 200: RegisteredMachine, 201: RegisteredMachine, ...problemResponses(409, 412, 429, 503, 507) },
      },
    },
    async ({ params, headers, body, caller }, reply) => {
      const asked = parseNodeUuid(params.uuid);
      const before = machines.get(asked);
      const ifMatch = headers['if-match'];
      if (before === undefined && ifMatch !== undefined) {
        throw new SiderolinkError('stale', `there is no machine ${asked}; to make it, leave If-Match out`);
      }
      const { labels, unique_token: uniqueToken, ...ownership } = body;
      const wanted = { ownership: ownership as Ownership, labels, uniqueToken };
      const seen = before === undefined ? undefined : seenVersion(ifMatch, before);
      const uuid = before?.uuid ?? asked;
      const done = await tellingVersion(machines, uuid, reply, () =>
        admin.register(uuid, wanted, callerName(caller), seen),
      );
      reply.code(done.created ? 201 : 200).header('etag', etagOf(done.machine));
      if (done.uniqueToken !== null) reply.header('cache-control', 'no-store');
      return { ...machineViewJson(machines.view(done.machine)), unique_token_secret: done.uniqueToken };
    },
  );
}

function releaseRoute(app: App, deps: RouteDeps): void {
  app.post(
    '/v1/machines/:uuid/release',
    {
      ...CHANGE,
      schema: {
        ...schema,
        operationId: 'releaseMachine',
        summary: 'Takes the ownership of a machine away; needs If-Match',
        body: z.strictObject({}).optional(),
        response: { 200: Machine, ...problemResponses(404, 409, 412, 428, 503, 507) },
      },
    },
    (request, reply) => change(deps, request, reply, (uuid, by, seen) => deps.admin.release(uuid, by, seen)),
  );
}

function conditionState(asked: NonNullable<z.output<typeof PatchMachine>['conditions']>[number]): ConditionState {
  const { status, severity, reason, message } = asked;
  if (status === 'True') return TRUE;
  return { status, severity: severity ?? 'Warning', reason: reason ?? '', message: message ?? '' };
}

/** Of a request for a change, what all of them have. */
interface ChangeRequest extends Pick<FastifyRequest, 'caller'> {
  readonly params: z.output<typeof MachineParams>;
  readonly headers: z.output<typeof ConditionHeaders>;
}

/** Makes a change of the machine that the path names, and answers what it is then. */
async function change(
  { machines }: RouteDeps,
  { params, headers, caller }: ChangeRequest,
  reply: Pick<FastifyReply, 'header'>,
  run: (uuid: NodeUuid, by: string, seen: SeenVersion) => Promise<FleetMachine>,
): Promise<Machine> {
  const before = machineOf(machines, params.uuid);
  const seen = seenVersion(headers['if-match'], before);
  const after = await tellingVersion(machines, before.uuid, reply, () => run(before.uuid, callerName(caller), seen));
  reply.header('etag', etagOf(after));
  return machineViewJson(machines.view(after));
}

/** A refusal carries the version that the machine has, so that the caller need not ask for it. */
async function tellingVersion<T>(
  machines: RouteDeps['machines'],
  uuid: NodeUuid,
  reply: Pick<FastifyReply, 'header'>,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const machine = machines.get(uuid);
    if (machine !== undefined) reply.header('etag', etagOf(machine));
    throw error;
  }
}
