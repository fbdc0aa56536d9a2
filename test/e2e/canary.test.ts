import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { controlTokenDigest, controlTokenLine, newControlToken } from '../../src/domain/control-token.ts';
import { META_UNIQUE_TOKEN } from '../../src/domain/token-write.ts';
import { events, machine as machineEvents, sidero } from '../../src/gen/proto.js';
import { newKey } from '../fleet/fakes.ts';
import { act, ProcessWatch, run, spyOnPrograms } from './canary-host.ts';
import { CanaryHunt } from './canary-hunt.ts';
import type { Answer, Deed } from './canary-worker.ts';
import { daemonPid } from './flood-host.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';

// Law 8: secrets stay inside. Everything that handles a secret is driven with secrets that the test knows; then every
// place where one could have been written down is searched, in every form that we could think of.

const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));
const CTL = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const CONTROL_PORT = 9443;
const API = '192.0.2.1:8081';
/** Files whose purpose it is to hold a secret, with the canaries that belong in them. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  'private-key': ["the server's WireGuard key"],
  'unique-token-key': ['the key of the hashes of unique tokens'],
  'api-ca.pem': ["the authority's key"],
};

const gateway = new Gateway();
const hunt = new CanaryHunt();
/** What may be known, and is in every place that is searched: where not even this is found, the search sees nothing. */
const signs = new CanaryHunt();
for (const sign of ['unauthorized', 'listMachines', 'siderolinkd_join_refused_total']) signs.add(sign, sign);
/** What was said to callers, by place. */
const said = new Map<string, string>();
let programs: ReturnType<typeof spyOnPrograms>;
let watch: ProcessWatch;
let ca: string;
let controlToken: string;

/** A canary that no secret of ours looks like. */
function canary(name: string, prefix = ''): string {
  const text = prefix + randomBytes(30).toString('base64url');
  hunt.add(name, text.slice(prefix.length));
  return text;
}

/** The secret part of a join token; its id is public. */
function joinToken(name: string, text: string): string {
  hunt.add(name, text.slice(text.indexOf('.') + 1), Buffer.from(text.slice(text.indexOf('.') + 1), 'base64url'));
  return text;
}

function keep(place: string, answers: readonly Answer[]): void {
  for (const [index, { text }] of answers.entries()) said.set(`${place} ${index}`, text);
}

beforeAll(async () => {
  await gateway.create();
  controlToken = newControlToken();
  hunt.add('a control token', controlToken.slice(4), Buffer.from(controlToken.slice(4), 'base64url'));
  const tokensFile = join(gateway.directory, 'tokens');
  const hash = controlTokenDigest(controlToken).toString('hex');
  writeFileSync(tokensFile, `${controlTokenLine({ role: 'admin', hash, name: 'test' })}\n`, { mode: 0o600 });
  programs = spyOnPrograms(gateway.directory);
  vi.stubEnv('PATH', `${programs.bin}:${process.env['PATH']}`);
  const starting = gateway.start({
    'log.level': 'trace',
    'api.tls.self_signed': 'true',
    'control.listen': `127.0.0.1:${CONTROL_PORT}`,
    'control.tokens_file': tokensFile,
  });
  vi.unstubAllEnvs();
  await starting;
  watch = new ProcessWatch(await daemonPid(gateway));
  signs.add('the directory', gateway.directory);
  signs.add('the server', (await gateway.client.status()).overlay.server);

  const state = (name: string) => readFileSync(join(gateway.directory, 'state', name), 'utf8').trim();
  hunt.add("the server's WireGuard key", state('private-key'), Buffer.from(state('private-key'), 'base64'));
  const hmacKey = state('unique-token-key');
  hunt.add('the key of the hashes of unique tokens', hmacKey, Buffer.from(hmacKey, 'base64'));
  const pem = state('api-ca.pem');
  const scalar = Buffer.from(String(createPrivateKey(pem).export({ format: 'jwk' }).d), 'base64url');
  hunt.add("the authority's key", (pem.split('\n')[1] ?? '').slice(-40), scalar);

  const [, early = ''] = /talos\.config\.early=(\S+)/.exec(await gateway.kernelArguments()) ?? [];
  ca = parse(zstdDecompressSync(Buffer.from(early, 'base64')).toString()).certificates;
  joinToken('the join token', gateway.token);
}, 240_000);
afterAll(() => gateway.dispose());

function provision(fields: sidero.link.IProvisionRequest): Deed {
  const message = sidero.link.ProvisionRequest.encode({
    node_uuid: randomUUID(),
    node_public_key: newKey(),
    node_unique_token: '',
    talos_version: 'v1.13.0',
    ...fields,
  }).finish();
  return raw(message);
}

function raw(message: Uint8Array): Deed {
  const path = '/sidero.link.ProvisionService/Provision';
  return { do: 'grpc', target: API, ca, path, message: Buffer.from(message).toString('base64') };
}

function http(method: string, path: string, body?: string, headers: Record<string, string> = {}): Deed {
  const authorization = `Bearer ${controlToken}`;
  const content = body === undefined ? {} : { 'content-type': 'application/json' };
  const common = { do: 'http', port: CONTROL_PORT, method, path } as const;
  return { ...common, headers: { authorization, ...content, ...headers }, ...(body !== undefined && { body }) };
}

describe('secrets that are handled', () => {
  it('join tokens: made, used, rotated, revoked, deleted, guessed', async () => {
    const { client } = gateway;
    const used = joinToken('a used join token', (await client.createToken({ name: 'used', max_uses: 1 })).secret);
    const rotated = await client.createToken({ name: 'rotated' });
    joinToken('a rotated join token', rotated.secret);
    joinToken('its successor', (await client.rotateToken(rotated.id, { overlap: '1h' })).secret);
    const revoked = await client.createToken({ name: 'revoked' });
    joinToken('a revoked join token', revoked.secret);
    await client.revokeToken(revoked.id);
    const deleted = await client.createToken({ name: 'deleted' });
    joinToken('a deleted join token', deleted.secret);
    await client.revokeToken(deleted.id);
    await client.deleteToken(deleted.id);
    const guess = canary('a guess at the secret of a token that there is');
    const unique = canary('a unique token that a machine brought');
    const wrongUnique = canary('a unique token that is nobody’s');
    const twin = randomUUID();
    signs.add('the id of a token', rotated.id);
    signs.add('a machine', twin);
    const answers = await act(gateway.namespace.name, [
      provision({ node_uuid: twin, join_token: used, node_unique_token: unique }),
      provision({ join_token: used }),
      provision({ join_token: revoked.secret }),
      provision({ join_token: deleted.secret }),
      provision({ join_token: `${rotated.id}.${guess}` }),
      provision({ join_token: canary('a join token that is nobody’s') }),
      provision({ node_uuid: twin, node_unique_token: wrongUnique }),
      provision({ node_uuid: twin, node_unique_token: wrongUnique, join_token: gateway.token }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([0, 7, 7, 7, 7, 7, 7, 0]);
    keep('Provision', answers);
  }, 240_000);

  it('unique tokens: handed out at pre-registration, written over the link', async () => {
    const { machine } = await gateway.client.registerMachine(randomUUID(), { unique_token: true });
    hunt.add('a unique token of a pre-registered machine', machine.unique_token_secret ?? '');
    const early = canary('the inline configuration of a machine');
    const inline = `talos.config.inline=${early}`;
    const guest = await Guest.create(gateway, {
      ca,
      quiet: false,
      maintenance: true,
      kernelArguments: `${await gateway.kernelArguments()} ${inline} talos.config.oauth.client_secret=${canary('a client secret')}`,
    });
    await guest.on();
    await guest.written(META_UNIQUE_TOKEN);
    hunt.add(
      'a unique token that was written over the link',
      (await guest.machine.meta()).get(META_UNIQUE_TOKEN) ?? '',
    );
    await says(guest);
    await guest.machine.reboot();
    await guest.linked();
  }, 240_000);

  /** What a machine's kernel, services and events may say. */
  async function says(guest: Guest): Promise<void> {
    const url = (name: string) => `grpc://gw.example:8081?jointoken=${canary(name)}&grpc_tunnel=true`;
    const twice = encodeURIComponent(encodeURIComponent(url('a token in a kernel line, url-encoded twice')));
    const lines = [
      `args: siderolink.api=${url('a token in a kernel line')} panic=0`,
      `controller failed {"api":${JSON.stringify(url('a token in a kernel line, in JSON')).replaceAll('&', '\\u0026')}}`,
      `GET /proxy?to=${encodeURIComponent(url('a token in a kernel line, url-encoded'))} 200`,
      `GET /proxy?to=${twice} 200`,
      `jointoken: "${canary('a token in a kernel line, in YAML')}"`,
      `talos.config.early=${canary('an early configuration in a kernel line')}`,
    ];
    for (const line of lines) await guest.machine.log(line);
    const { overlay } = await gateway.client.status();
    const service = {
      msg: `dialing ${url('a token in a service log')}`,
      'talos-level': 'info',
      'talos-service': 'machined',
      'talos-time': new Date().toISOString(),
      url: url('a token in a field of a service log'),
      jointoken: canary('a token that is a field of a service log'),
    };
    const answers = await act(guest.machine.namespace.name, [
      { do: 'tcp', host: overlay.server, port: 4001, text: `${JSON.stringify(service)}\n` },
      {
        do: 'tcp',
        host: overlay.server,
        port: 4001,
        text: `no JSON at all ${url('a token in a line that is no JSON')}\n`,
      },
      ...publications(overlay.server, url),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 0));
    keep('sinks', answers);
  }

  function publications(server: string, url: (name: string) => string): Deed[] {
    const of = (id: string, type: string, value: Uint8Array): Deed => {
      const data = { type_url: `talos/runtime/${type}`, value };
      const message = events.EventRequest.encode({ id, data, actor_id: 'actor' }).finish();
      const path = '/events.EventSinkService/Publish';
      return { do: 'grpc', target: `[${server}]:4002`, path, message: Buffer.from(message).toString('base64') };
    };
    const error = { message: `provisioning ${url('a token in an event')}: refused` };
    const unknown = Buffer.from(`\x0a\x7f${url('a token in an event that nobody knows')}`);
    return [
      of('c1', 'machine.SequenceEvent', machineEvents.SequenceEvent.encode({ sequence: 'boot', error }).finish()),
      of(
        'c2',
        'machine.ConfigLoadErrorEvent',
        machineEvents.ConfigLoadErrorEvent.encode({ error: url('a token in a configuration error') }).finish(),
      ),
      of('c3', 'machine.NotYetInvented', unknown),
      of('c4', 'machine.SequenceEvent', Buffer.from(`\xff\xff${url('a token in a broken event')}`, 'latin1')),
    ];
  }

  it('bad calls of Provision, with a secret where it breaks', async () => {
    const key = canary('a secret where the key should be');
    const uuid = canary('a secret where the UUID should be');
    const answers = await act(gateway.namespace.name, [
      raw(Buffer.concat([Buffer.of(0x0a, 0x7f), Buffer.from(canary('a secret in what is no message'))])),
      raw(
        Buffer.concat([Buffer.of(0x12, 0x28), Buffer.from(`\xff${canary('a secret in what is no text')}`, 'latin1')]),
      ),
      provision({ node_public_key: key }),
      provision({ node_uuid: uuid }),
      provision({ node_uuid: `${canary('a secret in a UUID that is too long')}${'x'.repeat(64)}` }),
      provision({ join_token: `${canary('a secret in a token that is too long')}${'x'.repeat(5_000)}` }),
      provision({ node_unique_token: `${canary('a secret in a unique token that is too long')}${'x'.repeat(5_000)}` }),
      provision({ talos_version: canary('a secret where the version should be') }),
    ]);
    expect(answers.every(({ status }) => status !== 0)).toBe(true);
    keep('bad Provision', answers);
  }, 240_000);

  it('bad requests to the control API, with a secret where it breaks', async () => {
    const wrong = canary('a control token that is nobody’s', 'slc_');
    const bare = (authorization: string): Record<string, string> => ({ authorization });
    const inUrl = canary('a control token in a URL', 'slc_');
    const whole = (name: string) => joinToken(name, `${randomBytes(9).toString('base64url')}.${canary(`${name} `)}`);
    const uuid = randomUUID();
    const answers = await act(gateway.namespace.name, [
      http('GET', '/v1/status'),
      http('GET', '/v1/status', undefined, bare(`Bearer ${wrong}`)),
      http('GET', '/v1/status', undefined, bare(`Basic ${canary('a secret in another kind of authorization')}`)),
      http('GET', '/v1/status', undefined, bare(canary('a secret without a kind of authorization'))),
      http('GET', `/v1/status?token=${inUrl}`),
      http('GET', `/v1/status?access_token=${inUrl}`, undefined, bare('Bearer wrong')),
      http('GET', `/v1/${inUrl}`),
      http('GET', `/${inUrl}/status`, undefined, bare('Bearer wrong')),
      http('GET', `/v1/machines/${canary('a secret where a UUID should be')}`),
      http('GET', `/v1/machines?state=${canary('a secret where a state should be')}`),
      http('GET', `/v1/machines?limit=${canary('a secret where a number should be')}`),
      http('GET', `/v1/machines?cursor=${canary('a secret where a cursor should be')}`),
      http('GET', `/v1/machines?selector=${encodeURIComponent(`!! ${canary('a secret in a broken selector')}`)}`),
      http('GET', `/v1/records?filter=${canary('a secret in a broken filter')}..%3E`),
      http('GET', `/v1/records?since=${canary('a secret where a time should be')}`),
      http('POST', `/v1/join-tokens/${whole('a whole join token where its id should be')}/revoke`),
      http('DELETE', `/v1/join-tokens/${whole('a whole join token where its id should be, to delete')}`),
      http('POST', '/v1/kernel-args', `{"token":"${canary('a secret in JSON that breaks behind it')}"`),
      http('POST', '/v1/kernel-args', `{"token": ${canary('a secret where JSON breaks')}}`),
      http('POST', '/v1/kernel-args', `{"tokens":"${canary('a secret in an unknown field')}"}`),
      http('POST', '/v1/kernel-args', `{"token":["${canary('a secret in a list')}"]}`),
      http(
        'POST',
        '/v1/join-tokens',
        JSON.stringify({ name: 'x', expires_at: canary('a secret where an expiry should be') }),
      ),
      http('POST', '/v1/join-tokens', JSON.stringify({ name: 'x', secret: canary('a secret that somebody chose') })),
      http('POST', '/v1/join-tokens', canary('a secret that is a body'), { 'content-type': 'text/plain' }),
      http(
        'PUT',
        `/v1/machines/${uuid}`,
        JSON.stringify({ unique_token: canary('a unique token that somebody chose') }),
      ),
      http('PUT', `/v1/machines/${uuid}`, '{}', { 'if-match': canary('a secret where a version should be seen') }),
      http('GET', '/v1/status', undefined, { origin: `https://${canary('a secret in an origin')}` }),
      http('GET', '/v1/status', undefined, { host: canary('a secret in a host') }),
    ]);
    keep('control API', answers);
    // The first is as it should be; of the other, what is in the query is a mistake.
    const good = answers.filter(({ status }) => status < 400);
    expect([good.length, answers[0]?.status, answers[4]?.status]).toEqual([1, 200, 400]);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  }, 240_000);

  it('a configuration with a secret where it is wrong', async () => {
    const file = join(gateway.directory, 'wrong.yaml');
    writeFileSync(
      file,
      [
        'api: { token: ',
        canary('a secret in an unknown setting'),
        ' }\n',
        'publish: { nats: { password: ',
        canary('a password in the configuration'),
        ' } }\n',
        'control: { token: ',
        canary('a control token in the configuration', 'slc_'),
        ' }\n',
        'join_token: ',
        canary('a join token in the configuration'),
        '\n',
      ].join(''),
    );
    const { code, said: output } = await run(gateway.namespace.name, [MAIN, 'check-config', '--config', file]);
    expect(code).toBe(78);
    said.set('check-config', output);
  });

  it('commands: they say of secrets what they are asked for, and no more', async () => {
    const right = join(gateway.directory, 'token');
    const wrong = join(gateway.directory, 'wrong-token');
    writeFileSync(right, `${controlToken}\n`, { mode: 0o600 });
    writeFileSync(wrong, `${canary('a control token of a command that is nobody’s', 'slc_')}\n`, { mode: 0o600 });
    const target = (file: string) => ['--url', `http://127.0.0.1:${CONTROL_PORT}`, '--token-file', file];
    const commands = [
      [...target(wrong), 'status'],
      [...target(right), 'status', '-o', 'json'],
      [...target(right), 'machine', 'list', '-o', 'json'],
      [...target(right), 'machine', 'list', '-o', 'wide'],
      [...target(right), 'token', 'list', '-o', 'json'],
      [...target(right), 'token', 'list', '-o', 'wide'],
      [...target(right), 'kernel-args', '-o', 'json'],
    ];
    for (const command of commands) {
      const { code, said: output } = await run(gateway.namespace.name, [CTL, ...command]);
      expect([command.join(' '), code === 0]).toEqual([command.join(' '), !command.includes(wrong)]);
      said.set(`siderolinkctl ${command.slice(4).join(' ')}`, output);
    }
  }, 240_000);
});

describe('where they are', () => {
  /** What is found there of secrets. */
  function search(place: string, content: string | Buffer): string[] {
    expect([place, signs.find(place, content).length > 0]).toEqual([place, true]);
    return hunt.find(place, content);
  }

  async function records(): Promise<string> {
    const texts: string[] = [];
    for await (const { json } of gateway.client.allRecords({})) texts.push(json);
    return texts.join('\n');
  }

  it('in none of the answers, nor in what commands say', () => {
    expect(said.size).toBeGreaterThan(55);
    expect(search('all answers', [...said.values()].join('\n'))).toEqual([]);
    for (const [place, text] of said) expect(hunt.find(place, text)).toEqual([]);
  });

  it('in no record, however it is read', async () => {
    const text = await records();
    // They are there, without their secrets.
    for (const word of ['Kernel command line', 'controller failed', 'dialing', 'NotYetInvented', 'jointoken']) {
      expect(text).toContain(word);
    }
    expect(text.split('[redacted]').length).toBeGreaterThan(12);
    const stream: string[] = [];
    const end = new AbortController();
    const { head } = (await gateway.client.status()).records;
    for await (const item of gateway.client.stream({}, { after: 0 }, end.signal)) {
      if (item.type === 'record') stream.push(item.json);
      if (item.type !== 'interrupted' && item.seq >= head) break;
    }
    end.abort();
    expect(stream.length).toBeGreaterThan(100);
    expect(search('records', text)).toEqual([]);
    expect(search('stream', stream.join('\n'))).toEqual([]);
  }, 240_000);

  it('in nothing that the API shows', async () => {
    const names = ['machines', 'join-tokens', 'status', 'openapi.json'];
    const paths = names.map((name) => ({ ...http('GET', `/v1/${name}`), path: `/v1/${name}` }));
    const answers = await act(gateway.namespace.name, paths);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    for (const [index, { text }] of answers.entries()) expect(search(paths[index]?.path ?? '', text)).toEqual([]);
  });

  it('in no metric and no condition', async () => {
    for (const path of ['metrics', 'healthz', 'readyz']) {
      const text = await gateway.namespace.run(['curl', '-sS', `http://127.0.0.1:9596/${path}`]);
      expect(text).not.toBe('');
      expect(path === 'metrics' ? search(path, text) : hunt.find(path, text)).toEqual([]);
    }
  });

  it('in no argument and no environment of the daemon and what it starts', () => {
    const processes = watch.stop();
    expect(processes).toContain('runner-process');
    const seen = readFileSync(programs.seen, 'latin1');
    for (const command of [`wg set ${gateway.interface} listen-port`, 'nft ', 'ip ']) expect(seen).toContain(command);
    expect(search('processes', processes)).toEqual([]);
    expect(search('programs', seen)).toEqual([]);
  });

  it('in no file, but in the one that is for it; with the daemon running, and after it has ended', async () => {
    const files = () => {
      const state = join(gateway.directory, 'state');
      return new Map(readdirSync(state).map((name) => [name, readFileSync(join(state, name))]));
    };
    const check = () => {
      const all = files();
      for (const [name, content] of all) {
        const here = hunt.find(name, content).map((text) => text.replace(/ \(.*/, ''));
        expect([name, here]).toEqual([name, OWN[name] ?? []]);
      }
      expect(search('all files', Buffer.concat([...all.values()]))).toHaveLength(Object.keys(OWN).length);
    };
    expect([...files().keys()]).toEqual(
      expect.arrayContaining(['siderolinkd.db', 'siderolinkd.db-wal', ...Object.keys(OWN)]),
    );
    check();
    expect(await gateway.end('SIGTERM')).toBe(0);
    check();
  }, 240_000);

  it('in no line of the log, which tells everything', () => {
    expect(gateway.log).toContain('"level":"debug"');
    expect(gateway.log.length).toBeGreaterThan(5_000);
    expect(search('log', gateway.log)).toEqual([]);
  });

  it('nowhere, of so many, in so much', () => {
    expect(hunt.names.size).toBeGreaterThan(60);
    expect(hunt.searched).toBeGreaterThan(1_000_000);
  });
});
