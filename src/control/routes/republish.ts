import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { RepublishEnd, RepublishProgress, RepublishRequest } from '../../client/api.ts';
import { errorCode, errorMessage, Obstructed, SiderolinkError } from '../../domain/errors.ts';
import type { Machines } from '../../fleet/types.ts';
import type { App, RouteDeps } from '../app.ts';
import { problemResponses } from '../responses.ts';
import { parseMoment } from '../time.ts';
import type { RepublishQuery } from '../types.ts';
import { machineOf } from './machines.ts';

export const REPUBLISH_ROUTE = '/v1/republish';

/** A caller that takes no line of progress for so long is gone. */
const STALL_MS = 60_000;

export function republishRoutes(app: App, deps: RouteDeps): void {
  const { republisher, streams, clock, logger, machines } = deps;
  app.post(
    REPUBLISH_ROUTE,
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'republish',
        summary: 'Publishes kept records to NATS JetStream once more, with the ids that they had',
        description:
          'Of what is committed now, what passes the filters, in the order of each machine. NDJSON: how far it is after each page and every few seconds, and `{"done":true,…}` or `{"error":{…},…}` as the last line. It ends when the caller hangs up. One at a time.',
        body: RepublishRequest,
        response: {
          200: {
            description: 'progress',
            content: {
              'application/x-ndjson': {
                schema: z.union([RepublishProgress, RepublishEnd]).meta({ description: 'a line' }),
              },
            },
          },
          ...problemResponses(404, 409, 429, 503, 507),
        },
      },
    },
    async ({ body, caller }, reply) => {
      if (republisher === undefined) {
        throw new SiderolinkError('conflict', 'records are not published: publish.nats.servers names no server');
      }
      const query = toQuery(body, machines, clock.now());
      await streams.open(async (controller) => {
        reply.raw.once('close', () => controller.abort());
        const began = clock.now();
        const items = republisher.run(query, controller.signal);
        // What is wrong from the beginning is an answer of its own.
        const first = await items.next().catch((error: unknown) => {
          // `GET /v1/status` tells it anyway: what has to be mended is not ours.
          throw errorCode(error) === 'unavailable' ? new Obstructed(errorMessage(error), { cause: error }) : error;
        });
        reply.hijack();
        const { progress, error } = await tell(
          reply.raw,
          items,
          first.done === true ? undefined : first.value,
          controller.signal,
        );
        const facts = { by: caller.name, ...progress, ms: clock.now() - began };
        if (error === undefined) logger.info(facts, 'records republished');
        else logger.warn({ ...facts, error: errorMessage(error) }, 'republishing ended early');
      });
    },
  );
}

function toQuery(body: z.output<typeof RepublishRequest>, machines: Machines, now: number): RepublishQuery {
  const { filter, machine, after, before, since, until } = body;
  if (after !== undefined && before !== undefined && before <= after) {
    throw new SiderolinkError('invalid_argument', 'body.before: not greater than after');
  }
  return {
    filters: filter,
    ...(machine !== undefined && { machine: machineOf(machines, machine).id }),
    ...(after !== undefined && { after }),
    ...(before !== undefined && { before }),
    ...(since !== undefined && { since: parseMoment('body.since', since, now) }),
    ...(until !== undefined && { until: parseMoment('body.until', until, now) }),
  };
}

/** Writes a line for each item, and the last one for the end. */
async function tell(
  response: ServerResponse,
  items: AsyncIterable<RepublishProgress>,
  first: RepublishProgress | undefined,
  signal: AbortSignal,
): Promise<{ readonly progress: RepublishProgress | undefined; readonly error?: unknown }> {
  let progress = first;
  response.setTimeout(STALL_MS, () => response.destroy());
  // Whoever is gone is told of by `close`.
  response.on('error', () => undefined);
  response.writeHead(200, {
    'content-type': 'application/x-ndjson; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'close',
  });
  const line = (value: unknown) => response.write(`${JSON.stringify(value)}\n`);
  try {
    if (first !== undefined) line(first);
    for await (const item of items) {
      progress = item;
      line(item);
    }
    line({ done: true, ...progress });
    response.end();
    return { progress };
  } catch (error) {
    if (signal.aborted && response.destroyed) return { progress, error };
    line({ error: { code: errorCode(error), detail: errorMessage(error) }, ...progress });
    response.end();
    return { progress, error };
  }
}
