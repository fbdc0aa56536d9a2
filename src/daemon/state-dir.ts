import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { SiderolinkError } from '../domain/errors.ts';
import { PrivateKey } from '../domain/keys.ts';
import { type Overlay, overlayOf } from '../domain/overlay.ts';

/** The files of the state directory. All are 0600 in a directory of 0700. */
export interface StateFiles {
  readonly installationId: string;
  readonly privateKey: string;
  readonly uniqueTokenKey: string;
  readonly database: string;
  readonly lock: string;
}

export function stateFiles(directory: string): StateFiles {
  return {
    installationId: join(directory, 'installation-id'),
    privateKey: join(directory, 'private-key'),
    uniqueTokenKey: join(directory, 'unique-token-key'),
    database: join(directory, 'siderolinkd.db'),
    lock: join(directory, 'lock'),
  };
}

/** Who this installation is: kept for ever, because machines know its addresses and its key. */
export interface Identity {
  readonly installationId: string;
  readonly privateKey: PrivateKey;
  /** Key of the HMAC under which unique tokens are kept. */
  readonly uniqueTokenKey: Buffer;
}

/** The identity with the overlay that follows from it. */
export interface Installation {
  readonly identity: Identity;
  readonly overlay: Overlay;
  /** 8 hex digits of SHA-256 of the installation id: what `Nats-Msg-Id` begins with (DESIGN section 5.3). */
  readonly shortId: string;
}

/** @throws SiderolinkError `configuration` */
export function loadInstallation(directory: string): Installation {
  const identity = loadIdentity(directory);
  const shortId = createHash('sha256').update(identity.installationId).digest('hex').slice(0, 8);
  return { identity, overlay: overlayOf(identity.installationId), shortId };
}

/** Makes the directory if it is missing. @throws SiderolinkError `configuration` */
export function ensureStateDir(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new SiderolinkError('configuration', `cannot make the state directory ${directory}`, {}, { cause: error });
  }
}

/** Reads the identity; what is missing is made and is on disk before this returns. @throws SiderolinkError `configuration` */
export function loadIdentity(directory: string): Identity {
  const files = stateFiles(directory);
  const installationId = readOrMake(files.installationId, () => PrivateKey.generate().reveal());
  const privateKey = readOrMake(files.privateKey, () => PrivateKey.generate().reveal());
  const uniqueTokenKey = readOrMake(files.uniqueTokenKey, () => randomBytes(32).toString('base64'));
  try {
    return {
      installationId,
      privateKey: PrivateKey.parse(privateKey),
      uniqueTokenKey: Buffer.from(uniqueTokenKey, 'base64'),
    };
  } catch (error) {
    throw new SiderolinkError(
      'configuration',
      `${files.privateKey} holds no WireGuard private key`,
      {},
      { cause: error },
    );
  }
}

/** Adopts an existing installation's id or key. @throws SiderolinkError `conflict` if another is there already */
export function adopt(file: string, content: string): void {
  if (readOrMake(file, () => content) !== content.trim()) {
    throw new SiderolinkError(
      'conflict',
      `${file} exists and differs: machines may already depend on it. Use an empty state directory.`,
    );
  }
}

function readOrMake(file: string, make: () => string): string {
  const existing = readIfThere(file);
  if (existing !== undefined) return existing;
  writeOnce(file, `${make()}\n`);
  return readFileSync(file, 'utf8').trim();
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SiderolinkError('configuration', `cannot read ${file}`, {}, { cause: error });
  }
}

/** Whole or not at all, durable, and never over a file that is there: link(2) fails if the name exists. */
function writeOnce(file: string, content: string): void {
  const temporary = `${file}.${process.pid}`;
  try {
    const fd = openSync(temporary, 'w', 0o600);
    writeSync(fd, content);
    fsyncSync(fd);
    closeSync(fd);
    linkSync(temporary, file);
    const directory = openSync(dirname(file), 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    throw new SiderolinkError('configuration', `cannot write ${file}`, {}, { cause: error });
  } finally {
    unlinkIfThere(temporary);
  }
}

function unlinkIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * Holds the state directory for one daemon. An exclusive SQLite transaction is a lock that the kernel takes back
 * however the process ends. Returns its release.
 *
 * @throws SiderolinkError `conflict` if another process holds it
 */
export function lockStateDir(directory: string): () => void {
  const { lock } = stateFiles(directory);
  const database = new Database(lock, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new SiderolinkError('conflict', `another siderolinkd uses ${directory}; stop it first`, {}, { cause: error });
  }
  return () => database.close();
}
