import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SOCKET_NAMES, type WantedSocket } from '../../src/domain/handed-sockets.ts';
import { socketDropIns, socketUnit } from '../../src/domain/socket-units.ts';

const UNITS = fileURLToPath(new URL('../../systemd', import.meta.url));
const SERVER = 'fd00:a6da:161d:a103::1';
const at = (api: string): readonly WantedSocket[] => [
  { name: 'api', setting: 'api.listen', protocol: 'tcp', address: { host: api, port: 443 } },
  { name: 'kmsg', setting: 'sinks.kmsg_port', protocol: 'tcp', address: { host: SERVER, port: 4001 } },
  { name: 'kmsg-udp', setting: 'sinks.kmsg_port', protocol: 'udp', address: { host: SERVER, port: 4001 } },
  { name: 'events', setting: 'sinks.events_port', protocol: 'tcp', address: { host: SERVER, port: 4002 } },
];
const settings = (wanted: readonly WantedSocket[]) =>
  Object.fromEntries(socketDropIns(wanted).map(({ path, text }) => [path, text?.split('\n').slice(1).join('\n')]));

describe('socketDropIns', () => {
  it('give each unit one address, and the service its units', () => {
    expect(settings(at('::'))).toEqual({
      'siderolinkd-api.socket.d/siderolinkd.conf': '[Socket]\nListenStream=\nListenStream=[::]:443\n',
      'siderolinkd-kmsg.socket.d/siderolinkd.conf': `[Socket]\nListenStream=\nListenStream=[${SERVER}]:4001\n`,
      'siderolinkd-kmsg-udp.socket.d/siderolinkd.conf': `[Socket]\nListenDatagram=\nListenDatagram=[${SERVER}]:4001\n`,
      'siderolinkd-events.socket.d/siderolinkd.conf': `[Socket]\nListenStream=\nListenStream=[${SERVER}]:4002\n`,
      'siderolinkd.service.d/siderolinkd.conf':
        '[Service]\nSockets=siderolinkd-api.socket siderolinkd-kmsg.socket siderolinkd-kmsg-udp.socket siderolinkd-events.socket\n',
    });
  });

  it('leave to the daemon what systemd cannot listen on', () => {
    const found = settings(at('gateway.example.com'));
    expect(found['siderolinkd-api.socket.d/siderolinkd.conf']).toBeUndefined();
    expect(found['siderolinkd.service.d/siderolinkd.conf']).not.toContain('siderolinkd-api.socket');
    expect(settings([])['siderolinkd.service.d/siderolinkd.conf']).toBeUndefined();
  });

  it('are for units that are shipped, and hand their sockets over by the names that are asked for', () => {
    const shipped = readdirSync(UNITS).filter((name) => name.endsWith('.socket'));
    expect(shipped.sort()).toEqual(SOCKET_NAMES.map(socketUnit).sort());
    for (const name of SOCKET_NAMES) {
      const text = readFileSync(`${UNITS}/${socketUnit(name)}`, 'utf8').split('\n');
      expect(text).toContain(`FileDescriptorName=${name}`);
      expect(text).toContain('Service=siderolinkd.service');
      // It would be an address of another installation.
      expect(text.filter((line) => line.startsWith('Listen'))).toEqual([]);
    }
  });
});
