/**
 * Calls the API and both sinks again and again, each time on a connection of its own, until its standard input ends; then
 * it prints a `CallerReport`. Argument: a `CallerPlan` in JSON.
 */
import { randomUUID } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { events, sidero } from '../../src/gen/proto.js';
import { newKey } from '../fleet/fakes.ts';

export interface CallerPlan {
  readonly api: { readonly host: string; readonly port: number };
  readonly kmsg: { readonly host: string; readonly port: number };
  readonly events: { readonly host: string; readonly port: number };
  readonly token: string;
}

/** How calls ended, by `ok` or what was wrong, and the longest that one took. */
export type CallerReport = Readonly<
  Record<'provision' | 'publish' | 'log', { readonly ends: Record<string, number>; readonly slowestMs: number }>
>;

const plan = JSON.parse(process.argv[2] ?? '') as CallerPlan;
const PAUSE_MS = 5;
const machine = { node_uuid: randomUUID(), node_public_key: newKey() };

/** As a gRPC client does it, with all that it tries by itself; no waiting for a server that is not there. */
function provision(): Promise<string> {
  const client = new Client(`[::1]:${plan.api.port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const request = sidero.link.ProvisionRequest.encode({
    ...machine,
    join_token: plan.token,
    node_unique_token: '',
    talos_version: 'v1.13.0',
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const done = (error: ServiceError | null, answer?: Buffer) => {
    client.close();
    if (error !== null) reject(error);
    else
      resolve(sidero.link.ProvisionResponse.decode(answer ?? Buffer.alloc(0)).node_address_prefix.split('/')[0] ?? '');
  };
  const raw = (bytes: Buffer) => bytes;
  const deadline = { deadline: Date.now() + 120_000 };
  client.makeUnaryRequest(
    '/sidero.link.ProvisionService/Provision',
    raw,
    raw,
    Buffer.from(request.finish()),
    deadline,
    done,
  );
  return promise;
}

/** From the machine's own address, which no gRPC client can be told to use: by hand, so with nothing tried again. */
async function publish(address: string): Promise<void> {
  const { host, port } = plan.events;
  const socket = connect({ host, port, localAddress: address });
  const session = connectHttp2(`http://[${host}]:${port}`, { createConnection: () => socket });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  session.on('error', reject);
  session.on('close', () => reject(new Error('closed before the answer')));
  const stream = session.request({
    ':method': 'POST',
    ':path': '/events.EventSinkService/Publish',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', reject);
  stream.resume();
  const take = (headers: Record<string, unknown>) => {
    const code = headers['grpc-status'];
    if (code === '0') resolve();
    else if (code !== undefined) reject(new Error(`status ${String(code)}`));
  };
  stream.on('response', take);
  stream.on('trailers', take);
  const message = events.EventRequest.encode({ id: randomUUID() }).finish();
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  stream.end(frame);
  try {
    await promise;
  } finally {
    session.destroy();
  }
}

async function logs(address: string): Promise<void> {
  const socket = connect({ ...plan.kmsg, localAddress: address });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('connect', resolve);
  socket.once('error', reject);
  try {
    await promise;
  } finally {
    socket.destroy();
  }
}

const stop = new AbortController();
process.stdin.once('end', () => stop.abort()).resume();

async function repeat(call: () => Promise<unknown>): Promise<CallerReport['log']> {
  const ends: Record<string, number> = {};
  let slowestMs = 0;
  while (!stop.signal.aborted) {
    const started = performance.now();
    const end = await call().then(() => 'ok', wordOf);
    ends[end] = (ends[end] ?? 0) + 1;
    slowestMs = Math.max(slowestMs, Math.round(performance.now() - started));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return { ends, slowestMs };
}

function wordOf(error: NodeJS.ErrnoException & Partial<ServiceError>): string {
  if (error.details !== undefined) return `${status[error.code as unknown as number]} ${error.details}`;
  return error.code === undefined ? error.message : `${error.code} ${error.message}`;
}

const address = await provision();
process.stdout.write('ready\n');
const [provisions, publishes, connections] = await Promise.all([
  repeat(provision),
  repeat(() => publish(address)),
  repeat(() => logs(address)),
]);
const report: CallerReport = { provision: provisions, publish: publishes, log: connections };
process.stdout.write(`${JSON.stringify(report)}\n`);
