import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import type { Problem } from '../client/api.ts';
import { ERRORS, type ErrorCode, Obstructed, SiderolinkError } from '../domain/errors.ts';

/** A request whose fields are wrong: each with its path and what would be right. */
export class InvalidRequest extends SiderolinkError {
  readonly fields: readonly { readonly path: string; readonly message: string }[];

  constructor(part: string, issues: readonly z.core.$ZodIssue[]) {
    const fields = issues.flatMap((issue) => fieldErrors(issue, [part]));
    super('invalid_argument', fields.map(({ path, message }) => `${path}: ${message}`).join('; '));
    this.fields = fields;
  }
}

/** Names of the parts of a request as a caller knows them. */
const PARTS: Readonly<Record<string, string>> = {
  querystring: 'query',
  params: 'path',
  headers: 'header',
  body: 'body',
};

export function partName(httpPart: string | undefined): string {
  return PARTS[httpPart ?? ''] ?? 'request';
}

function fieldErrors(issue: z.core.$ZodIssue, above: readonly string[]): { path: string; message: string }[] {
  const path = [...above, ...issue.path.map(String)];
  if (issue.code === 'invalid_union') {
    // Of a union's branches, the one that got furthest says best what is wrong.
    const depth = (branch: readonly z.core.$ZodIssue[]) =>
      Math.max(0, ...branch.map(({ path: inner }) => inner.length));
    const [best] = issue.errors.toSorted((a, b) => depth(b) - depth(a));
    if (best !== undefined && best.length > 0) return best.flatMap((inner) => fieldErrors(inner, path));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'unknown' }));
  }
  return [{ path: path.join('.'), message: issue.message }];
}

/** Codes that HTTP alone has, beside those of `ERRORS`: docs/reference/errors.md tells of both. */
export const HTTP_CODES = [
  'timeout',
  'too_large',
  'unsupported_media_type',
  'upgrade_required',
  'wrong_host',
  'origin_refused',
] as const;
export type ProblemCode = ErrorCode | (typeof HTTP_CODES)[number];

/** What a stranger may read of an error that is ours to mend: the detail is in the log. */
const INTERNAL_DETAIL: Partial<Record<ErrorCode, string>> = {
  unavailable: 'not possible now; try again',
  storage: 'the store cannot take it now; the daemon log says why',
  command_failed: 'a system command failed, the daemon log says which; what was changed stands, and is repaired soon',
};

/** The answer to an error of ours. */
export function problemOf(error: SiderolinkError): Problem {
  const { http } = ERRORS[error.code];
  const detail =
    http >= 500 && !(error instanceof Obstructed)
      ? (INTERNAL_DETAIL[error.code] ?? 'an error of the daemon; its log says what happened')
      : error.message;
  const problem = makeProblem(http, error.code, detail);
  return error instanceof InvalidRequest ? { ...problem, errors: [...error.fields] } : problem;
}

/** What the HTTP layer itself refuses: our stable code and words by its status. */
const HTTP_REFUSALS: Readonly<Record<number, readonly [code: ProblemCode, detail: string]>> = {
  400: ['invalid_argument', 'the request cannot be read'],
  404: ['not_found', 'no such thing here'],
  408: ['timeout', 'the request did not arrive in time'],
  413: ['too_large', 'the request body is too large'],
  414: ['too_large', 'the address is too long'],
  415: ['unsupported_media_type', 'send the body as application/json'],
  431: ['too_large', 'the request headers are too large'],
  503: ['unavailable', 'the daemon is stopping'],
};

/** The answer to a refusal of the HTTP layer, or undefined if `status` is no such refusal. */
export function problemOfStatus(status: number, detail?: string): Problem | undefined {
  const refusal = HTTP_REFUSALS[status];
  return refusal === undefined ? undefined : makeProblem(status, refusal[0], detail ?? refusal[1]);
}

/** An answer in the words of whoever refuses. */
export function makeProblem(status: number, code: ProblemCode, detail: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail };
}
