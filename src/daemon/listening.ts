import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { formatHostPort, type HostPort } from '../domain/host-port.ts';
import type { StartStop } from './lifecycle.ts';

/** What an operator does about the errors that listening meets; for others their own words must do. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there (`ss -lntup` shows which); stop it or choose another port',
  EADDRNOTAVAIL: 'no interface of this host has this address',
  EACCES: 'this user may not listen there; ports below the system’s first free one need CAP_NET_BIND_SERVICE',
  ENOTFOUND: 'this name has no address',
};

/**
 * A part that listens, with errors that an operator can act on; `setting` is what moves it elsewhere. Its `start` rejects
 * with SiderolinkError `unavailable` for errors of a socket, and with all others as they are.
 */
export function listening(setting: string, address: HostPort, part: StartStop): StartStop {
  const start = async () => {
    try {
      await part.start();
    } catch (error) {
      const code = socketErrorCode(error);
      if (code === undefined) throw error;
      const message = `${setting}: cannot listen on ${formatHostPort(address)}: ${ADVICE[code] ?? errorMessage(error)}`;
      throw new SiderolinkError('unavailable', message, { code }, { cause: error });
    }
  };
  return { start, stop: (deadlineMs) => part.stop(deadlineMs) };
}

/** The system's own code of an error, or of what a part's own error is about. */
function socketErrorCode(error: unknown): string | undefined {
  const own = error instanceof SiderolinkError ? error.cause : error;
  const { code, syscall } = (own ?? {}) as NodeJS.ErrnoException;
  return syscall === undefined ? undefined : code;
}
