import { chmodSync, closeSync, constants, copyFileSync, existsSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { removeBackup, removeSideFiles } from '../store/backup.ts';
import { prepareRestored, type Restored, readBackup } from '../store/restore.ts';
import {
  ensureStateDir,
  giveAway,
  type Installation,
  loadInstallation,
  lockStateDir,
  readIdentity,
  stateFiles,
  writeIdentity,
} from './state-dir.ts';

/** What a restore came to, and what is to be done next, in words. */
export function restoreReport({ overlay, identity, head, restores }: Installation & Restored): string {
  return `overlay     ${overlay.prefix}
server      ${overlay.server}
public key  ${identity.privateKey.publicKey}
records     up to ${head}
restores    ${restores}

Two hosts with this identity would take the machines from each other: the old one must never start again.
Where systemd listens for siderolinkd, run \`siderolinkd init\`; then start it, and make a backup.`;
}

/**
 * Makes of an empty state directory the installation that a backup holds. The database comes last, by a rename, and nothing
 * starts before it is there: whenever this is cut off, it is done again from the beginning with the same backup.
 *
 * @param now milliseconds since the epoch
 * @throws SiderolinkError `invalid_argument` if the file is no backup, `conflict` if the directory is in use or has
 * another installation, `storage`, `configuration`
 */
export function restore(file: string, directory: string, now: number): Installation & Restored {
  const identity = readBackup(file);
  ensureStateDir(directory);
  const files = stateFiles(directory);
  const release = lockStateDir(directory);
  try {
    if (existsSync(files.database)) {
      throw new SiderolinkError(
        'conflict',
        `${directory} has a database: a restore is for an empty state directory. Move away what is in it, if nothing depends on it`,
      );
    }
    const before = readIdentity(directory).size;
    const isFirst = !existsSync(files.restoring);
    let restored: Restored;
    try {
      restored = stage(file, files.restoring, now);
      sync(directory);
      writeIdentity(directory, identity);
    } catch (error) {
      // The directory is left as it was found, or the daemon does not start in it.
      if (isFirst && readIdentity(directory).size === before) removeBackup(files.restoring);
      throw error;
    }
    const { installationId, privateKey, uniqueTokenKey, authority, restoring, lock } = files;
    giveAway(directory, [installationId, privateKey, uniqueTokenKey, authority, restoring, lock]);
    // Of a database that was removed by hand: SQLite would take it for a part of this one.
    removeSideFiles(files.database);
    renameSync(restoring, files.database);
    sync(directory);
    return { ...loadInstallation(directory), ...restored };
  } finally {
    release();
  }
}

/** A copy of the backup that is ready to be the database, durable under a name that keeps the daemon from starting. */
function stage(file: string, staged: string, now: number): Restored {
  removeSideFiles(staged);
  try {
    copyFileSync(file, staged, constants.COPYFILE_FICLONE);
    chmodSync(staged, 0o600);
  } catch (error) {
    const full = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
    const what = `cannot copy ${file} to ${staged}: ${errorMessage(error)}`;
    throw new SiderolinkError(full ? 'storage' : 'configuration', what, {}, { cause: error });
  }
  const restored = prepareRestored(staged, now);
  sync(staged);
  return restored;
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
