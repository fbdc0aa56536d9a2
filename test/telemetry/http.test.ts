import { request } from 'node:http';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { Counter, Gauge } from 'prom-client';
import { afterEach, describe, expect, test } from 'vitest';
import { Health } from '../../src/telemetry/health.ts';
import { TelemetryServer, type TelemetryServerOptions } from '../../src/telemetry/http.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { addHealthMetrics, addProcessMetrics, createRegistry } from '../../src/telemetry/metrics.ts';

const silent = createLogger('silent', new Writable({ write: (_chunk, _encoding, done) => done() }));
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(options: Partial<TelemetryServerOptions> = {}) {
  const registry = createRegistry();
  const health = new Health(() => 0);
  const server = new TelemetryServer({ host: '127.0.0.1', port: 0, ...options }, { registry, health, logger: silent });
  stops.push(() => server.stop(0));
  const { port } = await server.start();
  return { registry, health, server, port, get: (path: string, method = 'GET') => ask(port, path, method) };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

function ask(port: number, path: string, method: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }),
      );
    })
      .on('error', reject)
      .end();
  });
}

test('metrics are those of the registry, with process, build and health', async () => {
  const { registry, health, get } = await serve();
  addProcessMetrics(registry, { version: '1.2.3' });
  addHealthMetrics(registry, health);
  new Counter({ name: 'siderolinkd_test_total', help: 'x', registers: [registry] }).inc(3);
  health.set('store', 'error', 'disk full');
  health.set('wireguard', 'ok');
  const { status, headers, body } = await get('/metrics?x=1');
  expect(status).toBe(200);
  expect(headers['content-type']).toBe(registry.contentType);
  const lines = body.split('\n');
  expect(lines).toContain('siderolinkd_test_total 3');
  expect(lines).toContain('siderolinkd_health_condition{condition="store"} 2');
  expect(lines).toContain('siderolinkd_health_condition{condition="wireguard"} 0');
  expect(lines).toContain('siderolinkd_ready 0');
  expect(lines).toContain(`siderolinkd_build_info{version="1.2.3",node="${process.version}"} 1`);
  expect(lines.some((line) => line.startsWith('nodejs_eventloop_lag_p99_seconds '))).toBe(true);
  expect(lines.some((line) => line.startsWith('process_resident_memory_bytes '))).toBe(true);
});

test('readiness follows the conditions, liveness does not', async () => {
  const { health, get } = await serve();
  expect(await get('/readyz')).toMatchObject({ status: 200, body: 'ready\n' });
  health.set('wireguard', 'error', 'wg is gone; see the log');
  health.set('api_plaintext', 'warning', 'plaintext');
  health.set('store', 'ok');
  expect(await get('/readyz')).toMatchObject({
    status: 503,
    body: 'not ready\nerror wireguard: wg is gone; see the log\nwarning api_plaintext: plaintext\nok store\n',
  });
  expect(health.summary).toBe('error: wireguard: wg is gone; see the log; warning: api_plaintext: plaintext');
  expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  health.set('wireguard', 'ok');
  expect((await get('/readyz')).status).toBe(200);
});

test('other paths and methods are refused', async () => {
  const { get } = await serve();
  expect((await get('/')).status).toBe(404);
  expect((await get('//metrics')).status).toBe(404);
  expect(await get('/metrics', 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  expect(await get('/healthz', 'HEAD')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '3' } });
});

test('a metric that cannot be collected breaks one answer and nothing else', async () => {
  const { registry, get } = await serve();
  new Gauge({
    name: 'siderolinkd_broken',
    help: 'x',
    registers: [registry],
    collect() {
      throw new Error('secret detail');
    },
  });
  const answer = await get('/metrics');
  expect(answer.status).toBe(500);
  expect(answer.body).not.toContain('secret');
  expect((await get('/healthz')).status).toBe(200);
});

test('a port that is taken is an error that says which', async () => {
  const { port } = await serve();
  await expect(serve({ port })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(`cannot listen on 127.0.0.1 port ${port}`),
  });
});

describe('hostile clients', () => {
  /** What the server sends until it closes the connection. */
  function raw(port: number, text: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (data) => {
        answer += data.toString();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(answer));
    });
  }

  test('garbage gets 400', async () => {
    const { port, get } = await serve();
    expect(await raw(port, '\x16\x03\x01garbage\r\n\r\n')).toContain('400 Bad Request');
    expect((await get('/healthz')).status).toBe(200);
  });

  test('a request that never ends is closed', async () => {
    const { port, get } = await serve({ requestTimeoutMs: 100 });
    expect(await raw(port, 'GET /metrics HTTP/1.1\r\nhost: x\r\nx: ')).toContain('408 Request Timeout');
    // On a busy host a whole request may take that long too.
    const status = async () => (await get('/healthz')).status;
    await expect.poll(() => status().catch(() => 0)).toBe(200);
  });

  test('connections beyond the bound are closed', async () => {
    const { port, server } = await serve({ maxConnections: 1 });
    const first = connect(port, '127.0.0.1');
    first.on('error', () => {});
    await new Promise((resolve) => first.once('connect', resolve));
    expect(await raw(port, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')).toBe('');
    await server.stop(0);
  });
});

test('stop ends open connections by its deadline, and may be called again', async () => {
  const { server, port } = await serve();
  const half = connect(port, '127.0.0.1', () => half.write('GET /metrics HTTP/1.1\r\nhost: x\r\n'));
  half.on('error', () => {});
  const closed = new Promise((resolve) => half.once('close', resolve));
  await new Promise((resolve) => half.once('connect', resolve));
  await Promise.all([server.stop(50), server.stop(50), closed]);
  await expect(ask(port, '/healthz', 'GET')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('stop before start is nothing', async () => {
  const deps = { registry: createRegistry(), health: new Health(() => 0), logger: silent };
  await new TelemetryServer({ host: '127.0.0.1', port: 0 }, deps).stop(1000);
});
