import { describe, expect, it } from 'vitest';
import { machine } from '../../src/gen/proto.js';
import type { MachineApiError } from '../../src/talos/api-error.ts';
import { MachineApi, type MachineApiOptions } from '../../src/talos/machine-api.ts';
import {
  answer,
  apiServer,
  h2Frame,
  metaWritten,
  normalServer,
  refuse,
  type TestServer,
  tcpServer,
  tlsServer,
} from './server.ts';

const TOKEN = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA';
const never = new AbortController().signal;

function apiAt(port: number, options: Partial<MachineApiOptions> = {}): MachineApi {
  return new MachineApi({ localAddress: '::1', port, ...options });
}

function write(server: Pick<TestServer, 'port'>, options?: Partial<MachineApiOptions>, signal = never): Promise<void> {
  return apiAt(server.port, options).metaWrite('::1', 16, TOKEN, signal);
}

/** How a write failed. That it did not fail is a failure of the test. */
async function failure(attempt: Promise<unknown>): Promise<MachineApiError> {
  return await attempt.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: MachineApiError) => error,
  );
}

describe('a write into META', () => {
  it('is one gRPC call over a connection of its own, from our address, closed afterwards', async () => {
    const asked: { path: string; key: number | null | undefined; value: string }[] = [];
    await using server = await apiServer((stream, { path, message }) => {
      const { key, value } = machine.MetaWriteRequest.decode(message);
      asked.push({ path, key, value: Buffer.from(value ?? []).toString() });
      answer(stream, metaWritten());
    });
    await write(server);
    await write(server);
    const expected = { path: '/machine.MachineService/MetaWrite', key: 16, value: TOKEN };
    expect(asked).toEqual([expected, expected]);
    await server.idle();
    expect(server).toMatchObject({ accepted: 2, remote: '::1' });
  });

  it('takes an answer of up to 64 KiB, with fields that nobody knows', async () => {
    await using server = await apiServer((stream) => answer(stream, unknownField(65_500)));
    await write(server);
  });

  it.each(['P-256', 'P-384', 'X25519'])('agrees with a server that has %s', async (ecdhCurve) => {
    await using server = await apiServer((stream) => answer(stream, metaWritten()), { ecdhCurve });
    await write(server);
  });

  it('takes the address that it is told to: one that this host does not have is no way to the machine', async () => {
    await using server = await apiServer((stream) => answer(stream, metaWritten()));
    const error = await failure(write(server, { localAddress: 'fdae:41e4:649b:9303::1' }));
    expect(error).toMatchObject({ fault: 'unreachable', code: 'unavailable' });
    expect(server.accepted).toBe(0);
  });

  it('is unreachable where nobody listens', async () => {
    const server = await tcpServer(() => {});
    await server[Symbol.asyncDispose]();
    expect(await failure(write(server))).toMatchObject({ fault: 'unreachable', status: null });
  });

  it('tells a refusal with its status, and UNIMPLEMENTED from the others', async () => {
    const statuses = [7, 12, 14];
    await using server = await apiServer((stream) => refuse(stream, statuses.shift() ?? 0, 'no%20META%0Ahere'));
    const refused = await failure(write(server));
    expect(refused).toMatchObject({ fault: 'refused', status: 7 });
    expect(refused.message).toBe("the machine's API answered with gRPC status 7: no META here");
    expect(await failure(write(server))).toMatchObject({ fault: 'unimplemented', status: 12 });
    expect(await failure(write(server))).toMatchObject({ fault: 'refused', status: 14 });
    await server.idle();
  });

  it('keeps its value out of errors, whatever the machine says', async () => {
    const messages = [`bad value ${TOKEN}`, `${'x'.repeat(165)} ${TOKEN}`, [...TOKEN].map(percent).join('')];
    const count = messages.length;
    await using server = await apiServer((stream) => refuse(stream, 3, messages.shift() ?? ''));
    for (let at = 0; at < count; at += 1) {
      const { message } = await failure(write(server));
      expect(message).not.toContain(TOKEN.slice(0, 32));
      expect(message.length).toBeLessThan(300);
    }
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('knows a machine in normal mode by its demand (%s)', async (version) => {
    await using server = await normalServer(version);
    expect(await failure(write(server))).toMatchObject({ fault: 'certificate_demanded' });
    await server.idle();
  });

  it('gives up at its deadline, and closes the connection', async () => {
    await using server = await apiServer(() => {});
    expect(await failure(write(server, { deadlineMs: 80 }))).toMatchObject({ fault: 'timeout' });
    await server.idle();
  });

  it('gives up at its deadline on one that accepts and says nothing', async () => {
    await using server = await tcpServer(() => {});
    expect(await failure(write(server, { deadlineMs: 80 }))).toMatchObject({ fault: 'timeout' });
    await server.idle();
  });

  it('gives up when it is told to, before, within and after the handshake', async () => {
    await using mute = await tcpServer(() => {});
    expect(await failure(write(mute, {}, AbortSignal.abort()))).toMatchObject({ fault: 'aborted' });
    expect(mute.accepted).toBe(0);
    const early = new AbortController();
    await using handshaking = await tcpServer((socket) => socket.once('data', () => early.abort()));
    expect(await failure(write(handshaking, {}, early.signal))).toMatchObject({ fault: 'aborted' });
    const late = new AbortController();
    await using serving = await apiServer(() => late.abort());
    expect(await failure(write(serving, {}, late.signal))).toMatchObject({ fault: 'aborted' });
    await Promise.all([handshaking.idle(), serving.idle()]);
  });

  it('is broken when the machine drops the connection after it has stored the value', async () => {
    await using server = await apiServer((stream) => stream.session?.destroy());
    expect(await failure(write(server))).toMatchObject({ fault: 'broken', status: null });
  });

  const junk: readonly [what: string, server: () => Promise<TestServer>][] = [
    ['no TLS', () => tcpServer((socket) => socket.end('220 mail.example.org ESMTP\r\n'))],
    ['a close within the handshake', () => tcpServer((socket) => socket.once('data', () => socket.end()))],
    ['a reset within the handshake', () => tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()))],
    ['a key exchange that costs much', () => apiServer(() => {}, { ecdhCurve: 'ffdhe3072' })],
    ['TLS 1.1', () => apiServer(() => {}, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })],
    ['TLS without HTTP/2', () => tlsServer(() => {}, ['http/1.1'])],
    ['HTTP/1 after all', () => tlsServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))],
    ['a close after the handshake', () => tlsServer((socket) => socket.end())],
    ['HTTP 404', () => apiServer((stream) => stream.respond({ ':status': 404 }, { endStream: true }))],
    ['no status', () => apiServer((stream) => stream.respond({ ':status': 200 }, { endStream: true }))],
    ['no message', () => apiServer((stream) => refuse(stream, 0, ''))],
    ['half a message', () => apiServer((stream) => answerRaw(stream, Buffer.from([0, 0, 0, 0, 9, 1])))],
    ['a compressed message', () => apiServer((stream) => answerRaw(stream, Buffer.from([1, 0, 0, 0, 0])))],
    ['no protobuf', () => apiServer((stream) => answer(stream, Buffer.from([0x0a, 0xff])))],
    ['more than 64 KiB', () => apiServer((stream) => answer(stream, unknownField(65_600)))],
    ['a megabyte', () => apiServer((stream) => answer(stream, Buffer.alloc(1_048_576)))],
    ['a goodbye', () => apiServer((stream) => stream.session?.goaway(11))],
    [
      'a frame of 16 MB',
      () => tlsServer((socket) => socket.write(h2Frame(0, 0, 1, Buffer.alloc(64)).fill(0xff, 0, 3))),
    ],
  ];
  it.each(junk)('is broken by %s', async (_, make) => {
    await using server = await make();
    expect(await failure(write(server))).toMatchObject({ fault: 'broken' });
    await server.idle();
  });

  const settings = h2Frame(4, 0, 0);
  const floods: readonly [what: string, part: Buffer][] = [
    ['pings', h2Frame(6, 0, 0, Buffer.alloc(8))],
    ['frames that nobody knows', h2Frame(0xfa, 0, 0, Buffer.alloc(1_000))],
    ['settings', h2Frame(4, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]))],
    ['window updates', h2Frame(8, 0, 0, Buffer.from([0, 0, 0, 1]))],
    ['headers without end', h2Frame(9, 0, 1, Buffer.alloc(1_000, 0x40))],
    ['interim answers', h2Frame(1, 4, 1, Buffer.from('08033130320a', 'hex'))],
  ];
  it.each(floods)('ends within its deadline under %s', async (_, part) => {
    const begin = part[3] === 9 ? [settings, h2Frame(1, 0, 1, Buffer.from([0x88]))] : [settings];
    const many = Buffer.concat(Array.from({ length: 64 }, () => part));
    let sent = 0;
    await using server = await tlsServer((socket) => {
      socket.write(Buffer.concat(begin));
      const more = () => {
        if (socket.destroyed) return;
        sent += many.length;
        if (socket.write(many)) setImmediate(more);
        else socket.once('drain', more);
      };
      socket.once('data', more);
    });
    const error = await failure(write(server, { deadlineMs: 60_000 }));
    expect(error.fault).toBe('broken');
    await server.idle();
    expect(sent).toBeGreaterThan(0);
  });

  it('is not kept beyond its deadline by an answer that drips', async () => {
    await using server = await apiServer((stream) => {
      stream.respond({ ':status': 200 });
      const drip = setInterval(() => stream.write(Buffer.from([0])), 5);
      stream.on('close', () => clearInterval(drip));
    });
    expect(await failure(write(server, { deadlineMs: 100 }))).toMatchObject({ fault: 'timeout' });
    await server.idle();
  });
});

describe('a machine is asked for its version', () => {
  it('and tells it', async () => {
    await using server = await apiServer((stream, { path, message }) => {
      expect([path, message.length]).toEqual(['/machine.MachineService/Version', 0]);
      answer(stream, machine.VersionResponse.encode({ messages: [{ version: { tag: 'v1.13.0' } }] }).finish());
    });
    expect(await apiAt(server.port).version('::1', never)).toBe('v1.13.0');
  });

  it('or does not', async () => {
    await using server = await apiServer((stream) => answer(stream, Buffer.alloc(0)));
    expect(await apiAt(server.port).version('::1', never)).toBe('');
  });
});

/** A message with one field that nobody knows, of so many bytes, at most 2 MiB. */
function unknownField(bytes: number): Buffer {
  const length = [(bytes & 0x7f) | 0x80, ((bytes >> 7) & 0x7f) | 0x80, bytes >> 14];
  return Buffer.concat([Buffer.from([0x7a, ...length]), Buffer.alloc(bytes)]);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}

function answerRaw(stream: Parameters<typeof answer>[0], body: Buffer): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(body);
}
