import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Config, loadConfig, parseConfig, zeroConfig } from '../../src/config/config.ts';
import { defaultConfig } from '../../src/config/defaults.ts';
import { errorCode, SiderolinkError } from '../../src/domain/errors.ts';

/** What is wrong with a text, a line each. */
function problemsOf(load: () => Config): readonly string[] {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(SiderolinkError);
    expect(errorCode(error)).toBe('configuration');
    const [, ...lines] = (error as Error).message.split('\n');
    return lines.map((line) => line.trim());
  }
  throw new Error('it was accepted');
}

const wrong = (text: string) => problemsOf(() => parseConfig(text, 'c.yaml'));

describe('a file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'config-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const write = (text: string) => {
    const path = join(directory, 'config.yaml');
    writeFileSync(path, text);
    return path;
  };

  test('that was named and is not there is an error', () => {
    const path = join(directory, 'none.yaml');
    expect(() => loadConfig({ path, env: {} })).toThrow(`cannot read the configuration ${path}: there is no such file`);
  });

  test('that is a directory is an error', () => {
    expect(() => loadConfig({ path: directory, env: {} })).toThrow(/cannot read the configuration .*EISDIR/);
  });

  test('that is empty, or has empty sections, means the defaults', () => {
    expect(loadConfig({ path: write(''), env: {} })).toEqual(defaultConfig());
    expect(loadConfig({ path: write('join:\napi:\n  tls:\n'), env: {} })).toEqual(defaultConfig());
  });

  test('is overridden by the environment, and that by the command line', () => {
    const path = write('state_dir: /a\nlog: { level: warn }\njoin: { policy: hold, tunnel: off }\n');
    const config = loadConfig({
      path,
      env: { SIDEROLINKD__STATE_DIR: '/b', SIDEROLINKD__LOG__LEVEL: 'debug', PATH: '/bin' },
      overrides: zeroConfig('/c'),
    });
    expect(config.state_dir).toBe('/c');
    expect(config.control.socket).toBe('/c/control.sock');
    expect(config.log.level).toBe('debug');
    expect(config.join).toMatchObject({ policy: 'hold', tunnel: 'off' });
  });
});

test('values become what the code works with', () => {
  const config = parseConfig(`
wireguard: { endpoints: ["[2001:db8::1]:51821", "gw.example.com:51821"] }
api: { listen: "[::]:0", url: "grpc://gw.example.com:8081/" }
sinks: { max_line_bytes: 128KiB, redact: ["password=\\\\S+"] }
store: { max_age: 1w, max_bytes: 20GB, events_max_age: 36h }
status: { negative_address_filter: [10.1.2.3/8, "2001:db8::ff/32"] }
control: { listen: "127.0.0.1:9000", tokens_file: /etc/tokens }
metrics: { listen: "" }
`);
  expect(config.wireguard.endpoints).toEqual([
    { host: '2001:db8::1', port: 51_821 },
    { host: 'gw.example.com', port: 51_821 },
  ]);
  expect(config.api).toMatchObject({ listen: { host: '::', port: 0 }, url: 'grpc://gw.example.com:8081' });
  expect(config.sinks).toMatchObject({ max_line_bytes: 131_072, redact: ['password=\\S+'] });
  expect(config.store).toMatchObject({ max_age: 604_800_000, max_bytes: 20_000_000_000, events_max_age: 129_600_000 });
  expect(config.status.negative_address_filter).toEqual(['10.0.0.0/8', '2001:db8::/32']);
  expect(config.control.listen).toEqual({ host: '127.0.0.1', port: 9000 });
  expect(config.metrics.listen).toBeNull();
  expect(config.publish.nats.user).toBeNull();
});

test('hosts are names and addresses, with brackets or without', () => {
  const { control } = parseConfig('control: { hosts: [proxy.example, 192.0.2.1, "2001:db8::1", "[2001:db8::2]"] }');
  expect(control.hosts).toEqual(['proxy.example', '192.0.2.1', '2001:db8::1', '2001:db8::2']);
});

test('a configuration cannot be changed afterwards', () => {
  const config = parseConfig('wireguard: { endpoints: ["192.0.2.1:1"] }');
  expect(() => Object.assign(config.store, { max_age: 1 })).toThrow(TypeError);
  expect(() => (config.wireguard.endpoints as unknown[]).push('x')).toThrow(TypeError);
});

test('everything that is wrong is told at once, with its place and what would be right', () => {
  expect(
    wrong(`overlay:
  interface: lo
  bakend: auto
wireguard:
  endpoints: ["0.0.0.0:51821", "192.0.2.1:51821", here]
  listen_port: 99999
store: { max_age: 30 days, max_bytes: 12 }
control:
  listen: "0.0.0.0:80"
api: { tls: { cert_file: /a } }
`),
  ).toEqual([
    'c.yaml:2:14 overlay.interface: "lo" is not the name of an interface: at most 15 of letters, digits, dot, dash and underscore',
    'c.yaml:3:3 overlay.bakend: unknown key; did you mean backend?',
    'c.yaml:5:15 wireguard.endpoints[0]: "0.0.0.0:51821" cannot be dialled; write the address machines reach',
    expect.stringMatching(/^c\.yaml:5:51 wireguard\.endpoints\[2\]: "here" is not host:port; write for example /),
    'c.yaml:6:16 wireguard.listen_port: 99999 is not a whole number from 1 to 65535',
    'c.yaml:7:19 store.max_age: "30 days" is not a duration; write for example 30d, 12h, 1h30m or 250ms',
    'c.yaml:7:39 store.max_bytes: 12B is too small; at least 64MiB',
    'c.yaml:9:11 control.listen: needs control.tokens_file: without tokens nobody may call it',
    'c.yaml:9:11 control.listen: 0.0.0.0:80 is off loopback and needs control.tls.cert_file and control.tls.key_file',
    'c.yaml:10:26 api.tls.cert_file: needs api.tls.key_file too: a certificate and its key come together',
  ]);
});

test.each([
  ['zzz: 1', 'c.yaml:1:1 zzz: unknown key; known here: state_dir, overlay,'],
  ['api: { listen: [::]:8081 }', 'c.yaml:1:'],
  ['api: [1]', 'c.yaml:1:6 api: not a mapping of keys to values'],
  ['- a', 'c.yaml:1:1 not a mapping of keys to values'],
  ['overlay: { firewall: yes }', 'c.yaml:1:22 overlay.firewall: "yes" is neither true nor false'],
  ['join: { policy: all }', 'c.yaml:1:17 join.policy: "all" is none of accept, hold, known'],
  ['join: { policy: }', 'c.yaml:1:17 join.policy: null is none of accept, hold, known'],
  ['publish: { nats: { user: 17 } }', 'c.yaml:1:26 publish.nats.user: 17 is not text; put it in quotes'],
  ['wireguard: { endpoints: 192.0.2.1:1 }', 'c.yaml:1:25 wireguard.endpoints: "192.0.2.1:1" is not a list'],
  ['sinks: { redact: ["("] }', 'c.yaml:1:19 sinks.redact[0]: "(" is not a regular expression'],
  ['sinks: { redact: ["a*"] }', 'c.yaml:1:19 sinks.redact[0]: "a*" matches the empty text'],
  [
    'status: { negative_address_filter: [10.0.0.0] }',
    'c.yaml:1:37 status.negative_address_filter[0]: "10.0.0.0" is not a network',
  ],
  ['api: { url: "http://a:1" }', 'c.yaml:1:13 api.url: "http://a:1" is not grpc://host:port or https://host:port'],
  ['api: { url: "grpc://a" }', 'c.yaml:1:13 api.url: "a" is not host:port'],
  [
    'publish: { nats: { servers: ["nats://u:secret@h:1"] } }',
    'c.yaml:1:30 publish.nats.servers[0]: credentials do not belong in the URL',
  ],
  ['state_dir: ""', 'c.yaml:1:12 state_dir: a path is needed'],
  ['control: { hosts: ["a:1"] }', 'c.yaml:1:20 control.hosts[0]: "a:1" is not a host name or address'],
  ['control: { hosts: [10.0] }', 'c.yaml:1:20 control.hosts[0]: 10 is not a host name or address; put it in quotes'],
  ['control: { hosts: ["10.0"] }', 'c.yaml:1:20 control.hosts[0]: "10.0" is not a host name or address'],
  ['control: { hosts: ["[a]"] }', 'c.yaml:1:20 control.hosts[0]: "[a]" is not a host name or address'],
  ['control: { hosts: proxy }', 'c.yaml:1:19 control.hosts: "proxy" is not a list'],
  ['log: { level: info, level: warn }', 'c.yaml:1:21 Map keys must be unique'],
  ['log: { level: "info }', 'c.yaml:1:'],
  ['a: &x [*x]', 'c.yaml'],
])('%s', (text, expected) => {
  expect(wrong(text)[0]).toContain(expected);
});

test('a password in a URL is not repeated', () => {
  expect(wrong('publish: { nats: { servers: ["nats://u:secret@h:1"] } }').join()).not.toContain('secret');
});

test('the path of a unix socket must fit into its address', () => {
  expect(wrong(`control: { socket: /${'a'.repeat(107)} }`)[0]).toContain('the path has 108 bytes');
  expect(parseConfig(`control: { socket: /${'a'.repeat(106)} }`).control.socket).toHaveLength(107);
});

describe('impossible combinations', () => {
  test.each([
    ['api: { tls: { key_file: /k } }', 'api.tls.key_file: needs api.tls.cert_file too'],
    ['control: { tls: { cert_file: /k } }', 'control.tls.cert_file: needs control.tls.key_file too'],
    [
      'publish: { nats: { tls: { cert_file: /k } } }',
      'publish.nats.tls.cert_file: needs publish.nats.tls.key_file too',
    ],
    [
      'api: { tls: { cert_file: /c, key_file: /k, self_signed: true } }',
      'api.tls.self_signed: excludes api.tls.cert_file',
    ],
    ['api: { url: "grpc://a:1", tls: { self_signed: true } }', 'api.url: tells machines to call in plaintext'],
    ['publish: { nats: { user: u } }', 'publish.nats.user: needs publish.nats.password_file too'],
    ['publish: { nats: { password_file: /p } }', 'publish.nats.password_file: needs publish.nats.user too'],
    [
      'publish: { nats: { token_file: /t, credentials_file: /c } }',
      'publish.nats.credentials_file: excludes publish.nats.token_file',
    ],
    ['sinks: { events_port: 4001 }', 'sinks.events_port: takes port 4001, which sinks.kmsg_port has already'],
    ['api: { listen: "[::]:4002" }', 'api.listen: takes port 4002, which sinks.events_port has already'],
    ['metrics: { listen: "127.0.0.1:8081" }', 'metrics.listen: takes port 8081, which api.listen has already'],
    [
      'tunnel: { packets_per_second: 2000 }',
      'tunnel.machine_packets_per_second: is more than tunnel.packets_per_second (2000)',
    ],
    ['wireguard: { listen_port: 4001 }', 'wireguard.listen_port: takes port 4001, which sinks.kmsg_port has already'],
  ])('%s', (text, expected) => {
    expect(wrong(text)).toEqual([expect.stringContaining(expected)]);
  });

  test('ports on different addresses do not clash', () => {
    const text = 'api: { listen: "192.0.2.1:4001" }\nmetrics: { listen: "127.0.0.1:4001" }';
    expect(parseConfig(text).metrics.listen).toEqual({ host: '127.0.0.1', port: 4001 });
  });

  test('a control listener off loopback needs both, and is right with them', () => {
    expect(wrong('control: { listen: "[2001:db8::1]:9000", tokens_file: /t }')).toEqual([
      expect.stringContaining('is off loopback and needs control.tls.cert_file and control.tls.key_file'),
    ]);
    const text = 'control: { listen: "0.0.0.0:9000", tokens_file: /t, tls: { cert_file: /c, key_file: /k } }';
    expect(parseConfig(text).control.listen).toEqual({ host: '0.0.0.0', port: 9000 });
  });

  test('a control listener on loopback needs tokens and no TLS', () => {
    const text = 'control: { listen: "[::1]:9000", tokens_file: /t }';
    expect(parseConfig(text).control.listen).toEqual({ host: '::1', port: 9000 });
  });
});

describe('the environment', () => {
  const load = (env: Record<string, string>) => loadConfig({ env });

  test('takes YAML, and text as it stands', () => {
    const config = load({
      SIDEROLINKD__WIREGUARD__LISTEN_PORT: '51900',
      SIDEROLINKD__WIREGUARD__ENDPOINTS: '["192.0.2.1:51900"]',
      SIDEROLINKD__API__LISTEN: '[::]:9000',
      SIDEROLINKD__API__URL: '',
      SIDEROLINKD__STATE_DIR: '123',
      SIDEROLINKD__STORE__MAX_BYTES: '70000000',
      SIDEROLINKD__STORE__EVENTS_MAX_BYTES: '2GiB',
      SIDEROLINKD__OVERLAY: '{ backend: userspace, firewall: true }',
      SIDEROLINKD__OVERLAY__FIREWALL: 'false',
    });
    expect(config.wireguard).toMatchObject({ listen_port: 51_900, endpoints: [{ host: '192.0.2.1', port: 51_900 }] });
    expect(config.api).toMatchObject({ listen: { host: '::', port: 9000 }, url: null });
    expect(config.state_dir).toBe('123');
    expect(config.store).toMatchObject({ max_bytes: 70_000_000, events_max_bytes: 2_147_483_648 });
    expect(config.overlay).toMatchObject({ backend: 'userspace', firewall: false, interface: 'siderolink' });
  });

  test('names the variable that is wrong', () => {
    expect(
      problemsOf(() =>
        load({
          SIDEROLINKD__LOG__LEVEL: 'loud',
          SIDEROLINKD__LOG__LEVL: 'info',
          SIDEROLINKD__WIREGUARD__ENDPOINTS: '[',
          SIDEROLINKD__STORE__MAX_AGE: 'soon',
        }),
      ),
    ).toEqual([
      expect.stringContaining('environment SIDEROLINKD__LOG__LEVEL log.level: "loud" is none of'),
      'environment SIDEROLINKD__LOG__LEVL log.levl: unknown key; did you mean level?',
      expect.stringContaining('environment SIDEROLINKD__STORE__MAX_AGE store.max_age: "soon" is not a duration'),
      expect.stringContaining('environment SIDEROLINKD__WIREGUARD__ENDPOINTS wireguard.endpoints: not YAML: '),
    ]);
  });

  test('cannot reach what every object has', () => {
    expect(problemsOf(() => load({ SIDEROLINKD____PROTO____X: '1' }))).toHaveLength(1);
    expect(problemsOf(() => load({ SIDEROLINKD__CONSTRUCTOR: '1' }))).toHaveLength(1);
  });
});
