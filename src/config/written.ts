import { formatDuration } from '../domain/duration.ts';
import { formatHostPort, type HostPort } from '../domain/host-port.ts';
import { type Config, configSchema, settings } from './schema.ts';
import { leaves } from './tree.ts';

/** A configuration as an operator would write it, every setting of it: `parseConfig` reads the same from its JSON. */
export function writtenConfig(config: Config): Readonly<Record<string, unknown>> {
  const written: Record<string, unknown> = {};
  for (const { path, schema } of leaves(configSchema)) {
    const section = path.slice(0, -1).reduce<Record<string, unknown>>((tree, key) => {
      tree[key] ??= {};
      return tree[key] as Record<string, unknown>;
    }, written);
    section[path.at(-1) as string] = writtenValue(valueAt(config, path), settings.get(schema)?.kind);
  }
  return written;
}

/** Paths of the settings that are not the same in both, as `api.tls.self_signed`. */
export function differences(one: Config, other: Config): readonly string[] {
  return [...leaves(configSchema)]
    .filter(({ path }) => JSON.stringify(valueAt(one, path)) !== JSON.stringify(valueAt(other, path)))
    .map(({ path }) => path.join('.'));
}

function valueAt(config: Config, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)[key], config);
}

function writtenValue(value: unknown, kind: string | undefined): unknown {
  if (value === null) return '';
  if (Array.isArray(value)) return value.map((item) => writtenValue(item, undefined));
  if (typeof value === 'object') return formatHostPort(value as HostPort);
  return kind === 'duration' ? formatDuration(value as number) : value;
}
