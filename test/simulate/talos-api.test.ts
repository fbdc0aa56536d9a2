import { once } from 'node:events';
import { connect as http2Connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { connect, createServer } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import { machine as protocol } from '../../src/gen/proto.js';
import { parseBootArguments } from '../../src/simulate/boot-args.ts';
import { SimulatedFleet } from '../../src/simulate/fleet.ts';
import type { MachineNotice, MachineOptions, SimulatedMachine } from '../../src/simulate/machine.ts';
import { talosProfile } from '../../src/simulate/profile.ts';
import { untilClosed } from '../helpers/sockets.ts';
import { ApiClient, handshake } from './api-client.ts';
import { FakeGateway } from './fake-gateway.ts';

const serverKey = PrivateKey.generate().publicKey;
const closers: (() => unknown)[] = [];
let gateway: FakeGateway;
let notices: MachineNotice[] = [];
let heard: () => void = () => {};

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Addresses of loopback stand for the overlay; each machine has one that no other run uses at the same time. */
let hosts = process.pid * 32;

function newHost(): string {
  hosts += 1;
  return `127.${128 + ((hosts >> 16) & 63)}.${(hosts >> 8) & 255}.${hosts & 255}`;
}

async function machine(
  options: Partial<MachineOptions> & { version?: string } = {},
  address = newHost(),
): Promise<SimulatedMachine> {
  notices = [];
  gateway = new FakeGateway(() => ({
    server_endpoint: ['127.0.0.1:51820'],
    server_public_key: serverKey,
    node_address_prefix: `${address}/64`,
    server_address: '127.0.0.1',
  }));
  await gateway.start();
  closers.push(() => gateway.stop());
  const profile = talosProfile(options.version ?? '1.13');
  const args = parseBootArguments(
    `siderolink.api=grpc://127.0.0.1:${gateway.apiPort}?jointoken=t talos.events.sink=127.0.0.1:${gateway.apiPort} ` +
      `talos.logging.kernel=tcp://127.0.0.1:${gateway.kmsgPort}`,
    profile,
  );
  const fleet = new SimulatedFleet(
    { count: 1, profile, args, darkMs: 0, talosApi: { anyPeer: true }, ...options },
    {
      onNotice: (_, notice) => {
        notices.push(notice);
        heard();
      },
    },
  );
  closers.push(() => fleet.stop());
  await fleet.start();
  const [made] = fleet.machines;
  if (made === undefined) throw new Error('no machine');
  return made;
}

/** Waits for something that the machine tells, from now on or before. */
async function noticed(found: (notice: MachineNotice) => boolean): Promise<void> {
  while (!notices.some(found)) {
    await new Promise<void>((resolve) => {
      heard = resolve;
    });
  }
}

const apiOf = (boot: number, mode: string) => (notice: MachineNotice) =>
  notice.kind === 'api' && notice.boot === boot && notice.mode === mode;

function client(of: SimulatedMachine, deadlineMs?: number): ApiClient {
  const made = new ApiClient(`${of.state.address}:50000`, deadlineMs);
  closers.push(() => made.close());
  return made;
}

test('in maintenance mode MetaWrite is stored and the machine provisions again with the same key', async () => {
  const it = await machine({ maintenance: true });
  await noticed(apiOf(1, 'maintenance'));
  expect(it.state).toMatchObject({ api: 'maintenance', configured: false, installed: true });
  const api = client(it);
  expect(await api.version()).toEqual({ ok: 'v1.13.0' });
  expect(await api.metaWrite(16, 'unique')).toEqual({ ok: 1 });
  await gateway.until(() => gateway.provisions.length === 2);
  expect(await api.metaWrite(15, 'b7a6a0a0-1111-4222-8333-444455556666')).toEqual({ ok: 1 });
  await gateway.until(() => gateway.provisions.length === 3);
  expect(gateway.provisions.map((p) => [p.node_unique_token, p.node_uuid])).toEqual([
    ['', it.uuid],
    ['unique', it.uuid],
    ['unique', 'b7a6a0a0-1111-4222-8333-444455556666'],
  ]);
  expect(new Set(gateway.provisions.map((p) => p.node_public_key)).size).toBe(1);
  expect(it.meta).toEqual(
    new Map([
      [16, 'unique'],
      [15, 'b7a6a0a0-1111-4222-8333-444455556666'],
    ]),
  );
  expect(it.counters).toMatchObject({ metaWrites: 2, apiConnections: 1 });
  expect(notices).toContainEqual({ kind: 'meta', boot: 1, key: 16, change: 'written' });
});

test('the certificate is of this boot, and asks for none', async () => {
  const it = await machine({ maintenance: true });
  await noticed(apiOf(1, 'maintenance'));
  const host = it.state.address ?? '';
  const first = await handshake(host, 50_000);
  const certificate = first.socket.getPeerX509Certificate();
  expect(certificate?.subject).toBe('CN=maintenance-service.talos.dev');
  expect(certificate?.subjectAltName).toContain(host);
  expect([first.socket.alpnProtocol, first.socket.getProtocol()]).toEqual(['h2', 'TLSv1.3']);
  const again = await handshake(host, 50_000);
  expect(again.socket.getPeerX509Certificate()?.fingerprint256).toBe(certificate?.fingerprint256);
  await it.reboot();
  expect(await first.failure).not.toBe('');
  await noticed(apiOf(2, 'maintenance'));
  const next = await handshake(host, 50_000);
  expect(next.socket.getPeerX509Certificate()?.fingerprint256).not.toBe(certificate?.fingerprint256);
  next.socket.destroy();
});

test('a running machine wants a client certificate, and says so after the handshake', async () => {
  const it = await machine();
  await noticed(apiOf(1, 'running'));
  const { failure } = await handshake(it.state.address ?? '', 50_000);
  expect(await failure).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
  expect(await client(it).metaWrite(16, 'x')).toMatchObject({ code: 14 });
  expect(it.meta.size).toBe(0);
});

test('a machine that gets its configuration leaves maintenance in the same boot', async () => {
  const it = await machine({ maintenance: true });
  await noticed(apiOf(1, 'maintenance'));
  const { failure } = await handshake(it.state.address ?? '', 50_000);
  const key = it.state.publicKey;
  await it.configure();
  expect(await failure).toBe('closed');
  await noticed(apiOf(1, 'running'));
  await noticed(({ kind }) => kind === 'configured');
  expect(it.state).toMatchObject({ boot: 1, publicKey: key, configured: true, api: 'running' });
  const { failure: refusal } = await handshake(it.state.address ?? '', 50_000);
  expect(await refusal).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
  // Once more changes nothing, and the next boot runs.
  await it.configure();
  await it.reboot();
  await noticed(apiOf(2, 'running'));
});

test('its events tell of maintenance and of its end, its lines keep their order', async () => {
  const it = await machine({ maintenance: true });
  await noticed(apiOf(1, 'maintenance'));
  await it.configure();
  await noticed(({ kind }) => kind === 'configured');
  await gateway.until(() => it.state.eventsPending === 0 && gateway.lines.length === it.state.nextSeq);
  const told = gateway.events.flatMap(({ type, value }) => {
    if (type === 'MachineStatusEvent') return [stageOf(value)];
    if (type !== 'TaskEvent') return [];
    const { task, action } = protocol.TaskEvent.decode(value);
    return task === 'runningMaintenance' ? [`${task} ${action === 1 ? 'stop' : 'start'}`] : [];
  });
  expect(told.filter((each, index) => each !== told[index - 1])).toEqual([
    'BOOTING',
    'runningMaintenance start',
    'MAINTENANCE',
    'runningMaintenance stop',
    'BOOTING',
    'RUNNING',
  ]);
  const clocks = gateway.lines.map((line) => (JSON.parse(line) as { clock: number }).clock);
  expect(clocks).toEqual(clocks.toSorted((a, b) => a - b));
  expect(gateway.lines.some((line) => line.includes('machine is running and ready'))).toBe(true);
});

test('META of a machine booted from PXE is lost at each reboot, until it is installed', async () => {
  const it = await machine({ maintenance: true, loseMeta: true });
  await noticed(apiOf(1, 'maintenance'));
  const api = client(it);
  await api.metaWrite(16, 'first');
  await it.reboot();
  expect(it.meta.size).toBe(0);
  await noticed(apiOf(2, 'maintenance'));
  expect(await api.metaWrite(16, 'second')).toEqual({ ok: 1 });
  await it.configure();
  expect(it.state).toMatchObject({ boot: 3, configured: true, installed: true });
  await noticed(apiOf(3, 'running'));
  await it.reboot();
  expect(it.meta).toEqual(new Map([[16, 'second']]));
  expect(gateway.provisions.at(-1)?.node_unique_token).toBe('second');
  const sequences = gateway.events
    .filter((e) => e.type === 'SequenceEvent')
    .map((e) => protocol.SequenceEvent.decode(e.value));
  expect(sequences.map(({ sequence }) => sequence)).toContain('install');
});

test('a reset takes the configuration, a wipe META too; a power cut runs no sequence', async () => {
  const it = await machine({ meta: new Map([[16, 'cloned']]), quiet: true });
  await noticed(apiOf(1, 'running'));
  await it.reboot({ sequence: 'reset', abrupt: true });
  expect(it.state.configured).toBe(true);
  await it.reboot({ sequence: 'reset' });
  expect(it.state.configured).toBe(false);
  expect(it.meta).toEqual(new Map([[16, 'cloned']]));
  await noticed(apiOf(3, 'maintenance'));
  await it.reboot({ sequence: 'reset', loseMeta: true });
  expect(it.meta.size).toBe(0);
});

test('MetaDelete deletes what is there, and the machine provisions without it', async () => {
  const it = await machine({ maintenance: true, meta: new Map([[16, 'old']]) });
  await noticed(apiOf(1, 'maintenance'));
  const api = client(it);
  expect(await api.metaDelete(16)).toEqual({ ok: 1 });
  expect(await api.metaDelete(16)).toEqual({ code: 5, details: 'meta key not found' });
  await gateway.until(() => gateway.provisions.length === 2);
  expect(gateway.provisions.map((p) => p.node_unique_token)).toEqual(['old', '']);
});

test('a write of the same value is stored and changes nothing', async () => {
  const it = await machine({ maintenance: true, meta: new Map([[16, 'same']]) });
  await noticed(apiOf(1, 'maintenance'));
  const api = client(it);
  expect(await api.metaWrite(16, 'same')).toEqual({ ok: 1 });
  expect(await api.metaWrite(16, 'other')).toEqual({ ok: 1 });
  await gateway.until(() => gateway.provisions.at(-1)?.node_unique_token === 'other');
  expect(gateway.provisions).toHaveLength(2);
  expect(it.counters.metaWrites).toBe(2);
});

const notServed = (method: string) => ({ code: 12, details: `method ${method} not implemented` });

test.each([
  ['1.1', notServed('Version'), notServed('MetaWrite')],
  ['1.5', { ok: 'v1.5.0' }, notServed('MetaWrite')],
  ['1.6', { ok: 'v1.6.0' }, { ok: 1 }],
  ['1.12', { ok: 'v1.12.0' }, { ok: 1 }],
  ['1.14', { ok: 'v1.14.0' }, { ok: 1 }],
])(
  'Talos %s over SideroLink answers Version and MetaWrite in maintenance mode as it should',
  async (version, first, second) => {
    const it = await machine({ maintenance: true, version });
    await noticed(apiOf(1, 'maintenance'));
    const api = client(it);
    expect([await api.version(), await api.metaWrite(16, 't')]).toEqual([first, second]);
  },
);

const notThere = { code: 12, details: 'API is not implemented in maintenance mode' };

test.each([
  ['1.6', notThere, notThere],
  ['1.12', notThere, notThere],
  ['1.13', { ok: 'v1.13.0' }, { code: 7, details: 'not authorized' }],
])('Talos %s answers a peer outside of SideroLink differently', async (version, first, second) => {
  const it = await machine({ maintenance: true, version, talosApi: true });
  await noticed(apiOf(1, 'maintenance'));
  const api = client(it);
  expect([await api.version(), await api.metaWrite(16, 't'), await api.metaDelete(16)]).toEqual([
    first,
    second,
    second,
  ]);
  expect(it.meta.size).toBe(0);
});

test('what is no call of this API is refused, and the next call works', async () => {
  const it = await machine({ maintenance: true });
  await noticed(apiOf(1, 'maintenance'));
  const api = client(it);
  const call = '/machine.MachineService/MetaWrite';
  expect(await api.raw('/machine.MachineService/Reboot', new Uint8Array())).toEqual(notServed('Reboot'));
  expect(await api.raw('/cosi.State/List', new Uint8Array())).toMatchObject({
    code: 12,
    details: 'unknown service cosi.State',
  });
  expect(await api.raw(call, Buffer.of(0xff))).toMatchObject({ code: 13 });
  expect(await api.raw(call, Buffer.alloc(5 * 1024 * 1024))).toMatchObject({ code: 8 });
  expect(await api.metaWrite(256, 'x')).toEqual({ code: 3, details: 'key must be a uint8' });
  expect(await api.metaWrite(9, 'x'.repeat(300 * 1024))).toEqual({ code: 8, details: 'meta write failed' });
  expect(await api.metaWrite(16, 'good')).toEqual({ ok: 1 });
});

test('bytes that are no TLS, TLS without ALPN and HTTP that is no gRPC harm nobody', async () => {
  const it = await machine({ maintenance: true, quiet: true });
  await noticed(apiOf(1, 'maintenance'));
  const host = it.state.address ?? '';
  const garbage = connect(50_000, host);
  garbage.resume().on('error', () => {});
  garbage.write('GET / HTTP/1.1\r\n\r\n');
  await untilClosed(garbage);

  const plain = tlsConnect({ host, port: 50_000, rejectUnauthorized: false });
  plain.resume().on('error', () => {});
  await untilClosed(plain);
  expect(plain.bytesRead).toBe(0);

  const session = http2Connect(`https://${host}:50000`, { rejectUnauthorized: false });
  const statusOf = async (headers: OutgoingHttpHeaders) => {
    const stream = session.request(headers);
    stream.resume().end();
    const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status'?: number }];
    return answer[':status'];
  };
  const path = '/machine.MachineService/Version';
  expect(await statusOf({ ':method': 'GET', ':path': path, 'content-type': 'application/grpc' })).toBe(405);
  expect(await statusOf({ ':method': 'POST', ':path': path, 'content-type': 'text/plain' })).toBe(415);
  // No message at all.
  expect(await statusOf({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' })).toBe(200);
  session.destroy();

  expect(await client(it).version()).toEqual({ ok: 'v1.13.0' });
});

test('a connection too many is dropped, and its place is free again when another ends', async () => {
  const it = await machine({ maintenance: true, quiet: true, talosApi: { anyPeer: true, maxConnections: 2 } });
  await noticed(apiOf(1, 'maintenance'));
  const host = it.state.address ?? '';
  const first = await handshake(host, 50_000);
  const second = await handshake(host, 50_000);
  const third = connect(50_000, host);
  third.resume().on('error', () => {});
  await untilClosed(third);
  first.socket.destroy();
  // The other side has to notice it first.
  await expect.poll(() => client(it, 5_000).version()).toEqual({ ok: 'v1.13.0' });
  second.socket.destroy();
});

test('faults: each is what it says, and ends when it is told to', async () => {
  const it = await machine({ maintenance: true });
  await noticed(apiOf(1, 'maintenance'));
  const host = it.state.address ?? '';

  await it.setApiFault('refuse');
  const refused = connect(50_000, host);
  expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  expect(it.state.api).toBeNull();

  await it.setApiFault('hang');
  const hung = connect(50_000, host);
  await once(hung, 'connect');
  expect(await client(it, 300).version()).toMatchObject({ code: expect.toBeOneOf([4, 14]) as number });
  expect(hung.bytesRead).toBe(0);
  hung.destroy();

  await it.setApiFault('stall');
  expect(await client(it, 300).version()).toMatchObject({ code: 4 });

  await it.setApiFault('error');
  const api = client(it);
  expect(await api.metaWrite(16, 'a')).toEqual({ code: 2, details: 'meta: input/output error' });
  expect(await api.version()).toEqual({ ok: 'v1.13.0' });
  expect(it.meta.size).toBe(0);

  await it.setApiFault('drop');
  expect(await api.metaWrite(16, 'b')).toMatchObject({ code: 14 });
  expect(it.meta.get(16)).toBe('b');

  await it.setApiFault('flood');
  expect(await api.raw('/machine.MachineService/MetaWrite', Buffer.of(8, 9))).toEqual({ ok: 2 + 4 + 1024 * 1024 });

  await it.setApiFault('none');
  expect(await api.metaWrite(16, 'c')).toEqual({ ok: 1 });
  expect(it.counters.metaWrites).toBe(3);
});

test('where the machine gets another address, the API moves with it', async () => {
  const it = await machine({ maintenance: true, quiet: true });
  await noticed(apiOf(1, 'maintenance'));
  const before = it.state.address ?? '';
  const { failure } = await handshake(before, 50_000);
  const next = newHost();
  const { answer } = gateway;
  gateway.answer = (request) => ({ ...answer(request), node_address_prefix: `${next}/64` });
  expect(await client(it).metaWrite(15, 'b7a6a0a0-1111-4222-8333-444455556666')).toEqual({ ok: 1 });
  await noticed((notice) => notice.kind === 'api' && notice.address === next);
  expect(await failure).toBe('closed');
  const refused = connect(50_000, before);
  expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  const moved = await handshake(next, 50_000);
  expect(moved.socket.getPeerX509Certificate()?.subjectAltName).toContain(next);
  moved.socket.destroy();
});

test('a fault outlives the boot', async () => {
  const it = await machine({ maintenance: true, quiet: true });
  await noticed(apiOf(1, 'maintenance'));
  await it.setApiFault('refuse');
  await it.reboot();
  await noticed(({ kind, boot }) => kind === 'linked' && boot === 2);
  expect(it.state.api).toBeNull();
  await it.setApiFault('none');
  expect(it.state.api).toBe('maintenance');
});

test('where the port is taken it waits until it is free', async () => {
  const taken = createServer();
  const host = newHost();
  taken.listen(50_000, host);
  await once(taken, 'listening');
  const it = await machine({ maintenance: true, quiet: true }, host);
  await gateway.until(() => gateway.lines.some((line) => line.includes('EADDRINUSE')));
  expect(it.state.api).toBeNull();
  taken.close();
  await noticed(apiOf(1, 'maintenance'));
  expect(await client(it).version()).toEqual({ ok: 'v1.13.0' });
});

test('without the option nobody listens', async () => {
  const it = await machine({ maintenance: true, talosApi: false });
  await noticed(({ kind }) => kind === 'linked');
  await noticed(({ kind }) => kind === 'booted');
  const refused = connect(50_000, it.state.address ?? '');
  expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  expect(it.state.api).toBeNull();
});

function stageOf(value: Uint8Array): string {
  const { stage } = protocol.MachineStatusEvent.decode(value);
  return protocol.MachineStatusEvent.MachineStage[stage ?? 0] ?? '';
}
