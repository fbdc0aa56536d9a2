import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { errorMessage } from '../domain/errors.ts';
import { configSchema, settings } from './schema.ts';
import type { Path, Problem, Source } from './source.ts';
import { merge, schemaAt } from './tree.ts';

/** `SIDEROLINKD__WIREGUARD__LISTEN_PORT` sets `wireguard.listen_port`. */
const PREFIX = 'SIDEROLINKD__';

interface Origin {
  readonly name: string;
  readonly path: readonly string[];
}

/**
 * What the environment sets. Values are YAML, but where a setting is text and the value is not text in YAML, the value
 * itself is meant: `SIDEROLINKD__API__LISTEN=[::]:8081` needs no second pair of quotes.
 */
export function environmentSource(env: Readonly<Record<string, string | undefined>>): Source {
  const origins: Origin[] = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => ({ name, path: name.slice(PREFIX.length).toLowerCase().split('__') }))
    // The shorter path first, so that a setting wins over its section.
    .sort((a, b) => a.path.length - b.path.length || (a.name < b.name ? -1 : 1));
  const problems: Problem[] = [];
  let value: unknown;
  for (const { name, path } of origins) {
    const text = env[name] ?? '';
    const { parsed, fault } = readValue(text);
    if (typeof parsed !== 'string' && isTextSetting(path)) {
      value = merge(value, nested(path, text));
    } else if (fault === undefined) {
      value = merge(value, nested(path, parsed));
    } else {
      problems.push({ where: `environment ${name}`, path: path.join('.'), message: `not YAML: ${fault}` });
    }
  }
  return {
    value,
    problems,
    locate: (path) => {
      const origin = origins.findLast((candidate) => covers(candidate.path, path));
      return origin === undefined ? undefined : `environment ${origin.name}`;
    },
  };
}

function readValue(text: string): { readonly parsed?: unknown; readonly fault?: string } {
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error !== undefined) return { fault: error.message };
  try {
    return { parsed: document.toJS({ maxAliasCount: 100 }) };
  } catch (thrown) {
    // Aliases of what is not there, or of so much that it is an attack.
    return { fault: errorMessage(thrown) };
  }
}

function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight<unknown>((below, key) => Object.fromEntries([[key, below]]), value);
}

/** Whether what a variable set at `origin` holds the value at `path`. */
function covers(origin: readonly string[], path: Path): boolean {
  return origin.length <= path.length && origin.every((key, index) => key === path[index]);
}

/** Whether the setting takes text and only text; a size, for one, also takes a number. */
function isTextSetting(path: readonly string[]): boolean {
  const schema = schemaAt(configSchema, path) as z.ZodType | undefined;
  if (schema === undefined || typeof settings.get(schema)?.standard !== 'string') return false;
  return !schema.safeParse(1).success && !schema.safeParse(Number.MAX_SAFE_INTEGER).success;
}
