import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { UnitFile } from '../domain/socket-units.ts';

/** Where an administrator's units and drop-ins live, and scripts/install puts ours. */
export const SYSTEMD_DIR = '/etc/systemd/system';

export interface WrittenUnit {
  readonly path: string;
  readonly what: 'written' | 'unchanged' | 'removed';
}

/**
 * Makes the files what they should be, each whole or not at all. A file that is right already, or that is not there and
 * should not be, is left alone; only the former is told of.
 *
 * @throws SiderolinkError `configuration` if a file cannot be written
 */
export function writeUnits(directory: string, files: readonly UnitFile[]): readonly WrittenUnit[] {
  return files.flatMap(({ path, text }): readonly WrittenUnit[] => {
    const file = join(directory, path);
    try {
      const before = readIfThere(file);
      if (before === text) return text === undefined ? [] : [{ path: file, what: 'unchanged' }];
      if (text === undefined) rmSync(file);
      else write(file, text);
      return [{ path: file, what: text === undefined ? 'removed' : 'written' }];
    } catch (error) {
      const message = `cannot write ${file}: ${errorMessage(error)}; systemd's files are root's, and --no-systemd leaves them alone`;
      throw new SiderolinkError('configuration', message, {}, { cause: error });
    }
  });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Nothing in them is secret, and `systemctl cat` is for everybody, whatever our umask. */
function write(file: string, text: string): void {
  const directory = dirname(file);
  if (mkdirSync(directory, { recursive: true }) !== undefined) chmodSync(directory, 0o755);
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, text);
  chmodSync(temporary, 0o644);
  renameSync(temporary, file);
}
