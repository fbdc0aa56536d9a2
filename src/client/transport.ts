import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ERRORS, type ErrorCode, errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Problem } from './api.ts';

/** Where the control API is. */
export type Target = { readonly socket: string } | RemoteTarget;

export interface RemoteTarget {
  /** `https://host:port`; `http://` only for a daemon on this host. */
  readonly url: string;
  /** Of the daemon's tokens file, in clear. */
  readonly token?: string | undefined;
  /** Certificates (PEM) to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** The name that its certificate must have, if it is another than the URL's host. */
  readonly serverName?: string | undefined;
}

export interface Call {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte until the call is given up; 0 waits for ever. */
  readonly idleTimeoutMs: number;
  /** Whether each side may end on its own; for a connection that becomes a byte stream. */
  readonly halfOpen?: boolean;
}

// A page of the longest records the API gives is below this; more is not ours.
const MAX_ANSWER_BYTES = 1024 * 1024 * 1024;

/** An answer that is no 2xx: the code is the API's own, where we know it. */
export class ApiError extends SiderolinkError {
  readonly status: number;
  readonly problem: Problem | undefined;
  /** Of a conditional change that was refused: the version that the machine has. */
  readonly version: number | undefined;

  constructor(status: number, problem: Problem | undefined, etag?: string) {
    const code = problem !== undefined && problem.code in ERRORS ? (problem.code as ErrorCode) : codeOfStatus(status);
    super(code, problem?.detail ?? `the control API answered ${status}`, { status });
    this.status = status;
    this.problem = problem;
    const version = /^"(\d{1,15})"$/.exec(etag ?? '')?.[1];
    this.version = version === undefined ? undefined : Number(version);
  }
}

/** What stands between us and the daemon may answer without a problem of ours. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'unauthorized',
  404: 'not_found',
  409: 'conflict',
  412: 'stale',
  428: 'precondition_required',
  429: 'exhausted',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
  507: 'storage',
};

function codeOfStatus(status: number): ErrorCode {
  return CODES[status] ?? (status >= 400 && status < 500 ? 'invalid_argument' : 'internal');
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
  throw await refusalOf(response);
}

/** What an answer that is no 2xx says. */
export async function refusalOf(response: IncomingMessage): Promise<ApiError> {
  const text = await readText(response).catch(() => '');
  return new ApiError(response.statusCode ?? 0, await parseProblem(text), response.headers.etag);
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

/** The schema is loaded when it is needed: an answer that is no 2xx is rare, and a command is to begin at once. */
async function parseProblem(text: string): Promise<Problem | undefined> {
  const { Problem } = await import('./api.ts');
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
    try {
      const request = openRequest(target, call, headers);
      request.once('response', resolve).once('error', fail);
      request.setTimeout(call.idleTimeoutMs, () =>
        request.destroy(new Error(`no answer within ${call.idleTimeoutMs / 1_000} s`)),
      );
      request.end(body);
    } catch (error) {
      fail(error);
    }
  });
}

/** A request that is not sent yet. @throws SiderolinkError `invalid_argument` for a URL that is none */
export function openRequest(
  target: Target,
  call: Call,
  headers: Readonly<Record<string, string | number>>,
): ClientRequest {
  const { method, path, signal, halfOpen } = call;
  const common = {
    method,
    headers,
    ...(signal !== undefined && { signal }),
    ...(halfOpen === true && { allowHalfOpen: true }),
  };
  if ('socket' in target) return httpRequest({ ...common, socketPath: target.socket, path, agent: false });
  const url = remoteUrl(target, path);
  const authorized = target.token === undefined ? headers : { ...headers, authorization: `Bearer ${target.token}` };
  const remote = { ...common, headers: authorized, agent: false };
  if (url.protocol === 'http:') return httpRequest(url, remote);
  return httpsRequest(url, {
    ...remote,
    minVersion: 'TLSv1.2',
    ...(target.ca !== undefined && { ca: target.ca }),
    ...(target.serverName !== undefined && { servername: target.serverName }),
  });
}

/** @throws SiderolinkError `invalid_argument` */
function remoteUrl({ url: base, token }: RemoteTarget, path: string): URL {
  const url = URL.canParse(path, base) ? new URL(path, base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new SiderolinkError(
      'invalid_argument',
      `${JSON.stringify(base)} is no URL of a control API: https://host:port`,
    );
  }
  if (token !== undefined && url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    const what = `a token is not sent to ${url.host} in the clear: use https://`;
    throw new SiderolinkError('invalid_argument', what);
  }
  return url;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Codes of OpenSSL for a certificate that nobody we trust has signed. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

/** What a failed request means to whoever made it. */
export function connectionError(target: Target, error: unknown): SiderolinkError {
  if (error instanceof SiderolinkError) return error;
  const cause = { cause: error };
  const code = (error as NodeJS.ErrnoException).code;
  if (!('socket' in target)) {
    const what = `no answer from ${target.url}: ${errorMessage(error)}`;
    const hint = UNTRUSTED.test(code ?? '') ? '. Name the certificate that vouches for it with --ca-file' : '';
    return new SiderolinkError('unavailable', `${what}${hint}`, {}, cause);
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
