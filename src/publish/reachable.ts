import { createConnection } from 'node:net';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { splitHostPort } from '../domain/host-port.ts';

const DEFAULT_PORT = 4222;

/**
 * Resolves when one of the servers takes a TCP connection. A client of the library leaves some 7 KB behind with every
 * server that it cannot reach, which an outage of weeks would add up; a socket leaves nothing.
 *
 * @param servers as they are configured
 * @throws SiderolinkError `unavailable` with why the last of them cannot be reached
 */
export async function reachable(servers: readonly string[], timeoutMs: number): Promise<void> {
  try {
    await Promise.any(servers.map((server) => dial(server, timeoutMs)));
  } catch (error) {
    const cause: unknown = error instanceof AggregateError ? error.errors.at(-1) : error;
    const isRefused = (cause as { code?: unknown }).code === 'ECONNREFUSED';
    const message = isRefused ? 'connection refused' : errorMessage(cause);
    throw new SiderolinkError('unavailable', message, {}, { cause });
  }
}

function dial(server: string, timeoutMs: number): Promise<void> {
  const address = server.replace(/^[a-z]+:\/\//, '').replace(/\/$/, '');
  const split = splitHostPort(address) ?? splitHostPort(`${address}:${DEFAULT_PORT}`);
  const { host, port } = split ?? { host: address, port: DEFAULT_PORT };
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer in time')));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}
