import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ERRORS, type ErrorCode, errorMessage, SiderolinkError } from '../domain/errors.ts';
import { Problem } from './api.ts';

/** Where the control API is. */
export type Target =
  | { readonly socket: string }
  | { readonly url: string; readonly token?: string; readonly ca?: string };

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte until the call is given up; 0 waits for ever. */
  readonly idleTimeoutMs: number;
}

// A page of the longest records the API gives is below this; more is not ours.
const MAX_ANSWER_BYTES = 1024 * 1024 * 1024;

/** An answer that is no 2xx: the code is the API's own, where we know it. */
export class ApiError extends SiderolinkError {
  readonly status: number;
  readonly problem: Problem | undefined;

  constructor(status: number, problem: Problem | undefined) {
    const code = problem !== undefined && problem.code in ERRORS ? (problem.code as ErrorCode) : codeOfStatus(status);
    super(code, problem?.detail ?? `the control API answered ${status}`, { status });
    this.status = status;
    this.problem = problem;
  }
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not_found';
  if (status === 429) return 'exhausted';
  if (status < 500) return 'invalid_argument';
  return status === 503 ? 'unavailable' : 'internal';
}

/**
 * Makes a call and resolves with its answer once the head is there.
 *
 * @throws ApiError for an answer that is no 2xx; SiderolinkError `unavailable` when nobody answers, `unauthorized` when
 * the socket may not be opened
 */
export async function send(target: Target, call: Call): Promise<IncomingMessage> {
  const response = await exchange(target, call);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  const text = await readText(response).catch(() => '');
  throw new ApiError(status, parseProblem(text));
}

/** The whole body as JSON. @throws SiderolinkError `unavailable` if it breaks off, `internal` if it is no JSON */
export async function readJson(response: IncomingMessage): Promise<unknown> {
  const text = await readText(response);
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    throw new SiderolinkError(
      'internal',
      'the control API answered with something that is no JSON',
      {},
      { cause: error },
    );
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
      chunks.push(chunk);
    }
  } catch (error) {
    throw new SiderolinkError('unavailable', `the answer broke off: ${errorMessage(error)}`, {}, { cause: error });
  }
  return Buffer.concat(chunks).toString();
}

function parseProblem(text: string): Problem | undefined {
  try {
    return Problem.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function exchange(target: Target, call: Call): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(connectionError(target, error));
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers = {
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...call.headers,
    };
    const request = openRequest(target, call, headers);
    request.once('response', resolve).once('error', fail);
    request.setTimeout(call.idleTimeoutMs, () =>
      request.destroy(new Error(`no answer within ${call.idleTimeoutMs / 1_000} s`)),
    );
    request.end(body);
  });
}

function openRequest(target: Target, call: Call, headers: Record<string, string | number>): ClientRequest {
  const { method, path, signal } = call;
  const common = { method, headers, ...(signal !== undefined && { signal }) };
  if ('socket' in target) return httpRequest({ ...common, socketPath: target.socket, path, agent: false });
  const url = new URL(path, target.url);
  const authorized = target.token === undefined ? headers : { ...headers, authorization: `Bearer ${target.token}` };
  if (url.protocol === 'https:') {
    return httpsRequest(url, {
      ...common,
      headers: authorized,
      agent: false,
      ...(target.ca !== undefined && { ca: target.ca }),
    });
  }
  return httpRequest(url, { ...common, headers: authorized, agent: false });
}

function connectionError(target: Target, error: unknown): SiderolinkError {
  const cause = { cause: error };
  const code = (error as NodeJS.ErrnoException).code;
  if (!('socket' in target)) {
    return new SiderolinkError('unavailable', `no answer from ${target.url}: ${errorMessage(error)}`, {}, cause);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const what = `may not open ${target.socket}: run as root or as a member of the group that owns it`;
    return new SiderolinkError('unauthorized', what, {}, cause);
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    const what = `siderolinkd does not run: nobody listens on ${target.socket}. Start it with \`systemctl start siderolinkd\` or \`scripts/run\`, or name its socket with --socket`;
    return new SiderolinkError('unavailable', what, {}, cause);
  }
  return new SiderolinkError('unavailable', `no answer on ${target.socket}: ${errorMessage(error)}`, {}, cause);
}
