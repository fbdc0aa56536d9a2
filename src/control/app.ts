import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Problem } from '../client/api.ts';
import { ERRORS, SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { type Door, Refusal, Refusals, requireRole } from './auth.ts';
import type { Connections } from './connect.ts';
import { CONNECT_ROUTE, connectRoutes } from './connect-route.ts';
import { Upgrades } from './connect-upgrade.ts';
import type { ControlMetrics } from './metrics.ts';
import type { OpenSockets } from './open-sockets.ts';
import { openApiOptions } from './openapi.ts';
import { InvalidRequest, partName, problemOf, problemOfStatus } from './problem.ts';
import { BACKUP_ROUTE, backupRoutes } from './routes/backup.ts';
import { kernelArgsRoutes } from './routes/kernel-args.ts';
import { machineChangeRoutes } from './routes/machine-changes.ts';
import { machineRoutes } from './routes/machines.ts';
import { recordRoutes } from './routes/records.ts';
import { REPUBLISH_ROUTE, republishRoutes } from './routes/republish.ts';
import { statusRoutes } from './routes/status.ts';
import { STREAM_ROUTE, streamRoutes } from './routes/stream.ts';
import { tokenRoutes } from './routes/tokens.ts';
import type { Streams } from './streams.ts';
import type { Caller, ControlDeps, ControlLimits } from './types.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What a route needs beside the deps of the server. */
export interface RouteDeps extends AppDeps {
  readonly limits: Required<ControlLimits>;
}

/** What all apps of a server share: streams are bounded, and metrics counted, over all listeners. */
export interface AppDeps extends ControlDeps {
  readonly streams: Streams;
  readonly connections: Connections;
  readonly sockets: OpenSockets;
  readonly controlMetrics: ControlMetrics;
}

const ROUTES = [
  statusRoutes,
  machineRoutes,
  machineChangeRoutes,
  tokenRoutes,
  kernelArgsRoutes,
  recordRoutes,
  streamRoutes,
  backupRoutes,
  republishRoutes,
] as const;

/** Their time says nothing of how we answer. */
const LONG_ROUTES: readonly string[] = [STREAM_ROUTE, CONNECT_ROUTE, BACKUP_ROUTE, REPUBLISH_ROUTE];

/** What is a listener's own. */
export interface AppListener {
  readonly door: Door;
  /** Without them it speaks plain HTTP. */
  readonly tls?: TlsOptions;
}

const NO_QUERY = z.strictObject({});

/** Without these the framework loads its own, which we never use, and that takes a twentieth of our start. */
const NO_COMPILERS = { buildValidator: noCompiler, buildSerializer: noCompiler };

function noCompiler(): never {
  throw new SiderolinkError('internal', 'the control API was used before it knew how to check requests');
}

/** The control API without a listener: every listener serves one of these. */
export async function buildApp(limits: Required<ControlLimits>, deps: AppDeps, listener: AppListener): Promise<App> {
  const routeDeps: RouteDeps = { ...deps, limits };
  const http = {
    // Node takes the smaller of the two for the headers and the larger for the request: both are the same here.
    headersTimeout: limits.requestTimeoutMs,
    // It looks for late requests only so often; its default is 30 s.
    connectionsCheckingInterval: Math.ceil(limits.requestTimeoutMs / 3),
    // The server's own answer to a request without one is empty: ours is a problem.
    requireHostHeader: false,
  };
  const { door, tls } = listener;
  const app = fastify({
    ...(tls === undefined ? { http } : { https: { ...http, ...tls } }),
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    exposeHeadRoutes: false,
    // A request on a kept connection is answered in our own words until the connection closes.
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => refuseBrokenHttp(error, socket, deps.clock, limits.requestTimeoutMs),
    frameworkErrors: (error, _request, reply) => sendError(reply as unknown as Reply, error),
    schemaController: { compilersFactory: NO_COMPILERS },
  }).withTypeProvider<ZodTypeProvider>() as App;
  app.server.maxConnections = limits.maxConnections;
  // Expectations that nobody knows may be ignored (RFC 9110 section 10.1.1); the server's own answer is empty.
  app.server.on('checkExpectation', (request, response) => app.routing(request, response));
  deps.sockets.follow(app.server);
  app.setValidatorCompiler(({ schema, httpPart }) => validator(schema as unknown as z.ZodType, httpPart));
  // What we answer is made by our own typed code, and a page of records is text already.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  acceptJsonAlone(app);
  handleErrors(app, deps);
  observeRequests(app, routeDeps);
  guardRequests(app, door, deps);
  app.addHook('onRoute', (route) => {
    const { config, method, url } = route;
    if (config?.role === undefined) throw new SiderolinkError('internal', `${method} ${url} says of no role who may`);
    // A parameter that nobody reads is a mistake: `?dry_run=true` would be believed.
    route.schema = { querystring: NO_QUERY, ...route.schema };
  });
  await app.register(swagger, openApiOptions);
  for (const routes of ROUTES) routes(app, routeDeps);
  const upgrades = new Upgrades();
  connectRoutes(app, routeDeps, upgrades);
  upgrades.attach(app);
  app.get(
    '/v1/openapi.json',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'openapi',
        summary: 'This document',
        response: { 200: z.record(z.string(), z.unknown()) },
      },
    },
    async () => app.swagger() as unknown as Record<string, unknown>,
  );
  await app.ready();
  return app;
}

function validator(schema: z.ZodType, httpPart: string | undefined) {
  return (data: unknown) => {
    // The framework says null where there is no body.
    const result = schema.safeParse(httpPart === 'body' && data === null ? undefined : data);
    if (result.success) return { value: result.data };
    return { error: new InvalidRequest(partName(httpPart), result.error.issues) };
  };
}

/** Bodies are JSON as it is. A POST without a body may still name a content type. */
function acceptJsonAlone(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else if (request.headers['content-encoding'] !== undefined) done(new UnsupportedBody());
    else void parse(request, String(body), done);
  });
}

/** Compressed, as some proxies and clients make it. */
class UnsupportedBody extends Error {
  readonly statusCode = 415;
}

/** Nobody gets further than this without being let in. */
function guardRequests(app: App, door: Door, deps: AppDeps): void {
  const refusals = new Refusals(deps);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => {
    let caller: Caller | undefined;
    refuseUnclearHost(request.raw);
    try {
      caller = door.admit(request.raw);
      // What is not there is told to everybody who has a token.
      if (!request.is404) requireRole(caller, request.routeOptions.config.role ?? 'admin');
    } catch (error) {
      if (error instanceof Refusal) refusals.note(error, request.raw, caller);
      throw error;
    }
    request.caller = caller;
  });
}

/** One request for two hosts would be judged by the one and routed, by what stands before us, by the other (RFC 9112 section 3.2). */
function refuseUnclearHost({ headersDistinct: { host = [] }, httpVersion }: IncomingMessage): void {
  if (host.length === 1 || (host.length === 0 && httpVersion === '1.0')) return;
  throw new SiderolinkError('invalid_argument', 'header.host: there must be one');
}

function handleErrors(app: App, { logger }: ControlDeps): void {
  app.setErrorHandler((error, request, reply) => {
    const status = (error as FastifyError).statusCode ?? 500;
    const ours = error instanceof SiderolinkError;
    if (ours ? ERRORS[error.code].http >= 500 : status >= 500) {
      logger.error({ err: error, method: request.method, route: request.routeOptions.url }, 'control request failed');
    }
    return sendError(reply, error);
  });
  app.setNotFoundHandler((request, reply) => {
    // Not with the path: who puts a token there by mistake would find it in his logs once more.
    return send(
      reply,
      problemOfStatus(
        404,
        `nothing here answers a ${request.method} of this path; GET /v1/openapi.json lists what there is`,
      ),
    );
  });
}

/** What the answers to errors need of a reply, whatever its route. */
interface Reply {
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  type(contentType: string): unknown;
  serializer(serialize: (value: unknown) => string): unknown;
  send(value: Problem): unknown;
}

function sendError(reply: Reply, error: unknown) {
  if (error instanceof Refusal) return send(reply, error.problem);
  if (error instanceof SiderolinkError) return send(reply, problemOf(error));
  const { statusCode, code, message } = error as FastifyError;
  const detail = code === 'FST_ERR_CTP_INVALID_JSON_BODY' ? `body: ${withoutExcerpt(message)}` : undefined;
  return send(reply, problemOfStatus(statusCode ?? 500, detail));
}

/** The JSON parser says where the body breaks, and shows what stands there: that may be a token. */
function withoutExcerpt(message: string): string {
  return message.replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, ' where no JSON can have it');
}

function send(reply: Reply, answer: Problem | undefined) {
  const problem = answer ?? problemOf(new SiderolinkError('internal', ''));
  // Refused before the whole body came: the rest of it would be read as the next request.
  if (problem.status === 413 || problem.status === 408) reply.header('connection', 'close');
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  reply.code(problem.status);
  reply.type('application/problem+json');
  reply.serializer((value) => JSON.stringify(value));
  return reply.send(problem);
}

/**
 * Bytes that are no HTTP never become a request.
 *
 * @param lingerMs how long a caller who was answered may go on sending, until he has read the answer
 */
function refuseBrokenHttp(error: Error & { code?: string }, socket: Socket, clock: Clock, lingerMs: number): void {
  // What is wrong below HTTP, as a TLS handshake that failed, leaves nobody to answer.
  if (!/^(?:HPE|ERR_HTTP)_/.test(error.code ?? '')) return void socket.destroy();
  // Answered already: more of the same comes until it is read.
  if (!socket.writable) return;
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const body = JSON.stringify(problemOfStatus(status));
  socket.end(
    `HTTP/1.1 ${status} ${JSON.parse(body).title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  // A request is found to be late once: whoever goes on after that is cut off by nothing else.
  socket.once(
    'close',
    clock.after(lingerMs, () => socket.destroy()),
  );
}

function observeRequests(app: App, { controlMetrics: { requests, seconds }, logger }: RouteDeps): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    requests.inc({ route, method: request.method, status: reply.statusCode });
    if (!LONG_ROUTES.includes(route)) seconds.observe({ route }, reply.elapsedTime / 1_000);
    logger.debug({ method: request.method, route, status: reply.statusCode, ms: reply.elapsedTime }, 'control request');
  });
}
