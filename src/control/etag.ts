import type { Machine, SeenVersion } from '../fleet/types.ts';

/** A machine's version as an ETag. It tells of the registry, not of what its events and link say. */
export function etagOf({ version }: Machine): string {
  return `"${version}"`;
}

/** What `If-Match` asks for: `*` is the version that the machine has when the request comes. */
export function seenVersion(ifMatch: '*' | number | undefined, machine: Machine): SeenVersion {
  return ifMatch === '*' ? machine.version : ifMatch;
}
