import { SiderolinkError } from '../domain/errors.ts';
import type { Runner } from './runner.ts';

/** `getent`'s exit code for a name that is not there (getent(1)). */
const NOT_FOUND = 2;
/** Members that are asked for by name, each time: each costs a process. */
const MAX_ASKED = 256;

/**
 * The uids of a group's members: those it lists and those whose primary group it is. `undefined` if there is no such
 * group. By `getent`, so that accounts of a directory service count too.
 */
export async function groupMembers(runner: Runner, group: string): Promise<readonly number[] | undefined> {
  const entry = await getent(runner, ['group', group]);
  if (entry === undefined) return undefined;
  const [, , gid = '', members = ''] = entry.trim().split(':');
  const names = new Set(members.split(',').filter((name) => name !== ''));
  const uids = new Set<number>();
  const take = (line: string) => {
    const [name = '', , uid = '', primary] = line.split(':');
    if ((!names.delete(name) && primary !== gid) || !/^\d+$/.test(uid)) return;
    uids.add(Number(uid));
  };
  for (const line of ((await getent(runner, ['passwd'])) ?? '').split('\n')) take(line);
  // A directory service tells whom it is asked for, and lists nobody unless it is told to.
  for (const name of [...names].slice(0, MAX_ASKED)) take((await getent(runner, ['passwd', '--', name])) ?? '');
  return [...uids].sort((a, b) => a - b);
}

async function getent(runner: Runner, args: readonly string[]): Promise<string | undefined> {
  try {
    return await runner.run(['getent', ...args]);
  } catch (error) {
    if (error instanceof SiderolinkError && error.details['exitCode'] === NOT_FOUND) return undefined;
    throw error;
  }
}
