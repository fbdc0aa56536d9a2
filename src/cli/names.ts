import type { Machine } from '../client/api.ts';
import { printable } from './text.ts';

type Named = Pick<Machine, 'server_uuid' | 'hostname'>;

/** So many characters of a UUID are shown at least, and so many of its end where its beginning is another's too. */
const BEGINNING = 8;
const END = 4;

/**
 * A short name for each machine, by UUID: its hostname, or what of its UUID tells it from the others where it has told
 * none, or one that could be taken for another machine's.
 */
export function shortNames(machines: readonly Named[]): ReadonlyMap<string, string> {
  const uuids = machines.map(({ server_uuid }) => server_uuid);
  const beginnings = counted(uuids.map(beginning));
  const end = endLength(uuids);
  const hostnames = counted(machines.map(({ hostname }) => (hostname ?? '').toLowerCase()));
  return new Map(
    machines.map(({ server_uuid, hostname }) => {
      const name = (hostname ?? '').toLowerCase();
      const isOwn = name !== '' && hostnames.get(name) === 1 && !beginnings.has(beginning(name));
      if (isOwn) return [server_uuid, printable(hostname ?? '')];
      const isAlone = beginnings.get(beginning(server_uuid)) === 1;
      return [server_uuid, isAlone ? beginning(server_uuid) : `${beginning(server_uuid)}…${server_uuid.slice(-end)}`];
    }),
  );
}

function beginning(uuid: string): string {
  return uuid.slice(0, BEGINNING);
}

function counted(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** How much of their ends tells all of them apart: UUIDs that vendors number differ there. */
function endLength(uuids: readonly string[]): number {
  let length = END;
  while (length < 36 && new Set(uuids.map((uuid) => uuid.slice(-length))).size < uuids.length) length += 1;
  return length;
}
