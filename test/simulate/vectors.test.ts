import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sidero } from '../../src/gen/proto.js';
import { formatKernelLine } from '../../src/simulate/kmsg-line.ts';
import {
  addressEvent,
  configLoadErrorEvent,
  encodeEventRequest,
  phaseEvent,
  RESTART_COMMANDS,
  restartEvent,
  sequenceEvent,
  serviceEvent,
  statusEvent,
} from '../../src/simulate/machine-events.ts';
import { encodeProvisionRequest, logicalEndpoints, talosProfile } from '../../src/simulate/profile.ts';

interface Vector {
  readonly message: string;
  readonly note: string;
  readonly hex: string;
}
const vectors = JSON.parse(readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8')) as {
  readonly protobuf: readonly Vector[];
  readonly event_request: readonly { readonly hex: string }[];
  readonly kmsg_lines: readonly string[];
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const golden = (message: string, note = '') =>
  vectors.protobuf.find((vector) => vector.message === message && vector.note.includes(note))?.hex;

const who = {
  uuid: '71233efd-7a07-43f8-b6ba-da90fae0e88b',
  publicKey: 'ze3mghJ7ABkWOhrfQukVRjEvMIHvPSF3E1W1VzApD1U=',
  joinToken: 'foo',
  uniqueToken: '',
  tunnel: false,
};

test('each release sends its own fields of ProvisionRequest, byte for byte', () => {
  const message = 'sidero.link.ProvisionRequest';
  expect(hex(encodeProvisionRequest(talosProfile('1.0'), who))).toBe(golden(message, '1.0'));
  expect(hex(encodeProvisionRequest(talosProfile('1.13'), who))).toBe(golden(message, '1.6+'));
  const tunnelled = { ...who, uniqueToken: 'random-token', tunnel: true };
  const alpha = { ...talosProfile('1.7'), tag: 'v1.7.0-alpha.0' };
  expect(hex(encodeProvisionRequest(alpha, tunnelled))).toBe(golden(message, 'tunnel'));
});

test('a release without a field does not send it, whatever the machine knows', () => {
  const decode = (version: string) =>
    sidero.link.ProvisionRequest.decode(
      encodeProvisionRequest(talosProfile(version), { ...who, uniqueToken: 'u', tunnel: true }),
    );
  expect(decode('1.5')).toMatchObject({ join_token: 'foo', node_unique_token: null, talos_version: null });
  expect(decode('1.6')).toMatchObject({ node_unique_token: 'u', talos_version: 'v1.6.0', wireguard_over_grpc: null });
  expect(decode('1.13')).toMatchObject({ wireguard_over_grpc: true });
});

test('endpoints are tried in the order that was meant', () => {
  const bytes = Buffer.from(golden('sidero.link.ProvisionResponse') ?? '', 'hex');
  const wire = sidero.link.ProvisionResponse.decode(bytes).server_endpoint ?? [];
  expect(logicalEndpoints(talosProfile('1.13'), wire)).toEqual([
    '192.0.2.1:51821',
    '192.0.2.2:51821',
    '192.0.2.3:51821',
  ]);
  expect(logicalEndpoints(talosProfile('1.5'), wire)).toEqual(['192.0.2.1:51821']);
  expect(logicalEndpoints(talosProfile('1.13'), ['a:1'])).toEqual(['a:1']);
  expect(logicalEndpoints(talosProfile('1.13'), [])).toEqual([]);
});

test('events are encoded byte for byte', () => {
  const addresses = ['172.25.0.5', 'fdae:2859:5bb1:7a03:3ae3:be30:7ec4:4c09'];
  const address = addressEvent('pxe-2', addresses);
  expect(hex(address.value)).toBe(golden('machine.AddressEvent'));
  const error = 'sequence failed: unix.Reboot(1234567)';
  expect(hex(sequenceEvent('install', 'NOOP', error).value)).toBe(golden('machine.SequenceEvent'));
  expect(hex(phaseEvent('saveConfig', 'START').value)).toBe(golden('machine.PhaseEvent'));
  expect(hex(serviceEvent('kubelet', 'RUNNING', 'Started task kubelet (PID 1815)').value)).toBe(
    golden('machine.ServiceStateEvent'),
  );
  expect(hex(statusEvent('BOOTING', [['services', 'apid not healthy']]).value)).toBe(
    golden('machine.MachineStatusEvent'),
  );
  expect(hex(restartEvent(RESTART_COMMANDS.kexec).value)).toBe(golden('machine.RestartEvent'));
  expect(hex(configLoadErrorEvent('unknown keys found during decoding').value)).toBe(
    golden('machine.ConfigLoadErrorEvent'),
  );
  expect(hex(encodeEventRequest(address, 'c857jkm1jjcc7393cbs0', undefined))).toBe(vectors.event_request[0]?.hex);
});

test('kernel lines are those of a real machine, digit for digit', () => {
  const at = (text: string, clock: number, nanos: number) => {
    const seconds = Math.floor(Date.parse(text) / 1000) - Math.floor(clock / 1e6);
    const rest = nanos - (clock % 1e6) * 1000;
    return rest < 0 ? { seconds: seconds - 1, nanos: rest + 1e9 } : { seconds, nanos: rest };
  };
  const record = { facility: 'user', priority: 'warning' } as const;
  expect(
    formatKernelLine(
      { ...record, clock: 6252819, msg: '[talos] task startAllServices (1/1): waiting for 6 services\n' },
      711,
      at('2021-11-26T16:53:21Z', 6252819, 325_869_800),
    ),
  ).toBe(vectors.kmsg_lines[0]);
  expect(
    formatKernelLine(
      { ...record, clock: 8576583, msg: '[talos] phase mountState (6/13): 1 tasks(s)\n' },
      665,
      at('2022-02-11T12:42:02Z', 8576583, 748_078_230),
    ),
  ).toBe(vectors.kmsg_lines[1]);
});
