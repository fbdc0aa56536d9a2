import { describe, expect, it } from 'vitest';
import { assignSockets, type HandedSocket, type WantedSocket } from '../../src/domain/handed-sockets.ts';

const SERVER = 'fd00:a6da:161d:a103::1';
const wanted: readonly WantedSocket[] = [
  { name: 'api', setting: 'api.listen', protocol: 'tcp', address: { host: '::', port: 8081 } },
  { name: 'kmsg', setting: 'sinks.kmsg_port', protocol: 'tcp', address: { host: SERVER, port: 4001 } },
  { name: 'kmsg-udp', setting: 'sinks.kmsg_port', protocol: 'udp', address: { host: SERVER, port: 4001 } },
];

const handed = (name: string, host: string, port: number, more: object = {}, fd = 3): HandedSocket => ({
  fd,
  name,
  bound: { protocol: 'tcp', address: { host, port }, listening: true, ...more },
});

const refusal = (...sockets: readonly HandedSocket[]) => {
  try {
    assignSockets(wanted, sockets);
  } catch (error) {
    expect(error).toMatchObject({ code: 'configuration' });
    return (error as Error).message;
  }
  throw new Error('not refused');
};

describe('assignSockets', () => {
  it('finds each by its name, however its address is written', () => {
    const { fds, surplus } = assignSockets(wanted, [
      handed('kmsg-udp', 'fd00:a6da:161d:a103:0:0:0:1', 4001, { protocol: 'udp' }, 3),
      handed('api', '0:0:0:0:0:0:0:0', 8081, {}, 4),
    ]);
    expect([...fds]).toEqual([
      ['kmsg-udp', 3],
      ['api', 4],
    ]);
    expect(surplus).toEqual([]);
  });

  it('sets those apart whose name nobody knows', () => {
    const stranger = handed('http', '::', 80);
    expect(assignSockets(wanted, [stranger])).toEqual({ fds: new Map(), surplus: [stranger] });
  });

  it.each([
    ['another port', handed('api', '::', 8082), 'api: api.listen wants tcp [::]:8081, and this is tcp [::]:8082'],
    ['another address', handed('kmsg', 'fd00::1', 4001), `wants tcp [${SERVER}]:4001, and this is tcp [fd00::1]:4001`],
    ['IPv4 for IPv6', handed('api', '0.0.0.0', 8081), 'and this is tcp 0.0.0.0:8081'],
    ['the other protocol', handed('kmsg-udp', SERVER, 4001), 'wants udp'],
    ['one that does not listen', handed('api', '::', 8081, { listening: false }), 'it does not listen'],
    ['no socket at all', { fd: 3, name: 'api', bound: undefined }, 'no TCP or UDP socket'],
  ])('refuses %s and says what to do', (_, socket, words) => {
    const message = refusal(socket);
    expect(message).toContain(words);
    expect(message).toContain('siderolinkd init');
  });

  it('refuses two of a name', () => {
    expect(refusal(handed('api', '::', 8081), handed('api', '::', 8081, {}, 4))).toContain('more than one socket');
  });

  it('names all mistakes at once', () => {
    const message = refusal(handed('api', '::', 1), handed('kmsg', '::', 2, {}, 4));
    expect(message).toMatch(/api: .*\n.*kmsg: /);
  });

  it('holds neither a host name nor a port that may be any against a socket', () => {
    const named: WantedSocket = {
      ...wanted[0],
      name: 'api',
      setting: 'api.listen',
      protocol: 'tcp',
      address: { host: 'gw', port: 0 },
    };
    expect(assignSockets([named], [handed('api', '192.0.2.1', 8081)]).fds.get('api')).toBe(3);
  });
});
