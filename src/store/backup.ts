import { rmSync } from 'node:fs';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, SiderolinkError } from '../domain/errors.ts';
import { damaged, MEND } from './damaged.ts';

/** In a backup alone: what belongs to an installation beside its database, a row a file. */
export const IDENTITY_TABLE = 'backup_identity';

const MIB = 1024 * 1024;

export interface BackupLimits {
  /** Bytes that the WAL may grow by while the copy is made: what is copied keeps it from being begun anew. */
  readonly maxWalBytes: number;
  /** Bytes that must stay free on the disk beside the copy, for the store itself. */
  readonly reserveBytes: number;
  /** Pages copied in one step. */
  readonly stepPages: number;
}

const BACKUP_DEFAULTS: BackupLimits = { maxWalBytes: 2048 * MIB, reserveBytes: 256 * MIB, stepPages: 256 };

export interface BackupOptions extends Partial<BackupLimits> {
  /** Where the copy is made, 0600. A file that is there is replaced. */
  readonly target: string;
  /** By name, what goes into the copy beside the database. */
  readonly identity: ReadonlyMap<string, string>;
}

export interface BackupFacts {
  readonly bytes: number;
  readonly sha256: Buffer;
}

/** What the thread is given. */
export interface BackupJob extends BackupLimits {
  readonly source: string;
  readonly target: string;
  readonly identity: ReadonlyMap<string, string>;
  /** Not zero once the copy is not wanted any more. */
  readonly stop: Int32Array;
}

/** What the thread says last. */
export type BackupResult =
  | { readonly kind: 'done'; readonly bytes: number; readonly sha256: Uint8Array }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'damaged'; readonly why: string };

/**
 * Copies a database that is being written to: everything that was committed when it began, and nothing that came later.
 * A thread of its own does it, so nobody waits; the copy is one file, without a WAL. Leaves nothing behind if it fails.
 *
 * @throws SiderolinkError `storage` (no room, disk errors), DamageError for a store that is damaged, `exhausted` if too much is written meanwhile, `unavailable`
 * when the signal aborts
 */
export async function makeBackup(source: string, options: BackupOptions, signal: AbortSignal): Promise<BackupFacts> {
  const { target } = options;
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const job: BackupJob = { ...BACKUP_DEFAULTS, ...options, source, stop };
  const cancel = () => void Atomics.store(stop, 0, 1);
  removeBackup(target);
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    const result = await run(job);
    if (result.kind === 'done') return { bytes: result.bytes, sha256: Buffer.from(result.sha256) };
    if (result.kind === 'failed') throw new SiderolinkError(result.code, result.message);
    throw damaged(`${result.why}: a copy could not be restored: keep those that you have, ${MEND}`);
  } catch (error) {
    removeBackup(target);
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** Removes a copy, also one that was begun, with what SQLite keeps beside it. */
export function removeBackup(target: string): void {
  rmSync(target, { force: true });
  removeSideFiles(target);
}

/** Removes what SQLite keeps beside a database, and would take for a part of it. */
export function removeSideFiles(database: string): void {
  for (const suffix of ['-journal', '-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true });
}

/** Resolves when the thread has ended, so that nothing writes any more. */
function run(job: BackupJob): Promise<BackupResult> {
  return new Promise((resolve, reject) => {
    const module = new URL(`./backup-worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(module, { name: 'siderolinkd-backup', workerData: job });
    let result: BackupResult | undefined;
    worker.once('message', (message: BackupResult) => {
      result = message;
    });
    worker.once('error', (error) => reject(ended(error.message, error)));
    worker.once('exit', (code) => (result === undefined ? reject(ended(`exit code ${code}`)) : resolve(result)));
  });
}

function ended(why: string, cause?: unknown): SiderolinkError {
  return new SiderolinkError('storage', `the backup thread ended: ${why}`, {}, { cause });
}
