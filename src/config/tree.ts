import { z } from 'zod';
import type { Path } from './source.ts';

/** A mapping of the configuration. */
type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The second over the first; mappings are merged, everything else is replaced. Nothing (null) leaves a mapping alone. */
export function merge(first: unknown, second: unknown): unknown {
  if (second === undefined || (second === null && isTree(first))) return first;
  if (!isTree(first) || !isTree(second)) return second;
  const merged = new Map(Object.entries(first));
  for (const [key, value] of Object.entries(second)) {
    merged.set(key, merged.has(key) ? merge(merged.get(key), value) : value);
  }
  return Object.fromEntries(merged);
}

/** The parts of a section, or undefined where the schema is one of a setting. */
export function shapeOf(schema: unknown): Readonly<Record<string, z.ZodType>> | undefined {
  const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : schema;
  return inner instanceof z.ZodObject ? (inner.shape as Record<string, z.ZodType>) : undefined;
}

/** The schema of a setting or section, or undefined where there is none. */
export function schemaAt(schema: unknown, path: Path): unknown {
  let here: unknown = schema;
  for (const key of path) {
    const shape = shapeOf(here);
    here = shape !== undefined && Object.hasOwn(shape, key) ? shape[key] : undefined;
  }
  return here;
}

/** Every setting of a section, in order. */
export function* leaves(
  schema: z.ZodType,
  path: readonly string[] = [],
): Iterable<{ path: readonly string[]; schema: z.ZodType }> {
  const shape = shapeOf(schema);
  if (shape === undefined) {
    yield { path, schema };
    return;
  }
  for (const [key, part] of Object.entries(shape)) yield* leaves(part, [...path, key]);
}

/** A section with all its keys commented out is null in YAML and means its defaults. */
export function fillEmptySections(value: unknown, schema: unknown): unknown {
  const shape = shapeOf(schema);
  if (shape === undefined) return value;
  if (value === null || value === undefined) return {};
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      fillEmptySections(part, Object.hasOwn(shape, key) ? shape[key] : undefined),
    ]),
  );
}

/** A copy without what stands at the path: a key, or the whole list that an item is in. */
export function without(value: unknown, path: Path): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof key === 'number' || !isTree(value)) return undefined;
  const below = rest.length === 0 ? undefined : without(value[key], rest);
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) =>
      name !== key ? [[name, part]] : below === undefined ? [] : [[name, below]],
    ),
  );
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
