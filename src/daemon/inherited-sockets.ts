import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { assignSockets, type SocketFds, type WantedSocket } from '../domain/handed-sockets.ts';
import { LISTEN_VARIABLES, parseListenFds } from '../domain/listen-fds.ts';
import { type BoundSocket, findSocket, SOCKET_TABLES } from '../domain/socket-table.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What systemd may listen on for us: the API, and the sinks on the server's overlay address. */
export function wantedSockets({ api, sinks }: Config, server: string): readonly WantedSocket[] {
  const kmsg = { setting: 'sinks.kmsg_port', address: { host: server, port: sinks.kmsg_port } };
  const events = { setting: 'sinks.events_port', address: { host: server, port: sinks.events_port } };
  return [
    { name: 'api', setting: 'api.listen', protocol: 'tcp', address: api.listen },
    { name: 'kmsg', protocol: 'tcp', ...kmsg },
    { name: 'kmsg-udp', protocol: 'udp', ...kmsg },
    { name: 'events', protocol: 'tcp', ...events },
  ];
}

export interface InheritedSocketsDeps {
  /** Has LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES if somebody hands sockets over. They are removed from it. */
  readonly env: Record<string, string | undefined>;
  readonly pid: number;
  readonly logger: Logger;
}

/**
 * Takes over the sockets that systemd listens on for us (sd_listen_fds(3)); what it does not listen on is missing in the
 * answer. One that we have no use for is closed with a warning, so that nobody waits for an answer on it from us.
 *
 * Node keeps descriptors that it was started with out of every process that it starts.
 *
 * @throws SiderolinkError `configuration` if one is not what the configuration says
 */
export function takeInheritedSockets(
  wanted: readonly WantedSocket[],
  { env, pid, logger }: InheritedSocketsDeps,
): SocketFds {
  const handed = parseListenFds(env, pid).map((socket) => ({ ...socket, bound: boundSocket(socket.fd) }));
  for (const name of LISTEN_VARIABLES) delete env[name];
  if (handed.length === 0) return new Map();
  const { fds, surplus } = assignSockets(wanted, handed);
  for (const { fd, name } of surplus) {
    logger.warn({ name, fd }, 'systemd handed over a socket of a name that is not known here: closed');
    closeSync(fd);
  }
  logger.info({ sockets: [...fds.keys()] }, 'systemd listens for us');
  return fds;
}

/** What a descriptor is bound to, if it is a TCP or UDP socket. Reading the kernel's tables takes nothing from it. */
function boundSocket(fd: number): BoundSocket | undefined {
  const inode = /^socket:\[(\d+)\]$/.exec(linkOf(fd))?.[1];
  if (inode === undefined) return undefined;
  for (const table of SOCKET_TABLES) {
    const found = findSocket(table, readFileSync(`/proc/self/net/${table}`, 'latin1'), Number(inode));
    if (found !== undefined) return found;
  }
  return undefined;
}

function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** An option of a part that listens: the socket that it inherits, if there is one. */
export function inherited<Key extends string>(key: Key, fd: number | undefined): Partial<Record<Key, number>> {
  return fd === undefined ? {} : ({ [key]: fd } as Record<Key, number>);
}
