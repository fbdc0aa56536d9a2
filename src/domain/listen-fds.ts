import { SiderolinkError } from './errors.ts';

/** The first descriptor that a service manager hands over: those below are the standard streams. */
const FIRST_FD = 3;
/** More than anybody has reason to hand us; a larger number is a mistake, not a list to walk through. */
const MAX_FDS = 64;

/** What names the sockets that a service manager hands over (sd_listen_fds(3)). */
export const LISTEN_VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const;

/** An open descriptor that came with the process, and what the service manager calls it. */
export interface ListenFd {
  readonly fd: number;
  readonly name: string;
}

/**
 * The sockets that were handed to the process `pid`; none where there is no service manager, or where they are meant for
 * another process, which is how they look to a child of the one that got them. One without a name is called `unknown`.
 *
 * @throws SiderolinkError `configuration` if the variables contradict each other
 */
export function parseListenFds(env: Readonly<Record<string, string | undefined>>, pid: number): readonly ListenFd[] {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env;
  if (forPid === undefined || count === undefined) return [];
  if (!/^\d{1,10}$/.test(forPid)) throw wrong(`LISTEN_PID is ${JSON.stringify(forPid)}, which is no process id`);
  if (Number(forPid) !== pid) return [];
  if (!/^\d{1,10}$/.test(count) || Number(count) > MAX_FDS) {
    throw wrong(`LISTEN_FDS is ${JSON.stringify(count)}, which is no number from 0 to ${MAX_FDS}`);
  }
  const fds = Array.from({ length: Number(count) }, (_, index) => FIRST_FD + index);
  // An empty text is no name at all, not one empty name.
  const given = names === undefined || names === '' ? undefined : names.split(':');
  if (given !== undefined && given.length !== fds.length) {
    throw wrong(`LISTEN_FDNAMES has ${given.length} names for ${fds.length} sockets`);
  }
  return fds.map((fd, index) => ({ fd, name: given?.[index] ?? 'unknown' }));
}

function wrong(what: string): SiderolinkError {
  return new SiderolinkError('configuration', `the sockets that this process was started with: ${what}`);
}
