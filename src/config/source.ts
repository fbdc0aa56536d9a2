import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { errorMessage } from '../domain/errors.ts';

/** Keys and indexes from the top of the configuration to a setting. */
export type Path = readonly (string | number)[];

/** Something that is wrong with the configuration, and what would be right. */
export interface Problem {
  /** `config.yaml:12:5`, or the environment variable, or the command line. */
  readonly where: string;
  /** `store.max_age`; empty where the text could not be read at all. */
  readonly path: string;
  readonly message: string;
}

/** A piece of configuration that knows where each of its values stands. */
export interface Source {
  readonly value: unknown;
  /** Where the key (`of: 'key'`) or the value stands; undefined if this source has nothing there. */
  locate(path: Path, of: 'key' | 'value'): string | undefined;
  readonly problems: readonly Problem[];
}

/** Reads a YAML text. `name` is what error messages call it. */
export function yamlSource(name: string, text: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const at = (offset: number | undefined) => {
    if (offset === undefined) return name;
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    where: at(error.pos[0]),
    path: '',
    message: error.message,
  }));
  let value: unknown;
  try {
    value = problems.length > 0 ? undefined : (document.toJS({ maxAliasCount: 100 }) as unknown);
  } catch (error) {
    problems.push({ where: name, path: '', message: errorMessage(error) });
  }
  return {
    value,
    problems,
    locate: (path, of) => {
      const last = path.at(-1);
      const parent = document.getIn(path.slice(0, -1), true);
      if (of === 'key' && typeof last === 'string') {
        const pair = isMap(parent) ? parent.items.find((item) => keyOf(item) === last) : undefined;
        return pair === undefined ? undefined : at((pair.key as Node).range?.[0]);
      }
      const node = path.length === 0 ? document.contents : document.getIn(path, true);
      return node === undefined || node === null ? undefined : at((node as Node).range?.[0]);
    },
  };
}

function keyOf(pair: Pair): unknown {
  return isScalar(pair.key) ? pair.key.value : pair.key;
}

/** Values that the program itself or its command line set. */
export function valueSource(name: string, value: unknown): Source {
  return {
    value,
    problems: [],
    locate: (path) => {
      let here: unknown = value;
      for (const key of path) {
        if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
        here = (here as Record<string | number, unknown>)[key];
      }
      return name;
    },
  };
}
