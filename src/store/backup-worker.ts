import { createHash } from 'node:crypto';
import { chmodSync, closeSync, fdatasyncSync, openSync, readSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import Database, { SqliteError } from 'better-sqlite3';
import { errorCode, errorMessage, SiderolinkError } from '../domain/errors.ts';
import { type BackupFacts, type BackupJob, type BackupResult, IDENTITY_TABLE } from './backup.ts';
import { isDamage } from './damaged.ts';
import { openReader } from './database.ts';

const HASHED_AT_ONCE = 1024 * 1024;
const SYNCED_STEPS = 4;

async function backUp(job: BackupJob): Promise<BackupFacts> {
  refuseStopped(job);
  closeSync(openSync(job.target, 'wx', 0o600));
  // A file of the umask's making is not enough to hold a private key.
  chmodSync(job.target, 0o600);
  await copy(job);
  refuseStopped(job);
  addIdentity(job);
  refuseStopped(job);
  refuseDamaged(job);
  return { bytes: statSync(job.target).size, sha256: digestOf(job) };
}

/** Steps over one snapshot: without it, each commit of the writer would make SQLite begin from the first page again. */
async function copy(job: BackupJob): Promise<void> {
  const { source, target, stepPages, maxWalBytes, reserveBytes } = job;
  const db = openReader(source);
  const fd = openSync(target, 'r+');
  try {
    db.exec('begin');
    // A transaction begins with its first read.
    db.prepare('select next_seq from log_state').get();
    const bytes = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
    if (freeBytes(target) < bytes + reserveBytes) throw noRoom(bytes + reserveBytes);
    const walBefore = walBytes(source);
    let steps = 0;
    await db.backup(target, {
      progress: () => {
        refuseStopped(job);
        if (walBytes(source) - walBefore > maxWalBytes) throw tooBusy(maxWalBytes);
        if (freeBytes(target) < reserveBytes / 2) throw noRoom(reserveBytes);
        steps += 1;
        // What lies unwritten in memory is what the next commit of the writer would wait for.
        if (steps % SYNCED_STEPS === 0) fdatasyncSync(fd);
        return stepPages;
      },
    });
  } finally {
    closeSync(fd);
    db.close();
  }
}

function addIdentity({ target, identity }: BackupJob): void {
  const db = new Database(target);
  try {
    // The copy says of itself that it has a WAL: it is to be one file.
    db.pragma('journal_mode = delete');
    db.exec(`drop table if exists ${IDENTITY_TABLE}`);
    db.exec(`create table ${IDENTITY_TABLE} (name text primary key, content text not null) strict`);
    const insert = db.prepare(`insert into ${IDENTITY_TABLE} values (?, ?)`);
    for (const [name, content] of identity) insert.run(name, content);
  } finally {
    db.close();
  }
}

/**
 * A copy has the damage of what it was made of, and no restore would take it: who makes backups is to know that while there
 * are older ones.
 */
function refuseDamaged({ target }: BackupJob): void {
  const db = new Database(target, { readonly: true });
  try {
    const check = String(db.pragma('quick_check(1)', { simple: true }));
    if (check !== 'ok') throw new SqliteError(check.trim(), 'SQLITE_CORRUPT');
  } finally {
    db.close();
  }
}

function digestOf(job: BackupJob): Buffer {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(HASHED_AT_ONCE);
  const fd = openSync(job.target, 'r');
  try {
    for (;;) {
      refuseStopped(job);
      const length = readSync(fd, buffer);
      if (length === 0) return hash.digest();
      hash.update(buffer.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}

function refuseStopped({ stop }: BackupJob): void {
  if (Atomics.load(stop, 0) !== 0) throw new SiderolinkError('unavailable', 'the backup was given up');
}

function walBytes(source: string): number {
  return statSync(`${source}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

function freeBytes(file: string): number {
  const { bavail, bsize } = statfsSync(dirname(file));
  return bavail * bsize;
}

function noRoom(bytes: number): SiderolinkError {
  return new SiderolinkError(
    'storage',
    `a backup needs ${Math.ceil(bytes / 2 ** 20)} MiB of free space beside the store`,
  );
}

function tooBusy(bytes: number): SiderolinkError {
  const what = `${Math.ceil(bytes / 2 ** 20)} MiB were written while the backup was made`;
  return new SiderolinkError('exhausted', `${what}, the most that may be; try again when less is`);
}

const post = (result: BackupResult): void => parentPort?.postMessage(result);
try {
  const { bytes, sha256 } = await backUp(workerData as BackupJob);
  post({ kind: 'done', bytes, sha256 });
} catch (error) {
  if (isDamage(error)) post({ kind: 'damaged', why: errorMessage(error) });
  else {
    const isDisk = error instanceof SqliteError || (error as NodeJS.ErrnoException).syscall !== undefined;
    post({ kind: 'failed', code: isDisk ? 'storage' : errorCode(error), message: errorMessage(error) });
  }
}
