import { z } from 'zod';
import { MachineParams } from '../client/api.ts';
import { sourceAddress } from '../domain/overlay.ts';
import type { App, RouteDeps } from './app.ts';
import { type Connection, Unreachable } from './connect.ts';
import type { Upgrades } from './connect-upgrade.ts';
import { makeProblem, type ProblemCode } from './problem.ts';
import { problemResponses } from './responses.ts';
import { machineOf } from './routes/machines.ts';

/** What the connection becomes: bytes, as they are, both ways. */
const CONNECT_PROTOCOL = 'siderolink-connect';
const PORT = 'a port from 1 to 65535';
const ConnectQuery = z.strictObject({
  port: z
    .string(PORT)
    .regex(/^[1-9]\d{0,4}$/, PORT)
    .transform(Number)
    .refine((port) => port <= 65_535, PORT)
    .default(50_000)
    .meta({ type: 'integer', minimum: 1, maximum: 65_535 }),
});

export const CONNECT_ROUTE = '/v1/machines/:uuid/connect';

export function connectRoutes(app: App, deps: RouteDeps, upgrades: Upgrades): void {
  const { machines, connections, status, logger, clock, controlMetrics } = deps;
  app.get(
    CONNECT_ROUTE,
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'connectMachine',
        summary: "A byte stream to a port of a machine, by default its Talos API's",
        description: `Ask with \`Connection: Upgrade\` and \`Upgrade: ${CONNECT_PROTOCOL}\`. After the 101 the connection carries bytes to the machine and back, each way until its side ends it.`,
        params: MachineParams,
        querystring: ConnectQuery,
        response: {
          101: z.null().meta({ description: 'connected' }),
          ...problemResponses(404, 409, 426, 429, 503, 504),
        },
      },
    },
    async (request, reply) => {
      const { params, query, caller } = request;
      const problem = (code: number, kind: ProblemCode, detail: string) =>
        reply
          .code(code as 101)
          .type('application/problem+json')
          .serializer((value) => JSON.stringify(value))
          .send(makeProblem(code, kind, detail) as never);
      if (!upgrades.asks(request.raw, CONNECT_PROTOCOL)) {
        reply.header('upgrade', CONNECT_PROTOCOL);
        return problem(426, 'upgrade_required', `ask with Connection: Upgrade and Upgrade: ${CONNECT_PROTOCOL}`);
      }
      const machine = machineOf(machines, params.uuid);
      let connection: Connection;
      try {
        connection = await connections.open(machine, query.port, status.status().overlay.server);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        controlMetrics.connects.inc({ result: 'unreachable' });
        return problem(504, 'unavailable', error.message);
      }
      reply.hijack();
      const socket = await upgrades.take(request.raw, CONNECT_PROTOCOL);
      if (socket === undefined) {
        connection.drop();
        controlMetrics.connects.inc({ result: 'caller_gone' });
        return;
      }
      controlMetrics.connects.inc({ result: 'opened' });
      const who = {
        machine: machine.uuid,
        port: query.port,
        by: caller.name,
        source: sourceAddress(socket.remoteAddress),
      };
      logger.info(who, 'connection to a machine opened');
      const since = clock.monotonic();
      const end = await connection.join(socket);
      const { upstream } = connection;
      const bytes = { sent: upstream.bytesWritten, received: upstream.bytesRead };
      logger.info(
        { ...who, end, ...bytes, ms: Math.round(clock.monotonic() - since) },
        'connection to a machine closed',
      );
    },
  );
}
