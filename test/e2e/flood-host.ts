import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FloodPlan, FloodReport } from './flood-caller.ts';
import type { Gateway } from './gateway.ts';

const CALLER = fileURLToPath(new URL('./flood-caller.ts', import.meta.url));

/** Starts a flood in the gateway's namespace. */
export function startFlood(gateway: Gateway, plan: FloodPlan): Promise<FloodReport> {
  return startJson(gateway, [CALLER, JSON.stringify(plan)]);
}

/** Runs a script of ours in the gateway's namespace; it prints one line of JSON. */
export async function startJson<T>(gateway: Gateway, argv: readonly string[]): Promise<T> {
  const child = gateway.namespace.spawn([process.execPath, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.on('data', (part) => {
    text += part;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${argv[0]} ended with ${code}`);
  return JSON.parse(text) as T;
}

/** Bytes of each file under the state directory. */
export function stateSizes(gateway: Gateway): Readonly<Record<string, number>> {
  const state = join(gateway.directory, 'state');
  return Object.fromEntries(readdirSync(state).map((name) => [name, statSync(join(state, name)).size]));
}

/**
 * The sizes now, as they would be had the WAL not been written back into the database since: the daemon does that by
 * itself in a calm moment.
 */
export function sizesSince(
  gateway: Gateway,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const now = stateSizes(gateway);
  const [database, wal] = ['siderolinkd.db', 'siderolinkd.db-wal'];
  const { [database]: size = 0, [wal]: waiting = 0 } = before;
  const isWrittenBack = waiting > 0 && now[wal] === 0 && (now[database] ?? 0) <= size + waiting;
  return isWrittenBack ? { ...now, [database]: size, [wal]: waiting } : now;
}

/** The daemon's process: whoever listens on the API's port. */
export async function daemonPid(gateway: Gateway): Promise<number> {
  const text = await gateway.namespace.run(['ss', '-Hltnp', 'sport', '=', ':8081']);
  const pid = Number(/pid=(\d+)/.exec(text)?.[1]);
  if (!(pid > 0)) throw new Error(`nobody listens on the API's port: ${text}`);
  return pid;
}

/** SIGUSR1 opens it on this port, in the daemon's own namespace. */
const INSPECTOR = `
  const [{ webSocketDebuggerUrl }] = await (await fetch('http://127.0.0.1:9229/json')).json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  let id = 0;
  const ask = (method) => new Promise((resolve) => {
    const asked = ++id;
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(data);
      if (answer.id === asked) resolve(answer.result);
    });
    socket.send(JSON.stringify({ id: asked, method }));
  });
  for (let i = 0; i < 3; i += 1) await ask('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize } = await ask('Runtime.getHeapUsage');
  console.log(usedSize + backingStorageSize);
  socket.close();
`;

/** What the daemon's main thread holds when all garbage is collected, bytes: its heap and its buffers. */
export async function settledHeap(gateway: Gateway): Promise<number> {
  process.kill(await daemonPid(gateway), 'SIGUSR1');
  let bytes = Number.NaN;
  await gateway.until('the inspector answers', async () => {
    bytes = Number(await gateway.namespace.script(INSPECTOR));
    return bytes > 0;
  });
  return bytes;
}
