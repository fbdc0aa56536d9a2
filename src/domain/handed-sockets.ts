import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { SiderolinkError } from './errors.ts';
import { formatHostPort, type HostPort } from './host-port.ts';
import type { ListenFd } from './listen-fds.ts';
import type { BoundSocket } from './socket-table.ts';

/** What a service manager can listen on for us, by the name under which it hands the socket over. */
export const SOCKET_NAMES = ['api', 'kmsg', 'kmsg-udp', 'events'] as const;
export type SocketName = (typeof SOCKET_NAMES)[number];

/** A socket as the configuration wants it. */
export interface WantedSocket {
  readonly name: SocketName;
  /** What sets its address or port. */
  readonly setting: string;
  readonly protocol: 'tcp' | 'udp';
  readonly address: HostPort;
}

/** A socket that was handed over; `bound` is undefined for what is no TCP or UDP socket. */
export interface HandedSocket extends ListenFd {
  readonly bound: BoundSocket | undefined;
}

/** Descriptors by the name of what they are for; what has none is to be bound by ourselves. */
export type SocketFds = ReadonlyMap<SocketName, number>;

/**
 * Which socket is for what. Those whose name nobody here knows are `surplus`.
 *
 * @throws SiderolinkError `configuration`, naming every socket that is not what the configuration says and what to do
 */
export function assignSockets(
  wanted: readonly WantedSocket[],
  handed: readonly HandedSocket[],
): { readonly fds: SocketFds; readonly surplus: readonly HandedSocket[] } {
  const fds = new Map<SocketName, number>();
  const surplus: HandedSocket[] = [];
  const wrong: string[] = [];
  for (const socket of handed) {
    const want = wanted.find(({ name }) => name === socket.name);
    if (want === undefined) {
      surplus.push(socket);
    } else if (fds.has(want.name)) {
      wrong.push(`more than one socket is called ${want.name}: one address is all that is taken`);
    } else {
      fds.set(want.name, socket.fd);
      const mistake = mistakeOf(want, socket.bound);
      if (mistake !== undefined) wrong.push(mistake);
    }
  }
  if (wrong.length > 0) throw new SiderolinkError('configuration', `${HEADING}\n${bullets(wrong)}\n${ADVICE}`);
  return { fds, surplus };
}

const HEADING = 'the sockets that systemd handed over are not those of the configuration:';
const ADVICE =
  'Run `siderolinkd init` again, which writes what systemd listens on, then `systemctl daemon-reload`, ' +
  "`systemctl stop 'siderolinkd-*.socket' siderolinkd` and `systemctl start siderolinkd`.";

const bullets = (lines: readonly string[]) => lines.map((line) => `  ${line}`).join('\n');

function mistakeOf({ name, setting, protocol, address }: WantedSocket, bound: BoundSocket | undefined) {
  const want = `${setting} wants ${protocol} ${formatHostPort(address)}`;
  if (bound === undefined) return `${name}: ${want}, and this is no TCP or UDP socket`;
  const has = `${bound.protocol} ${formatHostPort({ ...bound.address, host: shown(bound.address.host) })}`;
  if (bound.protocol !== protocol || !sameAddress(bound.address, address))
    return `${name}: ${want}, and this is ${has}`;
  if (!bound.listening) return `${name}: this is ${has} as it should be, but it takes nothing: it does not listen`;
  return undefined;
}

/** A port of 0 asks for any, a host name for whatever it resolves to: neither can be held against a socket. */
function sameAddress(bound: HostPort, wanted: HostPort): boolean {
  const samePort = wanted.port === 0 || bound.port === wanted.port;
  return samePort && (isIP(wanted.host) === 0 || shown(bound.host) === shown(wanted.host));
}

function shown(host: string): string {
  return isIP(host) === 0 ? host : ipaddr.parse(host).toString();
}
