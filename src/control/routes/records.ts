import { z } from 'zod';
import { Envelope, PageEnd, RecordsPage, RecordsQuery } from '../../client/api.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import type { Machines } from '../../fleet/types.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Page, Query } from '../../stream/types.ts';
import type { App, RouteDeps } from '../app.ts';
import { problemResponses } from '../responses.ts';
import { parseMoment } from '../time.ts';
import { machineOf } from './machines.ts';

export function recordRoutes(app: App, { log, machines, clock }: RouteDeps): void {
  app.get(
    '/v1/records',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'listRecords',
        summary: 'Records in the order of their seq, a page at a time',
        description:
          'With `Accept: application/x-ndjson` one envelope a line, each as it was stored, and a last line `{"position":…,"next":…,"before":…,"complete":…}`. Where records cannot be read, and with `after` or `since` where retention dropped some, stands a gap record that is not stored.',
        querystring: RecordsQuery,
        response: {
          200: {
            description: 'a page',
            content: {
              'application/json': { schema: RecordsPage },
              'application/x-ndjson': { schema: z.union([Envelope, PageEnd]).meta({ description: 'a line' }) },
            },
          },
          ...problemResponses(404, 507),
        },
      },
    },
    async ({ query, headers }, reply) => {
      const lines = (headers.accept ?? '').includes('application/x-ndjson');
      const page = await log.read(toQuery(query, machines, clock));
      // The envelopes are JSON text as they were stored: parsing them would cost and could change their numbers.
      reply.type(lines ? 'application/x-ndjson; charset=utf-8' : 'application/json; charset=utf-8');
      const next = nextOf(page, query);
      return (lines ? pageLines(page, next) : pageJson(page, next)) as unknown as RecordsPage;
    },
  );
}

function toQuery(query: z.output<typeof RecordsQuery>, machines: Machines, clock: Clock): Query {
  const now = clock.now();
  const { after, before, tail } = query;
  if (after !== undefined && before !== undefined && before <= after) {
    throw new SiderolinkError('invalid_argument', 'query.before: not greater than after');
  }
  return {
    filters: query.filter,
    gaps: true,
    limit: typeof tail === 'number' ? tail : query.limit,
    ...(tail !== undefined && tail !== false && { tail: true }),
    ...(query.machine !== undefined && { machine: machineOf(machines, query.machine).id }),
    ...(after !== undefined && { after }),
    ...(before !== undefined && { before }),
    ...(query.since !== undefined && { since: parseMoment('query.since', query.since, now) }),
    ...(query.until !== undefined && { until: parseMoment('query.until', query.until, now) }),
    ...(query.grep !== undefined && { grep: query.grep }),
  };
}

function nextOf(page: Page, { before, tail }: z.output<typeof RecordsQuery>): number | null {
  const isTail = tail !== undefined && tail !== false;
  const atEnd = page.end || isTail || (before !== undefined && page.next >= before - 1);
  return atEnd ? null : page.next;
}

function pageJson(page: Page, next: number | null): string {
  const records = page.records.map((record) => record.json).join(',');
  return `{"records":[${records}],${endText(page, next)}}`;
}

function pageLines(page: Page, next: number | null): string {
  const records = page.records.map((record) => `${record.json}\n`).join('');
  return `${records}{${endText(page, next)}}\n`;
}

/** The members of a page behind its records. */
function endText(page: Page, next: number | null): string {
  return `"next":${next},"before":${page.before ?? null},"position":${page.next},"complete":${page.complete}`;
}
