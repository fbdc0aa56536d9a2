import { stringify } from 'yaml';
import { configSchema, settings } from '../../src/config/schema.ts';
import { leaves } from '../../src/config/tree.ts';

/** The reference page of the configuration, written from the schema. */
export function configReference(): string {
  const sections = new Map<string, string[]>();
  for (const { path, schema } of leaves(configSchema)) {
    const setting = settings.get(schema);
    if (setting === undefined) throw new Error(`${path.join('.')} is not documented`);
    const section = path.length === 1 ? 'Top level' : (path[0] ?? '');
    const rows = sections.get(section) ?? [];
    rows.push(`| \`${path.join('.')}\` | ${setting.kind} | \`${yaml(setting.standard)}\` | ${cell(setting.about)} |`);
    sections.set(section, rows);
  }
  const tables = [...sections].map(
    ([name, rows]) => `## ${name}\n\n| setting | value | default | |\n|---|---|---|---|\n${rows.join('\n')}\n`,
  );
  return `${INTRODUCTION}\n${tables.join('\n')}`;
}

function yaml(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow' }).trim();
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

const INTRODUCTION = `# Configuration

<!-- Written from the schema in src/config/schema.ts by \`npx vitest run test/config -u\`; a test holds them together. -->

The daemon runs without any configuration. It reads, each over the one before:

1. the YAML file given by \`--config\`, or \`/etc/siderolinkd/config.yaml\` if it is there;
2. the environment: \`SIDEROLINKD__WIREGUARD__LISTEN_PORT=51822\` sets \`wireguard.listen_port\`. Values are YAML
   (\`'["a:1", "b:2"]'\`, \`true\`); where a setting is text, the value may stand as it is (\`[::]:8081\`);
3. the command line.

Whatever is wrong is reported at once, each with file, line and column (or the variable), path, and what would be right;
the exit code is 78. \`siderolinkd check-config\` does only that, and opens the files that are named: certificates, keys, tokens and
credentials that cannot be read or are none are told with the rest. An unknown key is an error, and so is a combination that
cannot work: a certificate without its key, two listeners on one port, a control API off loopback without TLS.

Durations are whole numbers with units, the larger first: \`30d\`, \`12h\`, \`1h30m\`, \`250ms\` (w, d, h, m, s, ms). Sizes are
bytes, or have a unit: \`10GiB\`, \`512MiB\` (powers of 1024), \`10GB\` (powers of 1000). An address is \`host:port\`, with
brackets and quotes around IPv6: \`"[::]:8081"\`. Port 0 of a listener takes any free one. An empty text means none.
`;
