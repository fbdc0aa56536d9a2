import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlServer, type ControlServerDeps, type ControlServerOptions } from '../../src/control/server.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { RecordLog } from '../../src/stream/types.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { MemoryAdmin, MemoryMachines, MemoryTokens } from './fake-fleet.ts';
import { capturedLogger, fakeBackups, fakeStatus, MemoryLog, NOW } from './fakes.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at in an answer is its own business
  readonly json: any;
}

export interface Harness extends AsyncDisposable {
  readonly server: ControlServer;
  readonly socket: string;
  readonly directory: string;
  readonly log: MemoryLog;
  readonly machines: MemoryMachines;
  readonly admin: MemoryAdmin;
  readonly tokens: MemoryTokens;
  readonly health: Health;
  readonly logged: string[];
  readonly metrics: ReturnType<typeof createRegistry>;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  open(path: string, headers?: Record<string, string>): Promise<IncomingMessage>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly raw?: string;
  readonly headers?: Record<string, string>;
}

/** A control server on a socket of its own, over memory; or on that of one that stopped, over what it had. */
export async function startControl(
  options: Omit<ControlServerOptions, 'socket'> = {},
  before?: Harness,
  extra: Partial<ControlServerDeps> = {},
): Promise<Harness> {
  const directory = before?.directory ?? (await mkdtemp(join(tmpdir(), 'siderolink-control-')));
  const socket = join(directory, 'run', 'control.sock');
  const machines = before?.machines ?? new MemoryMachines();
  const parts = {
    log: before?.log ?? new MemoryLog(),
    machines,
    admin: before?.admin ?? new MemoryAdmin(machines),
    tokens: before?.tokens ?? new MemoryTokens(),
  };
  const { logger, lines } = capturedLogger();
  const clock: Clock = { ...systemClock, now: () => NOW };
  const health = new Health(clock.now);
  const metrics = createRegistry();
  const log = parts.log as unknown as RecordLog;
  const cutBy = (id: string) => parts.tokens.cutBy(id);
  const deps = {
    ...parts,
    log,
    cutBy,
    health,
    status: fakeStatus,
    backups: fakeBackups,
    republisher: undefined,
    clock,
    logger,
    metrics,
    ...extra,
  };
  const server = new ControlServer({ socket, ...options }, deps);
  await server.start();
  return {
    ...parts,
    server,
    socket,
    directory,
    health,
    metrics,
    logged: lines,
    call: (method, path, options) => call(socket, method, path, options),
    open: (path, headers) => open(socket, path, headers),
    async [Symbol.asyncDispose]() {
      await server.stop(2_000);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function call(socket: string, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await send(socket, method, path, body, options.headers);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const isJson = /[/+]json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

/** An answer whose body is still to come. */
function open(socket: string, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return send(socket, 'GET', path, undefined, headers);
}

function send(
  socketPath: string,
  method: string,
  path: string,
  body: string | undefined,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const call = request({ socketPath, method, path, headers: { ...type, ...headers } }, resolve);
    call.on('error', reject);
    call.end(body);
  });
}

/** Reads a body until `until` holds for what came, and returns it. */
export async function readUntil(response: IncomingMessage, until: (text: string) => boolean): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (until(text)) return text;
  }
  return text;
}
