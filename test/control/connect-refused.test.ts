import { once } from 'node:events';
import { connect as netConnect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Dial } from '../../src/control/connect.ts';
import { closeAll, closeLater, echo, gone, metric, open, remote, service, socketOf, start } from './byte-streams.ts';
import { uuidOf } from './fakes.ts';
import { startTcp } from './tcp-harness.ts';

afterEach(closeAll);

describe('a byte stream is refused', () => {
  it.each([
    ['to a machine that is not there', 99, 50_000, { code: 'not_found', status: 404 }],
    ['to one that was removed', 2, 50_000, { code: 'conflict', status: 409, message: /is removed, so it has no link/ }],
    ['to one that was rejected', 4, 50_000, { code: 'conflict', status: 409 }],
    ['to one that never had a link', 3, 50_000, { code: 'conflict', status: 409, message: /no link yet/ }],
    ['to another port', 1, 22, { code: 'invalid_argument', status: 400, message: /query\.port: 50000/ }],
    ['to a port that is none', 1, 65_536, { code: 'invalid_argument', status: 400 }],
  ])('%s', async (_, machine, port, error) => {
    const { tcp, dialled } = await start(await service(echo));
    await using _tcp = tcp;
    for (const target of [socketOf(tcp), remote(tcp)]) {
      await expect(open(target, machine, port)).rejects.toMatchObject(error);
    }
    expect(dialled).toEqual([]);
  });

  it('to readers', async () => {
    const { tcp, dialled } = await start(await service(echo));
    await using _tcp = tcp;
    await expect(open(remote(tcp, tcp.tokens.reader))).rejects.toMatchObject({ code: 'unauthorized', status: 403 });
    await expect(open(remote(tcp, `${tcp.tokens.reader}x`))).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(dialled).toEqual([]);
  });

  it('without an upgrade', async () => {
    const { tcp } = await start(await service(echo));
    await using _tcp = tcp;
    const ask = (headers: Record<string, string>) =>
      tcp.ask('GET', `/v1/machines/${uuidOf(1)}/connect`, { role: 'operator', headers });
    for (const headers of [{}, { connection: 'Upgrade', upgrade: 'websocket' }]) {
      const { status, json, headers: answer } = await ask(headers);
      expect([status, json.code, answer.upgrade]).toEqual([426, 'upgrade_required', 'siderolink-connect']);
    }
  });

  it('when the machine refuses it', async () => {
    const { tcp } = await start(undefined);
    await using _tcp = tcp;
    await expect(open(remote(tcp))).rejects.toMatchObject({
      code: 'unavailable',
      status: 504,
      message: `machine ${uuidOf(1)} does not listen on port 50000 now`,
    });
    expect(await metric(tcp, 'connects_total{result="unreachable"}')).toBe(1);
    // It is the machine that is out of order, not the daemon.
    expect(tcp.control.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });

  it('when the machine does not answer in time', async () => {
    const silent: Dial = () => netConnect({ host: 'never.test', port: 1, lookup: () => {} });
    await using tcp = await startTcp({ connect: { timeoutMs: 50 } }, { dial: silent });
    tcp.control.machines.add({ id: 1 });
    await expect(open(remote(tcp))).rejects.toMatchObject({
      status: 504,
      message: /does not answer .* within 0\.05 s/,
    });
  });

  it('when it is removed meanwhile, or we stop', async () => {
    const silent: Dial = () => netConnect({ host: 'never.test', port: 1, lookup: () => {} });
    await using tcp = await startTcp({}, { dial: silent });
    tcp.control.machines.add({ id: 1 }, { id: 2 });
    const [one, two] = [open(remote(tcp), 1), open(remote(tcp), 2)];
    await expect.poll(() => metric(tcp, 'connections')).toBe(2);
    const machine = tcp.control.machines.byId(1);
    if (machine !== undefined) tcp.control.machines.tell({ kind: 'removed', machine });
    await expect(one).rejects.toMatchObject({ code: 'conflict', status: 409 });
    const [, stopped] = await Promise.allSettled([tcp.control.server.stop(2_000), two]);
    expect(stopped).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', status: 503 } });
  });

  it('beyond the bound, until one has ended', async () => {
    const { tcp } = await start(await service(echo), { connect: { max: 2 } });
    await using _tcp = tcp;
    const held = await Promise.all([open(remote(tcp)), open(socketOf(tcp))]);
    await expect(open(remote(tcp))).rejects.toMatchObject({ code: 'exhausted', status: 429 });
    held[0]?.destroy();
    await expect.poll(() => metric(tcp, 'connections')).toBe(1);
    (await open(remote(tcp))).destroy();
    held[1]?.destroy();
  });
});

describe('a request to change the protocol', () => {
  const upgrade = { connection: 'Upgrade', upgrade: 'h2c' };

  it('that no route takes up is answered as any other, and is the last of its connection', async () => {
    const { tcp } = await start(undefined);
    await using _tcp = tcp;
    const { status, headers, json } = await tcp.ask('GET', '/v1/status', { role: 'reader', headers: upgrade });
    expect([status, headers.connection, json.version]).toEqual([200, 'close', expect.any(String)]);
    expect((await tcp.ask('GET', '/nowhere', { role: 'reader', headers: upgrade })).status).toBe(404);
    // A stream too: it ends with the server.
    const stream = await tcp.open('/v1/stream', { role: 'reader', headers: upgrade });
    expect(stream.statusCode).toBe(200);
    await tcp.control.log.untilFollowing(1);
    await tcp.control.server.stop(2_000);
    await gone(stream.socket);
  });

  it('passes the same door', async () => {
    const { tcp, dialled } = await start(undefined);
    await using _tcp = tcp;
    const path = `/v1/machines/${uuidOf(1)}/connect`;
    const headers = { connection: 'Upgrade', upgrade: 'siderolink-connect' };
    const ask = (more: Record<string, string>) => tcp.ask('GET', path, { headers: { ...headers, ...more } });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ origin: 'null' })).status).toBe(403);
    expect((await ask({ host: 'evil.example' })).status).toBe(421);
    expect(dialled).toEqual([]);
  });

  it('with a body is refused: nobody would read it', async () => {
    const { tcp } = await start(undefined);
    await using _tcp = tcp;
    const { status, json } = await tcp.ask('POST', '/v1/join-tokens', { role: 'admin', headers: upgrade, body: {} });
    expect([status, json.code]).toEqual([400, 'invalid_argument']);
    expect(tcp.control.tokens.list()).toEqual([]);
  });

  it('whose caller does not read the answer does not hold up the stop', async () => {
    const { tcp } = await start(undefined);
    await using _tcp = tcp;
    tcp.control.log.append({ subject: 'siderolink._._.kmsg.info', body: { msg: 'x'.repeat(40 * 1024 * 1024) } });
    const socket = netConnect({ path: tcp.control.socket });
    closeLater(() => socket.destroy());
    socket.on('error', () => {});
    socket.write('GET /v1/records HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    // The answer begins, and nobody takes more of it.
    await once(socket, 'readable');
    await tcp.control.server.stop(100);
  });
});
