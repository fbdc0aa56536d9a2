import { isIP } from 'node:net';
import { SOCKET_NAMES, type SocketName, type WantedSocket } from './handed-sockets.ts';
import { formatHostPort } from './host-port.ts';

/** A file below systemd's directory, by its path there; without text it is not to be there. */
export interface UnitFile {
  readonly path: string;
  readonly text: string | undefined;
}

const FILE = 'siderolinkd.conf';
const COMMENT = `# Written by "siderolinkd init", which writes it anew. What you want otherwise, put into a file of your own beside it.
`;

/** The unit of each socket; what it is called when it is handed over is written in the unit itself. */
export const socketUnit = (name: SocketName): string => `siderolinkd-${name}.socket`;

/**
 * Drop-ins that let systemd listen on these: an address for each socket unit, and the units' names for the service. A host
 * name is nothing that systemd could listen on, and port 0 nothing that it should: such a socket stays the daemon's.
 */
export function socketDropIns(wanted: readonly WantedSocket[]): readonly UnitFile[] {
  const listened = wanted.filter(({ address }) => isIP(address.host) !== 0 && address.port !== 0);
  const units = listened.map(({ name }) => socketUnit(name));
  const service = units.length === 0 ? undefined : `${COMMENT}[Service]\nSockets=${units.join(' ')}\n`;
  return [
    ...SOCKET_NAMES.map((name) => {
      const socket = listened.find((one) => one.name === name);
      return { path: `${socketUnit(name)}.d/${FILE}`, text: socket && listenText(socket) };
    }),
    { path: `siderolinkd.service.d/${FILE}`, text: service },
  ];
}

/** The empty assignment makes it the only address, whatever other files say before it. */
function listenText({ protocol, address }: WantedSocket): string {
  const key = protocol === 'tcp' ? 'ListenStream' : 'ListenDatagram';
  return `${COMMENT}[Socket]\n${key}=\n${key}=${formatHostPort(address)}\n`;
}
