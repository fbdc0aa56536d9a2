import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { defaultConfig } from '../../src/config/defaults.ts';
import { configSchema } from '../../src/config/schema.ts';
import { leaves } from '../../src/config/tree.ts';
import { differences, writtenConfig } from '../../src/config/written.ts';

const OTHER = `
state_dir: /srv/x
wireguard: { endpoints: ["[2001:db8::1]:51821", "gw.example.com:51821"] }
api: { listen: "127.0.0.1:0", url: "https://gw.example.com:8081/" }
sinks: { max_line_bytes: 128KiB, redact: ["password=\\\\S+"] }
store: { max_age: 1h30m, events_max_age: 1w }
status: { negative_address_filter: [10.1.2.3/8] }
control: { listen: "[::1]:9000", tokens_file: /etc/tokens, hosts: ["[2001:db8::7]", gw.example.com] }
metrics: { listen: "" }
publish: { nats: { servers: ["nats://a.example:4222"], user: u, password_file: /p } }
`;

describe('a configuration as an operator would write it', () => {
  test.each([
    ['the defaults', ''],
    ['others', OTHER],
    ['the example', readFileSync(new URL('../../config.example.yaml', import.meta.url), 'utf8')],
  ])('reads as the same: %s', (_, text) => {
    const config = parseConfig(text);
    const written = writtenConfig(config);
    expect(parseConfig(JSON.stringify(written))).toEqual(config);
    expect(differences(config, parseConfig(JSON.stringify(written)))).toEqual([]);
  });

  test('has every setting', () => {
    const written = writtenConfig(defaultConfig());
    const has = (path: readonly string[]) =>
      path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], written) !==
      undefined;
    expect([...leaves(configSchema)].filter(({ path }) => !has(path))).toEqual([]);
    expect(written).toMatchObject({ store: { max_age: '30d' }, api: { listen: '[::]:8081', url: '' } });
  });

  test('differs in the settings that are others', () => {
    expect(
      differences(defaultConfig(), parseConfig('api: { tls: { self_signed: true } }\nlog: { level: warn }')),
    ).toEqual(['api.tls.self_signed', 'log.level']);
  });
});
