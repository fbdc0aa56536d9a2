import { readFileSync } from 'node:fs';
import { parseConfig } from '../../../src/config/config.ts';
import { environmentSource } from '../../../src/config/environment.ts';
import { lifetime, readChain } from '../../../src/domain/certificate.ts';
import { controlTokenLine, parseControlTokens } from '../../../src/domain/control-token.ts';
import { parseDump } from '../../../src/wireguard/dump.ts';
import type { Dice } from '../dice.ts';
import { must, orRefused, type Target } from '../fuzzer.ts';

const KEY = 'TNgY2CPVCL1pVYVB5BkHtwm8nQM4pYBTHGNwMGrM0ic=';
const PRIVATE_KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';

/** What `wg show … dump` prints: read, or refused without a word of the private key. */
export const wgDumps: Target = {
  name: 'wg-dumps',
  share: 40,
  words: ['\t', '\n', '(none)', 'off', KEY, '0', '[fd00::1]:51820', 'fd00::2/128'],
  outcomes: ['taken', 'refused'],
  generate: (dice) => {
    const peer = () =>
      [
        ...[dice.chance(0.9) ? dice.bytes(32).toString('base64') : dice.text(44), '(none)'],
        ...[
          dice.pick(['(none)', '10.0.0.1:5', '[fd00::1]:51820']),
          dice.pick(['(none)', 'fd00::2/128', 'fd00::2/128,10.0.0.0/8']),
        ],
        ...[dice.int(0, 2 ** 31), dice.int(0, 2 ** 40), dice.pick([0, -1, 'x', 1.5, 10]), dice.pick(['off', 25])],
      ].join('\t');
    return Buffer.from(`${PRIVATE_KEY}\t${KEY}\t51820\toff\n${dice.list(8, peer).join('\n')}\n`);
  },
  begin: () => (input) => {
    const device = orRefused(
      () => parseDump(input.toString('utf8')),
      ({ message }) => must(!message.includes(PRIVATE_KEY), 'no refusal repeats the key'),
    );
    if (device === undefined) return 'refused';
    for (const peer of device.peers.values()) {
      must(
        peer.publicKey.length === 44 && peer.rxBytes >= 0 && Number.isInteger(peer.latestHandshake),
        'a peer is whole',
      );
    }
    return 'taken';
  },
};

/** The tokens file: read, or refused with the number of a line and none of its words. */
export const tokenFiles: Target = {
  name: 'token-files',
  share: 40,
  words: ['admin', 'operator', 'reader', ' ', '\t', '\n', '\r\n', '#', 'slc_', 'ab'.repeat(32), '\u0085'],
  outcomes: ['taken', 'refused'],
  generate: (dice) => {
    const line = () =>
      dice.chance(0.1)
        ? dice.text(20)
        : `${dice.pick(['admin', 'operator', 'reader'])} ${dice.bytes(32).toString('hex')} ${dice.pick(['ops', 'a@b', dice.text(5)])}`;
    return Buffer.from(dice.list(dice.chance(0.02) ? 600 : 8, line).join('\n'));
  },
  begin: () => (input) => {
    const text = input.toString('utf8');
    const tokens = orRefused(
      () => parseControlTokens(text),
      ({ code, message, details }) => {
        must(code === 'configuration' && Number(details['line']) >= 1, 'it names a line');
        for (const [word] of text.matchAll(/[\w-]{20,}/g)) must(!message.includes(word), 'no refusal repeats a word');
      },
    );
    if (tokens === undefined) return 'refused';
    const again = parseControlTokens(tokens.map(controlTokenLine).join('\n'));
    must(JSON.stringify(again) === JSON.stringify(tokens), 'what is written is read');
    return 'taken';
  },
};

const EXAMPLE = `api: { listen: '[::]:8081', endpoints: ['192.0.2.1:51820'] }
wireguard: { listen_port: 51820 }
overlay: { firewall: true }
join: { policy: hold, tunnel: off, max_provisional: 64 }
store: { max_age: 30d, max_bytes: 10GiB }
sinks: { redact: ['hunter\\d'] }
`;

/** A configuration file, and a variable of the environment: taken, or every fault told. */
export const configs: Target = {
  name: 'configs',
  share: 3,
  words: [
    'a: &a [*a]',
    '*x',
    '<<: ',
    '&x',
    '!!binary',
    '? ',
    '---\n',
    '%YAML 1.1\n',
    '{',
    '[',
    '"',
    '\t',
    '- ',
    '1e999',
    '.nan',
    '2026-01-01',
    '__proto__: 1\n',
  ],
  outcomes: ['taken', 'refused'],
  seeds: () => [Buffer.from(EXAMPLE), Buffer.from(''), Buffer.from('['.repeat(400)), Buffer.from('{a: '.repeat(400))],
  generate: (dice) => Buffer.from(yamlText(dice)),
  begin: () => (input) => {
    const text = input.toString('utf8');
    const config = orRefused(
      () => parseConfig(text, 'c.yaml'),
      ({ code }) => must(code === 'configuration', 'it is a fault of the configuration'),
    );
    const [name = '', ...value] = text.split('=');
    environmentSource({ SIDEROLINKD__STATE_DIR: text, [`SIDEROLINKD__${name}`]: value.join('=') }).locate(
      [name],
      'value',
    );
    return config === undefined ? 'refused' : 'taken';
  },
};

const SECTIONS = ['api', 'wireguard', 'overlay', 'join', 'store', 'sinks', 'control', 'log', 'nonsense'] as const;
const SETTINGS = [
  'listen',
  'listen_port',
  'max_age',
  'policy',
  'redact',
  'socket',
  'tls',
  'level',
  'x',
  '__proto__',
] as const;

function yamlText(dice: Dice): string {
  const scalar = () =>
    dice.pick(['1', 'on', '30d', '10GiB', "'[::]:1'", '~', '.inf', dice.text(6), '[a, b]', '{ a: 1 }', '&a b', '*a']);
  const section = () =>
    `${dice.pick(SECTIONS)}:\n${dice.list(4, () => `  ${dice.pick(SETTINGS)}: ${scalar()}\n`).join('')}`;
  return dice.list(4, section).join('');
}

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8');
const CERT = fixture('maintenance.pem');
const SERVER_KEY = fixture('maintenance-key.pem');
/** Stands between the certificate and the key in an input. */
const BETWEEN = '\n=====\n';

/** Certificate and key files, PEM around DER: served, or refused without a word of the key. */
export const certificates: Target = {
  name: 'certificates',
  share: 8,
  words: [
    '-----BEGIN CERTIFICATE-----\n',
    '-----END CERTIFICATE-----\n',
    'ENCRYPTED',
    BETWEEN,
    '\r\n',
    '-----BEGIN TRUSTED CERTIFICATE-----',
    CERT,
    SERVER_KEY,
  ],
  outcomes: ['served', 'refused'],
  seeds: () => [Buffer.from(`${CERT}${BETWEEN}${SERVER_KEY}`), Buffer.from(`${CERT}${CERT}${BETWEEN}${SERVER_KEY}`)],
  generate: (dice) => {
    const parts = dice.list(4, () => (dice.chance(0.5) ? CERT : pemOf(dice)));
    return Buffer.from(`${dice.chance(0.5) ? CERT : ''}${parts.join('')}${BETWEEN}${SERVER_KEY}`);
  },
  begin: () => (input, dice) => {
    const [cert = '', key = ''] = input.toString('latin1').split(BETWEEN);
    const chain = orRefused(
      () =>
        readChain({
          certName: 'c',
          keyName: 'k',
          cert,
          key,
          hosts: ['a.example', '::1'],
          hostsFrom: 'api.url',
          roots: [CERT],
        }),
      ({ code, message }) => {
        must(code === 'configuration', 'it is a fault of the configuration');
        must(!key.split('\n').some((line) => line.length > 30 && message.includes(line)), 'no refusal repeats the key');
      },
    );
    if (chain === undefined) return 'refused';
    lifetime(chain, dice.int(0, 2 ** 42));
    return 'served';
  },
};

/** A certificate of which some bytes are others: DER that may be anything, in PEM that is none's fault. */
function pemOf(dice: Dice): string {
  const der = Buffer.from(CERT.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  for (let left = dice.few(10); left >= 0; left -= 1) der[dice.int(0, der.length - 1)] = dice.int(0, 255);
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
