import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { Envelope, StreamHeaders, StreamPosition, StreamQuery } from '../../client/api.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import type { FollowOptions, RecordLog, RenderedRecord } from '../../stream/types.ts';
import type { App, RouteDeps } from '../app.ts';
import { problemResponses } from '../responses.ts';
import { NDJSON, SSE, type StreamEnd, type StreamFormat, StreamWriter } from '../stream-writer.ts';
import { parseMoment } from '../time.ts';
import { machineOf } from './machines.ts';

export const STREAM_ROUTE = '/v1/stream';

export function streamRoutes(app: App, deps: RouteDeps): void {
  const { log, machines, clock, streams } = deps;
  app.get(
    STREAM_ROUTE,
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'streamRecords',
        summary: 'Records as they come, until either side closes',
        description:
          'Server-sent events: `id` is the seq, `data` the envelope; an `id` alone is a position. With `Accept: application/x-ndjson` one envelope a line; `{"position":N}` is a position. `Last-Event-ID` resumes. Without after, since or tail it begins now.',
        querystring: StreamQuery,
        headers: StreamHeaders,
        response: {
          200: {
            description: 'the stream',
            content: {
              'text/event-stream': { schema: z.string() },
              'application/x-ndjson': { schema: z.union([Envelope, StreamPosition]).meta({ description: 'a line' }) },
            },
          },
          ...problemResponses(404, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const { query, headers } = request;
      const format = chooseFormat(request.raw.headers.accept);
      const follow: Omit<FollowOptions, 'after'> = {
        filters: query.filter,
        ...(query.machine !== undefined && { machine: machineOf(machines, query.machine).id }),
      };
      const since = query.since === undefined ? undefined : parseMoment('since', query.since, clock.now());
      await streams.open(async (controller) => {
        const resume = headers['last-event-id'] ?? query.after;
        const start =
          resume === undefined
            ? await findStart(log, follow, { since, tail: query.tail })
            : { after: resume, records: [] };
        reply.hijack();
        await serve(deps, { response: reply.raw, format, follow, start, announce: resume === undefined }, controller);
      });
    },
  );
}

interface Start {
  readonly after: number;
  /** Records up to `after` that are sent first. */
  readonly records: readonly RenderedRecord[];
}

async function findStart(
  log: RecordLog,
  follow: Omit<FollowOptions, 'after'>,
  { since, tail }: { since: number | undefined; tail: number | undefined },
): Promise<Start> {
  if (tail !== undefined && tail > 0) {
    const before = log.head + 1;
    const page = await log.read({ ...follow, tail: true, limit: tail, before });
    return { after: before - 1, records: page.records };
  }
  if (since !== undefined) {
    // Any record will do to find the place: without filters one is found without a long search.
    const page = await log.read({ filters: [], since, limit: 1 });
    return { after: (page.records[0]?.seq ?? page.next + 1) - 1, records: [] };
  }
  return { after: log.head, records: [] };
}

interface Serving {
  readonly response: ServerResponse;
  readonly format: StreamFormat;
  readonly follow: Omit<FollowOptions, 'after'>;
  readonly start: Start;
  /** Tells the reader where the stream begins, so that one that breaks before its first record resumes there. */
  readonly announce: boolean;
}

async function serve(deps: RouteDeps, serving: Serving, controller: AbortController): Promise<void> {
  const { log, limits, logger, controlMetrics: metrics } = deps;
  const { response, format, follow, start } = serving;
  const { signal } = controller;
  // It may have gone while the start was looked for; then no close comes any more.
  if (response.destroyed) controller.abort();
  response.once('close', () => controller.abort());
  // A reader that is gone is found at the next write.
  response.on('error', () => controller.abort());
  response.writeHead(200, {
    'content-type': format.contentType,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'close',
  });
  response.flushHeaders();
  const writer = new StreamWriter(
    { format, maxUnsentBytes: limits.maxUnsentBytes, stallMs: limits.stallMs },
    { response, onRecords: (count) => metrics.streamRecords.inc(count) },
  );
  metrics.streams.inc();
  let end: StreamEnd | 'error' = 'error';
  try {
    end =
      (await writer.records(start.records, signal)) ??
      (serving.announce ? await writer.position(start.after, signal) : undefined) ??
      (await writer.run(log.follow({ ...follow, after: start.after }, signal), signal));
  } catch (error) {
    logger.error({ err: error }, 'stream failed; its reader resumes by id');
  } finally {
    metrics.streams.dec();
    metrics.streamEnds.inc({ reason: end });
  }
  if (end === 'stop') response.end();
  else response.destroy();
}

/** Server-sent events unless only NDJSON is wanted; `Accept` is read without weights. */
function chooseFormat(accept: string | undefined): StreamFormat {
  const types = (accept ?? '*/*').split(',').map((type) => type.split(';', 1)[0]?.trim().toLowerCase());
  if (types.includes('application/x-ndjson')) return NDJSON;
  if (types.some((type) => type === 'text/event-stream' || type === 'text/*' || type === '*/*')) return SSE;
  throw new SiderolinkError('invalid_argument', 'header.accept: text/event-stream or application/x-ndjson');
}
