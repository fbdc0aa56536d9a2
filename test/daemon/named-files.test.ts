import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { namedFiles } from '../../src/daemon/named-files.ts';
import { issueServerCertificate, loadAuthority } from '../../src/daemon/tls/own-authority.ts';
import { controlTokenDigest, controlTokenLine, newControlToken } from '../../src/domain/control-token.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));

const tokenLine = () =>
  controlTokenLine({ role: 'reader', hash: controlTokenDigest(newControlToken()).toString('hex'), name: 'prometheus' });

let directory: string;
const at = (name: string) => join(directory, name);

/** Two pairs, and files that are no use. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'siderolink-named-files-'));
  const authority = loadAuthority(at('authority.pem'), 'test', NOW);
  for (const [name, days] of [
    ['one', 90],
    ['two', 90],
    ['spent', -1],
    ['short', 5],
  ] as const) {
    const { cert, key } = issueServerCertificate(authority, ['gw.example'], NOW - 30 * DAY_MS, NOW + days * DAY_MS);
    await writeFile(at(`${name}.crt`), cert);
    await writeFile(at(`${name}.key`), key);
  }
  await writeFile(at('garbage'), 'nothing\n');
  await writeFile(at('tokens'), tokenLine());
  await writeFile(at('bad-tokens'), `${tokenLine()}\n\nwriter x y\n`);
  await writeFile(at('large'), Buffer.alloc(1_048_577, 0x61));
});
afterAll(() => rm(directory, { recursive: true }));

/** Settings with `@name` for a file of the directory. */
const looked = (text: string) => namedFiles(parseConfig(text.replaceAll('@', `${directory}/`)), NOW);
const wrong = (text: string) => looked(text).problems.map(({ paths, message }) => [paths[0], message]);

const URL_OF = 'url: "https://gw.example:8081"';
const OPEN = 'listen: "127.0.0.1:9000"';
const NATS = 'servers: ["nats://127.0.0.1:4222"]';

describe('files that the configuration names', () => {
  it.each([
    ['nothing', ''],
    ['a pair for the API', `api: { ${URL_OF}, tls: { cert_file: @one.crt, key_file: @one.key } }`],
    [
      'a pair and tokens',
      `control: { ${OPEN}, tokens_file: @tokens, tls: { cert_file: @two.crt, key_file: @two.key } }`,
    ],
    ['what nobody reads: control', 'control: { tokens_file: @none, tls: { cert_file: @none, key_file: @none } }'],
    ['what nobody reads: NATS', 'publish: { nats: { token_file: @none, tls: { ca_file: @garbage } } }'],
    ['a token', `publish: { nats: { ${NATS}, token_file: @garbage } }`],
    [
      'TLS of NATS',
      `publish: { nats: { ${NATS}, tls: { ca_file: @authority.pem, cert_file: @one.crt, key_file: @one.key } } }`,
    ],
  ])('are right: %s', (_, text) => {
    expect(wrong(text)).toEqual([]);
  });

  it.each<[string, string, string, RegExp]>([
    [
      'none there',
      'api: { tls: { cert_file: @none, key_file: @one.key } }',
      'api.tls.cert_file',
      /none cannot be read: ENOENT/,
    ],
    ['a directory', 'api: { tls: { cert_file: @one.crt, key_file: @ } }', 'api.tls.key_file', /cannot be read: EISDIR/],
    [
      'no certificate',
      'api: { tls: { cert_file: @garbage, key_file: @one.key } }',
      'api.tls.cert_file',
      /no certificate/,
    ],
    ['too large', 'api: { tls: { cert_file: @large, key_file: @one.key } }', 'api.tls.cert_file', /1048577 bytes/],
    [
      'another key',
      'api: { tls: { cert_file: @one.crt, key_file: @two.key } }',
      'api.tls.cert_file',
      /does not belong/,
    ],
    ['expired', 'api: { tls: { cert_file: @spent.crt, key_file: @spent.key } }', 'api.tls.cert_file', /expired|valid/],
    ['tokens', `control: { ${OPEN}, tokens_file: @bad-tokens }`, 'control.tokens_file', /bad-tokens: line 3/],
    ['no tokens', `control: { ${OPEN}, tokens_file: @none }`, 'control.tokens_file', /ENOENT/],
    [
      'a password',
      `publish: { nats: { ${NATS}, user: u, password_file: @none } }`,
      'publish.nats.password_file',
      /ENOENT/,
    ],
    [
      'a seed',
      `publish: { nats: { ${NATS}, nkey_seed_file: @garbage } }`,
      'publish.nats.nkey_seed_file',
      /no nkey seed/,
    ],
    [
      'credentials',
      `publish: { nats: { ${NATS}, credentials_file: @garbage } }`,
      'publish.nats.credentials_file',
      /no user cred/,
    ],
    ['a CA', `publish: { nats: { ${NATS}, tls: { ca_file: @garbage } } }`, 'publish.nats.tls.ca_file', /garbage/],
    [
      'another key for NATS',
      `publish: { nats: { ${NATS}, tls: { cert_file: @one.crt, key_file: @two.key } } }`,
      'publish.nats.tls.cert_file',
      /no certificate and its key/,
    ],
  ])('are wrong: %s', (_, text, setting, message) => {
    expect(wrong(text)).toEqual([[setting, expect.stringMatching(message)]]);
  });

  it('are warned about where they work, and somebody will stumble over them', () => {
    const { problems, warnings } = looked(
      'api: { url: "https://other.example:1", tls: { cert_file: @short.crt, key_file: @short.key } }',
    );
    expect(problems).toEqual([]);
    const messages = warnings.map(({ paths, message }) => `${paths[0]}: ${message}`).join('\n');
    expect(messages).toMatch(/^api\.tls\.cert_file: .*not for other\.example/m);
    expect(messages).toMatch(/expires/);
  });
});

describe('check-config', () => {
  const check = async (text: string) => {
    const file = at('config.yaml');
    await writeFile(file, text.replaceAll('@', `${directory}/`));
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'check-config', '--config', file]);
      return { code: 0, said: stdout };
    } catch (error) {
      const { code, stderr } = error as { code: number; stderr: string };
      return { code, said: stderr };
    }
  };

  it('tells all that is wrong at once, with the line of each setting', async () => {
    const { code, said } = await check(
      'api:\n  tls:\n    cert_file: @one.crt\n    key_file: @two.key\nlog: { level: loud }\ncontrol:\n  listen: "127.0.0.1:9000"\n  tokens_file: @none\n',
    );
    expect(code).toBe(78);
    expect(said).toMatch(/has 3 problems/);
    expect(said).toMatch(/config\.yaml:3:16 api\.tls\.cert_file: .*does not belong/);
    expect(said).toMatch(/config\.yaml:5:15 log\.level/);
    expect(said).toMatch(/config\.yaml:8:16 control\.tokens_file: .*none cannot be read/);
  });

  it('warns, and says that the rest is right', async () => {
    const { code, said } = await check(`api: { ${URL_OF}, tls: { cert_file: @short.crt, key_file: @short.key } }\n`);
    expect(code).toBe(0);
    expect(said).toMatch(/^warning: api\.tls\.cert_file: .*expires.*\n.*config\.yaml is right\.\n$/s);
  });
});
