import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { Envelope, StreamHeaders, StreamPosition, StreamQuery } from '../../client/api.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import type { FollowOptions, Page, RecordLog, RenderedRecord } from '../../stream/types.ts';
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
          ...problemResponses(404, 409, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const { query, headers } = request;
      const format = chooseFormat(request.raw.headers.accept);
      const follow: FollowOptions = {
        filters: query.filter,
        gaps: true,
        ...(query.machine !== undefined && { machine: machineOf(machines, query.machine).id }),
      };
      const since = query.since === undefined ? undefined : parseMoment('query.since', query.since, clock.now());
      await streams.open(async (controller) => {
        const start = await findStart(
          log,
          follow,
          { resume: headers['last-event-id'] ?? query.after, since, tail: query.tail },
          controller.signal,
        );
        reply.hijack();
        await serve(deps, { response: reply.raw, format, follow, start }, controller);
      });
    },
  );
}

/** Characters of records that a stream begins with. */
const MAX_TAIL_TEXT = 4 * 1024 * 1024;

/** Where a stream begins. */
interface Start {
  readonly from: Pick<FollowOptions, 'after' | 'since'>;
  /** Records before that are sent first. */
  readonly records: readonly RenderedRecord[];
  /** Told to the reader before all else, so that one that breaks before its first record resumes there. */
  readonly position?: number;
}

async function findStart(
  log: RecordLog,
  follow: FollowOptions,
  { resume, since, tail = 0 }: { resume: number | undefined; since: number | undefined; tail: number | undefined },
  signal: AbortSignal,
): Promise<Start> {
  // Only a store that is not the one it knew gives such a place; waiting until it is reached would lose what comes first.
  if (resume !== undefined && resume > log.head) {
    throw new SiderolinkError('conflict', `the stream has not come to ${resume}: its newest record is ${log.head}`);
  }
  if (resume !== undefined) return { from: { after: resume }, records: [] };
  if (since !== undefined) return { from: { since }, records: [] };
  const { head } = log;
  const records = tail === 0 ? [] : await lastRecords(log, follow, { count: tail, before: head + 1 }, signal);
  return { from: { after: head }, records, position: head };
}

/** The last ones, or fewer where their text is long: where they are rare, looking for them takes many steps. */
async function lastRecords(
  log: RecordLog,
  follow: FollowOptions,
  { count, before }: { count: number; before: number },
  signal: AbortSignal,
): Promise<readonly RenderedRecord[]> {
  const records: RenderedRecord[] = [];
  let text = 0;
  let rest: number | undefined = before;
  while (rest !== undefined && records.length < count && text < MAX_TAIL_TEXT && !signal.aborted) {
    const page: Page = await log.read({ ...follow, tail: true, limit: count - records.length, before: rest });
    records.unshift(...page.records);
    text += page.records.reduce((sum, { json }) => sum + json.length, 0);
    rest = page.before;
  }
  return records;
}

interface Serving {
  readonly response: ServerResponse;
  readonly format: StreamFormat;
  readonly follow: FollowOptions;
  readonly start: Start;
}

async function serve(deps: RouteDeps, serving: Serving, controller: AbortController): Promise<void> {
  const { log, limits, logger, streams, controlMetrics: metrics } = deps;
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
    { ...limits, format },
    { response, allUnsent: () => streams.unsentBytes, onRecords: (count) => metrics.streamRecords.inc(count) },
  );
  const uncount = streams.count(response);
  metrics.streams.inc();
  let end: StreamEnd | 'error' = 'error';
  try {
    end =
      (await writer.records(start.records, signal)) ??
      (start.position === undefined ? undefined : await writer.position(start.position, signal)) ??
      (await writer.run(log.follow({ ...follow, ...start.from }, signal), signal));
  } catch (error) {
    logger.error({ err: error }, 'stream failed; its reader resumes by id');
  } finally {
    uncount();
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
