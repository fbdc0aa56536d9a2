import type { Clock } from '../lib/clock.ts';
import type { PageReply, PageRequest } from '../store/protocol.ts';
import { renderedOf } from './follower.ts';
import type { Page, Query, RenderedRecord } from './types.ts';

export interface ReadLimits {
  /** Characters of text in one page. */
  readonly pageText: number;
  /** A read that finds little ends after so many milliseconds, and says how far it came. */
  readonly readMs: number;
}

export interface ReadDeps {
  readonly page: (request: PageRequest) => Promise<PageReply>;
  readonly clock: Clock;
}

/** Answers a query with as many short read transactions as it takes. */
export function read(query: Query, limits: ReadLimits, deps: ReadDeps): Promise<Page> {
  const { after, since, tail = false } = query;
  const request: PageRequest = {
    filters: query.filters,
    machine: query.machine ?? null,
    fromSeq: (after ?? 0) + 1,
    toSeq: (query.before ?? Number.POSITIVE_INFINITY) - 1,
    since: since ?? Number.NEGATIVE_INFINITY,
    until: query.until ?? Number.POSITIVE_INFINITY,
    backward: tail,
    grep: query.grep ?? '',
    maxRecords: query.limit,
    maxText: limits.pageText,
    ...(query.gaps === true && {
      // Who names no place asks for what is there.
      gaps: {
        isStart: !tail && (after !== undefined || since !== undefined),
        told: after === undefined && since === undefined ? EVERYTHING : NOTHING,
        ...(after === undefined && since !== undefined && { since }),
      },
    }),
  };
  return tail ? readTail(request, limits, deps) : readForward(request, limits, deps);
}

const NOTHING = [0, 0] as const;
const EVERYTHING = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

async function readForward(request: PageRequest, limits: ReadLimits, { page, clock }: ReadDeps): Promise<Page> {
  const deadline = clock.monotonic() + limits.readMs;
  const records: RenderedRecord[] = [];
  let rest = request;
  for (;;) {
    const reply = await page(rest);
    records.push(...renderedOf(reply));
    rest = { ...remaining(rest, reply), fromSeq: reply.through + 1 };
    if (reply.done || isFull(rest) || clock.monotonic() >= deadline) {
      return { records, next: reply.through, end: reply.done, complete: reply.done || hasAll(rest) };
    }
  }
}

/** Backward from the end; what was committed since the first step is left for whoever continues with `next`. */
async function readTail(request: PageRequest, limits: ReadLimits, { page, clock }: ReadDeps): Promise<Page> {
  const deadline = clock.monotonic() + limits.readMs;
  const records: RenderedRecord[] = [];
  let next: number | undefined;
  let rest = request;
  for (;;) {
    const reply = await page(rest);
    next ??= Math.max(Math.min(reply.head, request.toSeq), request.fromSeq - 1);
    records.push(...renderedOf(reply));
    rest = { ...remaining(rest, reply), toSeq: reply.through - 1 };
    if (reply.done || isFull(rest) || clock.monotonic() >= deadline) {
      const hasBefore = !reply.done && reply.through > request.fromSeq;
      const complete = !hasBefore || hasAll(rest);
      return { records: records.reverse(), next, end: true, complete, ...(hasBefore && { before: reply.through }) };
    }
  }
}

function remaining(request: PageRequest, reply: PageReply): PageRequest {
  const text = reply.jsons.reduce((sum, json) => sum + json.length, 0);
  // Those before the range are gap records, which take no room.
  const count = reply.seqs.reduce((sum, seq) => (seq < request.fromSeq ? sum : sum + 1), 0);
  const { gaps } = request;
  return {
    ...request,
    maxRecords: request.maxRecords - count,
    maxText: request.maxText - text,
    ...(gaps !== undefined && { gaps: { ...gaps, isStart: false, told: reply.told } }),
  };
}

/** Whether so many were found as were asked for. */
function hasAll({ maxRecords }: PageRequest): boolean {
  return maxRecords <= 0;
}

function isFull({ maxRecords, maxText }: PageRequest): boolean {
  return maxRecords <= 0 || maxText <= 0;
}
