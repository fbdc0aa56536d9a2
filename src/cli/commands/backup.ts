import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BackupFile } from '../../client/backup.ts';
import { errorMessage, SiderolinkError } from '../../domain/errors.ts';
import { type Context, printJson } from '../context.ts';

const PROGRESS_MS = 500;

export interface BackupOptions {
  readonly force?: boolean;
}

/** Fetches a backup. What is not whole never has the name that was asked for. */
export async function backup(context: Context, file: string, { force = false }: BackupOptions): Promise<void> {
  if (file === '-') return await toStdout(context);
  refuseExisting(file, force);
  const part = `${file}.part`;
  const handle = await create(part);
  try {
    const given = await fetchTo(context, handle.createWriteStream({ flush: true }));
    refuseExisting(file, force);
    await onDisk(rename(part, file), file);
    await syncDirectory(file);
    tell(context, given, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function toStdout(context: Context): Promise<void> {
  const { rawOut } = context;
  if (context.outIsTty || rawOut === undefined) {
    throw new SiderolinkError('invalid_argument', 'a backup is no text: name a file, or lead the output into one');
  }
  await fetchTo(context, rawOut, { end: false });
  context.err(SECRET);
}

/** @throws SiderolinkError `unavailable` if it breaks off, `internal` if it is not what was announced, `storage` */
async function fetchTo(context: Context, sink: Writable, { end = true } = {}): Promise<BackupFile> {
  const { client, signal, err, errIsTty } = context;
  if (errIsTty) err('the daemon makes a copy…');
  const given = await client.backup(signal);
  const hash = createHash('sha256');
  let bytes = 0;
  let broken: unknown;
  // Whose fault a broken pipe is: what comes from the daemon, or where it goes.
  given.body.once('error', (error) => {
    broken = error;
  });
  const progress = progressOf(context, given.bytes);
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      progress(bytes);
      done(null, chunk);
    },
  });
  try {
    await pipeline(given.body, meter, sink, { signal, end });
  } catch (error) {
    const [code, what] =
      broken === undefined ? ['storage', 'cannot write it'] : ['unavailable', 'the backup broke off'];
    throw new SiderolinkError(
      code as 'storage' | 'unavailable',
      `${what}: ${errorMessage(error)}`,
      {},
      { cause: error },
    );
  } finally {
    if (errIsTty) err('\r\x1b[K');
  }
  if (bytes === given.bytes && hash.digest().equals(given.sha256)) return given;
  throw new SiderolinkError('internal', 'what came is not what the daemon made: its SHA-256 is another');
}

/** How far it is, on a terminal. */
function progressOf({ clock, err, errIsTty }: Context, total: number): (bytes: number) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (bytes) => {
    if (!errIsTty || clock.now() - last < PROGRESS_MS) return;
    last = clock.now();
    err(`\r\x1b[K${mib(bytes)} of ${mib(total)} MiB`);
  };
}

const SECRET = 'it holds the private keys of the installation: whoever reads it can take its place\n';

function tell(context: Context, { bytes, sha256 }: BackupFile, file: string): void {
  if (context.format === 'json') printJson(context, { file, bytes, sha256: sha256.toString('hex') });
  else context.out(`${file}  ${mib(bytes)} MiB  sha256 ${sha256.toString('hex')}\n`);
  context.err(SECRET);
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function refuseExisting(file: string, force: boolean): void {
  if (force || !existsSync(file)) return;
  throw new SiderolinkError('conflict', `${file} is there already; --force writes over it`);
}

/** For its owner alone, from the first byte on. What a command that was killed left is not anybody's any more. */
async function create(part: string): Promise<FileHandle> {
  await onDisk(rm(part, { force: true }), part);
  return await onDisk(open(part, 'wx', 0o600), part);
}

async function syncDirectory(file: string): Promise<void> {
  const directory = await open(dirname(file), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function onDisk<T>(work: Promise<T>, file: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new SiderolinkError('storage', `cannot write ${file}: ${errorMessage(error)}`, {}, { cause: error });
  }
}
