import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readJson, send, type Target } from '../../src/client/transport.ts';
import { issueCertificate } from '../../src/lib/x509.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

interface Authority {
  readonly ca: string;
  issue(hosts: readonly string[]): { readonly cert: string; readonly key: string };
}

function authority(name: string): Authority {
  const issuer = { name, key: newKey() };
  const lifetime = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
  return {
    ca: issueCertificate({ subject: name, key: issuer.key, issuer, ...lifetime, purpose: { pathLength: 0 } }),
    issue(hosts) {
      const key = newKey();
      return {
        cert: issueCertificate({ subject: 'gateway', key, issuer, ...lifetime, purpose: { hosts } }),
        key: pem(key),
      };
    },
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const hello: Handler = (request, response) => {
  response.end(JSON.stringify({ path: request.url, authorization: request.headers.authorization ?? null }));
};

/** A server on this host; returns its port. */
async function serve(handler: Handler, tls?: { readonly cert: string; readonly key: string }): Promise<number> {
  const server = tls === undefined ? createHttpServer(handler) : createHttpsServer(tls, handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const get = (target: Target) => send(target, { method: 'GET', path: '/v1/status', idleTimeoutMs: 5_000 });

describe('a call over TLS', () => {
  let ours: Authority;
  let others: Authority;
  beforeAll(() => {
    ours = authority('ours');
    others = authority('others');
  });

  it('carries the token to whoever the authority vouches for', async () => {
    const port = await serve(hello, ours.issue(['127.0.0.1']));
    const answer = await get({ url: `https://127.0.0.1:${port}`, token: 'slc_secret', ca: ours.ca });
    expect(await readJson(answer)).toEqual({ path: '/v1/status', authorization: 'Bearer slc_secret' });
  });

  it('may be to a host whose certificate has another name', async () => {
    const port = await serve(hello, ours.issue(['gateway.example']));
    const url = `https://127.0.0.1:${port}`;
    await expect(get({ url, ca: ours.ca })).rejects.toMatchObject({ code: 'unavailable' });
    expect((await get({ url, ca: ours.ca, serverName: 'gateway.example' })).statusCode).toBe(200);
  });

  it('ends before the token is sent if somebody else answers', async () => {
    let requests = 0;
    const port = await serve(
      () => {
        requests += 1;
      },
      others.issue(['127.0.0.1']),
    );
    for (const ca of [ours.ca, undefined]) {
      await expect(get({ url: `https://127.0.0.1:${port}`, token: 'slc_secret', ca })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/https:\/\/127\.0\.0\.1.*--ca-file/),
      });
    }
    expect(requests).toBe(0);
  });

  it('with a CA file that is none is refused', async () => {
    const port = await serve(hello, ours.issue(['127.0.0.1']));
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    await expect(get({ url: `https://127.0.0.1:${port}`, ca: broken })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a call in the clear', () => {
  it.each(['127.0.0.1', 'localhost'])('carries a token to %s', async (host) => {
    const port = await serve(hello);
    const answer = await get({ url: `http://${host}:${port}/ignored`, token: 't' });
    expect(await readJson(answer)).toEqual({ path: '/v1/status', authorization: 'Bearer t' });
  });

  it.each(['http://192.0.2.1:80', 'http://127.0.0.1.example.com', 'http://[fd00::1]', 'http://localhost.example'])(
    'carries none to %s',
    async (url) => {
      const error = await get({ url, token: 'slc_secret' }).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('https://') });
      expect(String(error)).not.toContain('slc_secret');
    },
  );

  it.each(['gateway:8443', 'ftp://gateway', '', 'https://'])('goes nowhere with the URL %j', async (url) => {
    await expect(get({ url })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('to nobody says so', async () => {
    const port = await serve(hello);
    cleanups.pop()?.();
    await expect(get({ url: `http://127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });
});

describe('a refusal without a problem of ours', () => {
  it.each([
    [400, 'invalid_argument'],
    [401, 'unauthenticated'],
    [403, 'unauthorized'],
    [404, 'not_found'],
    [409, 'conflict'],
    [412, 'stale'],
    [418, 'invalid_argument'],
    [428, 'precondition_required'],
    [429, 'exhausted'],
    [500, 'internal'],
    [502, 'unavailable'],
    [503, 'unavailable'],
    [507, 'storage'],
  ])('of status %d is %s', async (status, code) => {
    const port = await serve((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>no</h1>');
    });
    await expect(get({ url: `http://127.0.0.1:${port}` })).rejects.toMatchObject({ code, status, problem: undefined });
  });
});
