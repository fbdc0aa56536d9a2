import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { type Clash, clashes } from './combinations.ts';
import { environmentSource } from './environment.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';
import { type Path, type Problem, type Source, valueSource, yamlSource } from './source.ts';
import { unknownKeyMessage } from './suggest.ts';
import { deepFreeze, fillEmptySections, merge, without } from './tree.ts';

export { zeroConfig } from './defaults.ts';
export type { Config } from './schema.ts';

/** Where the file is looked for when nothing else is said. */
export const DEFAULT_CONFIG_PATH = '/etc/siderolinkd/config.yaml';

export interface LoadOptions {
  /** The file of `--config`, which must be there. Without it the one at the default path is read, if there is one. */
  readonly path?: string | undefined;
  /** Where to look for `SIDEROLINKD__…`; usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command line says; it wins over file and environment. */
  readonly overrides?: ConfigInput;
  /** Looks for what else is wrong with settings that are right by themselves; told with the rest. */
  readonly inspect?: Inspect;
}

type Inspect = (config: Config) => readonly Clash[];

/**
 * Reads the configuration: file, then environment, then command line, each over the one before.
 *
 * @throws SiderolinkError `configuration`, whose message lists everything that is wrong, a line each
 */
export function loadConfig(options: LoadOptions): Config {
  const path = options.path ?? DEFAULT_CONFIG_PATH;
  const text = readText(path, options.path !== undefined);
  const sources: Source[] = [];
  if (text !== undefined) sources.push(yamlSource(path, text));
  sources.push(environmentSource(options.env));
  if (options.overrides !== undefined) sources.push(valueSource('command line', options.overrides));
  return combine(sources, options.inspect);
}

/** Reads a configuration from a text alone; `name` is what messages call it. @throws SiderolinkError `configuration` */
export function parseConfig(text: string, name = 'configuration'): Config {
  return combine([yamlSource(name, text)]);
}

function readText(path: string, required: boolean): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (!required && code === 'ENOENT') return undefined;
    const reason = code === 'ENOENT' ? 'there is no such file' : errorMessage(error);
    throw new SiderolinkError(
      'configuration',
      `cannot read the configuration ${path}: ${reason}`,
      {},
      { cause: error },
    );
  }
}

function combine(sources: readonly Source[], inspect: Inspect = () => []): Config {
  const problems = sources.flatMap((source) => source.problems);
  const merged = sources.map((source) => source.value).reduce(merge, {});
  const raw = fillEmptySections(merged, configSchema);
  const locate = (path: Path, of: 'key' | 'value') => locateIn(sources, path, of);

  const result = configSchema.safeParse(raw);
  const failed = result.success ? [] : result.error.issues.flatMap((issue) => issueProblems(issue, locate));
  problems.push(...failed);

  // Combinations are judged with defaults in place of what is wrong alone, so that one run tells everything.
  const sound = result.success ? result.data : configSchema.safeParse(withoutIssues(raw, result.error.issues)).data;
  if (sound !== undefined) {
    for (const clash of [...clashes(sound), ...inspect(sound)]) {
      if (clash.paths.some((path) => failed.some((problem) => problem.path.startsWith(path)))) continue;
      const where = clash.paths.map((path) => locate(path.split('.'), 'value')).find((place) => place !== undefined);
      problems.push({ where: where ?? 'defaults', path: clash.paths[0], message: clash.message });
    }
  }
  if (problems.length > 0 || !result.success) throw configurationError(problems);
  return deepFreeze(result.data);
}

/** What is right of it: without the settings that are wrong and the keys that are unknown. */
function withoutIssues(raw: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  return issues.reduce<unknown>((value, issue) => {
    const path = issuePath(issue);
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
    return paths.reduce<unknown>(without, value);
  }, raw);
}

function issuePath(issue: z.core.$ZodIssue): Path {
  return issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
}

function configurationError(problems: readonly Problem[]): SiderolinkError {
  // In the order of the file: places compare as text with numbers in it.
  const sorted = problems.toSorted((a, b) => a.where.localeCompare(b.where, 'en', { numeric: true }));
  const lines = sorted.map(({ where, path, message }) => `  ${where} ${path === '' ? '' : `${path}: `}${message}`);
  const title =
    problems.length === 1 ? 'the configuration has a problem:' : `the configuration has ${problems.length} problems:`;
  return new SiderolinkError('configuration', [title, ...lines].join('\n'), { problems: problems.length });
}

function locateIn(sources: readonly Source[], path: Path, of: 'key' | 'value'): string | undefined {
  for (const source of sources.toReversed()) {
    const place = source.locate(path, of);
    if (place !== undefined) return place;
  }
  return undefined;
}

function issueProblems(
  issue: z.core.$ZodIssue,
  locate: (path: Path, of: 'key' | 'value') => string | undefined,
): readonly Problem[] {
  const path = issuePath(issue);
  if (issue.code !== 'unrecognized_keys') {
    return [{ where: locate(path, 'value') ?? 'defaults', path: dotted(path), message: issue.message }];
  }
  return issue.keys.map((key) => ({
    where: locate([...path, key], 'key') ?? 'configuration',
    path: dotted([...path, key]),
    message: unknownKeyMessage(configSchema, path, key),
  }));
}

/** `publish.nats.servers[1]`. */
function dotted(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}
