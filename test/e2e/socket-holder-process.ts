/**
 * As much of systemd as a restart needs: binds sockets, hands them to a daemon under their names, and starts the next one
 * when it ends. Argument: a `HolderPlan` in JSON.
 *
 * It never accepts: while a daemon runs this process waits for it, with an event loop that stands.
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, existsSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import type { HolderPlan, HolderSocket } from './socket-holder.ts';

const plan = JSON.parse(process.argv[2] ?? '') as HolderPlan;

/** Nowhere else does Node tell the descriptor of a socket. */
function fdOf(holder: object): number | undefined {
  const { _handle, handle } = holder as { _handle?: { readonly fd: number }; handle?: { readonly fd: number } };
  return handle?.fd ?? _handle?.fd;
}

function stateOf(socket: object): object {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  return symbol === undefined ? {} : ((socket as Record<symbol, object>)[symbol] ?? {});
}

async function bind({ protocol, host, port }: HolderSocket): Promise<number> {
  const socket = protocol === 'tcp' ? createServer() : createSocket({ type: 'udp6', ipv6Only: true });
  const listening = once(socket, 'listening');
  if ('listen' in socket) socket.listen({ host, port, backlog: 4096, ipv6Only: host !== '::' });
  else socket.bind({ address: host, port });
  await listening;
  const fd = 'listen' in socket ? fdOf(socket) : fdOf(stateOf(socket));
  if (fd === undefined) throw new Error('a socket without a descriptor');
  return fd;
}

const fds: number[] = [];
for (const socket of plan.sockets) fds.push(await bind(socket));
const log = openSync(plan.logFile, 'a');
// The shell is replaced by the daemon, so it has the process id that LISTEN_PID names.
const script = 'echo $$ >"$PID_FILE.new" && mv "$PID_FILE.new" "$PID_FILE"; LISTEN_PID=$$ exec "$@"';
while (!existsSync(plan.stopFile)) {
  const { status, signal } = spawnSync('sh', ['-c', script, 'sh', ...plan.argv], {
    stdio: ['ignore', log, log, ...fds],
    env: {
      ...process.env,
      PID_FILE: plan.pidFile,
      LISTEN_FDS: String(fds.length),
      LISTEN_FDNAMES: plan.sockets.map(({ name }) => name).join(':'),
    },
  });
  appendFileSync(plan.endsFile, `${signal ?? status}\n`);
}
process.exit(0);
