import type { Machine } from '../client/api.ts';
import { printable } from './text.ts';

type Named = Pick<Machine, 'server_uuid' | 'hostname'>;

/** So many characters of a UUID are shown at least. */
const MIN_PREFIX = 8;

/**
 * A short name for each machine, by UUID: its hostname, or what of its UUID tells it from the others where it has told
 * none, or one that could be taken for another machine's.
 */
export function shortNames(machines: readonly Named[]): ReadonlyMap<string, string> {
  const length = prefixLength(machines);
  const prefixes = new Set(machines.map(({ server_uuid }) => server_uuid.slice(0, length)));
  const counts = new Map<string, number>();
  for (const { hostname } of machines) {
    const name = (hostname ?? '').toLowerCase();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map(
    machines.map(({ server_uuid, hostname }) => {
      const name = (hostname ?? '').toLowerCase();
      const isOwn = name !== '' && counts.get(name) === 1 && !prefixes.has(name);
      return [server_uuid, isOwn ? printable(hostname ?? '') : server_uuid.slice(0, length)];
    }),
  );
}

/** How much of their UUIDs tells all of them apart. Sorted, those that are most alike stand side by side. */
function prefixLength(machines: readonly Named[]): number {
  const sorted = machines.map(({ server_uuid }) => server_uuid).toSorted();
  let length = MIN_PREFIX;
  for (const [index, uuid] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before === undefined || before === uuid) continue;
    while (uuid.slice(0, length) === before.slice(0, length)) length += 1;
  }
  return length;
}
