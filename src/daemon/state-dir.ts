import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import { PrivateKey } from '../domain/keys.ts';
import { type Overlay, overlayOf } from '../domain/overlay.ts';

const UNIQUE_TOKEN_KEY_BYTES = 32;

/** The files of the state directory. All are 0600 in a directory of 0700. */
export interface StateFiles {
  readonly installationId: string;
  readonly privateKey: string;
  readonly uniqueTokenKey: string;
  readonly database: string;
  /** What `restore` has not finished: the daemon does not start beside it. */
  readonly restoring: string;
  /** A backup that is being made. */
  readonly backup: string;
  /** With `api.tls.self_signed`: certificate and key of the authority. */
  readonly authority: string;
  readonly lock: string;
}

export function stateFiles(directory: string): StateFiles {
  return {
    installationId: join(directory, 'installation-id'),
    privateKey: join(directory, 'private-key'),
    uniqueTokenKey: join(directory, 'unique-token-key'),
    database: join(directory, 'siderolinkd.db'),
    restoring: join(directory, 'siderolinkd.db.restoring'),
    backup: join(directory, 'siderolinkd.db.backup'),
    authority: join(directory, 'api-ca.pem'),
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
  /** 8 hex digits of SHA-256 of the installation id. */
  readonly shortId: string;
}

/** @throws SiderolinkError `configuration` */
export function loadInstallation(directory: string): Installation {
  const identity = loadIdentity(directory);
  const shortId = createHash('sha256').update(identity.installationId).digest('hex').slice(0, 8);
  return { identity, overlay: overlayOf(identity.installationId), shortId };
}

/** What `Nats-Msg-Id` begins with: numbers given after a restore are told from those that the lost host gave. */
export function messageIdPrefix({ shortId }: Installation, restores: number): string {
  return restores === 0 ? shortId : `${shortId}.${restores}`;
}

/** Makes the directory if it is missing. @throws SiderolinkError `configuration` */
export function ensureStateDir(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(`cannot make the state directory ${directory}`, error);
  }
}

/**
 * Reads the identity; what is missing is made and is on disk before this returns. Not beside a database: its machines
 * know the identity that is missing, and another one would lock them out.
 *
 * @throws SiderolinkError `configuration`
 */
export function loadIdentity(directory: string): Identity {
  const files = stateFiles(directory);
  if (existsSync(files.restoring)) {
    throw new SiderolinkError(
      'configuration',
      `a restore into ${directory} was begun and not finished: run \`siderolinkd restore\` with the backup again`,
    );
  }
  const missing = [files.installationId, files.privateKey, files.uniqueTokenKey].filter((file) => !existsSync(file));
  if (missing.length > 0 && existsSync(files.database)) {
    throw new SiderolinkError(
      'configuration',
      `${directory} has a database but not ${missing.map((file) => basename(file)).join(', ')}: put back what belongs ` +
        'to it (from a backup), or use an empty state directory',
    );
  }
  const installationId = readOrMake(files.installationId, () => PrivateKey.generate().reveal());
  const privateKey = readOrMake(files.privateKey, () => PrivateKey.generate().reveal());
  const uniqueTokenKey = readOrMake(files.uniqueTokenKey, () => randomBytes(UNIQUE_TOKEN_KEY_BYTES).toString('base64'));
  return {
    installationId,
    privateKey: parsePrivateKey(files.privateKey, privateKey),
    uniqueTokenKey: parseUniqueTokenKey(files.uniqueTokenKey, uniqueTokenKey),
  };
}

/** The files that are the identity, by their names in backups and in the directory; not all must be there. */
function identityFiles(directory: string): readonly string[] {
  const { installationId, privateKey, uniqueTokenKey, authority } = stateFiles(directory);
  return [installationId, privateKey, uniqueTokenKey, authority];
}

/** What of the identity is there, as `writeIdentity` takes it. @throws SiderolinkError `configuration` */
export function readIdentity(directory: string): ReadonlyMap<string, string> {
  const contents = identityFiles(directory).map((file) => [basename(file), readIfThere(file)] as const);
  return new Map(contents.flatMap(([name, content]) => (content === undefined ? [] : [[name, content]])));
}

/**
 * Writes the identity of a backup, durably. What is there already must be the same; it is looked at before anything is
 * written, so that two installations never become one.
 *
 * @throws SiderolinkError `conflict`; `invalid_argument` if it is not whole; `storage`, `configuration`
 */
export function writeIdentity(directory: string, identity: ReadonlyMap<string, string>): void {
  const there = readIdentity(directory);
  const other = [...there].filter(([name, content]) => identity.get(name) !== content).map(([name]) => name);
  if (other.length > 0) {
    throw new SiderolinkError(
      'conflict',
      `${directory} has the identity of another installation (${other.join(', ')}). If nothing depends on it, remove ` +
        'these files; else use an empty state directory',
    );
  }
  parsePrivateKey('the backup', identity.get(basename(stateFiles(directory).privateKey)) ?? '');
  parseUniqueTokenKey('the backup', identity.get(basename(stateFiles(directory).uniqueTokenKey)) ?? '');
  for (const file of identityFiles(directory)) {
    const content = identity.get(basename(file));
    if (content !== undefined) adopt(file, content);
  }
}

/** What root makes in the directory of the daemon's user is that user's, or the daemon could not read it. */
export function giveAway(directory: string, files: readonly string[]): void {
  const { uid, gid } = statSync(directory);
  if (process.getuid?.() !== 0 || uid === 0) return;
  for (const file of files) if (existsSync(file)) chownSync(file, uid, gid);
}

function parsePrivateKey(file: string, text: string): PrivateKey {
  try {
    return PrivateKey.parse(text);
  } catch (error) {
    throw new SiderolinkError('configuration', `${file} holds no WireGuard private key`, {}, { cause: error });
  }
}

/** A key that was cut short would still make HMACs, only not those that are stored. */
function parseUniqueTokenKey(file: string, text: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.length === UNIQUE_TOKEN_KEY_BYTES) return key;
  throw new SiderolinkError('configuration', `${file} does not hold ${UNIQUE_TOKEN_KEY_BYTES} bytes in base64`);
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

/** The file's text without the white space around it; a file that is missing is made, 0600, and is on disk before this returns. */
export function readOrMake(file: string, make: () => string): string {
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
    throw unusable(`cannot read ${file}`, error);
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
    throw unusable(`cannot write ${file}`, error);
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
 * @throws SiderolinkError `conflict` if another process holds it, `configuration`, `storage`
 */
export function lockStateDir(directory: string): () => void {
  const { lock } = stateFiles(directory);
  let database: Database.Database | undefined;
  try {
    database = new Database(lock, { timeout: 0 });
    // With a journal in memory nothing is written: a full disk keeps nobody from starting.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') {
      throw new SiderolinkError(
        'conflict',
        `another siderolinkd uses ${directory}; stop it first`,
        {},
        { cause: error },
      );
    }
    throw unusable(`cannot lock ${lock}`, error);
  }
  const held = database;
  return () => void held.close();
}

/** A full disk is the store's trouble and passes; everything else is to be put right by the operator. */
function unusable(what: string, cause: unknown): SiderolinkError {
  const code = (cause as { code?: unknown }).code;
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL';
  return new SiderolinkError(full ? 'storage' : 'configuration', `${what}: ${errorMessage(cause)}`, {}, { cause });
}
