import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { nkeys } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NatsAccess } from '../../src/publish/credentials.ts';
import { createIdentities } from '../helpers/nats-jwt.ts';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../helpers/nats-server.ts';
import { startProxy } from './proxy.ts';
import { ANYBODY, received, World } from './world.ts';

let world: World;
let server: NatsServer;

beforeEach(async () => {
  world = await new World().open();
  await world.append([1, 2, 3], 2);
});

afterEach(async () => {
  await world.dispose();
  await server.dispose();
});

async function publishes(options: NatsServerOptions, access: Partial<NatsAccess>): Promise<void> {
  server = await startNatsServer(options);
  await world.publish([], { access: { ...ANYBODY, servers: [server.url], ...access } });
  await world.published();
}

describe('credentials', () => {
  it('user and password', async () => {
    const passwordFile = world.file('password', 'secret\n');
    await publishes({ auth: { user: 'u', password: 'secret' } }, { user: 'u', passwordFile });
  });

  it('token', async () => {
    await publishes({ auth: { token: 'secret' } }, { tokenFile: world.file('token', 'secret\n') });
  });

  it('nkey', async () => {
    const user = nkeys.createUser();
    const nkeySeedFile = world.file('seed', `${new TextDecoder().decode(user.getSeed())}\n`);
    await publishes({ auth: { nkey: user.getPublicKey() } }, { nkeySeedFile });
  });

  it('credentials file', async () => {
    const identities = createIdentities();
    await publishes({ auth: identities }, { credentialsFile: world.file('user.creds', identities.credentials()) });
  });

  it.each([
    ['no more permissions than docs/how-to/publish-to-jetstream.md asks for', true],
    ['not the one of these that only shows more of what a stream lost', false],
  ])('need %s', async (_name, mayAsk) => {
    const page = readFileSync(new URL('../../docs/how-to/publish-to-jetstream.md', import.meta.url), 'utf8');
    const listed = (what: string): unknown =>
      JSON.parse(new RegExp(`^${what}: (\\[.*\\])$`, 'm').exec(page)?.[1] ?? '');
    const question = '$JS.API.STREAM.MSG.GET.SIDEROLINK';
    const publish = (listed('publish') as string[]).filter((subject) => mayAsk || subject !== question);
    const permissions = { publish, subscribe: listed('subscribe') };
    const passwordFile = world.file('password', 'secret');
    await publishes({ auth: { user: 'u', password: 'secret', permissions } }, { user: 'u', passwordFile });
    expect(world.condition('nats_stream')).toBe('ok: ');
    // It is asked what the stream has when something may have happened to it.
    await server.restart();
    await world.append([1, 2, 3], 2);
    await world.published();
    expect(server.log.includes(`Publish Violation - User "u", Subject "${question}"`)).toBe(!mayAsk);
    expect(server.log.match(/Violation/g)?.length ?? 0).toBe(mayAsk ? 0 : 1);
    expect(world.condition('nats_stream')).toBe('ok: ');
    expect(world.publisher.state.streamProblem).toBeNull();
  });

  it('are read anew for each connection: wrong ones, mended, and exchanged while we run', async () => {
    server = await startNatsServer({ auth: { user: 'u', password: 'old' } });
    const passwordFile = world.file('password', 'wrong');
    await world.publish([], { access: { ...ANYBODY, servers: [server.url], user: 'u', passwordFile } });
    // A client of its own would have given up after the second.
    for (let tries = 0; tries < 4; tries++) {
      await world.until(({ problem }) => problem?.includes('Authorization') === true);
      await world.until(({ problem }) => problem !== null);
    }
    expect(world.condition('nats')).toMatch(/^warning: not connected: Authorization Violation/i);
    writeFileSync(passwordFile, 'old');
    await world.published();

    writeFileSync(passwordFile, 'new');
    await server.restart({ auth: { user: 'u', password: 'new' } });
    await world.append([1, 2, 3], 2);
    await world.published();
  });

  it('that may hear no answers for a while publish on when they may, on the same connection', async () => {
    const auth = { user: 'u', password: 'secret' };
    server = await startNatsServer({ auth });
    const access = {
      ...ANYBODY,
      servers: [server.url],
      user: auth.user,
      passwordFile: world.file('password', 'secret'),
    };
    await world.publish([], { access, outbox: { answerMs: 300 }, link: { unseenMs: Number.POSITIVE_INFINITY } });
    await world.published();
    await server.reload({ auth: { ...auth, permissions: { publish: ['>'], subscribe: ['elsewhere.>'] } } });
    await world.append([1, 2, 3], 2);
    await world.until(({ streamProblem }) => /^may not subscribe to _INBOX/.test(streamProblem ?? ''));
    await world.untilCounted('refused', 3);
    // The server has ended the subscription to answers, and allowing it again does not bring it back.
    await server.reload({ auth });
    await world.published();
    await world.verify(await received({ servers: server.url, user: 'u', pass: 'secret' }));
  });

  it('that are missing or are no such thing are told without what they hold', async () => {
    server = await startNatsServer();
    const { servers } = { servers: [server.url] };
    const nkeySeedFile = world.file('seed', 'SUAsecretsecret');
    await world.publish([], { access: { ...ANYBODY, servers, nkeySeedFile } });
    await world.until(({ problem }) => problem?.includes('holds no nkey seed') === true);
    expect(world.condition('nats')).not.toContain('SUAsecret');
    await world.stop();
    await world.publish([], { access: { ...ANYBODY, servers, tokenFile: '/nowhere/token' } });
    await world.until(({ problem }) => problem?.includes('cannot read /nowhere/token') === true);
  });
});

describe('TLS', () => {
  let files: Record<'ca' | 'serverCert' | 'serverKey' | 'clientCert' | 'clientKey', string>;

  beforeEach(() => {
    const at = (name: string) => world.file(name, '');
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
    const ca = at('ca.pem');
    const caKey = at('ca.key');
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...newKey, '-keyout', caKey, '-out', ca, '-subj', '/CN=ca', '-days', '2');
    const issue = (name: string, extension: string) => {
      const [cert, key, request, config] = [at(`${name}.pem`), at(`${name}.key`), at(`${name}.csr`), at(`${name}.cnf`)];
      openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
      writeFileSync(config, extension);
      const sign = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', config];
      openssl('x509', '-req', '-in', request, '-out', cert, ...sign);
      return { cert, key };
    };
    const { cert: serverCert, key: serverKey } = issue('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
    const { cert: clientCert, key: clientKey } = issue('client', 'extendedKeyUsage=clientAuth');
    files = { ca, serverCert, serverKey, clientCert, clientKey };
  });

  it('with a certificate of ours, which the server demands', async () => {
    const { ca, serverCert, serverKey, clientCert, clientKey } = files;
    const tls = { caFile: ca, certFile: clientCert, keyFile: clientKey };
    await publishes({ tls: { cert: serverCert, key: serverKey, ca } }, { tls });
  });

  it('refuses a server that nobody we trust has signed', async () => {
    server = await startNatsServer({ tls: { cert: files.serverCert, key: files.serverKey } });
    await world.publish([server.url]);
    await world.until(({ problem }) => /certificate|signed/.test(problem ?? ''));
    await world.stop();
    const tls = { caFile: files.ca, certFile: null, keyFile: null };
    await world.publish([], { access: { ...ANYBODY, servers: [server.url], tls } });
    await world.published();
  });

  it('is not done without where it is asked for', async () => {
    server = await startNatsServer({ auth: { user: 'u', password: 'secret' } });
    const servers = [server.url.replace('nats:', 'tls:')];
    const passwordFile = world.file('password', 'secret');
    await world.publish([], { access: { ...ANYBODY, servers, user: 'u', passwordFile } });
    await world.until(({ problem }) => /tls/.test(problem ?? ''));
  });
});

it('leaves a server that is there and cannot reach the stream for one that can', async () => {
  server = await startNatsServer({ jetStream: false });
  await using other = await startNatsServer();
  await other.kill();
  const access = { ...ANYBODY, servers: [server.url, other.url] };
  await world.publish([], { access, link: { unseenMs: 300 } });
  await world.until(({ streamProblem }) => streamProblem?.includes('JetStream is not enabled') === true);
  await other.start();
  await world.published();
  expect(world.publisher.state.server).toContain(String(other.port));
});

it('goes to the server that is there where several are named', async () => {
  const gone = await startNatsServer();
  await gone.dispose();
  server = await startNatsServer();
  for (let round = 0; round < 3; round++) {
    await world.publish([], { access: { ...ANYBODY, servers: [gone.url, server.url] } });
    await world.published();
    await world.stop();
  }
});

it('makes a connection anew on which nothing is answered, though the stream can be looked at', async () => {
  server = await startNatsServer();
  // The first connection's subscription to answers gets lost.
  await using proxy = await startProxy(server.port, (text, client) =>
    client === 0 ? text.replaceAll(/(?<=SUB _)INBOX(?=\.\w+\.> )/g, 'OTHER') : text,
  );
  const access = { ...ANYBODY, servers: [`nats://127.0.0.1:${proxy.port}`] };
  await world.publish([], { access, outbox: { answerMs: 100 }, link: { unseenMs: 500 } });
  await world.published();
  expect(await world.count('refused', { reason: 'timeout' })).toBeGreaterThan(0);
  await world.verify(await received({ servers: server.url }));
});
