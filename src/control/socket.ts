import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';

// sun_path is 108 bytes with its terminator (unix(7)); a longer path would be cut or refused without saying why.
const MAX_PATH_BYTES = 107;

/**
 * Makes way for a socket: its directory exists (0750 if it is made here) and nothing is at the path. A socket that
 * nobody listens on, left by a killed process, is removed; a live one and anything that is no socket are not.
 *
 * @throws SiderolinkError `configuration`, or `conflict` when another process listens there
 */
export async function prepareSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new SiderolinkError('configuration', `control.socket is longer than ${MAX_PATH_BYTES} bytes: ${path}`);
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o750 }).catch((error) => {
    throw new SiderolinkError(
      'configuration',
      `cannot make ${dirname(path)}: ${errorMessage(error)}`,
      {},
      { cause: error },
    );
  });
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw new SiderolinkError('configuration', `control.socket ${path} exists and is no socket; move it away`);
  }
  if (await answers(path)) {
    throw new SiderolinkError('conflict', `another process listens on ${path}; is siderolinkd running already?`);
  }
  await unlink(path).catch(() => undefined);
}

/** The directory guards the socket until this has run; afterwards both do. */
export async function guardSocket(path: string): Promise<void> {
  await chmod(path, 0o660);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (live: boolean) => {
      socket.destroy();
      resolve(live);
    };
    socket.once('connect', () => done(true));
    // Only a refusal proves that nobody listens: a full backlog (EAGAIN) or no permission does not.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}
