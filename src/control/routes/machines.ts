import type { z } from 'zod';
import { type Boot, BootsPage, Machine, MachineParams, MachinesPage, MachinesQuery } from '../../client/api.ts';
import type { BootSummary } from '../../domain/boot-summary.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import { matches } from '../../domain/selector.ts';
import { parseNodeUuid } from '../../domain/uuid.ts';
import type { Machine as FleetMachine, Machines } from '../../fleet/types.ts';
import { machineViewJson } from '../../fleet/view.ts';
import type { App, RouteDeps } from '../app.ts';
import { cursorOf, cursorPlace } from '../cursor.ts';
import { etagOf } from '../etag.ts';
import { problemResponses } from '../responses.ts';

export function machineRoutes(app: App, { machines, log }: RouteDeps): void {
  app.get(
    '/v1/machines',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'listMachines',
        summary: 'Machines, a page at a time, in the order in which they became known',
        querystring: MachinesQuery,
        response: { 200: MachinesPage, ...problemResponses() },
      },
    },
    async ({ query }) => page(machines, query),
  );
  app.get(
    '/v1/machines/:uuid',
    {
      config: { role: 'reader', etag: true },
      schema: {
        operationId: 'getMachine',
        summary: 'One machine, by its UUID or an alias; the ETag is its version',
        params: MachineParams,
        response: { 200: Machine, ...problemResponses(404) },
      },
    },
    async ({ params }, reply) => {
      const machine = machineOf(machines, params.uuid);
      reply.header('etag', etagOf(machine));
      return machineViewJson(machines.view(machine));
    },
  );
  app.get(
    '/v1/machines/:uuid/boots',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'listBoots',
        summary: 'The boots of a machine, the newest first, with the kernel lines that are missing',
        params: MachineParams,
        response: { 200: BootsPage, ...problemResponses(404, 503, 507) },
      },
    },
    async ({ params }) => {
      const boots = await log.boots(machineOf(machines, params.uuid).id);
      return { boots: boots.map(bootJson).reverse() };
    },
  );
}

/** A boot in the shape of the API. */
function bootJson({ number, publicKey, startedAt, lastSeq, lastClock, gaps }: BootSummary): Boot {
  const lines = (filled: boolean) => gaps.filter((gap) => gap.filled === filled).map(({ from, to }) => ({ from, to }));
  return {
    boot: number,
    public_key: publicKey,
    started_at: new Date(startedAt).toISOString(),
    last_seq: lastSeq,
    last_clock: lastClock,
    gaps: lines(false),
    filled: lines(true),
  };
}

/** The machine of a UUID or alias. @throws SiderolinkError `invalid_argument`, `not_found` */
export function machineOf(machines: Machines, text: string): FleetMachine {
  const uuid = parseNodeUuid(text);
  const machine = machines.get(uuid);
  if (machine === undefined) throw new SiderolinkError('not_found', `there is no machine ${uuid}`);
  return machine;
}

function page(machines: Machines, query: z.output<typeof MachinesQuery>): MachinesPage {
  const after = query.cursor === undefined ? 0 : Number(cursorPlace('m', query.cursor, /^([1-9]\d{0,14})$/)[0]);
  // A machine keeps its number for ever and a new one gets the next: pages neither repeat nor miss one.
  const shown: FleetMachine[] = [];
  let more = false;
  for (const machine of machines.all()) {
    if (machine.id <= after || !passes(machines, machine, query)) continue;
    more = shown.length === query.limit;
    if (more) break;
    shown.push(machine);
  }
  const last = shown.at(-1);
  return {
    machines: shown.map((machine) => machineViewJson(machines.view(machine))),
    next: more && last !== undefined ? cursorOf('m', last.id) : null,
  };
}

/** The cheapest question first. */
function passes(machines: Machines, machine: FleetMachine, query: z.output<typeof MachinesQuery>): boolean {
  if (query.state.length > 0 && !query.state.includes(machine.state)) return false;
  if (query.owner !== undefined && query.owner !== (machine.tags.ownership.owner ?? '_')) return false;
  if (query.selector !== undefined && !matches(query.selector, machine.labels)) return false;
  return query.link === undefined || query.link === machines.view(machine).link.state;
}
