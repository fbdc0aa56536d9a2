import type { z } from 'zod';
import { Machine, MachineParams, MachinesPage, MachinesQuery } from '../../client/api.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import { parseNodeUuid } from '../../domain/uuid.ts';
import type { Machine as FleetMachine, Machines } from '../../fleet/types.ts';
import { machineViewJson } from '../../fleet/view.ts';
import type { App, RouteDeps } from '../app.ts';
import { problemResponses } from '../responses.ts';

export function machineRoutes(app: App, { machines }: RouteDeps): void {
  app.get(
    '/v1/machines',
    {
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
      schema: {
        operationId: 'getMachine',
        summary: 'One machine; the ETag is its version',
        params: MachineParams,
        response: { 200: Machine, ...problemResponses(404) },
      },
    },
    async ({ params }, reply) => {
      const machine = machineOf(machines, params.uuid);
      reply.header('etag', `"${machine.version}"`);
      return machineViewJson(machines.view(machine));
    },
  );
}

/** @throws SiderolinkError `invalid_argument`, `not_found` */
export function machineOf(machines: Machines, text: string): FleetMachine {
  const uuid = parseNodeUuid(text);
  const machine = machines.get(uuid);
  if (machine === undefined) throw new SiderolinkError('not_found', `there is no machine ${uuid}`);
  return machine;
}

function page(machines: Machines, query: z.output<typeof MachinesQuery>): MachinesPage {
  const after = query.cursor === undefined ? 0 : cursorId(query.cursor);
  const rest = [...machines.all()].filter((machine) => machine.id > after).sort((a, b) => a.id - b.id);
  const views: MachinesPage['machines'] = [];
  for (const machine of rest) {
    if (query.state.length > 0 && !query.state.includes(machine.state)) continue;
    if (query.owner !== undefined && query.owner !== (machine.tags.ownership.owner ?? '_')) continue;
    const view = machines.view(machine);
    if (query.link !== undefined && query.link !== view.link.state) continue;
    const last = views.at(-1);
    // One more than the page holds is there: the page ends at the one before it.
    if (views.length === query.limit && last !== undefined) {
      return { machines: views, next: cursorOf(machines.get(parseNodeUuid(last.server_uuid))?.id ?? 0) };
    }
    views.push(machineViewJson(view));
  }
  return { machines: views, next: null };
}

function cursorOf(id: number): string {
  return Buffer.from(`m${id}`).toString('base64url');
}

function cursorId(cursor: string): number {
  const match = /^m([1-9]\d{0,14})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match === null) throw new SiderolinkError('invalid_argument', 'query.cursor: not the `next` of a page');
  return Number(match[1]);
}
