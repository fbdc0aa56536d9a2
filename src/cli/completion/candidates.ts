import type { JoinToken, Machine } from '../../client/api.ts';
import { printable } from '../text.ts';
import type { Candidate, Line, Source } from './line.ts';

/** What the daemon is asked for. */
export interface Knows {
  machines(): Promise<readonly Machine[]>;
  tokens(): Promise<readonly JoinToken[]>;
}

/** The candidates for a line that begin with what was typed, each once. @throws whatever `knows` throws */
export async function candidatesOf(line: Line, knows: Knows): Promise<readonly Candidate[]> {
  const { wanted, typed, lead } = line;
  if (wanted.kind === 'files') return [];
  const all = wanted.kind === 'words' ? wanted.words : await fromDaemon(wanted.source, line, wanted.before, knows);
  const unique = new Map<string, Candidate>();
  for (const candidate of all) {
    const { value } = candidate;
    // What a shell could not take as one word of plain text is not offered.
    if (!value.startsWith(typed) || printable(value) !== value || value.includes('\t')) continue;
    if (!unique.has(value)) unique.set(value, { value: `${lead}${value}`, about: oneLine(candidate.about) });
  }
  return [...unique.values()];
}

async function fromDaemon(
  source: Source,
  { path, typed }: Line,
  before: readonly string[],
  knows: Knows,
): Promise<readonly Candidate[]> {
  switch (source) {
    case 'machine':
      return machineCandidates(await knows.machines(), path, typed, before);
    case 'token-id':
      return (await knows.tokens())
        .filter(({ state }) => fitsToken(path, state))
        .map(({ id, name, state }) => ({ value: id, about: name === '' ? state : `${name}, ${state}` }));
    case 'owner': {
      const owners = (await knows.machines()).flatMap(({ owner }) => (owner === undefined ? [] : [owner]));
      const none = path === 'machine list' ? [{ value: '_', about: 'machines without an owner' }] : [];
      return [...none, ...owners.toSorted().map((value) => ({ value, about: '' }))];
    }
    case 'service': {
      const names = (await knows.machines()).flatMap(({ services }) => Object.keys(services));
      return names.toSorted().map((value) => ({ value, about: '' }));
    }
  }
}

/** The states in which a machine can be meant by a command; all for those that are not here. */
const STATES: Readonly<Record<string, readonly Machine['state'][]>> = {
  'machine accept': ['pending', 'provisional', 'rejected'],
  'machine readmit': ['removed'],
  'machine reject': ['known', 'pending', 'accepted', 'provisional', 'expired'],
  'machine remove': ['known', 'pending', 'accepted', 'rejected', 'provisional', 'expired'],
};

/** UUIDs, told apart by hostname and state; hostnames for who began to type one. */
function machineCandidates(
  machines: readonly Machine[],
  path: string,
  typed: string,
  before: readonly string[],
): readonly Candidate[] {
  const states = STATES[path];
  const fitting = machines.filter(
    ({ state, server_uuid, hostname }) =>
      (states?.includes(state) ?? true) && !before.includes(server_uuid) && !before.includes(hostname ?? ''),
  );
  const uuids = fitting.map(({ server_uuid, hostname, state }) => ({
    value: server_uuid,
    about: `${hostname ?? 'no hostname'}, ${state}`,
  }));
  if (typed === '') return uuids;
  const names = fitting.flatMap(({ server_uuid, hostname, state }) =>
    hostname === null || hostname === '' ? [] : [{ value: hostname, about: `${server_uuid}, ${state}` }],
  );
  return [...names, ...uuids];
}

function fitsToken(path: string, state: JoinToken['state']): boolean {
  if (path === 'token revoke') return state !== 'revoked';
  if (path === 'token rotate') return state === 'valid';
  if (path === 'token delete') return state === 'revoked' || state === 'expired';
  return true;
}

function oneLine(text: string): string {
  return printable(text).replaceAll('\t', ' ');
}
