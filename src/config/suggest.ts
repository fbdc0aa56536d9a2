import type { Path } from './source.ts';
import { schemaAt, shapeOf } from './tree.ts';

/** What to say of a key that the section at `path` does not have. */
export function unknownKeyMessage(schema: unknown, path: Path, key: string): string {
  const known = Object.keys(shapeOf(schemaAt(schema, path)) ?? {});
  const near = nearest(key, known);
  return near === undefined ? `unknown key; known here: ${known.join(', ')}` : `unknown key; did you mean ${near}?`;
}

/** The word that is at most a third of its letters away, the nearest first. */
function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase().slice(0, 64), candidate);
    if (distance < bestDistance && distance <= Math.ceil(candidate.length / 3)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein: how many letters must be added, removed or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
