import { SiderolinkError } from '../domain/errors.ts';
import { type EventStatus, NO_STATUS } from '../domain/status.ts';
import { WATCHED, type Watched } from '../domain/status-change.ts';
import type { LostMachine } from './types.ts';

/** What the last `link.up` or `link.down` record of a machine said, and of which boot. */
export interface ToldLink {
  readonly boot: number;
  readonly state: 'up' | 'down';
}

/** Where a machine's packets came from, in one boot. */
export interface SeenEndpoint {
  readonly boot: number;
  /** `host:port`, UDP. */
  readonly endpoint: string;
}

/** What is kept of a machine's status. Times are milliseconds since the epoch. */
export interface StatusEntry {
  status: EventStatus;
  firstSeen: number | null;
  lastSeen: number | null;
  lost: LostMachine | null;
  /** What the stream was told last of its link; undefined if nothing. */
  link: ToldLink | undefined;
  /** Where it was when the stream was told of its link last; undefined where nobody knows, or behind a relay of ours. */
  endpoint: SeenEndpoint | undefined;
  /** The Talos version that the stream was told last; undefined where nobody knows. */
  talosVersion: string | null | undefined;
  /** What has changed and is in no `machine.changed` record yet. */
  untold: ReadonlySet<Watched>;
}

/** A status row in the registry, as JSON. */
interface StatusDoc {
  readonly status: Partial<EventStatus>;
  readonly first_seen?: number | null;
  readonly last_seen: number | null;
  readonly lost?: LostMachine;
  readonly link?: ToldLink;
  readonly endpoint?: SeenEndpoint;
  readonly talos_version?: string | null;
  readonly untold?: readonly string[];
}

export function newEntry(): StatusEntry {
  return {
    status: NO_STATUS,
    firstSeen: null,
    lastSeen: null,
    lost: null,
    link: undefined,
    endpoint: undefined,
    talosVersion: undefined,
    untold: NOTHING,
  };
}

/** Shared by all machines that have nothing to tell: which is most of them, most of the time. */
export const NOTHING: ReadonlySet<Watched> = new Set();

export function entryText({
  status,
  firstSeen,
  lastSeen,
  lost,
  link,
  endpoint,
  talosVersion,
  untold,
}: StatusEntry): string {
  const doc: StatusDoc = {
    status,
    first_seen: firstSeen,
    last_seen: lastSeen,
    ...(lost !== null && { lost }),
    ...(link !== undefined && { link }),
    ...(endpoint !== undefined && { endpoint }),
    ...(talosVersion !== undefined && { talos_version: talosVersion }),
    ...(untold.size > 0 && { untold: [...untold] }),
  };
  return JSON.stringify(doc);
}

/** Rows of older releases have less. @throws SiderolinkError `storage` for a row that is no JSON */
export function parseEntry(row: { readonly machine: number; readonly doc: string }): StatusEntry {
  const doc = parse(row);
  const { sequence = null } = doc.status;
  return {
    status: {
      ...NO_STATUS,
      ...doc.status,
      sequence:
        sequence === null ? null : { ...sequence, error: sequence.error ?? null, since: sequence.since ?? null },
    },
    firstSeen: doc.first_seen ?? doc.last_seen,
    lastSeen: doc.last_seen,
    lost: doc.lost ?? null,
    link: doc.link,
    endpoint: doc.endpoint,
    talosVersion: doc.talos_version,
    untold: doc.untold === undefined ? NOTHING : new Set(WATCHED.filter((name) => doc.untold?.includes(name))),
  };
}

function parse(row: { readonly machine: number; readonly doc: string }): StatusDoc {
  try {
    return JSON.parse(row.doc) as StatusDoc;
  } catch (cause) {
    throw new SiderolinkError('storage', 'a status in the registry is not JSON', { machine: row.machine }, { cause });
  }
}
