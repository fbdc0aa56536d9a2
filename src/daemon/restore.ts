import { chmodSync, closeSync, constants, copyFileSync, existsSync, fsyncSync, openSync, renameSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
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

export interface RestoreDeps {
  readonly load: (options: { readonly config?: string }) => Config;
  readonly print: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** `restore FILE`: makes of an empty state directory the installation that a backup holds. `command` has `--config` already. */
export function restoreCommand(command: Command, { load, print, now }: RestoreDeps): Command {
  return command
    .description('make of an empty state directory the installation that a backup holds; the old host must be off')
    .argument('<file>', 'what `siderolinkctl backup` wrote')
    .action((file: string, options: { readonly config?: string }) => {
      const { overlay, identity, head, restores } = restore(file, load(options).state_dir, now());
      print(
        `overlay     ${overlay.prefix}\nserver      ${overlay.server}\npublic key  ${identity.privateKey.publicKey}`,
      );
      print(`records     up to ${head}\nrestores    ${restores}\n`);
      print(
        'Two hosts with this identity would take the machines from each other: the old one must never start again.',
      );
      print('Where systemd listens for siderolinkd, run `siderolinkd init`; then start it, and make a backup.');
    });
}

/**
 * The database comes last, by a rename, and nothing starts before it is there: whenever this is cut off, it is done again
 * from the beginning with the same backup.
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
